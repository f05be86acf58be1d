"""A feed that stops coming is told of, every night until it comes again: by the ledger's days and the files that are there."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.feed_rhythm import GONE, feeds_that_stopped
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.baseline import compared_with_last_night
from orchestration.night_profile.deliveries import profile_rhythm
from orchestration.night_profile.records import create_night_tables
from quality.night import judge_night


def ledger(tmp_path: Path, days_ago: list[int], feed: str = "follow_up") -> duckdb.DuckDBPyConnection:
    """A feed that brought a new file on each of these days; its files are all there."""
    connection = duckdb.connect()
    create_raw_schema(connection)
    create_night_tables(connection)
    for ago in days_ago:
        file = f"st_elsewhere/{feed}/{ago}.csv"
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
        connection.execute(
            """INSERT INTO raw.ingest_ledger (source_system, feed, system, source_file, status, rows_loaded, loaded_at)
               VALUES ('st_elsewhere', ?, 'main', ?, 'loaded', 12, ?)""",
            [feed, file, datetime.now() - timedelta(days=ago)],
        )
    return connection


def told_by_the_gate(connection: duckdb.DuckDBPyConnection) -> list[str]:
    profile_rhythm(connection)
    connection.execute("UPDATE quality.night_profile SET stage = 'landing'")
    checks, _ = judge_night(compared_with_last_night(connection, "landing"), "landing")
    return checks.loc[checks["status"] == "failed", "description"].tolist()


@pytest.mark.parametrize(
    ("days_ago", "is_late"),
    [
        ([40, 33, 26, 19, 12, 5], False),  # weekly, and the week is not over
        ([47, 40, 33, 26, 21, 15], True),  # weekly, and two weeks and a day have passed
        ([8, 7, 6, 5, 4, 2], False),  # nightly, two days missed: a weekend
        ([12, 11, 10, 9, 8, 7], True),  # nightly, a week missed
        ([400, 300, 200], False),  # three times make no rhythm
    ],
)
def test_a_feed_is_late_by_its_own_rhythm(tmp_path, days_ago, is_late):
    connection = ledger(tmp_path, days_ago)
    told = told_by_the_gate(connection)
    assert [text.startswith("follow_up of st_elsewhere: nothing new for") for text in told] == [True] * is_late
    assert [reason.endswith("the feed is late") for *_, reason in feeds_that_stopped(connection, tmp_path)] == [
        True
    ] * is_late


def test_a_feed_of_which_no_file_is_there_any_more_is_missing_and_one_of_its_files_is_enough(tmp_path):
    connection = ledger(tmp_path, [3, 2])
    (tmp_path / "st_elsewhere/follow_up/3.csv").unlink()
    assert feeds_that_stopped(connection, tmp_path) == []
    (tmp_path / "st_elsewhere/follow_up/2.csv").unlink()
    assert feeds_that_stopped(connection, tmp_path) == [("st_elsewhere", "follow_up", "main", GONE)]
