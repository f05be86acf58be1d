"""While a night runs its events are written without waiting for the disk; what was written is there afterwards."""

import sqlite3
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from orchestration.nights.quick_run_storage import quick_run_storage


def write_event(file: Path, number: int) -> tuple[int, bool]:
    """As Dagster does: a connection of its own for one event. Returns `synchronous` and whether the log is still beside."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS events (number INTEGER)"))
        connection.execute(text("INSERT INTO events VALUES (:number)"), {"number": number})
        connection.commit()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar()
    return synchronous, file.with_name(file.name + "-wal").exists()


def test_a_file_stays_open_between_events_and_is_whole_afterwards(tmp_path):
    file, full, normal = tmp_path / "events.db", 2, 1
    with quick_run_storage():
        write_event(file, 1)
        assert write_event(file, 2) == (normal, True)
    assert write_event(file, 3) == (full, False)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT sum(number) FROM events").fetchone() == (6,)
