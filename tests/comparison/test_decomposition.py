"""Two publications with patients' rows and the plan: read from the files, taken apart, said in terminal, JSON and report."""

import json
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from analysis.patients.plan import PLAN_TABLES
from analysis.results.headline_numbers import headline_numbers
from orchestration.comparison.show import as_json, compare, print_comparison
from orchestration.reporting.inputs import since_frames
from tests.analysis.results.study import operations, times
from tests.analysis.study_plan import PLAN, seed


def publication(path: Path, of_patients, day: int) -> Path:
    numbers = headline_numbers(of_patients, times(), PLAN).reset_index()
    figures = numbers[numbers["number"] != "patients"].rename(
        columns={"number": "figure", "margin_group": "stratum", "value": "estimate"}
    )
    margins = of_patients[["study_id", "margin_group", "margin_mm"]].assign(rule="width", source_record_id=f"r{day}")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA results; CREATE SCHEMA meta")
        for place, frame in {
            "marts.index_operations": of_patients.assign(source_record_id="o"),
            "marts.resection_margins": margins,
            "marts.time_to_event": times().assign(end_reason="", source_record_id="t"),
            "results.published_comparison": figures,
            "marts.patients": of_patients[["study_id"]].assign(is_in_cohort=True, exclusion_reason=None),
            **{f"meta.{name}": seed(name) for name in PLAN_TABLES},
        }.items():
            connection.register("rows", frame)
            connection.execute(f"CREATE TABLE {place} AS FROM rows")
        connection.execute(
            f"""CREATE TABLE meta.publication AS SELECT TIMESTAMP '2026-03-0{day} 02:00' AS published_at, 'r' AS run_id,
                'v1' AS code_version,
                'hash{day}' AS data_hash, 500::BIGINT AS n_patients, TRUE AS is_simulated;
                CREATE TABLE marts.first_recurrences (study_id VARCHAR, recurrence_days INT, initial_pattern VARCHAR,
                has_salvage BOOLEAN, salvage_days INT, source_record_id VARCHAR)"""
        )
    return path


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("publications")
    answered = operations()
    answered.loc[answered["margin_group"] == "unresolved", "margin_group"] = "positive"
    return publication(folder / "a.duckdb", operations(), 1), publication(folder / "b.duckdb", answered, 2)


def test_margins_that_were_settled_explain_all_that_moved_wherever_it_is_shown(two):
    parts = compare(*two)
    numbers = parts["numbers"].set_index(["number", "margin_group"])
    assert numbers.loc[("patients", "positive"), ["difference", "margins", "remainder"]].tolist() == [20, 20, 0]
    moved = numbers.dropna(subset=["difference"])
    assert len(moved) >= 16
    assert (moved["difference"] - moved["margins"]).abs().max() < 1e-9
    assert len(parts["notes"]) == 0
    assert {"margins", "remainder"} <= set(json.loads(as_json(parts))["numbers"][0])
    console = Console(record=True, width=160)
    print_comparison(console, parts)
    assert "how much of it is due to what" in console.export_text()


def test_the_report_is_told_counts_of_patients_and_no_patient(two):
    frames = since_frames(*two)
    assert frames["since_patients"].query("what == 'margin'")["n"].tolist() == [20]
    assert not any("study_id" in frame.columns for frame in frames.values())
