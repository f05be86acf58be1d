"""Tonight's records beside those that an accepted night knew, and the shares counted of both: literal treatments."""

import duckdb
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.contents import profile_contents
from orchestration.night_profile.records import Feed, create_night_tables, feeds, stage_feed
from orchestration.night_profile.shares import Share, write_shares

TREATMENTS: Feed = next(feed for feed in feeds() if feed.name == "treatments")
FIRST_NIGHT = [("T1", "2001-02-03", "resection", 1, "first"), ("T2", "2001-01-01", "ablation", 1, "first")]
SECOND_NIGHT = [("T1", "2001-02-04", "ablation", 2, "second"), ("T3", None, "resection", 2, "second")]


@pytest.fixture
def night() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_raw_schema(connection)
    create_night_tables(connection)
    return connection


def landed(night: duckdb.DuckDBPyConnection, rows: list[tuple]) -> None:
    night.executemany(
        """INSERT INTO raw.treatments BY NAME
           SELECT $1 AS treatment_id, $1 AS record_id, $1 AS record_key, $2 AS treatment_date, $3 AS treatment_type, 'h' AS source_system,
                  'main' AS system, '1' AS mrn, TIMESTAMP '2020-01-01' + to_days($4) AS loaded_at, $5 AS run_id""",
        rows,
    )
    TREATMENTS.find_versions(night)
    stage_feed(night, TREATMENTS)


def records(night: duckdb.DuckDBPyConnection, table: str, *columns: str) -> list[tuple]:
    return night.execute(
        f"SELECT treatment_id, treatment_type, {', '.join(columns) or 1} FROM {table} ORDER BY 1"
    ).fetchall()


def test_in_the_first_night_everything_is_new_and_nothing_is_corrected(night):
    landed(night, FIRST_NIGHT)
    assert records(night, "records_now", "is_new") == [("T1", "resection", True), ("T2", "ablation", True)]
    assert records(night, "records_before") == records(night, "records_after") == []


def test_where_nothing_came_nothing_is_new(night):
    night.execute("INSERT INTO quality.accepted_runs VALUES ('first', now()::TIMESTAMP)")
    landed(night, FIRST_NIGHT)
    assert records(night, "records_now", "is_new") == [("T1", "resection", False), ("T2", "ablation", False)]
    assert records(night, "records_before") == records(night, "records_after") == []


def test_of_a_record_sent_again_the_latest_version_stands_and_both_are_kept_apart(night):
    night.execute("INSERT INTO quality.accepted_runs VALUES ('first', now()::TIMESTAMP)")
    landed(night, FIRST_NIGHT + SECOND_NIGHT)
    assert records(night, "records_now", "is_new") == [
        ("T1", "ablation", False),
        ("T2", "ablation", False),
        ("T3", "resection", True),
    ]
    assert records(night, "records_before") == [("T1", "resection", 1)]
    assert records(night, "records_after") == [("T1", "ablation", 1)]


def test_what_the_records_say_is_counted_of_all_and_of_the_new_beside_the_others(night):
    night.execute("INSERT INTO quality.accepted_runs VALUES ('first', now()::TIMESTAMP)")
    landed(night, FIRST_NIGHT + SECOND_NIGHT)
    profile_contents(night, TREATMENTS)
    told = """SELECT measure, value, n, denominator, n_reference, denominator_reference FROM quality.night_profile
              WHERE field = $field AND n > 0 ORDER BY ALL"""
    assert night.execute(told, {"field": "treatment_date"}).fetchall() == [
        ("commonest_day", None, 1, 2, None, None),
        ("first_of_january", None, 1, 2, None, None),
        ("missing", None, 1, 3, None, None),
        ("new_missing", None, 1, 1, 0, 2),
    ]
    assert night.execute(told, {"field": "treatment_type"}).fetchall() == [
        ("code_share", "ablation", 2, 3, None, None),
        ("code_share", "resection", 1, 3, None, None),
        ("new_code_share", "resection", 1, 1, 0, 2),
    ]


def test_a_hospital_without_a_record_to_look_at_has_no_share(night):
    write_shares(
        night,
        "registry",
        [Share("zero", "cea_ng_ml", "x = 0", "x IS NOT NULL")],
        "SELECT * FROM (VALUES ('a', 0, TRUE), ('a', 1, TRUE), ('b', NULL, TRUE)) AS t(hospital, x, is_new)",
    )
    rows = night.execute("SELECT hospital, feed, n, denominator FROM quality.night_profile").fetchall()
    assert rows == [("a", "registry", 1, 2)]
