"""Folders of the landing folder that cannot be read: in the ledger, beside each feed of which files may lie there.

Their name in the ledger ends with a slash, which tells them from files.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

import duckdb

from orchestration.ingestion.contract import Hospitals, SourceContract
from orchestration.ingestion.landed_names import name_in_landing
from orchestration.ingestion.landing_folder import look_through
from orchestration.ingestion.ledger_notes import note_without_rows

CANNOT_BE_READ = "refused: the folder cannot be read: "
Place = tuple[str, str | None, str | None, str]
"""Hospital, feed, system and the folder's name; a folder that no contract names belongs to no feed."""


def closed_folders(landing_folder: Path, hospitals: Hospitals) -> dict[Place, str]:
    """Why each cannot be read."""
    return {
        place: why
        for folder, why in look_through(landing_folder).unreadable.items()
        for place in _places(folder, landing_folder, hospitals)
    }


def _places(folder: Path, landing_folder: Path, hospitals: Hospitals) -> Iterator[Place]:
    below = folder.relative_to(landing_folder).parts
    concerned = [contract for contract in hospitals.contracts if _may_name_files_in(contract, below)]
    for contract in concerned:
        name = f"{name_in_landing(folder, landing_folder)}/" if below else f"{contract.source_system}/"
        yield contract.source_system, contract.feed, contract.system, name
    if below and not concerned:
        yield below[0], None, None, f"{name_in_landing(folder, landing_folder)}/"


def _may_name_files_in(contract: SourceContract, folder: tuple[str, ...]) -> bool:
    """Whether the contract's files may lie in the folder, or below it."""
    wanted = (contract.source_system, *PurePath(contract.file_pattern).parts[:-1])
    for pattern, part in zip(wanted, folder, strict=False):
        if pattern == "**":
            return True
        if not fnmatchcase(part, pattern):
            return False
    return len(folder) <= len(wanted) or wanted[-1] == "**"


def lie_in(folders: dict[Place, str], hospital: str, feed: str, file: str) -> bool:
    """Whether a file of a feed lies in one of its closed folders."""
    return any(place[:2] == (hospital, feed) and file.startswith(place[3]) for place in folders)


def record_closed_folders(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, hospitals: Hospitals, run_id: str
) -> dict[Place, str]:
    """A ledger row for each folder that cannot be read, each night, and one of status 'loaded', of no rows, for each that again can,
    or is gone; returns those that cannot."""
    closed = closed_folders(landing_folder, hospitals)
    simulated = {(one.source_system, one.feed, one.system) for one in hospitals.contracts if one.is_simulated}
    for place, why in closed.items():
        note_without_rows(connection, *place, CANNOT_BE_READ + why, run_id, place[:3] in simulated)
    for *place, is_simulated in connection.execute(CLOSED_BEFORE).fetchall():
        if tuple(place) not in closed:
            note_without_rows(connection, *place, "loaded", run_id, is_simulated)
    return closed


CLOSED_BEFORE = f"""
    SELECT source_system, feed, system, source_file, any_value(is_simulated) FROM raw.ingest_ledger
    WHERE source_file LIKE '%/' GROUP BY source_system, feed, system, source_file
    HAVING starts_with(arg_max(status, loaded_at), '{CANNOT_BE_READ}')
"""
