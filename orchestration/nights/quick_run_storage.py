"""Dagster's SQLite files, written quickly: a night stores some three thousand events, each through a connection of its own.

A connection that is the last of a file to close folds the file's log back into it and waits for the disk, which took a third of
a small night. While `quick_run_storage` holds, each file that is met keeps one idle connection open, and a commit does not wait
for the disk. SQLite's own guarantee stays: with its write-ahead log and `synchronous = NORMAL` a file is whole after a killed
process or a power cut; the last events before a power cut may be missing, and the runs' history is no clinical record.
Storage in PostgreSQL is not touched.
"""

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Engine, event


@contextlib.contextmanager
def quick_run_storage() -> Iterator[None]:
    """Within it, SQLite files that SQLAlchemy opens in this process stay open, and commits do not wait for the disk."""
    idle: dict[str, sqlite3.Connection] = {}

    def quicken(connection: object, _record: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("PRAGMA synchronous = NORMAL")
        file = connection.execute("PRAGMA database_list").fetchone()[2]
        if file:
            if file not in idle:
                idle[file] = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            # a read is what makes the idle connection one of those that use the log; a file being made is met again
            with contextlib.suppress(sqlite3.OperationalError):
                idle[file].execute("PRAGMA schema_version").fetchone()

    event.listen(Engine, "connect", quicken)
    try:
        yield
    finally:
        event.remove(Engine, "connect", quicken)
        for connection in idle.values():
            connection.close()
