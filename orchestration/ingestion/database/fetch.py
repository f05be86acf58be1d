"""What is new in a database since the last fetch, as a snapshot in the landing folder."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.model import WITHDRAWN
from orchestration.ingestion.database import fetch_process
from orchestration.ingestion.database.reasons import reason_of
from orchestration.ingestion.field_checks import quoted_name, text_literal
from orchestration.ingestion.landed_names import place_by_name

GRACE_SECONDS = 20
"""What a process may take beyond the query's own time, to start and to write."""
FRESH_SECONDS = 1800
"""A fetch of this process is not done again within this time: a refresh looks for news first, then loads them."""
_done: dict[tuple[Path, str, str, str], tuple[float, "Fetch"]] = {}


@dataclass(frozen=True)
class Fetch:
    """What became of one fetch: the new snapshot (None: nothing new), or the reason why there is none."""

    contract: SourceContract
    path: Path | None = None
    rows: int = 0
    withdrawn: int = 0
    refusal: str | None = None

    @property
    def name(self) -> str:
        """What the ledger calls the source."""
        return f"{self.contract.source_system}/{source_folder(self.contract)}"


def source_folder(contract: SourceContract) -> str:
    """Where its snapshots lie, below the hospital's landing folder."""
    return str(Path(contract.file_pattern).parent.as_posix())


def fetch_sources(
    landing_folder: Path,
    contracts: list[SourceContract],
    feed: str | None = None,
    again: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Fetch]:
    """Fetch every contract with a `source` (of one feed, or all). No failure is raised: each is told in its Fetch."""
    fetches = []
    for contract in contracts:
        if contract.source is None or (feed is not None and contract.feed != feed):
            continue
        key = (landing_folder, contract.source_system, contract.feed, contract.system)
        at, before = _done.get(key, (0.0, None))
        if before is None or again or time.monotonic() - at > FRESH_SECONDS or before.contract != contract:
            progress(f"{contract.source_system}: asking the database for {contract.feed}")
            _done[key] = (time.monotonic(), _fetch(landing_folder, contract))
        fetches.append(_done[key][1])
    return fetches


def _fetch(landing_folder: Path, contract: SourceContract) -> Fetch:
    source = contract.source
    assert source is not None
    if source.secret and not os.environ.get(source.secret):
        return Fetch(contract, refusal=f"the environment variable {source.secret}, which holds the secret, is not set")
    folder = landing_folder / contract.source_system / source_folder(contract)
    part = folder / f".{datetime.now(UTC):%Y%m%dT%H%M%S%f}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob(".*.part"):
            left.unlink()
        last = max(folder.glob("*.parquet"), key=place_by_name, default=None)
        refusal = _ask(contract, _query(contract, last), part)
        return Fetch(contract, refusal=refusal) if refusal else _snapshot(contract, part, last)
    except (duckdb.Error, OSError) as error:
        return Fetch(contract, refusal=f"the rows that were fetched cannot be kept ({type(error).__name__})")
    finally:
        for left in (part, part.with_suffix(".new")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def _query(contract: SourceContract, last: Path | None) -> str:
    source = contract.source
    rows = (
        f"SELECT * FROM ({source.query.strip().rstrip(';')}) AS wanted"
        if source.query
        else f"SELECT * FROM {source.table}"
    )
    if source.watermark is None or last is None:
        return rows
    mark = _metadata(last).get("watermark")
    if mark is None:
        return rows
    # what has the very mark comes again: another row may have been written in the same instant; and what has none, because a
    # database that keeps the time of a change may keep none of a row that was never changed
    name = quoted_name(source.watermark)
    return f"{rows} WHERE {name} >= {text_literal(mark)} OR {name} IS NULL"


def _ask(contract: SourceContract, query: str, part: Path) -> str | None:
    """Why the rows could not be fetched; None when they are in the file."""
    source = contract.source
    request = {
        "kind": source.kind,
        "connection": source.connection,
        "query": query,
        "out": str(part),
        "timeout": source.timeout_seconds,
        "time_zone": source.time_zone,
    }
    environment = dict(os.environ)
    if source.secret:
        environment[fetch_process.SECRET] = environment.pop(source.secret)
    try:
        done = subprocess.run(
            # by its path: as a module it would have the whole of ingestion imported, which takes longer than many a query
            [sys.executable, "-P", str(fetch_process.__file__)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=source.timeout_seconds + GRACE_SECONDS,
            cwd=Path(__file__).parents[3],
        )
        answer = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    except subprocess.TimeoutExpired:
        return reason_of("statement timeout", "", source.secret, source.timeout_seconds)
    except json.JSONDecodeError:
        answer = {}
    if "rows" in answer:
        return None
    kind = answer.get("kind", f"the driver ended with status {done.returncode}")
    return reason_of(answer.get("message", ""), kind, source.secret, source.timeout_seconds)


def _snapshot(contract: SourceContract, part: Path, last: Path | None) -> Fetch:
    source = contract.source
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW fetched AS FROM read_parquet({text_literal(str(part))})")
        total, digest = connection.execute(
            "SELECT count(*), count(*) || ':' || coalesce(sum(md5_number_lower(to_json(t)::VARCHAR)::HUGEINT), 0) FROM fetched AS t"
        ).fetchall()[0]
        metadata = {"digest": digest}
        rows, withdrawn = "FROM fetched", 0
        if last is not None:
            before = _metadata(last)
            if source.watermark is None and before.get("digest") == digest:
                return Fetch(contract)
            connection.execute(f"CREATE VIEW earlier AS FROM read_parquet({text_literal(str(last))})")
            if source.watermark is not None:
                rows = (
                    "FROM fetched AS t WHERE to_json(t)::VARCHAR NOT IN (SELECT to_json(t)::VARCHAR FROM earlier AS t)"
                )
            if total == 0 and source.vanished == "withdrawn" and before.get("rows") != "0":
                return Fetch(
                    contract, refusal="the table is empty, where it held rows before: nothing is withdrawn for that"
                )
        if source.vanished == "withdrawn":
            rows, withdrawn = _with_withdrawn(connection, contract, last is not None)
        if source.watermark is not None:
            marks = [
                mark
                for mark in (_metadata(last).get("watermark") if last else None, _highest(connection, source.watermark))
                if mark
            ]
            if marks:
                metadata["watermark"] = marks[-1]
        n = connection.execute(f"SELECT count(*) FROM ({rows})").fetchall()[0][0]
        if n == 0 and last is not None:
            return Fetch(contract)
        metadata["rows"] = str(total)
        new = part.with_suffix(".new")
        listed = ", ".join(f"{name}: {text_literal(value)}" for name, value in metadata.items())
        connection.execute(f"COPY ({rows}) TO {text_literal(str(new))} (FORMAT parquet, KV_METADATA {{{listed}}})")
    path = part.with_name(part.name.removeprefix(".")).with_suffix(".parquet")
    _put_in_place(new, path)
    return Fetch(contract, path, n, withdrawn)


def _highest(connection: duckdb.DuckDBPyConnection, watermark: str) -> str | None:
    return connection.execute(f"SELECT CAST(max({quoted_name(watermark)}) AS VARCHAR) FROM fetched").fetchall()[0][0]


def _with_withdrawn(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, has_earlier: bool
) -> tuple[str, int]:
    """The rows, and those of the snapshot before whose keys are gone, marked as withdrawn."""
    rows = f"SELECT *, 'no' AS {WITHDRAWN} FROM fetched"
    if not has_earlier:
        return rows, 0
    earlier = "earlier"
    if not connection.execute(f"SELECT 1 FROM (DESCRIBE earlier) WHERE column_name = '{WITHDRAWN}'").fetchall():
        # of a contract that did not say yet what a vanished row means
        earlier = f"(SELECT *, 'no' AS {WITHDRAWN} FROM earlier) AS earlier"
    key = dict.fromkeys(name for field in contract.key for name in contract.fields[field].source_columns)
    same = " AND ".join(f"earlier.{quoted_name(name)} IS NOT DISTINCT FROM fetched.{quoted_name(name)}" for name in key)
    gone = f"FROM {earlier} WHERE {WITHDRAWN} = 'no' AND NOT EXISTS (SELECT 1 FROM fetched WHERE {same})"
    n = connection.execute(f"SELECT count(*) {gone}").fetchall()[0][0]
    return f"{rows} UNION ALL BY NAME SELECT * REPLACE ('yes' AS {WITHDRAWN}) {gone}", n


def _metadata(path: Path) -> dict[str, str]:
    rows = duckdb.execute(
        f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({text_literal(str(path))})"
    ).fetchall()
    return dict(rows)


def _put_in_place(new: Path, path: Path) -> None:
    """Whole or not at all, for the owner alone."""
    new.chmod(0o600)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
