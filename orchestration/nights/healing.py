"""What a night does before it begins: takes away what a broken one left, and puts damaged files aside, so that it can start.

The landing folder is the truth: a build file that is damaged is put aside and made anew from it. Damage that shows on opening,
or in the file's length, is found here; damage within a file shows when it is read, leaves a mark, and is found at the next start.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.engines.leftovers import clear_copies
from orchestration.files.private_files import publish_mode, tighten
from orchestration.files.problems import NO_SPACE_ADVICE, DamagedFile, DiskFull, WarehouseProblem, set_aside
from orchestration.files.sums import known_sums, sha256_of
from orchestration.ingestion.landed_names import readable_name
from orchestration.settings import Settings
from orchestration.warehouse import connect_read_only, is_born, open_build_file

LEAST_FREE_BYTES = 64 * 2**20
HEADER_BYTES = 3 * 4096


def heal(settings: Settings, say: Callable[[str], None]) -> None:
    """Make the data folder fit for a night; says each thing that was put aside, and what could not be taken away.

    Raises:
        DiskFull: there is not room enough to begin.
        WarehouseBusy: another process holds the build file.
    """
    clear_leftovers(settings, say)
    check_room(settings)
    for path in (settings.build_file, settings.published_file):
        try:
            check_whole(settings, path)
        except DamagedFile:
            kept = set_aside(path, settings.set_aside_folder)
            say(
                f"{path.name} was damaged and is put aside ({kept.parent.name}/{kept.name}); it is made anew from the landing folder"
            )
    settings.suspicion.unlink(missing_ok=True)
    for folder in (settings.build_file.parent, settings.dagster_home):
        tighten(folder)
    publish_mode(settings.published_file.parent, settings.published_folder_mode, but=settings.history)
    publish_mode(settings.history, settings.history_folder_mode)


def clear_leftovers(settings: Settings, say: Callable[[str], None]) -> None:
    """Half-written files of nights that were killed: none of them is anything yet; and the copies of records that such a night
    had put where an engine reads them."""
    clear_copies(settings, say)
    build, published = settings.build_file.parent, settings.published_file.parent
    for path in [
        *build.glob(".*.born*"),
        *build.glob(".study_id*"),
        *published.glob("*.new"),
        *published.glob("*.new.wal"),
    ]:
        path.unlink(missing_ok=True)
    for path in build.glob("*.duckdb.tmp"):
        shutil.rmtree(path, ignore_errors=True)
    if settings.build_file.exists() and not is_born(settings.build_file):
        settings.build_file.unlink()
        settings.build_file.with_name(f"{settings.build_file.name}.wal").unlink(missing_ok=True)


def check_room(settings: Settings) -> None:
    """Raises DiskFull where a night would not fit: it writes the published file beside the old one."""
    needed = LEAST_FREE_BYTES + sum(path.stat().st_size for path in (settings.published_file,) if path.exists())
    free = shutil.disk_usage(settings.build_file.parent).free
    if free < needed:
        raise DiskFull(
            f"no space left: {free // 2**20:,} MiB free for the data folder, a night needs {needed // 2**20:,}; {NO_SPACE_ADVICE}"
        )


def check_whole(settings: Settings, path: Path) -> None:
    """Raises DamagedFile for a file that cannot be opened, is shorter than it says, is not what was published, or, where an
    earlier step met with damage, has a table that cannot be read. A file that is not there is not damaged."""
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
    for schema, table in tables:
        try:
            connection.execute(f'SELECT bit_xor(hash(t)) FROM "{schema}"."{table}" AS t').fetchall()
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            raise DamagedFile(path) from None


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
