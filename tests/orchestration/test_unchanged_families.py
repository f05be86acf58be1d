"""A family whose inputs are those of the last night is left as it stands, and one whose inputs are not is computed anew."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.patients.plan import PLAN_TABLES
from analysis.results.families import FAMILIES
from orchestration.assets.results import write_result
from orchestration.computing.inputs import REASONS_SCHEMA
from orchestration.computing.night import begin_computing, computed, end_computing
from orchestration.computing.unchanged import family_fingerprints, remember_inputs, stays
from orchestration.publication.verdicts import code_digest
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file, read_table, write_table
from tests.analysis.study_plan import seed

(FAMILY,) = [family for family in FAMILIES if family.name == "margin_agreement"]
CODE = "4d954ef+0c2d67505700"


@pytest.fixture
def build_file(tmp_path, monkeypatch) -> Path:
    """Two answers of reviewers about margins, and the plan."""
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path / "data"))
    path = load_settings().build_file
    with open_build_file(path) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute(
            """CREATE TABLE marts.margin_adjudications AS FROM (VALUES
                   ('P1', 1, 'positive', 'positive', TRUE, TRUE), ('P2', 1, '<1 mm', 'positive', TRUE, TRUE)
               ) AS answers (study_id, reviewer_number, margin_group, read_margin_group, is_coherent, is_blind)"""
        )
        for name in PLAN_TABLES:
            write_table(connection, "seeds", name, seed(name))
    yield path
    end_computing()


def night(run_id: str) -> bool:
    """The family's part of a night; returns whether it was computed."""
    context = SimpleNamespace(run=SimpleNamespace(run_id=run_id))
    begin_computing(context, [FAMILY], is_whole_night=True)
    made = computed(FAMILY, context)
    with open_build_file(load_settings().build_file) as connection:
        if made.tables is not None:
            for name, table in made.tables.items():
                write_result(connection, name, table)
            write_table(connection, REASONS_SCHEMA, FAMILY.name, made.reasons)
        remember_inputs(connection, FAMILY, made.of_inputs)
    return made.tables is not None


def results(build_file: Path) -> dict[str, pd.DataFrame]:
    with open_build_file(build_file) as connection:
        return {table.name: read_table(connection, "results", table.name) for table in FAMILY.tables}


def test_the_same_inputs_leave_the_tables_and_other_inputs_do_not(build_file, monkeypatch):
    assert night("first")
    first = results(build_file)
    assert not night("second")
    monkeypatch.setenv("CRLM_COMPUTE_ANEW", "true")
    assert night("forced")
    for name, table in results(build_file).items():
        pd.testing.assert_frame_equal(table, first[name])
    monkeypatch.delenv("CRLM_COMPUTE_ANEW")
    with open_build_file(build_file) as connection:
        connection.execute("UPDATE marts.margin_adjudications SET margin_group = 'positive' WHERE study_id = 'P2'")
    assert night("with another answer")
    agreed = [table["margin_agreement"]["n_agreed"].max() for table in (first, results(build_file))]
    assert agreed == [1, 2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE marts.margin_adjudications SET read_margin_group = '<1 mm' WHERE study_id = 'P2'", CODE),
        ("INSERT INTO marts.margin_adjudications VALUES ('P3', 1, 'positive', 'positive', TRUE, TRUE)", CODE),
        ("ALTER TABLE marts.margin_adjudications RENAME reviewer_number TO who", CODE),
        ("UPDATE seeds.analysis_plan SET value = '0' WHERE value = (SELECT max(value) FROM seeds.analysis_plan)", CODE),
        ("SELECT 1", "4d954ef+another0code"),
        ("SELECT 1", f"{CODE}+another_study"),
    ],
)
def test_a_row_a_column_the_plan_the_code_and_the_study_are_part_of_the_fingerprint(build_file, change, code):
    with open_build_file(build_file) as connection:
        before = family_fingerprints(connection, [FAMILY], CODE)
        assert family_fingerprints(connection, [FAMILY], "another0commit+0c2d67505700") == before
        connection.execute(change)
        assert family_fingerprints(connection, [FAMILY], code) != before


def test_a_table_that_anything_else_wrote_does_not_stay(build_file):
    with open_build_file(build_file) as connection:
        (of_inputs,) = family_fingerprints(connection, [FAMILY], CODE).values()
        assert not stays(connection, FAMILY, of_inputs)
        for table in FAMILY.tables:
            write_table(connection, "results", table.name, pd.DataFrame({"kappa": [0.5]}))
        write_table(connection, REASONS_SCHEMA, FAMILY.name, pd.DataFrame({"reason": ["few"]}))
        remember_inputs(connection, FAMILY, of_inputs)
        assert stays(connection, FAMILY, of_inputs)
        assert not stays(connection, FAMILY, "other inputs")
        write_table(connection, "results", FAMILY.tables[0].name, pd.DataFrame({"kappa": [0.7]}))
        assert not stays(connection, FAMILY, of_inputs)


def test_another_commit_is_no_other_code_but_another_study_is():
    assert code_digest(CODE) == code_digest("another+0c2d67505700") == "0c2d67505700"
    assert code_digest(f"{CODE}+another_study") == "0c2d67505700+another_study"
    assert code_digest("code-1") == "code-1"
