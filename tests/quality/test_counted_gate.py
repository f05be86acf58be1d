"""Counts made by SQL are judged as the frames are: the same rows of checks and violations, for every broken row of every suite."""

from collections.abc import Iterable

import duckdb
import pandas as pd
import pytest

from orchestration.judging.tables_to_judge import TablesToJudge
from quality import list_suites, run_suite, run_suite_counted, run_suites, run_suites_counted
from quality.common_checks import common_suite
from quality.counted_gate import _CountedGate, _judged
from quality.derived_sql import SQL_DERIVATIONS
from quality.derived_tables import DERIVATIONS
from quality.gate import as_frames
from quality.privacy import PrivacyLook, contents_of_frame
from quality.run_expectations import CHECK_COLUMNS, MOST_KEYS_KEPT, judge_frame
from quality.sql_of_checks import NotInSql, where_in_sql
from quality.suite_definitions import all_suites
from tests.quality.clean_tables import clean_tables
from tests.quality.test_suites import BROKEN, IDS, broken_tables, judged_broken

STAGES = ("staging", "marts", "results")


def store(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as a table of its name; as it is read from there."""
    connection.register("frame", frame)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM frame")
    connection.unregister("frame")
    return connection.execute(f"FROM {name}").df()


def to_judge(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> TablesToJudge:
    return TablesToJudge(connection, {name: f"SELECT * FROM {name}" for name in names})


def stored(frames: dict[str, pd.DataFrame]) -> tuple[TablesToJudge, dict[str, pd.DataFrame]]:
    """The tables in a database, and the frames that are read from it."""
    connection = duckdb.connect()
    read = {name: store(connection, name, frame) for name, frame in frames.items()}
    return to_judge(connection, frames), read


@pytest.fixture(scope="module")
def clean() -> tuple[duckdb.DuckDBPyConnection, dict[str, pd.DataFrame]]:
    """A database of the clean tables, and the frames that are read from it."""
    connection = duckdb.connect()
    return connection, {name: store(connection, name, frame) for name, frame in clean_tables().items()}


def assert_same(counted, judged) -> None:
    pd.testing.assert_frame_equal(counted.checks, judged.checks)
    pd.testing.assert_frame_equal(counted.violations, judged.violations)


@pytest.mark.parametrize("stage", STAGES)
def test_clean_tables_pass_with_the_same_counts(stage):
    tables, frames = stored(clean_tables())
    common = {"analyses_not_done": (), "not_there": ()} if stage == "results" else {}
    judged = run_suites(frames, stage, 3, ["4711"], common=common)
    assert_same(run_suites_counted(tables, stage, 3, ["4711"], common=common), judged)
    assert (judged.checks["n_checked"] > 0).sum() > 4


@pytest.mark.parametrize("suite", sorted({suite for suite, *_ in BROKEN}))
def test_each_broken_row_of_a_suite_fails_in_both_and_is_named_alike(clean, suite):
    """Counted one by one; the counts of all are judged at once, for that takes longer than counting."""
    connection, frames = clean
    table = all_suites()[suite].table
    rows, judged = [], []
    for position in (number for number, (name, *_) in enumerate(BROKEN) if name == suite):
        _, changes, checks, _ = BROKEN[position]
        store(connection, table, broken_tables(suite, changes)[table])
        expected = judged_broken(position)
        assert set(checks.split()) <= set(expected.checks.loc[expected.checks["status"] == "failed", "check_name"])
        counted, keys = _CountedGate(to_judge(connection, frames), 3, MOST_KEYS_KEPT).judge_suite(all_suites()[suite])
        pd.testing.assert_frame_equal(as_frames([], keys)[1], expected.violations, obj=IDS[position])
        rows += counted
        judged.append(expected.checks)
    store(connection, table, clean_tables()[table])
    together = as_frames(_judged(rows), [])[0]
    pd.testing.assert_frame_equal(together, pd.concat(judged, ignore_index=True), obj=f"checks of {suite}")


def test_what_is_not_there_is_the_same_error():
    frames = clean_tables()
    del frames["patients"]
    frames["time_to_event"] = frames["time_to_event"].drop(columns=["event_label", "endpoint"])
    frames["recurrences"] = frames["recurrences"].iloc[:0]
    tables, read = stored(frames)
    for suite in (name for name in list_suites("marts") if name != "privacy"):
        counted, judged = run_suite_counted(suite, tables, 3), run_suite(suite, read, 3)
        pd.testing.assert_frame_equal(
            counted.checks.drop(columns="error"), judged.checks.drop(columns="error"), obj=f"checks of {suite}"
        )
        assert list(counted.checks["error"].notna()) == list(judged.checks["error"].notna())


def test_missing_values_and_numbers_that_are_none_are_counted_alike():
    frame = pd.DataFrame(
        {
            "study_id": ["P1", "P1", None, "P2"], "conf_low": [0.1, float("nan"), 2.0, None], "conf_high": [0.2, 0.3, 1.0, None],
            "hazard_ratio": [1.0, 0.0, None, float("inf")], "n": [1, 2, None, -3], "n_event": [2, 1, None, None],
            "p_value": [0.5, 1.5, None, None], "warning": [None, "few", None, ""],
        }
    )  # fmt: skip
    tables, read = stored({"drawn": frame})
    suite = common_suite("drawn", list(frame.columns), "results", ["study_id"])
    expected_rows, expected_keys = judge_frame(suite, read["drawn"])
    rows, keys = _CountedGate(tables, None, 200).count(suite, tables.relation("drawn"), tables.types("drawn"))
    assert _judged(rows) == expected_rows
    assert keys == expected_keys
    assert sum(row[8] for row in expected_rows) > 5


def test_operations_of_a_hospital_that_is_not_named_are_those_of_one_hospital():
    """The first records CEA in one of its rows, the one without a name in one, the third in none."""
    operations = pd.DataFrame({"source_system": ["a", "a", None, None, "c"], "cea_ng_ml": [1.0, None, None, 2.0, None]})
    tables, read = stored({"stg_registry_operations": operations})
    relations = {"stg_registry_operations": tables.relation("stg_registry_operations")}
    counted = tables.ask(
        f"SELECT hospital_records_cea FROM ({SQL_DERIVATIONS['registry_operations'](relations, None)})"
    )
    derived = DERIVATIONS["registry_operations"].make(read, None)
    told = [True, True, True, True, False]
    assert counted["hospital_records_cea"].tolist() == derived["hospital_records_cea"].tolist() == told


def test_an_endpoint_that_a_patient_has_twice_is_not_accounted_for():
    frames = clean_tables()
    frames["time_to_event"] = pd.concat([frames["time_to_event"], frames["time_to_event"].iloc[:1]], ignore_index=True)
    tables, read = stored(frames)
    relations = {name: tables.relation(name) for name in frames}
    counted = tables.ask(SQL_DERIVATIONS["endpoint_coverage"](relations, None))
    derived = DERIVATIONS["endpoint_coverage"].make(read, None)
    assert counted["n_accounted"].tolist() == derived["n_accounted"].tolist()
    assert (counted["n_expected"] - counted["n_accounted"]).sum() == 1


def test_a_share_that_may_fail_is_judged_to_the_last_row():
    operations = pd.concat([clean_tables()["index_operations"].iloc[:1]] * 100, ignore_index=True)
    operations["study_id"] = [f"P{number:012d}" for number in range(100)]
    for n_unresolved in (0, 5, 9, 10, 11, 25):
        operations["margin_group"] = ["unresolved"] * n_unresolved + ["positive"] * (100 - n_unresolved)
        tables, frames = stored({"index_operations": operations})
        assert_same(
            run_suite_counted("index_operations", tables), run_suite("index_operations", frames["index_operations"])
        )


def test_every_condition_of_every_suite_can_be_said_in_sql():
    for suite in all_suites().values():
        for check in suite.checks:
            types = _Anything()
            assert where_in_sql(check.where, types)
    with pytest.raises(NotInSql):
        where_in_sql("endpoint.str.len() > 3", _Anything())
    with pytest.raises(LookupError):
        where_in_sql("endpoint == 'x'", {"other": "VARCHAR"})


class _Anything(dict):
    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: object, default: object = None) -> object:
        return "VARCHAR"


@pytest.mark.parametrize(
    ("changed", "mrns", "failing"),
    [
        ({}, ["4711"], set()),
        ({"study_id": "0004711"}, ["4711"], {"study_id_is_a_pseudonym"}),
        ({"study_id": f"R{5:016x}"}, ["4711"], {"study_id_is_a_pseudonym"}),
        ({"seen_with": "P00000004711A"}, ["P00000004711A"], {"no_identifying_value"}),
        # a hospital whose numbers look like pseudonyms: then no opaque name is passed over
        ({"seen_with": "P0000000abcde"}, ["P0000000abcde"], {"no_identifying_value"}),
        ({"seen_with": "P00000000000a\nof 1934-02-03"}, ["4711"], {"no_calendar_date"}),
    ],
)
def test_opaque_names_of_a_large_table_are_counted_in_sql_and_hide_nothing(changed, mrns, failing):
    ids = [f"P{number:012x}" for number in range(10_001)]
    records = [f"R{number:016x};R{number + 1:016x}"[: 17 if number % 2 else None] for number in range(10_001)]
    frame = pd.DataFrame(
        {"study_id": ids, "seen_with": [None, *ids[1:]], "source_record_id": records, "arm": "resection"}
    )
    for column, text in changed.items():
        frame.loc[5, column] = text
    tables, frames = stored({"anything": frame})
    look = PrivacyLook(mrns)
    passes_over = look.opaque_names_are_harmless
    rows = [look.checks_of("anything", lambda: tables.contents("anything", passes_over))]
    rows.append(PrivacyLook(mrns).checks_of("anything", lambda: contents_of_frame(frames["anything"])))
    counted, of_frame = (pd.DataFrame(found, columns=CHECK_COLUMNS) for found in rows)
    pd.testing.assert_frame_equal(counted, of_frame)
    assert set(counted.loc[counted["status"] != "passed", "check_name"]) == failing
    n_read = sum(len(ask()) for _, ask in tables.contents("anything", passes_over).texts)
    assert n_read == (30_003 if mrns == ["P0000000abcde"] else 1 + len(changed))
