"""How many of the records that had a code have another tonight: literal records of follow-up, as they stood and as they stand."""

from types import SimpleNamespace

import duckdb
import pytest

from orchestration.night_profile.corrections import count_recoded
from orchestration.night_profile.records import create_night_tables

FOLLOW_UP = SimpleNamespace(name="follow_up", fields={"finding": "code", "sites": "code_list"})


def recoded(now: list[tuple], changed: list[tuple]) -> list[tuple]:
    """field, value, n, denominator. `now`: finding and sites of the records that were there before; `changed`: field, before, after,
    change of those that say something else tonight."""
    connection = duckdb.connect()
    create_night_tables(connection)
    connection.execute(
        "CREATE TABLE records_now (source_system VARCHAR, is_new BOOLEAN, finding VARCHAR, sites VARCHAR)"
    )
    connection.execute(
        "CREATE TABLE changed_values (source_system VARCHAR, field VARCHAR, before VARCHAR, after VARCHAR, change VARCHAR, way VARCHAR)"
    )
    connection.executemany("INSERT INTO records_now VALUES ('h', FALSE, ?, ?)", now)
    connection.executemany("INSERT INTO changed_values VALUES ('h', ?, ?, ?, ?, 'one to another')", changed)
    count_recoded(connection, FOLLOW_UP)
    return connection.execute("SELECT field, value, n, denominator FROM quality.night_profile ORDER BY ALL").fetchall()


@pytest.mark.parametrize(
    ("now", "changed", "expected"),
    [
        # both suspicious looks became definite; a third look was definite before
        (
            [("definite", None), ("definite", None), ("definite", None), ("clear", None)],
            [("finding", "suspicious", "definite", "corrected")] * 2,
            [("finding", "suspicious", 2, 2)],
        ),
        # two codes changed places: all of each
        (
            [("clear", None), ("definite", None)],
            [("finding", "definite", "clear", "corrected"), ("finding", "clear", "definite", "corrected")],
            [("finding", "clear", 1, 1), ("finding", "definite", 1, 1)],
        ),
        # the margin is gone from one of two lists that had it; the other site stays
        (
            [("definite", "liver_elsewhere;lung"), ("definite", "liver_at_margin")],
            [("sites", "liver_at_margin;lung", "liver_elsewhere;lung", "corrected")],
            [("sites", "liver_at_margin", 1, 2)],
        ),
        # what happens in the course of things is no recoding, but those records had the code
        ([("b", None)], [("finding", "a", "b", "moved_on")], []),
    ],
)
def test_of_the_records_that_had_a_code(now, changed, expected):
    assert recoded(now, changed) == expected
