"""Rows that are suddenly rejected are seen, also for a reason that no row was ever rejected for."""

import duckdb
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.baseline import accept_night, compared_with_last_night
from orchestration.night_profile.deliveries import profile_deliveries, stage_deliveries
from orchestration.night_profile.records import create_night_tables
from quality.night import judge_night

FILE = "h/registry/r.csv"


def night(connection: duckdb.DuckDBPyConnection, run: str, n_read: int, rejected: dict[str, int]) -> list[str]:
    """Take in the file again, with so many rows rejected by field; the checks that closed the gate."""
    connection.execute(
        """INSERT INTO raw.ingest_ledger (source_system, feed, system, source_file, file_hash, status, rows_read, rows_loaded,
               rows_rejected, rows_duplicate, run_id, loaded_at)
           VALUES ('h', 'registry', 'main', $file, $run, 'loaded', $n, $n - $bad, $bad, 0, $run, now()::TIMESTAMP)""",
        {"file": FILE, "run": run, "n": n_read, "bad": sum(rejected.values())},
    )
    for field, n in rejected.items():
        connection.execute(
            """INSERT INTO raw.rejected_records (source_system, feed, source_file, field, scope, reason, run_id)
               SELECT 'h', 'registry', ?, ?, 'record', 'not of the expected form', ? FROM range(?)""",
            [FILE, field, run, n],
        )
    connection.execute("DELETE FROM quality.night_profile")
    stage_deliveries(connection, [("h", "registry", FILE)])
    profile_deliveries(connection)
    connection.execute("UPDATE quality.night_profile SET stage = 'landing'")
    checks, _ = judge_night(compared_with_last_night(connection, "landing"), "landing")
    failed = checks[(checks["status"] == "failed") & (checks["severity"] == "blocking")]
    return failed["column_name"].tolist()


@pytest.mark.parametrize("usual", [{}, {"operation_date": 1}])
def test_a_reason_that_is_new_is_compared_with_none(usual):
    connection = duckdb.connect()
    create_raw_schema(connection)
    create_night_tables(connection)
    assert night(connection, "first", 330, usual) == []
    accept_night(connection, "first")
    assert night(connection, "second", 330, {**usual, "mrn": 329}) == ["mrn"]


def test_what_a_feed_always_had_rejected_is_no_news():
    connection = duckdb.connect()
    create_raw_schema(connection)
    create_night_tables(connection)
    night(connection, "first", 330, {"operation_date": 60})
    accept_night(connection, "first")
    assert night(connection, "second", 330, {"operation_date": 60}) == []
