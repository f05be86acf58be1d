"""All files of a feed that are new or changed since they were last loaded, and the study ids of the patients in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.load_file import FileLoad, hash_of_file, is_loaded, landed_files, load_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.source_contract import SourceContract, canonical_feeds


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
        if not is_loaded(connection, contract, path.relative_to(landing_folder).as_posix(), hash_of_file(path))
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


def assign_study_ids(connection: duckdb.DuckDBPyConnection, key: str) -> int:
    """Give every (source_system, mrn) in raw its study id; returns how many are new.

    The id is a keyed hash: the same patient gets the same id on every rebuild, and without the key, which stays in the
    restricted build area, nobody can go from the id to the MRN by trying all MRNs.
    """
    every_mrn = " UNION ".join(f"SELECT source_system, mrn FROM raw.{feed}" for feed in canonical_feeds())
    rows = connection.execute(
        f"""INSERT INTO raw.patient_identifiers
            SELECT source_system, mrn, 'P' || sha256(concat_ws('|', ?, source_system, mrn, ?))[1:12]
            FROM ({every_mrn}) ANTI JOIN raw.patient_identifiers USING (source_system, mrn)
            WHERE mrn IS NOT NULL ORDER BY ALL""",
        [key, key],
    ).fetchall()
    return rows[0][0]
