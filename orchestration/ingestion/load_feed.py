"""All files of a feed that are new or changed since they were last loaded, and the study ids of the patients in them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.landed_names import name_in_landing
from orchestration.ingestion.load_file import FileLoad, hash_of_file, is_loaded, landed_files, load_file
from orchestration.ingestion.raw_schema import create_raw_schema

NOTE_SUFFIXES = (".txt", ".md")


class OtherStudyIdKey(Exception):
    """The study-id key is not the one that the build file was made with."""


@dataclass(frozen=True)
class WaitingFile:
    """A landed file whose bytes are not in raw yet."""

    path: Path
    contract: SourceContract


def waiting_files(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, contracts: list[SourceContract]
) -> list[WaitingFile]:
    """The landed files that a refresh would load."""
    create_raw_schema(connection)
    return [
        WaitingFile(path, contract)
        for contract in contracts
        for path in landed_files(landing_folder, contract)
        if not is_loaded(connection, contract, name_in_landing(path, landing_folder), hash_of_file(path))
    ]


def load_feed(
    connection: duckdb.DuckDBPyConnection,
    landing_folder: Path,
    contracts: list[SourceContract],
    feed: str,
    run_id: str,
    progress: Callable[[str], None] = lambda message: None,
) -> list[FileLoad]:
    """Load what is waiting for one canonical feed, of all hospitals; returns one entry a file loaded or refused."""
    waiting = waiting_files(connection, landing_folder, [contract for contract in contracts if contract.feed == feed])
    loads = []
    for number, file in enumerate(waiting, start=1):
        loads.append(load_file(connection, file.path, landing_folder, file.contract, run_id))
        progress(f"{feed}: file {number} of {len(waiting)}, {loads[-1].rows_read:,} records")
    return loads


def record_hospital_limits(connection: duckdb.DuckDBPyConnection, contracts: list[SourceContract]) -> None:
    """What each hospital's records cannot tell, as its hospital.yml says today."""
    limits = {
        (contract.source_system, endpoint, reason)
        for contract in contracts
        for endpoint, reason in contract.not_derivable.items()
    }
    connection.execute("DELETE FROM raw.not_derivable_endpoints")
    if limits:
        connection.executemany("INSERT INTO raw.not_derivable_endpoints VALUES (?, ?, ?)", sorted(limits))


def unclaimed_files(landing_folder: Path, contracts: list[SourceContract]) -> list[Path]:
    """Landed files that no contract names: misnamed, or of a hospital without contracts. Notes to people are not meant.

    A hidden file, one of Excel's lock files, and what lies beside the feeds' folders with the ending .txt or .md are notes.
    """
    claimed = {path for contract in contracts for path in landed_files(landing_folder, contract)}
    return sorted(
        path
        for path in landing_folder.rglob("*")
        if path.is_file()
        and path not in claimed
        and not path.name.startswith((".", "~$"))
        and not (path.suffix in NOTE_SUFFIXES and len(path.relative_to(landing_folder).parts) <= 2)
    )


def record_unclaimed_files(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, contracts: list[SourceContract], run_id: str
) -> list[str]:
    """A ledger row for each landed file that no contract names, so that none is overlooked; returns their names."""
    names = []
    for path in unclaimed_files(landing_folder, contracts):
        names.append(name_in_landing(path, landing_folder))
        connection.execute(
            """INSERT INTO raw.ingest_ledger BY NAME
               SELECT $hospital AS source_system, $name AS source_file, $hash AS file_hash, $size AS size_bytes,
                      0 AS rows_read, 0 AS rows_loaded, 0 AS rows_rejected, 0 AS rows_duplicate, 0 AS rows_passed_over,
                      0 AS fields_rejected, $run AS run_id, now()::TIMESTAMP AS loaded_at,
                      'refused: no contract names this file' AS status, FALSE AS is_simulated""",
            {
                "hospital": names[-1].split("/")[0], "name": names[-1], "hash": hash_of_file(path),
                "size": path.stat().st_size, "run": run_id,
            },
        )  # fmt: skip
    return names


def file_numbers(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """(Hospital, file name) of every file in the ledger -> what it is called where its name may not be read: 'file 17'."""
    rows = connection.execute("SELECT source_system, source_file, file_number FROM restricted.file_numbers").fetchall()
    return {(hospital, name): f"file {number}" for hospital, name, number in rows}


def assign_study_ids(connection: duckdb.DuckDBPyConnection, key: str) -> int:
    """Give every (source_system, mrn) in raw its study id; returns how many are new.

    The id is a keyed hash: the same patient gets the same id on every rebuild, and without the key, which stays in the
    restricted build area, nobody can go from the id to the MRN by trying all MRNs.

    Raises:
        OtherStudyIdKey: the build file's patients have ids that were made with another key.
    """
    _remember_key(connection, key)
    every_mrn = " UNION ".join(
        f"SELECT source_system, {column} AS mrn FROM raw.{feed}"
        for feed, definition in canonical_feeds().items()
        for column in ("mrn", "retired_mrn")
        if column in definition.columns
    )
    rows = connection.execute(
        f"""INSERT INTO raw.patient_identifiers
            SELECT source_system, mrn, 'P' || sha256(concat_ws('|', ?, source_system, mrn, ?))[1:12]
            FROM ({every_mrn}) ANTI JOIN raw.patient_identifiers USING (source_system, mrn)
            WHERE mrn IS NOT NULL ORDER BY ALL""",
        [key, key],
    ).fetchall()
    return rows[0][0]


def key_fingerprint(key: str) -> str:
    """What tells one key from another without giving it away."""
    return hashlib.sha256(f"fingerprint|{key}".encode()).hexdigest()[:16]


def _remember_key(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """The key's fingerprint, and a secret that follows from it for opaque names, stay in the build file."""
    known = connection.execute("SELECT key_fingerprint FROM restricted.installation").fetchall()
    if not known:
        secret = hashlib.sha256(f"opaque names|{key}".encode()).hexdigest()
        connection.execute("INSERT INTO restricted.installation VALUES (?, ?)", [key_fingerprint(key), secret])
    elif known != [(key_fingerprint(key),)]:
        raise OtherStudyIdKey(
            "the study-id key is not the one that this build file was made with: every patient would get a second id. Bring the"
            " old key back (CRLM_STUDY_ID_KEY, or study_id.key in the build area); `crlm doctor` says more"
        )
