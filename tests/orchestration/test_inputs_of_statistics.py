"""What the statistics read of patients: numbers in the place of names, codes in the place of texts, in one order."""

import duckdb
import pandas as pd
import pytest

from orchestration.computing.inputs import read_input


@pytest.fixture
def build():
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE SCHEMA marts;
               CREATE TABLE marts.index_operations AS FROM (VALUES ('pb', 'b', true), ('pa', 'a', NULL)) t(study_id, era, is_node_positive);
               CREATE TABLE marts.time_to_event AS FROM (VALUES ('pc', 'death', 7, 1), ('pb', 'death', 5, 0), ('pa', 'death', 3, 2))
                   t(study_id, endpoint, time_days, event_code);
               CREATE TABLE marts.recurrences AS
                   FROM (VALUES ('pb', 'lung', 1.50, 'r2'), ('pb', 'liver', NULL, 'r1'), ('pa', 'lung', 2, 'r3'))
                   t(study_id, site, share, source_record_id);
               CREATE TABLE marts.event_counts AS FROM (VALUES ('death', 3)) t(endpoint, n_event)"""
        )
        yield connection


def test_a_patient_has_one_number_in_all_tables_in_the_order_of_the_names(build):
    """Whoever has times but no operation has a number too: the statistics say that there is such a patient."""
    times = read_input(build, "time_to_event")
    assert times["study_id"].tolist() == [0, 1, 2]
    assert times["time_days"].tolist() == [3, 5, 7]
    operations = read_input(build, "index_operations")
    assert operations[["study_id", "era"]].to_numpy().tolist() == [[0, "a"], [1, "b"]]
    assert read_input(build, "recurrences")["study_id"].tolist() == [0, 1, 1]


def test_texts_are_codes_in_the_order_of_the_alphabet_and_what_is_not_known_stays_so(build):
    sites = read_input(build, "recurrences")
    assert sites["site"].cat.categories.tolist() == ["liver", "lung"]
    assert sites[["site", "share"]].astype(object).where(sites.notna(), None).to_numpy().tolist() == [
        ["lung", 2.0],
        ["liver", None],
        ["lung", 1.5],
    ]
    assert "source_record_id" not in sites
    is_positive = read_input(build, "index_operations")["is_node_positive"]
    assert is_positive.isna().tolist() == [True, False]
    assert bool(is_positive[1])


def test_a_table_without_patients_is_read_as_it_is(build):
    expected = pd.DataFrame({"endpoint": ["death"], "n_event": [3]})
    pd.testing.assert_frame_equal(read_input(build, "event_counts"), expected, check_dtype=False)
