"""Which version of a record stands, and which stood in the last accepted night: literal treatments of a source that versions them."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.corrections import stage_and_count
from orchestration.night_profile.deliveries import profile_feed_delivery, stage_deliveries
from orchestration.night_profile.records import Feed, create_night_tables, feeds
from quality.night import judge_night

TREATMENTS: Feed = next(feed for feed in feeds() if feed.name == "treatments")
MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "record_versions.sql"
FIRST, TONIGHT = "first", "tonight"
VERSION = {"run_id": FIRST, "treatment_type": "ablation", "load_number": 1}


@pytest.fixture
def night() -> duckdb.DuckDBPyConnection:
    """Load 1 was accepted, load 2 is tonight's."""
    connection = duckdb.connect()
    create_raw_schema(connection)
    create_night_tables(connection)
    connection.execute(
        f"""INSERT INTO quality.accepted_runs VALUES ('{FIRST}', now()::TIMESTAMP);
            INSERT INTO raw.ingest_ledger BY NAME
            SELECT 'h' AS source_system, unnest([1, 2]) AS load_number, unnest(['{FIRST}', '{TONIGHT}']) AS run_id"""
    )
    stage_deliveries(connection, [])
    return connection


def landed(night: duckdb.DuckDBPyConnection, *versions: dict) -> None:
    """Versions of treatments, in the order of loading; what is not said is as in VERSION."""
    for place, version in enumerate(versions):
        row = {"treatment_id": "T1", **VERSION, **version}
        given = ", ".join(f"${name} AS {name}" for name in row)
        night.execute(
            f"""INSERT INTO raw.treatments BY NAME
                SELECT {given}, $treatment_id AS record_id, $treatment_id AS record_key, 'h' AS source_system, 'main' AS system,
                       '1' AS mrn, TIMESTAMP '2020-01-01' + to_days({place}) AS loaded_at""",
            row,
        )
    TREATMENTS.find_versions(night)
    stage_and_count(night, TREATMENTS)
    profile_feed_delivery(night, TREATMENTS)


def tonights(**told: object) -> dict:
    return {"run_id": TONIGHT, "load_number": 2, **told}


def in_force(night: duckdb.DuckDBPyConnection) -> list[tuple]:
    return night.execute("SELECT treatment_id, treatment_type, is_new FROM records_now ORDER BY ALL").fetchall()


def counted(night: duckdb.DuckDBPyConnection, *measures: str) -> list[tuple]:
    return night.execute(
        """SELECT measure, field, n, denominator FROM quality.night_profile
           WHERE list_contains($measures, measure) AND n > 0 ORDER BY ALL""",
        {"measures": measures or ["corrected", "withdrawn", "records_new"]},
    ).fetchall()


@pytest.mark.parametrize(
    ("there", "late"),
    [
        ({"source_version": 2}, {"source_version": 1}),
        ({"source_updated_at": "2020-05-01T00:00:00"}, {"source_updated_at": "2020-04-30T00:00:00"}),
        ({"record_updated_at": "2020-05-01 00:00:00"}, {"record_updated_at": "2020-04-30 00:00:00"}),
    ],
)
def test_an_older_export_that_lands_late_corrects_nothing_and_a_newer_one_does(night, there, late):
    landed(night, there, tonights(treatment_type="resection", **late))
    assert in_force(night) == [("T1", "ablation", False)]
    assert counted(night) == []


def test_a_newer_version_is_a_correction(night):
    landed(night, {"source_version": 1}, tonights(treatment_type="resection", source_version=2))
    assert in_force(night) == [("T1", "resection", False)]
    assert counted(night) == [("corrected", "treatment_type", 1, 1)]


def test_what_tonights_contract_reads_otherwise_from_the_same_file_is_held_against_what_stood(night):
    # read again, the file keeps its place in the order of loading
    landed(night, {"superseded_by": 2}, tonights(treatment_type="resection", load_number=1))
    assert in_force(night) == [("T1", "resection", False)]
    assert counted(night) == [("corrected", "treatment_type", 1, 1)]


def test_what_an_accepted_night_read_again_stands_no_more(night):
    landed(
        night,
        {"treatment_type": "resection", "source_version": 9, "superseded_by": 1},
        {},
        tonights(),
        {"treatment_id": "T2", "superseded_by": 1},
    )
    assert in_force(night) == [("T1", "ablation", False)]
    assert counted(night) == []


def test_looks_that_their_source_takes_back_are_counted_and_many_close_the_gate(night):
    sent = [{"treatment_id": f"T{number}"} for number in range(20)]
    taken_back = [tonights(**record, is_withdrawn=True) for record in sent[:12]]
    landed(night, *sent, *taken_back)
    assert len(in_force(night)) == 8
    assert counted(night) == [("withdrawn", None, 12, 20)]
    counts = night.execute(
        """SELECT measure, hospital, feed, field, value, n, denominator, NULL::DOUBLE AS n_before, NULL::DOUBLE AS denominator_before,
                  0.0 AS usual_share, 1 AS n_nights, told FROM quality.night_profile"""
    ).df()
    checks, _ = judge_night(counts, "landing")
    failed = checks[checks["status"] == "failed"]
    assert failed[["check_name", "severity"]].to_numpy().tolist() == [["few_records_are_taken_back", "blocking"]]
    assert (
        "12 of 20 records" in failed["description"].item()
        and "--accept feed:treatments" in failed["description"].item()
    )


def test_of_those_taken_back_only_tonights_are_news(night):
    landed(
        night,
        {"treatment_id": "of before"},
        {"treatment_id": "of before", "is_withdrawn": True},
        {"treatment_id": "stays"},
        tonights(treatment_id="came and went"),
        tonights(treatment_id="came and went", is_withdrawn=True),
        {"treatment_id": "again", "is_withdrawn": True},
        tonights(treatment_id="again", treatment_type="resection"),
        {"treatment_id": "back", "is_withdrawn": True},
        {"treatment_id": "back"},
        tonights(treatment_id="back"),
    )
    assert in_force(night) == [("again", "resection", False), ("back", "ablation", False), ("stays", "ablation", False)]
    assert counted(night) == []


def test_a_record_is_new_if_no_version_of_it_stood_and_held_against_what_stood_if_it_came_tonight(night):
    landed(
        night,
        {"treatment_id": "read otherwise", "superseded_by": 1},
        tonights(treatment_id="read otherwise"),
        tonights(treatment_id="twice tonight"),
        tonights(treatment_id="twice tonight"),
        {"treatment_id": "twice before"},
        {"treatment_id": "twice before"},
        {"treatment_id": "again"},
        tonights(treatment_id="again"),
    )
    assert [(name, is_new) for name, _, is_new in in_force(night)] == [
        ("again", False),
        ("read otherwise", True),
        ("twice before", False),
        ("twice tonight", True),
    ]
    assert night.execute("SELECT treatment_id FROM records_before").fetchall() == [("again",)]


def test_a_record_without_a_status_that_comes_as_cancelled_is_taken_back(night):
    active = {"treatment_id": "T2", "record_status": "active"}
    landed(night, {}, active, tonights(record_status="cancelled"), tonights(**active | {"record_status": "cancelled"}))
    assert counted(night) == [("corrected", "record_status", 1, 2), ("withdrawn", None, 1, 2)]


def test_the_order_of_versions_is_that_of_dbts_macro():
    macro = MACROS.read_text(encoding="utf-8").split("{% macro only_the_latest(feed, patient) %}")[1]
    order = macro.split("order by")[1].split(") = 1")[0]
    for feed in feeds():
        has_time = "record_updated_at" in feed.definition.columns
        of_feed = re.sub(r"\{% if.*?%\}(.*?)\{% endif %\}", r"\1" if has_time else "", order).replace("versions.", "")
        assert feed.latest_first.lower().split() == of_feed.split()
