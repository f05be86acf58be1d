"""Two literal publications: a patient comes in, one leaves, a margin is answered, a recurrence and a covariate are corrected."""

import json
from pathlib import Path

import duckdb
import pytest

from orchestration.comparison.kept import UnknownPublication, default_pair, named_publication
from orchestration.comparison.publications import NEW_RECORD, RULES
from orchestration.comparison.show import as_json, compare


def publication(
    path: Path, code: str, patients: str, margins: str, operations: str, endings: str, figures: str
) -> Path:
    with duckdb.connect(str(path)) as c:
        c.execute("CREATE SCHEMA marts; CREATE SCHEMA results; CREATE SCHEMA meta")
        c.execute(f"""CREATE TABLE meta.publication AS SELECT TIMESTAMP '2026-03-01 02:00' AS published_at, '{code}' AS code_version,
                      '{path.stem}' AS data_hash, 3 AS n_patients, TRUE AS is_simulated""")
        c.execute(
            f"CREATE TABLE marts.patients AS FROM (VALUES {patients}) t(study_id, is_in_cohort, exclusion_reason)"
        )
        c.execute(
            f"CREATE TABLE marts.resection_margins AS FROM (VALUES {margins}) t(study_id, margin_group, margin_mm, rule, source_record_id)"
        )
        c.execute(
            f"CREATE TABLE marts.index_operations AS FROM (VALUES {operations}) t(study_id, sex, cea_ng_ml, source_record_id)"
        )
        c.execute("""CREATE TABLE marts.first_recurrences (study_id VARCHAR, recurrence_days INT, initial_pattern VARCHAR,
                     has_salvage BOOLEAN, salvage_days INT, source_record_id VARCHAR)""")
        c.execute(
            f"CREATE TABLE marts.time_to_event AS FROM (VALUES {endings}) t(study_id, endpoint, time_days, end_reason, source_record_id)"
        )
        c.execute(
            f"CREATE TABLE results.published_comparison AS FROM (VALUES {figures}) t(figure, endpoint, stratum, estimate)"
        )
    return path


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    yesterday = publication(
        tmp_path / "a.duckdb",
        "v1",
        "('P1', TRUE, NULL), ('P2', TRUE, NULL), ('P3', FALSE, 'residual disease')",
        "('P1', 'unresolved', NULL, 'bound', 'r1'), ('P2', '>=10 mm', 12.0, 'width', 'r2')",
        "('P1', 'female', 5.0, 'o1'), ('P2', 'male', NULL, 'o2')",
        "('P1', 'overall_recurrence', 900, 'censored: last assessment', 'f1'),"
        "('P2', 'overall_recurrence', 300, 'event: recurrence', 'f2')",
        "('3-year cumulative incidence', 'overall_recurrence', '>=10 mm', 0.50)",
    )
    tonight = publication(
        tmp_path / "b.duckdb",
        "v1",
        "('P1', TRUE, NULL), ('P2', FALSE, 'not followed up'), ('P3', TRUE, NULL), ('P4', TRUE, NULL)",
        "('P1', '<1 mm', 0.5, 'adjudicated', 'a1'), ('P3', 'positive', 0.0, 'width', 'r3'), ('P4', 'positive', 0.0, 'width', 'r4')",
        "('P1', 'female', 7.5, 'o1b'), ('P3', 'male', NULL, 'o3'), ('P4', 'male', NULL, 'o4')",
        "('P1', 'overall_recurrence', 700, 'event: recurrence', 'f1b')",
        "('3-year cumulative incidence', 'overall_recurrence', '>=10 mm', 0.45)",
    )
    return yesterday, tonight


def test_who_came_in_who_left_and_why(two):
    rows = compare(*two)["cohort"].to_dict("records")
    assert rows == [
        {"study_id": "P3", "change": "in", "before": "residual disease", "after": "in the cohort"},
        {"study_id": "P4", "change": "in", "before": "not registered", "after": "in the cohort"},
        {"study_id": "P2", "change": "out", "before": "in the cohort", "after": "not followed up"},
    ]


def test_each_changed_value_of_a_patient_in_both_cohorts_says_by_which_record_and_what_it_is_due_to(two):
    rows = compare(*two)["patients"].drop(columns=["study_id"]).to_dict("records")
    assert [(row["what"], row["before"], row["after"], row["due_to"]) for row in rows] == [
        ("covariate: cea_ng_ml", "5.0", "7.5", NEW_RECORD),
        (
            "endpoint: overall_recurrence",
            "day 900, censored: last assessment",
            "day 700, event: recurrence",
            NEW_RECORD,
        ),
        ("margin", "unresolved, bound", "<1 mm, 0.5 mm, adjudicated", "a reviewer's answer"),
    ]
    assert (rows[0]["record_before"], rows[0]["record_after"]) == ("o1", "o1b")


def test_the_same_records_read_by_other_code_are_other_rules(two, tmp_path):
    args = (
        "('P1', TRUE, NULL)",
        "('P1', '1.0-9.9 mm', 9.0, 'width', 'r2')",
        "('P1', 'female', 5.0, 'o1')",
        "('P1', 'overall_recurrence', 900, 'censored: last assessment', 'f1')",
        "('x', 'overall_recurrence', 'positive', 1.0)",
    )
    before = publication(tmp_path / "c.duckdb", "v1", args[0], args[1], args[2], args[3], args[4])
    after = publication(
        tmp_path / "d.duckdb", "v2", args[0], args[1].replace("1.0-9.9 mm', 9.0", ">=10 mm', 10.0"), *args[2:]
    )
    (row,) = compare(before, after)["patients"].to_dict("records")
    assert (row["what"], row["due_to"]) == ("margin", RULES)


def test_numbers_that_moved_and_all_of_it_as_json(two):
    parts = compare(*two)
    moved = parts["numbers"].set_index(["number", "margin_group"])["difference"]
    assert moved[("3-year cumulative incidence", ">=10 mm")] == pytest.approx(-0.05)
    assert json.loads(as_json(parts))["cohort"][0]["study_id"] == "P3"


def test_a_publication_that_is_not_there_is_named(tmp_path, two):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        compare(tmp_path / "nowhere.duckdb", two[1])


def test_a_kept_publication_is_named_by_its_day_and_an_unknown_one_lists_those_there_are(tmp_path):
    for name in ("20260301T020000000000Z", "20260301T030000000000Z", "20260302T020000000000Z"):
        (tmp_path / f"{name}.duckdb").touch()
    assert named_publication(tmp_path, "2026-03-01").name == "20260301T030000000000Z.duckdb"
    assert default_pair(tmp_path, tmp_path / "20260302T020000000000Z.duckdb")[0].name == "20260301T030000000000Z.duckdb"
    with pytest.raises(UnknownPublication, match="20260302T020000000000Z"):
        named_publication(tmp_path, "2025")
