"""Whether numbers stand for one person each: literal registry rows and merges."""

import duckdb
import pytest

from orchestration.night_profile.people import (
    _merged,
    _of_registered,
    _one_number_twice,
    _one_person_twice,
    _unheard_of,
)
from orchestration.night_profile.records import Feed, create_night_tables, feeds

ANN, ANN_MARRIED, BEA, CAT = (
    ("muster", "ann", "1950-01-01"),
    ("beispiel", "ann", "1950-01-01"),
    ("muster", "bea", "1961-02-03"),
    ("third", "cat", "1933-04-05"),
)


@pytest.fixture
def night() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_night_tables(connection)
    columns = "hospital VARCHAR, mrn VARCHAR, last_name VARCHAR, first_name VARCHAR, birth_date VARCHAR"
    connection.execute(f"CREATE TABLE operations ({columns}); CREATE TABLE registered ({columns})")
    connection.execute(
        """CREATE SCHEMA raw; CREATE TABLE raw.patient_merges (
               source_system VARCHAR, mrn VARCHAR, retired_mrn VARCHAR, merge_event VARCHAR, run_id VARCHAR)"""
    )
    return connection


def by_name(name: str) -> Feed:
    return next(feed for feed in feeds() if feed.name == name)


def counted(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute("SELECT measure, n, denominator FROM quality.night_profile ORDER BY ALL").fetchall()


def test_a_number_that_two_people_have_is_counted_and_a_changed_name_is_not(night):
    rows = [("1", *ANN), ("1", *ANN_MARRIED), ("2", *ANN), ("2", *BEA), ("3", *CAT)]
    night.executemany("INSERT INTO operations VALUES ('h', ?, ?, ?, ?)", rows)
    _one_number_twice(night)
    assert counted(night) == [("one_number_twice", 1, 3)]


def test_of_tonights_merges_those_of_two_people_are_told_and_earlier_ones_are_no_news(night):
    night.executemany(
        "INSERT INTO registered VALUES ('h', ?, ?, ?, ?)",
        [("1", *ANN), ("2", *ANN_MARRIED), ("3", *BEA), ("4", *CAT)],
    )
    night.execute("INSERT INTO quality.accepted_runs VALUES ('before', now()::TIMESTAMP)")
    night.executemany(
        "INSERT INTO raw.patient_merges VALUES ('h', ?, ?, ?, ?)",
        [
            ("1", "2", None, "tonight"),  # one woman under two names
            ("1", "3", "merge", "tonight"),  # two people
            ("1", "4", "merge", "before"),
            ("3", "4", "unlink", "tonight"),
            ("1", "9", "merge", "tonight"),  # nobody who was operated on
        ],
    )
    _merged(night)
    assert counted(night) == [("merged_tonight", 2, 4), ("merged_with_others", 1, 2)]


def test_new_patients_without_records_are_told_of_but_not_those_operated_on_lately(night):
    night.execute("ALTER TABLE registered ADD COLUMN first_operation DATE")
    night.execute("CREATE TABLE raw.registry (source_system VARCHAR, mrn VARCHAR, run_id VARCHAR)")
    night.execute("CREATE TABLE records_now (source_system VARCHAR, mrn VARCHAR, event_date VARCHAR)")
    night.execute("INSERT INTO quality.accepted_runs VALUES ('before', now()::TIMESTAMP)")
    night.executemany(
        "INSERT INTO registered (hospital, mrn, first_operation) VALUES ('h', ?, ?)",
        [
            ("old", "2001-01-01"),
            ("old, lost", "2001-01-01"),
            ("new", "2002-01-01"),
            ("new, lost", "2002-01-01"),
            ("of late", "2009-09-01"),
        ],
    )
    night.execute("INSERT INTO raw.registry VALUES ('h', 'old', 'before'), ('h', 'old, lost', 'before')")
    night.execute("INSERT INTO records_now VALUES ('h', 'old', '2010-01-01'), ('h', 'new', '2010-01-01')")
    _unheard_of(night, "follow_up", "event_date")
    told = "SELECT measure, n, denominator, n_reference, denominator_reference FROM quality.night_profile ORDER BY ALL"
    assert night.execute(told).fetchall() == [("new_unheard_of", 1, 2, 1, 2), ("unheard_of", 2, 4, None, None)]


def test_looks_are_of_somebody_registered_after_the_operation_and_not_after_the_death(night):
    night.execute("ALTER TABLE registered ADD COLUMN first_operation DATE")
    night.execute("CREATE TABLE deaths (hospital VARCHAR, mrn VARCHAR, death_date DATE)")
    night.execute("CREATE TABLE records_now (source_system VARCHAR, is_new BOOLEAN, mrn VARCHAR, event_date VARCHAR)")
    night.execute(
        "INSERT INTO registered (hospital, mrn, first_operation) VALUES ('h', '1', '2001-01-01'), ('h', '2', '2001-01-01')"
    )
    # somebody who is not registered may have died too
    night.execute("INSERT INTO deaths VALUES ('h', '2', '2003-01-01'), ('h', '9', '2003-01-01')")
    night.executemany(
        "INSERT INTO records_now VALUES ('h', TRUE, ?, ?)",
        [
            ("1", "2002-01-01"),
            ("1", "2000-12-31"),
            ("2", "2003-01-01"),
            ("2", "2003-01-02"),
            ("9", "2004-01-01"),
            ("8", None),
        ],
    )
    _of_registered(night, by_name("follow_up"))
    assert counted(night) == [
        ("after_death", 2, 6),
        ("before_operation", 1, 4),
        ("of_nobody_registered", 2, 6),
    ]


def test_a_new_number_of_a_person_who_has_one_is_told_by_name_or_by_all_that_is_registered_of_her(night):
    registry = by_name("registry")
    night.execute(
        f"CREATE TABLE records_now (source_system VARCHAR, is_new BOOLEAN, {', '.join(f'{name} VARCHAR' for name in registry.fields)})"
    )
    peculiar = {"operation_date": "2001-01-01", "cea_ng_ml": "7", "metastasis_count": "2"}
    people = [
        (False, {"mrn": "1", "last_name": "Muster", "first_name": "Ann", "birth_date": "1950-01-01"}),
        (True, {"mrn": "2", "last_name": "MUSTER", "first_name": "ann", "birth_date": "1950-01-01"}),
        # no names: one who is like another in everything is her, and one of whom hardly anything is told is not
        (False, {"mrn": "3", "birth_date": "1960-01-01", **peculiar}),
        (True, {"mrn": "4", "birth_date": "1960-01-01", **peculiar}),
        (True, {"mrn": "5", "birth_date": "1970-01-01", "operation_date": "2001-01-01"}),
        (True, {"mrn": "6", "birth_date": "1970-01-01", "operation_date": "2001-01-01"}),
        # twins of two names
        (False, {"mrn": "7", "last_name": "a", "first_name": "a", "birth_date": "1980-01-01", **peculiar}),
        (True, {"mrn": "8", "last_name": "a", "first_name": "b", "birth_date": "1980-01-01", **peculiar}),
        # her second operation tonight is of a number that was there
        (True, {"mrn": "1", "last_name": "Muster", "first_name": "Ann", "birth_date": "1950-01-01"}),
    ]
    for is_new, told in people:
        row = {"is_new": is_new, **told}
        night.execute(
            f"INSERT INTO records_now BY NAME SELECT 'h' AS source_system, {', '.join(f'${name} AS {name}' for name in row)}",
            row,
        )
    _one_person_twice(night, registry)
    assert counted(night) == [("one_person_twice", 2, 8)]
