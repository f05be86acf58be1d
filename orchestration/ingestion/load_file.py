"""One landed file into raw, in one transaction: rows read = loaded + rejected + duplicate."""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.interruptions import interruption_behind
from orchestration.ingestion.known_keys import KnownKeys
from orchestration.ingestion.landed_names import name_in_landing, place_by_name
from orchestration.ingestion.landing_folder import is_a_file, size_of
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.readers.fhir_export import hash_of_companions
from orchestration.ingestion.readers.landed_file import take_landed_file
from orchestration.ingestion.record_versions import supersede_earlier_readings
from orchestration.ingestion.store_records import FileLoad, Origin, store_records

__all__ = [
    "FileLoad",
    "LastLoad",
    "Reading",
    "hash_of_file",
    "is_loaded",
    "landed_files",
    "last_loads",
    "load_file",
    "read_landed",
]


def hash_of_file(path: Path) -> str:
    """SHA-256 of the file's bytes, hex; empty for a file that is gone or cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def landed_files(landing_folder: Path, contract: SourceContract) -> list[Path]:
    """The files in the hospital's landing folder that the contract's pattern names, gzipped, zipped or neither, by name (`place_by_name`).

    Hidden files and Excel's lock files are not yet, or never, what a hospital sends. What lies in a folder that cannot be read is
    not among them: `landing_folder.look_through` tells of it.
    """
    folder = landing_folder / contract.source_system
    found: set[Path] = set()
    for ending in ("", ".gz", ".zip"):
        with contextlib.suppress(OSError):
            found.update(folder.glob(f"{contract.file_pattern}{ending}"))
    is_sent = (path for path in found if is_a_file(path) and not path.name.startswith((".", "~$")))
    return sorted(is_sent, key=place_by_name)


@dataclass(frozen=True)
class LastLoad:
    """How a file was loaded last: its hash, the contract's version, the hash of the other files that its references led into."""

    file_hash: str
    contract_version: str
    companions_hash: str | None
    is_last_word: bool = True
    """Whether it was not refused since."""


def last_loads(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> dict[str, LastLoad]:
    """By name in the landing folder, of the files that were loaded by a contract's feed and system."""
    rows = connection.execute(
        """SELECT source_file, arg_max(file_hash, place) FILTER (is_load), arg_max(contract_version, place) FILTER (is_load),
                  arg_max_null(companions_hash, place) FILTER (is_load), arg_max(is_load, place)
           FROM (SELECT *, (load_number, loaded_at) AS place, status = 'loaded' AS is_load FROM raw.ingest_ledger)
           WHERE source_system = ? AND feed = ? AND system = ? GROUP BY source_file HAVING bool_or(is_load)""",
        [contract.source_system, contract.feed, contract.system],
    ).fetchall()
    return {name: LastLoad(*told) for name, *told in rows}


def is_loaded(last: LastLoad | None, contract: SourceContract, file_hash: str, path: Path) -> bool:
    """Whether raw holds this file as it is now: same bytes, same contract version as when it was last loaded, and the same
    other files where its references led into some.

    Only the last load counts: a file that went from A to B and back to A is read again. So is one that was refused in between,
    although that says nothing new: the ledger's last word on it would stay that it is refused.
    """
    return last is not None and last.is_last_word and says_the_same(last, contract, file_hash, path)


def says_the_same(last: LastLoad, contract: SourceContract, file_hash: str, path: Path) -> bool:
    """Whether to read the file as it is now would give the very records of when it was last loaded."""
    if (last.file_hash, last.contract_version) != (file_hash, contract.reading_version):
        return False
    return last.companions_hash is None or last.companions_hash == hash_of_companions(path)


@dataclass(frozen=True)
class Reading:
    """A landed file as it was at one moment: its hash and size, and its records or why it cannot be read."""

    file_hash: str
    size_bytes: int
    records: pa.Table | UnreadableFile


def read_landed(path: Path, contract: SourceContract) -> Reading:
    """Read one file, and write nothing."""
    file_hash, size_bytes = "", 0
    try:
        landed = take_landed_file(path)
        file_hash, size_bytes = landed.file_hash, landed.size_bytes
        return Reading(file_hash, size_bytes, read_records(landed.content, contract, path))
    except UnreadableFile as refusal:
        return Reading(file_hash, size_bytes, refusal)


def load_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    landing_folder: Path,
    contract: SourceContract,
    run_id: str,
    read: Callable[[Path, SourceContract], Reading] = read_landed,
    known: KnownKeys | None = None,
) -> FileLoad:
    """Load one file: sound records into the feed's raw table, the others into raw.rejected_records, both into the ledger.

    A file that cannot be read at all is refused: a ledger row says why, and it is tried again next time.

    Args:
        read: gives the file's reading, which may have been made ahead.
        known: the keys that raw holds of the contract's records.
    """
    source_file = name_in_landing(path, landing_folder)
    reading = read(path, contract)
    file_hash, size_bytes = reading.file_hash, reading.size_bytes
    connection.execute("BEGIN")
    try:
        load_number = _next_load_number(connection)
        try:
            if isinstance(reading.records, UnreadableFile):
                raise reading.records
            place = _place_in_history(connection, contract, source_file, file_hash, load_number, path)
            superseding = None
            if _was_read_by_another_contract(connection, contract, source_file):
                supersede_earlier_readings(connection, contract, source_file, file_hash, load_number)
                superseding = load_number
            origin = Origin(contract, source_file, file_hash, run_id, place, superseding)
            load = store_records(connection, origin, reading.records, known)
        except UnreadableFile as refusal:
            load = FileLoad(contract.source_system, contract.feed, source_file, f"refused: {refusal}")
        companions_hash = hash_of_companions(path) if load.used_companions else None
        _write_ledger(connection, contract, load, file_hash, size_bytes, run_id, load_number, companions_hash)
        connection.execute("COMMIT")
    except BaseException as error:
        if interruption_behind(error):
            # else DuckDB goes on with the query to its end before it takes the next statement
            connection.interrupt()
        connection.execute("ROLLBACK")
        raise
    return load


def _next_load_number(connection: duckdb.DuckDBPyConnection) -> int:
    """Files are told apart in the order of their loading by a count, because a clock may go back."""
    return connection.execute("SELECT coalesce(max(load_number), 0) + 1 FROM raw.ingest_ledger").fetchall()[0][0]


def _place_in_history(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_file: str,
    file_hash: str,
    load_number: int,
    path: Path,
) -> int:
    """The load number that the file's records have: that of the first reading where the same bytes are only read again, by a mended
    contract or because the file was refused in between. They are no newer than they were, whatever came since, and whatever of that
    is still there."""
    rows = connection.execute(
        """WITH loads AS (
               SELECT load_number, file_hash, contract_version, companions_hash,
                      file_hash = lag(file_hash) OVER history AND (
                          contract_version <> lag(contract_version) OVER history
                          OR companions_hash IS NOT DISTINCT FROM lag(companions_hash) OVER history) AS is_again
               FROM raw.ingest_ledger
               WHERE source_system = ? AND feed = ? AND system = ? AND source_file = ? AND status = 'loaded'
               WINDOW history AS (ORDER BY load_number, loaded_at)
           )
           SELECT max(load_number) FILTER (NOT coalesce(is_again, FALSE)), arg_max(file_hash, load_number),
                  arg_max(contract_version, load_number), arg_max_null(companions_hash, load_number)
           FROM loads""",
        [contract.source_system, contract.feed, contract.system, source_file],
    ).fetchall()
    first, *told = rows[0]
    last = LastLoad(*told)
    if first is None or last.file_hash != file_hash:
        return load_number
    is_read_again = last.contract_version != contract.reading_version or says_the_same(last, contract, file_hash, path)
    return first if is_read_again else load_number


def _was_read_by_another_contract(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source_file: str
) -> bool:
    """Whether another version of the contract ever read the file; raw is looked through only then."""
    query = """SELECT EXISTS (FROM raw.ingest_ledger WHERE source_system = ? AND feed = ? AND system = ? AND source_file = ?
                              AND status = 'loaded' AND contract_version <> ?)"""
    identity = [contract.source_system, contract.feed, contract.system, source_file, contract.reading_version]
    return connection.execute(query, identity).fetchall()[0][0]


def refuse_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    landing_folder: Path,
    contract: SourceContract,
    run_id: str,
    reason: str,
) -> FileLoad:
    """A ledger row that says why the file is not loaded; it is tried again next time."""
    load = FileLoad(contract.source_system, contract.feed, name_in_landing(path, landing_folder), f"refused: {reason}")
    number = _next_load_number(connection)
    _write_ledger(connection, contract, load, hash_of_file(path), size_of(path), run_id, number)
    return load


def note_in_ledger(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, name: str, status: str, run_id: str
) -> None:
    """A ledger row of a source that is no file."""
    load = FileLoad(contract.source_system, contract.feed, name, status)
    _write_ledger(connection, contract, load, "", 0, run_id, _next_load_number(connection))


def _write_ledger(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    load: FileLoad,
    file_hash: str,
    size_bytes: int,
    run_id: str,
    load_number: int,
    companions_hash: str | None = None,
) -> None:
    account = {
        "source_system": contract.source_system,
        "feed": contract.feed,
        "system": contract.system,
        "source_file": load.source_file,
        "file_hash": file_hash,
        "size_bytes": size_bytes,
        "rows_read": load.rows_read,
        "rows_loaded": load.rows_loaded,
        "rows_rejected": load.rows_rejected,
        "rows_duplicate": load.rows_duplicate,
        "rows_passed_over": load.rows_passed_over,
        "fields_rejected": load.fields_rejected,
        "contract_version": contract.reading_version,
        "run_id": run_id,
        "load_number": load_number,
        "companions_hash": companions_hash,
        "status": load.status,
        "is_simulated": contract.is_simulated,
    }
    values = ", ".join(f"${name} AS {name}" for name in account)
    connection.execute(f"INSERT INTO raw.ingest_ledger BY NAME SELECT {values}, now()::TIMESTAMP AS loaded_at", account)
