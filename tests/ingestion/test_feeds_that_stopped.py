"""A feed that stops coming is told of, every night until it comes again: by the ledger's days and the files that are there."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.contract import read_hospitals
from orchestration.ingestion.feed_rhythm import GONE, feeds_that_stopped
from orchestration.ingestion.load_feed import landed_by_feed
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.baseline import compared_with_last_night
from orchestration.night_profile.deliveries import profile_deliveries, profile_rhythm, stage_deliveries
from orchestration.night_profile.records import create_night_tables
from quality.night import judge_night
from tests.ingestion.whole_nights import GOOD, night


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


HALF = GOOD.removesuffix("\n")
NO_END = "1 file(s) refused: the last line has no end"


def refused_by_the_gate(warehouse) -> list[str]:
    hospitals = read_hospitals(warehouse.contracts_folder, ["overall_survival", "salvage"])
    create_night_tables(warehouse.connection)
    warehouse.connection.execute("DELETE FROM quality.night_profile")
    stage_deliveries(warehouse.connection, landed_by_feed(warehouse.connection, warehouse.landing, hospitals))
    profile_deliveries(warehouse.connection)
    warehouse.connection.execute("UPDATE quality.night_profile SET stage = 'landing'")
    checks, _ = judge_night(compared_with_last_night(warehouse.connection, "landing"), "landing")
    is_told = (checks["check_name"] == "no_file_is_refused") & (checks["status"] == "failed")
    return checks.loc[is_told, "description"].tolist()


def test_the_gate_warns_of_a_refused_file_until_it_is_whole_or_taken_away(warehouse):
    told = []
    for run_id, content in (
        ("night-1", GOOD),
        ("night-2", HALF),
        ("night-3", GOOD),
        ("night-4", HALF),
        ("night-5", ""),
    ):
        warehouse.land("treatments/0.csv", GOOD)
        path = warehouse.land("treatments/1.csv", content)
        if not content:
            path.unlink()
        night(warehouse, run_id)
        told.append(refused_by_the_gate(warehouse))
    assert [len(one) for one in told] == [0, 1, 0, 1, 0]
    assert "1 of 2 files could not be read" in told[1][0]


def test_a_file_that_was_half_written_for_a_night_is_no_longer_refused_once_it_is_whole_again(warehouse):
    for run_id, content in (("night-1", GOOD), ("night-2", HALF), ("night-3", GOOD), ("night-4", GOOD)):
        warehouse.land("treatments/1.csv", content)
        told = [reason for *_, reason in night(warehouse, run_id)[0]]
        assert [reason.startswith(NO_END) for reason in told] == [True] * (run_id == "night-2")
    assert warehouse.rows(
        "SELECT run_id, rows_loaded, rows_duplicate FROM raw.ingest_ledger WHERE status = 'loaded' ORDER BY load_number"
    ) == [("night-1", 1, 0), ("night-3", 0, 1)]
    assert warehouse.rows("SELECT count(*) FROM raw.treatments") == [(1,)]


def test_what_came_between_a_file_and_its_return_stays_the_newer_version(warehouse):
    """Also after the contract is mended: neither reading makes the old file's records any newer."""
    corrected = GOOD.replace("T1;SIM0000001;03.04.2009", "T1;SIM0000001;04.04.2009")
    for run_id, name, content in (
        ("night-1", "1.csv", GOOD),
        ("night-2", "2.csv", corrected),
        ("night-3", "1.csv", HALF),
        ("night-4", "1.csv", GOOD),
    ):
        warehouse.land(f"treatments/{name}", content)
        night(warehouse, run_id)
    in_force = """SELECT treatment_date, source_file FROM raw.treatments WHERE superseded_by IS NULL
                  ORDER BY load_number, loaded_at"""
    both = [("2009-04-03", "a_hospital/treatments/1.csv"), ("2009-04-04", "a_hospital/treatments/2.csv")]
    assert warehouse.rows(in_force) == both

    contract = warehouse.contracts_folder / "a_hospital" / "treatments.yml"
    contract.write_text(contract.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"'), encoding="utf-8")
    night(warehouse, "night-5")
    assert warehouse.rows(in_force) == both


@pytest.fixture
def mueller(warehouse):
    """Gives the file the name that an old Windows share gives it."""

    def named() -> None:
        folder = os.fsencode(warehouse.landing / "a_hospital" / "treatments")
        os.rename(folder + b"/1.csv", folder + b"/M\xfcller.csv")  # noqa: PTH104 - pathlib takes no bytes

    return named


def test_a_feed_whose_only_file_has_a_name_that_is_no_utf_8_is_not_missing(warehouse, mueller):
    warehouse.land("treatments/1.csv", GOOD)
    mueller()
    assert night(warehouse, "night-1")[0] == night(warehouse, "night-2")[0] == []


def test_a_refused_file_of_such_a_name_makes_its_feed_stale(warehouse, mueller):
    warehouse.land("treatments/1.csv", HALF)
    mueller()
    ((_, _, reason),) = night(warehouse, "night-1")[0]
    assert reason.startswith(NO_END)


def test_a_name_with_a_backslash_of_its_own_is_that_file(warehouse):
    warehouse.land("treatments/M\\xfcller.csv", GOOD)
    assert night(warehouse, "night-1")[0] == []
