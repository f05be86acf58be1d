"""How much memory DuckDB may take, a setting: CRLM_MEMORY_LIMIT, for every database that the warehouse opens, dbt's among them.

DuckDB's own limit is four fifths of the machine's memory, and it takes what it may. Beyond the limit its sorts, joins and
aggregates go on from files beside the build file (in its folder, which is the owner's only). Python's own memory comes on top.
And how seldom it writes its log into the file, which is a matter of memory and time as well.
"""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

VARIABLE = "CRLM_MEMORY_LIMIT"
DEFAULT = "2.3GB"
"""Carries 177,600 patients within 4 GB of the whole process (docs/performance.md)."""
LOG_BEFORE_CHECKPOINT = "1GB"
"""How long DuckDB's log may grow before it is folded into the file; closing the file folds it in too. At DuckDB's own 16 MB each few
landed files wrote the end of a table of long texts anew, whatever stood there before."""
LARGE_BUILD_BYTES = 5_000_000_000
"""From this size on a statement of the models keeps all processors busy by itself, and needs more room than DEFAULT."""
SHARE_OF_MACHINE = 1 / 3
OF_DUCKDB = "machine"
"""The word for DuckDB's own limit."""
CONTROL_GROUP = Path("/sys/fs/cgroup")
LIMITS_OF_CONTAINER = ("memory.max", "memory/memory.limit_in_bytes")
"""Where Linux says what a container may take: by control groups of version 2, where 'max' is no limit, and of version 1."""
AMOUNT = re.compile(r"\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.IGNORECASE)


def checked_memory_limit(limit: str) -> str:
    """The limit as it was given.

    Raises:
        ValueError: it is neither an amount nor the word for DuckDB's own.
    """
    if limit != OF_DUCKDB and not AMOUNT.fullmatch(limit):
        raise ValueError(
            f"{VARIABLE} is {limit!r}: an amount as 2.5GB or 800MB, or {OF_DUCKDB!r} for DuckDB's own limit"
        )
    return limit


def memory_limit(environment: Mapping[str, str] | None = None) -> str:
    """What the environment says, else the default.

    Raises:
        ValueError: see `checked_memory_limit`.
    """
    given = (os.environ if environment is None else environment).get(VARIABLE, "").strip()
    return checked_memory_limit(given or DEFAULT)


def is_large(build_file: Path) -> bool:
    """Whether the build file is a country's."""
    return build_file.exists() and build_file.stat().st_size >= LARGE_BUILD_BYTES


def memory_of_machine(control_group: Path = CONTROL_GROUP) -> int:
    """Bytes that the machine has; those of the container that this process runs in, where it may take fewer."""
    of_host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = (_number_in(control_group / name) for name in LIMITS_OF_CONTAINER)
    return min([of_host, *(limit for limit in limits if limit is not None)])


def _number_in(path: Path) -> int | None:
    try:
        told = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(told) if told.isdecimal() else None


def memory_limit_of_models(build_file: Path, environment: Mapping[str, str] | None = None) -> str:
    """What the environment says, else the default; for a large build file a third of the machine's memory (its container's) where
    that is more.

    DuckDB keeps some 8 bytes a row in memory, as long as the file is open, of each table in most of whose blocks a row was replaced:
    300 MB for 34 million looks, and a changed night replaces rows of every model that is kept by patient.

    Raises:
        ValueError: see `checked_memory_limit`.
    """
    given = os.environ if environment is None else environment
    limit = memory_limit(given)
    if given.get(VARIABLE, "").strip() or not is_large(build_file):
        return limit
    of_machine = SHARE_OF_MACHINE * memory_of_machine() / 1e9
    return f"{max(float(DEFAULT.removesuffix('GB')), of_machine):.1f}GB"


def limited(connection: duckdb.DuckDBPyConnection, limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """The same connection, its database held to the limit (by default that of the environment), its log folded into the file seldom."""
    limit = limit or memory_limit()
    connection.execute(f"SET checkpoint_threshold = '{LOG_BEFORE_CHECKPOINT}'")
    if limit != OF_DUCKDB:
        connection.execute(f"SET memory_limit = '{limit}'")
    return connection


def with_room_for_replaced_rows(connection: duckdb.DuckDBPyConnection, build_file: Path) -> None:
    """Let a connection to a large build file, in which nights have replaced rows, take what the models may: DuckDB keeps what it knows of
    replaced rows in memory (`memory_limit_of_models`), of all tables when it folds its log into the file, and ends where it cannot."""
    if not is_large(build_file):
        return
    with contextlib.suppress(duckdb.CatalogException):
        replaced = connection.execute("SELECT count(*) FROM intermediate.recomputed_rows WHERE n_deleted > 0")
        if replaced.fetchall()[0][0]:
            limited(connection, memory_limit_of_models(build_file))
