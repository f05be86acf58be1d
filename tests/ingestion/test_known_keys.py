"""Many files of a feed are loaded with the known keys held in memory: what is a new version and what a duplicate does not change."""

import pytest

from orchestration.ingestion import known_keys
from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.known_keys import KnownKeys
from tests.ingestion.test_versions import HEADER

ONE = "{key};SIM000000{key};{day}.12.2000;op;L;0\n"
FILES = [
    [("1", "30"), ("2", "30")],
    [("3", "30"), ("4", "30")],
    [("2", "30"), ("5", "30")],  # 2 again
    [("1", "31"), ("6", "30"), ("6", "30")],  # 1 corrected, 6 twice
    [("1", "30")],  # 1 as it was first
]


@pytest.fixture(params=[1, 1000], ids=["keys held", "table asked"])
def fewest_files(request, monkeypatch):
    monkeypatch.setattr(known_keys, "FEWEST_FILES", request.param)


def test_versions_and_duplicates_are_the_same_either_way(warehouse, fewest_files):
    for number, records in enumerate(FILES, start=1):
        rows = "".join(ONE.format(key=key, day=day) for key, day in records)
        warehouse.land(f"treatments/t{number}.csv", HEADER + rows)
    loads = warehouse.load("treatments", "night-1")
    assert [(one.rows_loaded, one.rows_duplicate) for one in loads] == [(2, 0), (2, 0), (1, 1), (2, 1), (1, 0)]
    warehouse.land("treatments/t9.csv", HEADER + ONE.format(key="3", day="30") + ONE.format(key="7", day="30"))
    (load,) = warehouse.load("treatments", "night-2")
    assert (load.rows_loaded, load.rows_duplicate) == (1, 1)


def contract(warehouse):
    return next(one for one in load_hospitals(warehouse.contracts_folder) if one.feed == "treatments")


def told(connection, *keys):
    values = ", ".join(f"('{key}', FALSE)" for key in keys)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE checked_records AS SELECT * FROM (VALUES {values}) AS t (record_key, is_rejected)"
    )


def test_a_file_s_keys_are_new_until_they_were_taken(warehouse):
    connection = warehouse.connection
    warehouse.land("treatments/t.csv", HEADER + ONE.format(key="1", day="30"))
    warehouse.load("treatments")
    known = KnownKeys(connection, contract(warehouse))
    (in_raw,) = connection.execute("SELECT record_key FROM raw.treatments").fetchone()
    for keys, are_new in (
        (["a", "b"], True),
        ([in_raw], False),
        (["c"], True),
        (["d", "d"], False),
        (["e", "b"], False),
        (["f", "g", "h"], True),
        (["g"], False),
    ):
        told(connection, *keys)
        assert known.takes(connection) == are_new, keys
