"""Dagster's SQLite files, written quickly: a night stores some three thousand events and asks some six thousand questions, each
through an engine and a connection of its own.

A connection that is the last of a file to close folds the file's log back into it and waits for the disk; a new engine compiles
each statement anew. Together they took a third of a small night. While `quick_run_storage` holds, each file that Dagster's
storages open keeps one engine, with its connections open and its statements compiled, and a commit does not wait for the disk.
SQLite's own guarantee stays: with its write-ahead log and `synchronous = NORMAL` a file is whole after a killed process or a
power cut; the last events before a power cut may be missing, and the runs' history is no clinical record. Storage in PostgreSQL
is not touched.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import dagster._core.storage.event_log.sqlite.sqlite_event_log as of_events
import dagster._core.storage.runs.sqlite.sqlite_run_storage as of_runs
import dagster._core.storage.schedules.sqlite.sqlite_schedule_storage as of_schedules
from sqlalchemy import Engine, create_engine, event

STORAGES = (of_events, of_runs, of_schedules)
"""Dagster's modules that open SQLite files; each makes its engines by a `create_engine` of its own name."""


@contextlib.contextmanager
def quick_run_storage() -> Iterator[None]:
    """Within it, SQLite files that Dagster opens in this process stay open, and commits do not wait for the disk."""
    engines: dict[str, Engine] = {}
    close: list[Callable[[], None]] = []

    def staying_engine(address: str, **options: Any) -> Engine:
        if address not in engines:
            waits = options.get("connect_args", {})
            # SQLAlchemy's own pool instead of Dagster's none; the one user at a time need not be of the thread that opened it
            engine = create_engine(address, connect_args={**waits, "check_same_thread": False})
            close.append(engine.dispose)
            # Dagster does away with an engine after each event
            engine.dispose = _stay
            engines[address] = engine
        return engines[address]

    own = [vars(storage)["create_engine"] for storage in STORAGES]
    event.listen(Engine, "connect", _write_quickly)
    for storage in STORAGES:
        vars(storage)["create_engine"] = staying_engine
    try:
        yield
    finally:
        for storage, function in zip(STORAGES, own, strict=True):
            vars(storage)["create_engine"] = function
        event.remove(Engine, "connect", _write_quickly)
        for end in close:
            end()


def _stay(close: bool = True) -> None:
    """In place of an engine's `dispose`."""


def _write_quickly(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")
