"""While a night runs its events are written without waiting for the disk; what was written is there afterwards."""

import sqlite3
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import text

from orchestration.nights.quick_run_storage import quick_run_storage

FULL, NORMAL = 2, 1


def store_event(storage: SqliteEventLogStorage, run_id: str) -> tuple[int, bool]:
    """An event of a run, as Dagster stores it. Returns `synchronous`, and whether the file's log is still beside it."""
    storage.store_event(
        dg.EventLogEntry(
            error_info=None, level="info", user_message="of the night", run_id=run_id, timestamp=1.0, dagster_event=None
        )
    )
    with storage.run_connection(run_id) as connection:
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar()
    return synchronous, Path(f"{storage.path_for_shard(run_id)}-wal").exists()


def test_a_file_stays_open_between_events_and_is_whole_afterwards(tmp_path):
    storage = SqliteEventLogStorage(str(tmp_path))
    with quick_run_storage():
        store_event(storage, "tonight")
        assert store_event(storage, "tonight") == (NORMAL, True)
    assert store_event(storage, "tonight") == (FULL, False)
    with sqlite3.connect(storage.path_for_shard("tonight")) as connection:
        assert connection.execute("SELECT count(*) FROM event_logs").fetchone() == (3,)


def test_a_night_keeps_its_connections_and_another_process_reads_beside_it(tmp_path):
    storage, opened = SqliteEventLogStorage(str(tmp_path)), []
    with quick_run_storage():
        for _ in range(6):
            store_event(storage, "tonight")
            with storage.run_connection("tonight") as connection:
                opened.append(id(connection.connection.dbapi_connection))
        # the page of a running night reads the same file
        with sqlite3.connect(storage.path_for_shard("tonight")) as page:
            assert page.execute("SELECT count(*) FROM event_logs").fetchone() == (6,)
    # two: making the file takes another
    assert len(set(opened)) <= 2
