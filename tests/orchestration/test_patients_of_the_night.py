"""What the patients are taken for tonight against the last accepted night: literal patients in both."""

import duckdb
import pytest

from orchestration.night_profile.patients import LEVELS, TRAITS, _same_patients, _shares
from orchestration.night_profile.records import create_night_tables


@pytest.fixture
def nights() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_night_tables(connection)
    columns = ", ".join([*(f"{name} VARCHAR" for name in TRAITS), *(f"{name} DOUBLE" for name in LEVELS)])
    for table in ("accepted_patients", "night_patients"):
        connection.execute(f"CREATE TABLE quality.{table} (study_id VARCHAR, hospital VARCHAR, {columns})")
    return connection


def known(connection: duckdb.DuckDBPyConnection, table: str, *patients: dict) -> None:
    for patient in patients:
        row = {"hospital": "h", **patient}
        connection.execute(
            f"INSERT INTO quality.{table} BY NAME SELECT {', '.join(f'${name} AS {name}' for name in row)}", row
        )


def counted(connection: duckdb.DuckDBPyConnection, *columns: str) -> list[tuple]:
    return connection.execute(
        f"SELECT measure, field, {', '.join(columns)} FROM quality.night_profile WHERE n > 0 ORDER BY ALL"
    ).fetchall()


def test_of_patients_who_had_a_trait_those_are_told_who_have_another_tonight(nights):
    known(
        nights,
        "accepted_patients",
        {"study_id": "A", "margin_group": "positive", "sex": "female", "cea_ng_ml": 5.0, "n_assessments": 3},
        {"study_id": "B", "margin_group": "positive", "sex": "male", "cea_ng_ml": 5.0},
        {"study_id": "C", "margin_group": "unresolved", "cea_ng_ml": 5.0},
        {"study_id": "D", "cea_ng_ml": 5.0},
        {"study_id": "gone", "margin_group": "positive"},
    )
    known(
        nights,
        "night_patients",
        {"study_id": "D", "cea_ng_ml": None},
        {"study_id": "A", "margin_group": "positive", "sex": "female", "cea_ng_ml": 50.0, "n_assessments": 4},
        {"study_id": "B", "margin_group": ">=10 mm", "cea_ng_ml": None},
        # what was not known is no revision, a margin that is resolved is in the course of time
        {"study_id": "C", "margin_group": "positive", "sex": "male", "cea_ng_ml": 5.0},
        {"study_id": "new", "margin_group": "positive"},
    )
    _same_patients(nights)
    assert counted(nights, "n", "denominator", "told") == [
        ("patients_gone", "size", 1, 5, None),
        ("patients_moved_on", "margin_group", 1, 3, "unresolved to positive 1"),
        ("patients_new", "size", 1, 4, None),
        ("patients_revised", "cea_ng_ml", 3, 4, "emptied 2, higher 1"),
        ("patients_revised", "margin_group", 1, 3, "positive to >=10 mm 1"),
        ("patients_revised", "sex", 1, 2, "male to nothing 1"),
    ]


def test_the_new_patients_words_are_counted_beside_those_of_the_others(nights):
    known(nights, "accepted_patients", {"study_id": "A"}, {"study_id": "B"}, {"study_id": "gone"})
    known(
        nights,
        "night_patients",
        {"study_id": "A", "sex": "female"},
        {"study_id": "B", "sex": "male", "procedure_type": "wedge"},
        {"study_id": "new", "sex": "male"},
        {"study_id": "new too", "sex": None},
    )
    _shares(nights)
    assert counted(nights, "value", "n", "denominator", "n_reference", "denominator_reference") == [
        ("new_share", "sex", "male", 1, 1, 1, 2),
        ("share", "procedure_type", "wedge", 1, 1, None, None),
        ("share", "sex", "female", 1, 3, None, None),
        ("share", "sex", "male", 2, 3, None, None),
    ]


@pytest.mark.parametrize("before", [[], ["A", "B"]])
def test_where_all_are_new_or_none_is_nothing_is_compared(nights, before):
    known(nights, "accepted_patients", *({"study_id": name} for name in before))
    known(nights, "night_patients", {"study_id": "A", "sex": "male"}, {"study_id": "B", "sex": "male"})
    _shares(nights)
    assert counted(nights, "n", "denominator") == [("share", "sex", 2, 2)]
