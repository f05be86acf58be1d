"""One night of a data folder, as far as the question needs it: landing gate, derivation, marts gate, estimates and their rules."""

import json
import math
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import count_events
from analysis.patients.plan import MAIN, Plan
from analysis.results.attempts import Attempts
from analysis.results.catalogue import CATALOGUE, checked_frame
from analysis.results.families import FAMILIES, Family
from orchestration.assets.gates import judge, judge_change
from orchestration.assets.results import write_result
from orchestration.computing.inputs import read_inputs, read_plan
from orchestration.dbt_build.arguments import current_manifest, dbt_build_arguments
from orchestration.dbt_build.runs import dbt_command, dbt_environment
from orchestration.hospitals import hospitals_of
from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.load_feed import (
    assign_study_ids,
    load_feed,
    record_hospital_limits,
    record_unclaimed_files,
)
from orchestration.night_profile import estimates as estimates_of
from orchestration.night_profile.baseline import accept_night
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file, read_table
from tests.fault_study.derivation import derive_again

Numbers = dict[str, tuple[float, float]]
"""Published number -> (value, standard error)."""
UNKNOWN_ERROR = 0.05
"""Of a share that nobody had before, or that has gone altogether."""
ESTIMATES = ("landmark_estimates", "hazard_ratios")
QUOTED_GROUPINGS = ("overall", "margin_group")
STUDY_ID_KEY = "a key of the fault study"
CONTRACTS = "contracts"
"""The folder of a study's contracts beside its landing folder, where it has its own."""


@dataclass
class Night:
    """What a night said: the checks that did not pass, by stage; `is_open` until a gate closed or a dbt test failed; `has_news`:
    a record was loaded or rejected, and something was derived."""

    is_open: bool = True
    checks: pd.DataFrame = field(default_factory=pd.DataFrame)
    dbt_failures: list[str] = field(default_factory=list)
    is_estimated: bool = False
    has_news: bool = True


def night(data: Path, run_id: str, *, until: str = "results", with_dbt: bool = False, accept: bool = False) -> Night:
    """Take in what landed, derive from it and judge it, until a gate closes.

    Args:
        until: the last stage: 'landing' (nothing is derived), 'marts' or 'results'.
        with_dbt: derive by dbt itself, which the first night of a hospital needs; else by what it wrote out then.
        accept: make this the night that the next one is compared with.
    """
    settings = settings_of(data)
    tonight = take_in(settings, run_id)
    tonight.has_news = accept or brought_anything(settings, run_id)
    if until != "landing" and tonight.is_open and tonight.has_news:
        tonight.dbt_failures = build(settings) if with_dbt else derive_again(settings)
        tonight.is_open = not tonight.dbt_failures
        for stage in ("staging", "marts"):
            if tonight.is_open:
                judge_stage(tonight, settings, stage, run_id)
    if until == "results" and tonight.is_open:
        estimate(settings)
        tonight.is_estimated = True
        judge_estimates(tonight, settings, run_id)
    if accept:
        with open_build_file(settings.build_file) as connection:
            accept_night(connection, run_id)
    return tonight


def brought_anything(settings: Settings, run_id: str) -> bool:
    """Whether a night loaded or rejected a record: of one that did neither, what is derived is as it was."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        query = "SELECT coalesce(sum(rows_loaded + rows_rejected), 0) FROM raw.ingest_ledger WHERE run_id = ?"
        return connection.execute(query, [run_id]).fetchall()[0][0] > 0


def settings_of(data: Path) -> Settings:
    """The settings of a data folder, with its own contracts where it has some."""
    own = data / CONTRACTS
    return Settings(data_dir=data, contracts_dir=own) if own.is_dir() else Settings(data_dir=data)


def take_in(settings: Settings, run_id: str) -> Night:
    """Load what landed, and the landing gate's judgement of it."""
    settings.prepare_folders()
    hospitals = hospitals_of(settings)
    with open_build_file(settings.build_file) as connection:
        for feed in canonical_feeds():
            load_feed(connection, settings.landing, hospitals.contracts, feed, run_id)
        record_hospital_limits(connection, hospitals)
        record_unclaimed_files(connection, settings.landing, hospitals, run_id)
        assign_study_ids(connection, STUDY_ID_KEY)
    tonight = Night()
    judge_stage(tonight, settings, "landing", run_id)
    return tonight


def judge_stage(tonight: Night, settings: Settings, stage: str, run_id: str) -> None:
    """Add a gate's judgement to the night's."""
    report = judge(settings, stage, run_id)
    is_blocking = report.checks.index.isin(report.blocking.index)
    _add(tonight, report.checks.assign(stage=stage, is_closing=is_blocking))


def judge_estimates(tonight: Night, settings: Settings, run_id: str) -> None:
    """Add what the rules say of the estimates; the suites of the results, which judge their form, are left out."""
    with open_build_file(settings.build_file) as connection:
        checks = judge_change(connection, settings, "results", run_id)
    _add(tonight, checks.assign(stage="results", is_closing=is_closing(checks)))


def is_closing(checks: pd.DataFrame) -> pd.Series:
    """Which checks close the gate."""
    return (checks["status"] == "error") | ((checks["status"] == "failed") & (checks["severity"] == "blocking"))


def _add(tonight: Night, checks: pd.DataFrame) -> None:
    tonight.checks = pd.concat([tonight.checks, checks[checks["status"] != "passed"]], ignore_index=True)
    tonight.is_open = tonight.is_open and not checks["is_closing"].any()


def build(settings: Settings) -> list[str]:
    """Derive everything by dbt; returns the names of the tests that failed.

    Raises:
        RuntimeError: dbt could not build a model.
    """
    current_manifest(settings)
    done = subprocess.run(
        [*dbt_command(), "--quiet", "--no-use-colors", *dbt_build_arguments(settings)],
        env=os.environ | dbt_environment(settings.build_file, settings.dbt_target, settings.dbt_project_dir),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads((settings.dbt_target / "run_results.json").read_text(encoding="utf-8"))["results"]
    broken = [result["unique_id"] for result in told if result["status"] in ("error", "runtime error")]
    if broken or done.returncode not in (0, 1):
        raise RuntimeError(f"dbt could not build {broken or done.stdout[-500:]}")
    return [result["unique_id"].split(".")[2] for result in told if result["status"] == "fail"]


class _Quoted(Attempts):
    """Only what readers quote is computed: no tests, and no Fine-Gray ratios, which stand alone in their table."""

    def add(self, tables: str | tuple[str, ...], endpoint: str | None, compute: Callable[[], object]) -> bool:
        names = (tables,) if isinstance(tables, str) else tables
        is_quoted = bool(set(names) & set(ESTIMATES)) and names != ("hazard_ratios",)
        return is_quoted and super().add(tables, endpoint, compute)


def main_plan(plan: Plan) -> Plan:
    """The plan with its one exposure and its main covariates: what readers quote."""
    return plan._replace(exposures=(plan.exposure,), covariate_sets={MAIN: plan.covariates(MAIN)})


def quoted_families() -> list[Family]:
    """The families of results that the quoted estimates are of."""
    return [family for family in FAMILIES if family.name in ("curves", "models")]


def estimated_tables(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> dict[str, pd.DataFrame]:
    """The tables of ESTIMATES."""
    quoted = _Quoted()
    counts = inputs["event_counts"]
    chosen = {**inputs, "event_counts": counts[counts["grouping"].isin(QUOTED_GROUPINGS)]}
    for family in quoted_families():
        family.compute(chosen, plan, quoted)
    entries = [entry for entry in CATALOGUE if entry.name in ESTIMATES]
    return {
        entry.name: checked_frame(entry.name, quoted.table(entry.name, [column.name for column in entry.columns]))
        for entry in entries
    }


def estimate(settings: Settings) -> None:
    """Write the estimates that readers quote: curves at the landmarks, adjusted ratios of the margin groups."""
    with open_build_file(settings.build_file) as connection:
        plan = main_plan(read_plan(connection))
        inputs = {
            name: frame for family in quoted_families() for name, frame in read_inputs(connection, family).items()
        }
        for name, table in estimated_tables(inputs, plan).items():
            write_result(connection, name, table)


def published_numbers(settings: Settings) -> Numbers:
    """The main published numbers as they stand: cohort, margin groups, salvage, and what `estimate` wrote (ratios on the log scale);
    each with its standard error."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        operations = read_table(connection, "marts", "index_operations")
        first = read_table(connection, "marts", "first_recurrences")
        estimates = connection.execute(estimates_of.ESTIMATES).fetchall()
    return cohort_numbers(operations, first) | _estimated(estimates)


def numbers_by_hospital(settings: Settings, hospitals: Iterable[str]) -> Iterator[tuple[str, Numbers | str]]:
    """The same of each hospital alone, from the marts of all of them; the reason where nothing can be worked out."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        plan = main_plan(read_plan(connection))
        operations = read_table(connection, "marts", "index_operations")
        first = read_table(connection, "marts", "first_recurrences")
        inputs = {
            name: frame for family in quoted_families() for name, frame in read_inputs(connection, family).items()
        }
    del inputs["event_counts"]
    numbered = inputs["operations"]
    for hospital in hospitals:
        own = operations[operations["source_system"] == hospital]
        of_hospital = numbered[numbered["source_system"] == hospital].set_index("study_id")
        chosen = {
            name: frame[frame["study_id"].isin(of_hospital.index)].reset_index(drop=True)
            for name, frame in inputs.items()
        }
        try:
            times = chosen["time_to_event"]
            groups = of_hospital["margin_group"].reindex(times["study_id"]).to_numpy()
            counts = [count_events(times), count_events(times.assign(margin_group=groups), "margin_group")]
            tables = estimated_tables({**chosen, "event_counts": pd.concat(counts, ignore_index=True)}, plan)
            numbers = cohort_numbers(own, first[first["study_id"].isin(own["study_id"])]) | _estimated(_quoted(tables))
            yield hospital, numbers
        except (ValueError, KeyError, ZeroDivisionError) as error:
            yield hospital, type(error).__name__


def _quoted(tables: dict[str, pd.DataFrame]) -> list[tuple]:
    """The estimates that readers quote, by the query that the gate uses."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA results")
    for name, frame in tables.items():
        connection.register(f"{name}_frame", frame)
        connection.execute(f"CREATE TABLE results.{name} AS FROM {name}_frame")
    return connection.execute(estimates_of.ESTIMATES).fetchall()


def _estimated(rows: list[tuple]) -> Numbers:
    return {f"{endpoint}, {what}": (value, error) for endpoint, what, value, error in rows}


def cohort_numbers(operations: pd.DataFrame, first: pd.DataFrame) -> Numbers:
    """Patients, shares and means of a cohort, each with its standard error."""
    numbers: Numbers = {"patients": (len(operations), math.sqrt(max(len(operations), 1)) / 2)}
    for name, shares in {
        "margin": operations["margin_group"],
        "sex": operations["sex"],
        "primary": operations["primary_site"],
        "nodes positive": operations["is_node_positive"],
        "synchronous": operations["is_synchronous"],
        "large metastasis": operations["has_large_metastasis"],
        "high CEA": operations["has_high_cea"],
        "multiple metastases": operations["has_multiple_metastases"],
        "salvage": first["has_salvage"],
        "first pattern": first["initial_pattern"],
    }.items():
        known = shares.dropna().astype(str)
        for word, share in known.value_counts(normalize=True).items():
            numbers[f"{name} {word}"] = (float(share), math.sqrt(share * (1 - share) / len(known)))
    for name in ("age_at_operation_years", "metastasis_count", "largest_metastasis_cm"):
        values = operations[name].astype(float).dropna()
        numbers[f"mean {name}"] = (float(values.mean()), float(values.std()) / math.sqrt(max(len(values), 1)))
    return numbers


def moved_numbers(before: Numbers, after: Numbers) -> pd.DataFrame:
    """The numbers that differ: name, before, after, by how many standard errors of the first; the farthest first. A share that is
    there no more has become 0; an estimate that cannot be made any more, or can be for the first time, has not moved."""
    rows = []
    for name in before.keys() | after.keys():
        if ", " in name and not (name in before and name in after):
            continue
        value, error = before.get(name, (0.0, UNKNOWN_ERROR))
        now = after.get(name, (0.0, UNKNOWN_ERROR))[0]
        if np.isfinite([value, now]).all() and not math.isclose(value, now, rel_tol=1e-9, abs_tol=1e-12):
            rows.append((name, value, now, abs(now - value) / (error or UNKNOWN_ERROR)))
    frame = pd.DataFrame(rows, columns=["number", "before", "after", "standard_errors"])
    return frame.sort_values(["standard_errors", "number"], ascending=[False, True], ignore_index=True)
