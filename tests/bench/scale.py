"""What a hospital of any size costs on this machine, from its first file to the published report: `make scale PATIENTS=17760`.

Four whole processes, as anybody runs them: `crlm simulate`; `crlm refresh` from nothing; the same after one patient in a thousand
was seen again; the same with nothing new. Of each the processor's seconds, the clock's, the most memory of its largest process and
of all of them together, and of the refreshes every step. Beside them, in the same run, what DuckDB itself needs to read the landed
bytes into a table and to copy the build file: the ratio travels from machine to machine, seconds do not.
"""

import argparse
import csv
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.nights.step_costs import VARIABLE as STEP_COSTS

ONE_IN = 1_000
CRLM = (sys.executable, "-m", "orchestration.command_line")
N_BARE = 2
SIMULATE, FROM_NOTHING = "crlm simulate", "crlm refresh from nothing"
CHANGED, NOTHING_CHANGED = "crlm refresh,", "crlm refresh, nothing changed"
OF_NIGHT = "follow_up_of_night_{}.csv"
BARE = """
import sys, duckdb
read, files, build, copy = sys.argv[1:]
if read == "landed":
    con = duckdb.connect(copy)
    con.execute(f"CREATE TABLE landed AS SELECT filename, content FROM read_blob('{files}')")
    con.close()
elif build:
    con = duckdb.connect()
    con.execute(f"ATTACH '{build}' AS build (READ_ONLY); ATTACH '{copy}' AS copy; COPY FROM DATABASE build TO copy")
"""


@dataclass
class Cost:
    """What one process (and all that it started) cost. Seconds; MB."""

    what: str
    user: float
    sys: float
    wall: float
    largest_mb: int
    together_mb: int | None
    steps: list[dict] = field(default_factory=list)

    @property
    def processor(self) -> float:
        """Seconds of the processor, the system's among them."""
        return self.user + self.sys


def run(what: str, command: Sequence[str], folder: Path, steps: Path | None = None) -> Cost:
    """Run a command on the data folder; it must succeed.

    Raises:
        SystemExit: it did not; what it printed is shown.
    """
    environment = os.environ | {"CRLM_DATA_DIR": str(folder), "PYTHONPATH": str(Path.cwd())}
    if steps is not None:
        steps.unlink(missing_ok=True)
        environment[STEP_COSTS] = str(steps)
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        together = watch.stop()
        if process.returncode:
            printed.seek(0)
            raise SystemExit(f"{what} failed:\n{printed.read()[-4000:]}")
    found = [json.loads(line) for line in steps.read_text().splitlines()] if steps and steps.exists() else []
    return Cost(
        what,
        round(usage.ru_utime, 2),
        round(usage.ru_stime, 2),
        round(time.perf_counter() - start, 2),
        usage.ru_maxrss // 1024,
        together,
        found,
    )


class _Watch:
    """Looks a few times a second at how much memory a process and its descendants hold together (Linux; elsewhere not known)."""

    def __init__(self, pid: int) -> None:
        self.pid, self.most, self.is_over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def stop(self) -> int | None:
        self.is_over.set()
        self.thread.join()
        return self.most // 1024 or None

    def _look(self) -> None:
        while not self.is_over.wait(0.25):
            self.most = max(self.most, sum(_resident_kb(pid) for pid in (self.pid, *_descendants(self.pid))))


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _descendants(child)


def _resident_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def land_changes(folder: Path, night: int) -> int:
    """One patient in a thousand is seen once more, free of disease or not; returns how many."""
    with (folder / "truth" / "patients.csv").open(encoding="utf-8", newline="") as file:
        eligible = [row for row in csv.DictReader(file) if row["is_eligible"] == "True"]
    changed = eligible[night::ONE_IN]
    path = _follow_up(folder) / OF_NIGHT.format(night)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["event_id", "mrn", "event_date", "event_type", "modality", "finding", "sites", "note", "site_words"]
        )
        for number, row in enumerate(changed, start=1):
            day = datetime.date.fromisoformat(row["operation_date"]) + datetime.timedelta(days=60 + number % 30)
            finding, sites = ("definite", "lung") if number % 4 == 0 else ("NED", "")
            looked = [f"N{night}{number:07d}", row["mrn"], f"{day:%m/%d/%Y}", "imaging", "CT", finding, sites, "", ""]
            writer.writerow(looked)
    return len(changed)


def _follow_up(folder: Path) -> Path:
    return folder / "landing" / "simulated_hospital" / "follow_up"


def bare_duckdb(folder: Path, say=print) -> list[Cost]:
    """What DuckDB alone needs to read all landed bytes into a table of a file, and to copy the build file table by table; without the
    one for which the disk has no room."""
    landed, build = folder / "landing" / "simulated_hospital", folder / "build" / "build.duckdb"
    n_landed = sum(path.stat().st_size for path in landed.glob("*/*"))
    costs = []
    for what, read, n_bytes in (
        ("DuckDB reads the landed bytes into a table", "landed", n_landed),
        ("DuckDB copies the build file", "build", build.stat().st_size),
    ):
        if shutil.disk_usage(folder).free < 1.1 * n_bytes:
            say(f"{what}: not measured, the disk has no room for another {n_bytes / 1e9:.1f} GB")
            continue
        copy = folder / "bare.duckdb"
        copy.unlink(missing_ok=True)
        command = [sys.executable, "-c", BARE, read, f"{landed}/*/*", str(build), str(copy)]
        costs.append(run(what, command, folder))
        copy.unlink()
    return costs


class Costs:
    """What was measured so far, kept in the data folder after each process: a country's takes hours, and whatever ends them must not
    take what was found."""

    def __init__(self, folder: Path, say=print) -> None:
        self.file, self.say = folder / "costs.json", say
        if not self.file.exists():
            # whose folder this is, before anything else is in it
            self.file.write_text("[]", encoding="utf-8")
        self.found = [Cost(**one) for one in json.loads(self.file.read_text(encoding="utf-8"))]

    def has(self, begins: str) -> bool:
        """Whether a process whose name begins so was measured."""
        return any(cost.what.startswith(begins) for cost in self.found)

    def note(self, cost: Cost) -> None:
        """Keep and tell it."""
        self.found.append(cost)
        self.file.write_text(json.dumps([asdict(cost) for cost in self.found], indent=1) + "\n", encoding="utf-8")
        memory = f"{cost.largest_mb:,} MB (together {cost.together_mb or 0:,} MB)"
        self.say(f"{cost.what}: {cost.processor:.1f} processor s, {cost.wall:.1f} s by the clock, {memory}")


def measure(n_patients: int, folder: Path, say=print) -> dict:
    """All costs of a hospital of `n_patients` in `folder`, which is empty, or holds what an earlier measurement that was ended left:
    the processes that it had measured are not run again."""
    costs, steps = Costs(folder, say), folder / "steps.jsonl"
    if not costs.has(SIMULATE):
        _keep_only(folder, costs.file.name)
        costs.note(run(SIMULATE, [*CRLM, "simulate", "--patients", str(n_patients), "--out", str(folder)], folder))
    if not costs.has(FROM_NOTHING):
        _keep_only(folder, "landing", "truth", costs.file.name)
        costs.note(run(FROM_NOTHING, [*CRLM, "refresh"], folder, steps))
    if not costs.has(CHANGED):
        if night := len(list(_follow_up(folder).glob(OF_NIGHT.format("*")))):
            say("the night of a few was begun before: what is left of it is done first, not measured")
            run("crlm refresh", [*CRLM, "refresh"], folder)
        n_changed = land_changes(folder, night + 1)
        costs.note(run(f"{CHANGED} {n_changed:,} patients changed", [*CRLM, "refresh"], folder, steps))
    if not costs.has(NOTHING_CHANGED):
        costs.note(run(NOTHING_CHANGED, [*CRLM, "refresh"], folder, steps))
    for cost in [] if costs.has("DuckDB") else bare_duckdb(folder, say):
        costs.note(cost)
    files = [path for path in (folder / "landing").rglob("*") if path.is_file()]
    return {
        "n_patients": n_patients,
        "landed_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "build_mb": round((folder / "build" / "build.duckdb").stat().st_size / 1e6, 1),
        "published_mb": round((folder / "published" / "warehouse.duckdb").stat().st_size / 1e6, 1),
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}, DuckDB {duckdb.__version__}",
        "load_at_the_end": os.getloadavg()[0],
        "costs": [asdict(cost) for cost in costs.found],
    }


def _keep_only(folder: Path, *names: str) -> None:
    """Remove everything else: what a process that was ended left would be taken for done."""
    for path in folder.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def tables(measured: dict) -> tuple[Table, Table]:
    """The whole processes, and the steps of the night from nothing beside those of the night of a few."""
    of_duckdb = [cost["user"] + cost["sys"] for cost in measured["costs"] if cost["what"].startswith("DuckDB")]
    bare = sum(of_duckdb) if len(of_duckdb) == N_BARE else float("nan")
    whole = Table(
        "process",
        "processor s",
        "user",
        "sys",
        "clock s",
        "largest MB",
        "together MB",
        "of DuckDB's",
        title=f"{measured['n_patients']:,} patients, {measured['landed_mb']:,} MB landed, {measured['machine']}",
    )
    for cost in measured["costs"]:
        processor = cost["user"] + cost["sys"]
        whole.add_row(
            cost["what"],
            f"{processor:.1f}",
            f"{cost['user']:.1f}",
            f"{cost['sys']:.1f}",
            f"{cost['wall']:.1f}",
            f"{cost['largest_mb']:,}",
            f"{cost['together_mb'] or 0:,}",
            f"{processor / bare:.1f}",
        )
    nights = [{step["step"]: step for step in cost["steps"]} for cost in measured["costs"] if cost["steps"]]
    by_step = Table(
        "step",
        *(f"{name}, night {number}" for number in (1, 2) for name in ("processor s", "clock s", "MB")),
        title="Steps: the night from nothing, the night of a few",
    )
    everything = sorted(nights[0], key=lambda name: -_processor(nights[0][name]))
    for name in everything:
        cells = []
        for night in nights[:2]:
            step = night.get(name)
            cells += (
                [f"{_processor(step):.1f}", f"{step['wall']:.1f}", f"{step['peak_mb'] or 0:,}"]
                if step
                else ["", "", ""]
            )
        by_step.add_row(name, *cells, *[""] * (6 - len(cells)))
    return whole, by_step


def _processor(step: dict) -> float:
    return step["user"] + step["sys"] + step["children_user"] + step["children_sys"]


def as_markdown(table: Table) -> str:
    """A table of rich as one of Markdown."""
    rows = list(zip(*(list(column.cells) for column in table.columns), strict=True))
    lines = [[str(column.header) for column in table.columns], ["---"] * len(table.columns), *rows]
    return f"{table.title}\n\n" + "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def main() -> None:
    """`python -m tests.bench.scale --patients N [--folder FOLDER] [--out PREFIX] [--keep]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1776)
    parser.add_argument(
        "--folder",
        type=Path,
        help="a folder with room: some 35 kB a patient; default: a temporary one. Data and costs stay in it until all is measured,"
        " and the same command goes on where it was ended",
    )
    parser.add_argument("--out", type=Path, help="writes FILE.json and FILE.md")
    parser.add_argument("--keep", action="store_true", help="leave the data where they are")
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="crlm-scale-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / "costs.json").exists():
        raise SystemExit(f"{folder} is not empty, and holds no costs.json of an earlier measurement")
    console, is_whole = Console(), False
    try:
        measured = measure(told.patients, folder, lambda text: console.print(text, highlight=False))
        is_whole = True
    finally:
        if not told.keep and (is_whole or told.folder is None):
            shutil.rmtree(folder, ignore_errors=True)
    shown = tables(measured)
    for table in shown:
        console.print(table)
    if told.out:
        told.out.with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        told.out.with_suffix(".md").write_text("\n".join(map(as_markdown, shown)), encoding="utf-8")


if __name__ == "__main__":
    main()
