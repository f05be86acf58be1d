"""What a night does before it begins: takes away what a broken one left, and puts damaged files aside, so that it can start.

The landing folder is the truth: a build file that is damaged is put aside and made anew from it. Damage that shows on opening,
or in the file's length, is found here; damage within a file shows when it is read, leaves a mark, and is found at the next start.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.engines.leftovers import clear_copies
from orchestration.exports.folders import clear_unfinished_folders
from orchestration.files.private_files import publish_mode, tighten
from orchestration.files.problems import (
    MORE_MEMORY_ADVICE,
    NO_SPACE_ADVICE,
    DamagedFile,
    DiskFull,
    NotLookedThrough,
    WarehouseProblem,
    is_out_of_memory,
    set_aside,
)
from orchestration.files.sums import known_sums, sha256_of
from orchestration.ingestion.landed_names import readable_name
from orchestration.settings import Settings
from orchestration.warehouse import clear_unborn, connect_read_only, open_build_file

LEAST_FREE_BYTES = 64 * 2**20
HEADER_BYTES = 3 * 4096


def heal(settings: Settings, say: Callable[[str], None]) -> bool:
    """Make the data folder fit for a night; says each thing that was put aside, and what could not be taken away. Returns whether a damaged
    file was put aside.

    Raises:
        DiskFull: there is not room enough to begin.
        WarehouseBusy: another process holds the build file.
    """
    clear_leftovers(settings, say)
    check_room(settings)
    is_put_aside, is_in_doubt = False, False
    for path in (settings.build_file, settings.published_file):
        try:
            check_whole(settings, path)
        except DamagedFile:
            is_put_aside = True
            kept = set_aside(path, settings.set_aside_folder)
            say(
                f"{path.name} was damaged and is put aside ({kept.parent.name}/{kept.name}); it is made anew from the landing folder"
            )
        except NotLookedThrough as problem:
            is_in_doubt = True
            say(str(problem))
    if not is_in_doubt:
        settings.suspicion.unlink(missing_ok=True)
    for folder in (settings.build_file.parent, settings.dagster_home):
        tighten(folder)
    publish_mode(settings.published_file.parent, settings.published_folder_mode, but=settings.history)
    publish_mode(settings.history, settings.history_folder_mode)
    return is_put_aside


def clear_leftovers(settings: Settings, say: Callable[[str], None]) -> None:
    """Half-written files of nights that were killed: none of them is anything yet; and the copies of records that such a night
    had put where an engine reads them."""
    clear_copies(settings, say)
    build, published = settings.build_file.parent, settings.published_file.parent
    for path in [
        *build.glob(".*.born*"),
        *build.glob(".study_id*"),
        *build.glob("publication_draft.duckdb*"),
        *build.glob("*.new"),
        *published.glob("*.new"),
        *published.glob("*.new.wal"),
        *settings.history.glob("*.new"),
        *build.glob("*.duckdb.tmp"),
    ]:
        _remove(path)
    clear_unfinished_folders(published)
    clear_unborn(settings.build_file)


def _remove(path: Path) -> None:
    """A file, or a folder with what is in it; what cannot be removed stays: nobody takes it for anything."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Room:
    """What a night writes into a folder beside what is there."""

    where: str
    folder: Path
    n_bytes: int
    what: str

    @property
    def disk(self) -> int:
        """The number of the disk that the folder is on."""
        return self.folder.stat().st_dev


def rooms_of_a_night(settings: Settings) -> list[Room]:
    """By the sizes of what is published now. The draft holds each row as it was judged, not compressed, and once more as it was made
    coarser: a database file keeps what was changed in it. The first night's publication is of no known size."""
    build, published, history = settings.build_file.parent, settings.published_file.parent, settings.history
    size = _size(settings.published_file)
    return [
        Room("the build area", build, LEAST_FREE_BYTES, "to begin"),
        Room("the build area", build, 3 * size, "for the exact draft of the publication"),
        Room("the published folder", published, size, "for the new published file beside the old one"),
        Room(
            "the published folder",
            published,
            _size(settings.shareable_file),
            "for the new shareable file beside the old one",
        ),
        Room("the history", history, size, "for the copy that the history keeps"),
    ]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def lack_of_room(settings: Settings) -> Iterator[str]:
    """What is said of each disk on which a night would not fit: how much is free, how much is needed, and what for."""
    by_disk = sorted((room for room in rooms_of_a_night(settings) if room.n_bytes), key=lambda room: room.disk)
    for _, group in groupby(by_disk, key=lambda room: room.disk):
        rooms = list(group)
        needed, free = sum(room.n_bytes for room in rooms), shutil.disk_usage(rooms[0].folder).free
        if free < needed:
            places = ", ".join(dict.fromkeys(room.where for room in rooms))
            what_for = ", ".join(f"{_mebibytes(room.n_bytes)} {room.what}" for room in rooms)
            yield f"{free // 2**20:,} MiB free for {places}; a night needs {_mebibytes(needed)} ({what_for})"


def _mebibytes(n_bytes: int) -> str:
    return f"{-(-n_bytes // 2**20):,}"


def check_room(settings: Settings) -> None:
    """Raises DiskFull where a night would not fit, so that none begins that cannot end."""
    lack = "; and ".join(lack_of_room(settings))
    if lack:
        raise DiskFull(f"no space left: {lack}; {NO_SPACE_ADVICE}")


def check_whole(settings: Settings, path: Path) -> None:
    """Raises DamagedFile for a file that cannot be opened, is shorter than it says, is not what was published, or, where an
    earlier step met with damage, has a table that cannot be read; NotLookedThrough where there is no memory to read it. A file that is
    not there is not damaged."""
    if not path.exists():
        return
    if path == settings.published_file and known_sums(path.parent).get(path.name, {""}) != {""}:
        if sha256_of(path) not in known_sums(path.parent)[path.name]:
            raise DamagedFile(path)
        return
    is_build = path == settings.build_file
    with open_build_file(path, read_only=True) if is_build else connect_read_only(path) as connection:
        is_in_doubt = _is_shorter(connection, path)
        if is_in_doubt or (is_build and settings.suspicion.exists()):
            _read_all(connection, path)


def _is_shorter(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether blocks at the end are not there. DuckDB cuts free ones off a file and goes on counting them; more than are free cannot be
    missing of a whole file.

    Raises:
        DamagedFile: more are not there than are free.
    """
    block_size, n_blocks, n_used = connection.execute(
        "SELECT block_size, total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchall()[0]
    n_there = (path.stat().st_size - HEADER_BYTES) // block_size
    if n_there < n_used:
        raise DamagedFile(path)
    return n_there < n_blocks


def _read_all(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND database_name = current_database()"
    ).fetchall()
    no_memory_for = []
    for schema, table in tables:
        try:
            connection.execute(f'SELECT bit_xor(hash(t)) FROM "{schema}"."{table}" AS t').fetchall()
        except duckdb.Error as error:
            if not is_out_of_memory(str(error)):
                raise DamagedFile(path) from None
            no_memory_for.append(f"{schema}.{table}")
    if no_memory_for:
        raise NotLookedThrough(
            f"{path.name} could not be looked through ({', '.join(no_memory_for)}): {MORE_MEMORY_ADVICE}"
        )


def damaged_history(history: Path) -> list[str]:
    """Names of kept publications whose bytes are not those that were published, or that cannot be opened."""
    sums, found = known_sums(history.parent), []
    for path in sorted(history.glob("*.duckdb")):
        known = sums.get(f"{history.name}/{path.name}")
        try:
            if known and sha256_of(path) not in known:
                found.append(readable_name(path))
            elif not known:
                with connect_read_only(path) as connection:
                    connection.execute("SELECT run_id FROM meta.publication").fetchall()
        except (WarehouseProblem, duckdb.Error, OSError):
            found.append(readable_name(path))
    return found
