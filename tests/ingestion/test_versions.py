"""The same file twice changes nothing; a corrected record is a new version; study ids are stable."""

import pytest

from orchestration.ingestion.load_feed import OtherStudyIdKey, assign_study_ids
from orchestration.ingestion.raw_schema import create_raw_schema

HEADER = "id;patient;when;what;where;left\n"
FIRST = HEADER + "T1;SIM0000001;31.12.2000;op;L;0\nT2;SIM0000002;31.12.2000;rfa;L;0\n"
CORRECTED = FIRST.replace("T1;SIM0000001;31.12.2000", "T1;SIM0000001;30.12.2000")


def test_the_same_file_twice_is_not_read_again(warehouse):
    warehouse.land("treatments/t.csv", FIRST)
    assert len(warehouse.load("treatments", "night-1")) == 1
    assert warehouse.load("treatments", "night-2") == []
    assert warehouse.rows("SELECT count(*) FROM raw.treatments") == [(2,)]


def test_a_corrected_record_is_a_new_version_and_the_unchanged_one_a_duplicate(warehouse):
    warehouse.land("treatments/t.csv", FIRST)
    warehouse.load("treatments", "night-1")
    warehouse.land("treatments/t.csv", CORRECTED)
    (load,) = warehouse.load("treatments", "night-2")

    assert (load.rows_loaded, load.rows_duplicate) == (1, 1)
    assert warehouse.rows("SELECT treatment_id, treatment_date, run_id FROM raw.treatments ORDER BY ALL") == [
        ("T1", "2000-12-30", "night-2"),
        ("T1", "2000-12-31", "night-1"),
        ("T2", "2000-12-31", "night-1"),
    ]


def test_a_record_that_returns_to_its_first_state_is_a_third_version(warehouse):
    for night, content in enumerate([FIRST, CORRECTED, FIRST], start=1):
        warehouse.land("treatments/t.csv", content)
        warehouse.load("treatments", f"night-{night}")

    assert warehouse.rows("SELECT treatment_date FROM raw.treatments WHERE treatment_id = 'T1' ORDER BY loaded_at") == [
        ("2000-12-31",),
        ("2000-12-30",),
        ("2000-12-31",),
    ]


def test_study_ids_are_the_same_for_the_same_key_and_give_nothing_away(warehouse):
    warehouse.land("treatments/t.csv", FIRST)
    warehouse.load("treatments")

    assert assign_study_ids(warehouse.connection, "secret") == 2
    assert assign_study_ids(warehouse.connection, "secret") == 0
    first = warehouse.rows("SELECT mrn, study_id FROM raw.patient_identifiers ORDER BY mrn")
    with pytest.raises(OtherStudyIdKey):
        assign_study_ids(warehouse.connection, "another secret")
    warehouse.connection.execute("DELETE FROM raw.patient_identifiers; DELETE FROM restricted.installation")
    assign_study_ids(warehouse.connection, "another secret")
    other = warehouse.rows("SELECT mrn, study_id FROM raw.patient_identifiers ORDER BY mrn")

    assert len({study_id for _, study_id in first + other}) == 4
    assert all(len(study_id) == 13 and mrn not in study_id for mrn, study_id in first)


def test_a_build_file_of_before_takes_the_reports_of_today(warehouse):
    """Lines of a report had five fields once."""
    warehouse.connection.execute(
        """CREATE SCHEMA raw;
           CREATE TABLE raw.pathology_messages AS SELECT '900001' AS mrn, [{'sequence': 1::INTEGER, 'loinc_code': '22637-3',
               'specimen': 'A', 'value': 'margin 3 mm', 'status': 'F'}] AS observations"""
    )
    create_raw_schema(warehouse.connection)
    assert warehouse.rows(
        """SELECT mrn, line.sequence, line.loinc_code, line.specimen, line.value, line.status, line.set_id, line.kind, load_number
           FROM (SELECT mrn, load_number, unnest(observations) AS line FROM raw.pathology_messages)"""
    ) == [("900001", 1, "22637-3", "A", "margin 3 mm", "F", None, None, 0)]
