"""What a night costs on DuckDB, on Sail and on Spark, of the same landed files: `make scale-engines PATIENTS=1776`.

Two nights each, as anybody runs them: everything new, and one patient in a thousand seen again. Of each the processor's seconds and the
most memory of the refresh with all that it starts, and of the engine's server, which the test starts, beside it. Spark needs Java and
SPARK_HOME, the folder of the package pyspark.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.scale import CRLM, Cost, _descendants, _processor, _Watch, land_changes, run
from tests.cluster.sail import Server, sail_server
from tests.cluster.spark_server import spark_server

DUCKDB, SAIL, SPARK = "duckdb", "sail", "spark"


@dataclass(frozen=True)
class Night:
    """A refresh, and what the server did for it. Seconds of the processor; MB."""

    engine: str
    what: str
    refresh: Cost
    server_seconds: float
    server_mb: int

    @property
    def models(self) -> float:
        """The processor's seconds of the step in which dbt builds, the server's left out."""
        return sum(_processor(step) for step in self.refresh.steps if step["step"] == "dbt_models")


@contextmanager
def server_of(engine: str, folder: Path) -> Iterator[Server | None]:
    """A server for one night; none for DuckDB."""
    folder.mkdir(parents=True, exist_ok=True)
    if engine == DUCKDB:
        yield None
    elif engine == SAIL:
        with sail_server(folder / "sail.log") as server:
            yield server
    else:
        with spark_server(folder) as server:
            yield server


def night(engine: str, what: str, data: Path, servers: Path) -> Night:
    """One `crlm refresh` of the data folder; DuckDB's settings are those of nobody's environment."""
    with server_of(engine, servers) as server:
        for name in ("CRLM_ENGINE", "CRLM_SPARK"):
            os.environ.pop(name, None)
        if server is None:
            return Night(engine, what, run(what, [*CRLM, "refresh"], data, data / "steps.jsonl"), 0.0, 0)
        os.environ |= {"CRLM_ENGINE": "spark", "CRLM_SPARK": server.address}
        before, watch = _seconds(server.process.pid), _Watch(server.process.pid)
        cost = run(what, [*CRLM, "refresh"], data, data / "steps.jsonl")
        return Night(engine, what, cost, round(_seconds(server.process.pid) - before, 1), watch.stop() or 0)


def _seconds(pid: int) -> float:
    """The processor's seconds of a process, its descendants that are there and those that ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for each in (pid, *_descendants(pid)):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15])) / ticks
    return total


def main() -> None:
    """`python -m tests.bench.engines --patients N [--engines duckdb,sail,spark] [--out FILE]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1776)
    parser.add_argument("--engines", default="duckdb,sail,spark")
    parser.add_argument("--out", type=Path, help="writes FILE.json")
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crlm-engines-"))
    engines, nights = told.engines.split(","), []
    try:
        run("simulate", [*CRLM, "simulate", "--patients", str(told.patients), "--out", str(folder)], folder)
        for what in ("everything new", "one in a thousand changed"):
            if nights:
                land_changes(folder, 1)
            for engine in engines:
                data = folder / engine
                data.mkdir(exist_ok=True)
                if not (data / "landing").exists():
                    (data / "landing").symlink_to(folder / "landing")
                nights.append(night(engine, what, data, folder / f"server of {engine}"))
                one = nights[-1]
                print(
                    f"{told.patients:,} patients, {what}, {engine}: refresh {one.refresh.processor:.0f} processor s (the step dbt_models"
                    f" {one.models:.0f}) and {one.refresh.together_mb:,} MB, server {one.server_seconds:.0f} processor s and"
                    f" {one.server_mb:,} MB, {one.refresh.wall:.0f} s by the clock",
                    flush=True,
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if told.out:
        told.out.with_suffix(".json").write_text(json.dumps([asdict(one) for one in nights], indent=1) + "\n")


if __name__ == "__main__":
    main()
