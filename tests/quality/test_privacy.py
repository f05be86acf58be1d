"""Nothing that identifies a patient passes the gate, in whichever table and under whatever name."""

import datetime
import hashlib
import re

import duckdb
import pandas as pd
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from quality import list_suites, run_suites
from quality.privacy import OPAQUE_NAME, PrivacyLook, RememberedTexts, TableContents, privacy_checks
from quality.run_expectations import CHECK_COLUMNS
from tests.quality.clean_tables import A, B, clean_tables


def privacy_failures(frame: pd.DataFrame, identifiers: tuple[str, ...] = ()) -> dict[str, str]:
    """Name of each privacy check that did not pass -> the columns it names."""
    checks = pd.DataFrame(privacy_checks({"any_table": frame}, identifiers), columns=CHECK_COLUMNS)
    return checks[checks["status"] != "passed"].set_index("check_name")["column_name"].to_dict()


@pytest.mark.parametrize("table", [name for name in clean_tables() if name != "stg_registry_operations"])
def test_published_tables_are_clean(table):
    assert privacy_failures(clean_tables()[table], ("1", "300", "4711")) == {}


@pytest.mark.parametrize(
    "column", ["mrn", "last_name", "First_Name", "birth_date", "note", "payload", "evidence_text", "value", "DOB "]
)
def test_a_column_of_identifiers_or_free_text_is_found_by_name(column):
    assert privacy_failures(pd.DataFrame({"study_id": [A], column: [None]})) == {"no_identifying_column": column}


@pytest.mark.parametrize("value", ["SIM0001234", "see SIM0001234 of last year"])
def test_a_simulated_record_number_is_found(value):
    assert privacy_failures(pd.DataFrame({"site": ["lung", value]})) == {"no_identifying_value": "site"}


@pytest.mark.parametrize("value", ["4711-08", "00471108", "repeat of 00471108, see there", "see (4711-08)"])
def test_a_known_record_number_is_found_alone_and_within_text(value):
    assert privacy_failures(pd.DataFrame({"reason": [value]}), ("4711-08", "00471108")) == {
        "no_identifying_value": "reason"
    }


def test_a_short_record_number_is_a_hit_only_where_it_is_the_whole_value():
    assert privacy_failures(pd.DataFrame({"reason": ["12 of 40 read"]}), ("12",)) == {}
    assert privacy_failures(pd.DataFrame({"reason": ["12"]}), ("12",)) == {"no_identifying_value": "reason"}


@pytest.mark.parametrize(
    "column", [["SIM0001234", None], pd.Categorical(["SIM0001234", "x"]), [["SIM0001234"], []], ["SIM0001234", 5]]
)
def test_values_are_looked_at_in_every_kind_of_column(column):
    frame = pd.DataFrame({"n": [1, 2]}).assign(anything=column)
    assert privacy_failures(frame) == {"no_identifying_value": "anything"}


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("1934-02-03"),
        datetime.date(1934, 2, 3),
        "1934-02-03",
        "born 3.2.1934",
        "02/03/1934",
        "19340203",
        "1934-02-03T00:00:00",
    ],
)
def test_dates_are_found_however_written(value):
    assert privacy_failures(pd.DataFrame({"anything": [value]})) == {"no_calendar_date": "anything"}


@pytest.mark.parametrize("value", ["1991-1998", "1.0-9.9 mm", "12345678", "before 1980-01-01", "1a19340203bcdef0"])
def test_eras_widths_hashes_and_bounds_of_contracts_are_not_dates(value):
    assert privacy_failures(pd.DataFrame({"anything": [value]})) == {}


@pytest.mark.parametrize(
    "name", ["loaded_at", "noticed_at", "last_loaded_at", "rejected_at", "judged_at", "accepted_at"]
)
def test_the_machines_own_times_and_files_may_be_published(name):
    """A notice or a stale feed is told with its time; it must not close the gate."""
    frame = pd.DataFrame({name: [pd.Timestamp("2026-11-23")], "source_file": ["file 17"]})
    assert privacy_failures(frame) == {}


def test_a_files_own_name_is_found_by_the_date_in_it():
    frame = pd.DataFrame({"source_file": ["north/follow_up_2026-11-23.csv"]})
    assert privacy_failures(frame) == {"no_calendar_date": "source_file"}


FIVE_DIGITS = tuple(str(number) for number in range(10000, 11776))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("source_record_id", "bee33449c130-11402"),
        ("row_key", "endpoint=overall_survival,time_days=10432"),
        ("reason", "10432 of 11000 read"),
        ("reason", "11,402 records"),
        ("description", "10432 patients"),
        ("source_file", "file 10432"),
        ("why", "ratio 0.10432"),
        ("row_key", "study_id=P00000000000a,n_event=10432"),
    ],
)
def test_a_number_that_says_what_it_counts_is_no_record_number_of_five_digits(column, value):
    assert privacy_failures(pd.DataFrame({column: [value]}), FIVE_DIGITS) == {}


@pytest.mark.parametrize(
    "value", ["10432", "see 10432 of last year", "repeat of 10432", "(10432)", "mrn=10432", "10432;liver"]
)
def test_a_record_number_of_five_digits_is_found_alone_and_within_text(value):
    assert privacy_failures(pd.DataFrame({"reason": [value]}), FIVE_DIGITS) == {"no_identifying_value": "reason"}


@pytest.mark.parametrize("column", ["stratum", "metastasis_count_group", "contract_version", "clinical_risk_score"])
def test_a_label_3_is_not_the_record_number_3(column):
    assert privacy_failures(pd.DataFrame({column: ["3"], "n_event": [1]}), ("1", "2", "3")) == {}
    assert privacy_failures(pd.DataFrame({column: ["10432"]}), FIVE_DIGITS) == {"no_identifying_value": column}


@pytest.mark.parametrize("name", ["0001234", "P1934", "Muster"])
def test_a_study_id_that_is_no_pseudonym_is_found(name):
    assert privacy_failures(pd.DataFrame({"study_id": [A, B, name]})) == {"study_id_is_a_pseudonym": "study_id"}


def test_a_leak_is_blocking_in_a_table_that_no_suite_knows():
    queue = pd.DataFrame({"study_id": [A], "question": ["which margin is meant for SIM0001234?"]})
    report = run_suites({"adjudication_queue": queue}, "marts")
    leak = report.blocking[report.blocking["suite"] == "privacy"]
    assert leak[["table_name", "check_name", "column_name"]].to_numpy().tolist() == [
        ["adjudication_queue", "no_identifying_value", "question"]
    ]
    assert "privacy of adjudication_queue: no_identifying_value [question]: 1 of 2" in report.summary()
    assert "SIM0001234" not in report.summary() + report.checks.to_csv() + report.violations.to_csv()


def test_staging_is_restricted_and_has_no_privacy_checks():
    assert "privacy" in list_suites("marts")
    assert "privacy" not in list_suites("staging")
    report = run_suites(clean_tables(), "staging")
    assert report.is_open, report.summary()
    assert "privacy" not in set(report.checks["suite"])


def test_few_texts_are_asked_about_once_and_those_of_a_column_of_many_are_not_kept():
    asked: list[int] = []

    def is_secret(texts: pd.Series) -> pd.Series:
        asked.append(len(texts))
        return texts == "secret"

    memory = RememberedTexts(is_secret)
    few = pd.Series([1, 3], index=pd.Index(["arm", "secret"], dtype="str"), name="label")
    assert [memory.n_hits(few), memory.n_hits(few.rename("remark"))] == [3, 3]
    many = pd.Series(
        2, index=pd.Index([*(f"P{number}" for number in range(10_001)), "secret"], dtype="str"), name="remark"
    )
    assert [memory.n_hits(many), memory.n_hits(few)] == [2, 3]
    assert asked == [2, 10_002]
    assert set(memory.known) == {"arm", "secret"}


def test_texts_that_come_in_several_pieces_are_looked_through():
    """DuckDB gives a column of more than a million texts in pieces of a million; a first night of a country could not be judged."""
    pieces = [pd.Series([f"{place}-{number}" for number in range(6_000)], dtype="str") for place in ("left", "right")]
    names = pd.Index(pd.concat([*pieces, pd.Series(["see 4711-08"], dtype="str")]))
    counts = pd.Series(1, index=names, name="remark")
    contents = TableContents(["remark"], {}, [("remark", lambda: counts)])
    checks = pd.DataFrame(PrivacyLook(["4711-08"]).checks_of("any", lambda: contents), columns=CHECK_COLUMNS)
    failing = checks.loc[checks["status"] != "passed", ["check_name", "status", "n_failed"]]
    assert failing.to_numpy().tolist() == [["no_identifying_value", "failed", 1]]


def test_what_is_published_in_the_place_of_a_records_id_is_an_opaque_name_and_of_several_ids_several():
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        connection.execute("INSERT INTO restricted.installation VALUES ('key', 'secret')")
        one, other, both, of_nothing, none = connection.execute(
            """SELECT restricted.opaque_record('a-1'), restricted.opaque_record('b-2'), restricted.opaque_records('a-1;b-2'),
                      restricted.opaque_record(missing), restricted.opaque_records(missing)
               FROM (SELECT CAST(NULL AS VARCHAR) AS missing)"""
        ).fetchall()[0]
    assert re.fullmatch(OPAQUE_NAME, one) and re.fullmatch(OPAQUE_NAME, both)
    assert one == "R" + hashlib.sha256(b"secret|a-1").hexdigest()[:16]
    assert (both, of_nothing, none) == (f"{one};{other}", None, None)


def test_a_look_at_another_column_makes_no_opaque_names():
    """Every check of a gate scans the tables as they would be published: a country's time_to_event took 3.5 s a scan, now 0.05."""
    as_published = """SELECT * REPLACE (restricted.opaque_record(source_record_id) AS source_record_id,
                                        restricted.opaque_records(source_record_ids) AS source_record_ids) FROM times"""
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        connection.execute(
            "CREATE TABLE times AS SELECT 'a' AS source_record_id, 'a;b' AS source_record_ids, 7 AS time_days"
        )
        plan = connection.execute(f"EXPLAIN SELECT sum(time_days) FROM ({as_published})").fetchall()[0][1]
    assert "times" in plan
    assert "JOIN" not in plan and "source_record_id" not in plan
