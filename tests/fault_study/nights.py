"""One night of a data folder, as far as the question needs it: landing gate, derivation, marts gate, published numbers."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.assets.dbt_models import dbt_build_arguments, dbt_executable
from orchestration.assets.gates import judge
from orchestration.hospitals import hospitals_of
from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.load_feed import (
    assign_study_ids,
    load_feed,
    record_hospital_limits,
    record_unclaimed_files,
)
from orchestration.night_profile.baseline import accept_night
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file, read_table

Numbers = dict[str, tuple[float, float]]
"""Published number -> (value, standard error)."""
CHECK = ["suite", "table_name", "check_name", "column_name"]


@dataclass
class Night:
    """What a night said: the checks that did not pass, by stage; `is_open` until a gate closed or a dbt test failed."""

    is_open: bool = True
    checks: pd.DataFrame = field(default_factory=pd.DataFrame)
    dbt_failures: list[str] = field(default_factory=list)
    is_derived: bool = False


def night(data: Path, run_id: str, *, until: str = "marts", stop: bool = True, accept: bool = False) -> Night:
    """Take in what landed and judge it.

    Args:
        until: 'landing' (nothing is derived) or 'marts'.
        stop: leave off where a gate closes, as a refresh does; else derive all the same, to see what it would have done.
        accept: make this the night that the next one is compared with.
    """
    settings = Settings(data_dir=data)
    settings.prepare_folders()
    hospitals = hospitals_of(settings)
    with open_build_file(settings.build_file) as connection:
        for feed in canonical_feeds():
            load_feed(connection, settings.landing, hospitals.contracts, feed, run_id)
        record_hospital_limits(connection, hospitals)
        record_unclaimed_files(connection, settings.landing, hospitals, run_id)
        assign_study_ids(connection, "a key of the fault study")
    tonight = Night()
    _judge(tonight, settings, "landing", run_id)
    if until == "marts" and (tonight.is_open or not stop):
        tonight.dbt_failures = build(settings)
        tonight.is_derived = True
        tonight.is_open = tonight.is_open and not tonight.dbt_failures
        if tonight.is_open or not stop:
            for stage in ("staging", "marts"):
                _judge(tonight, settings, stage, run_id)
    if accept:
        with open_build_file(settings.build_file) as connection:
            accept_night(connection, run_id)
    return tonight


def _judge(tonight: Night, settings: Settings, stage: str, run_id: str) -> None:
    report = judge(settings, stage, run_id)
    not_passed = report.checks[report.checks["status"] != "passed"].assign(stage=stage)
    is_closing = not_passed.index.isin(report.blocking.index)
    tonight.checks = pd.concat([tonight.checks, not_passed.assign(is_closing=is_closing)], ignore_index=True)
    tonight.is_open = tonight.is_open and report.is_open


def build(settings: Settings) -> list[str]:
    """Derive everything by dbt; returns the names of the tests that failed.

    Raises:
        RuntimeError: dbt could not build a model.
    """
    environment = {
        "CRLM_BUILD_PATH": str(settings.build_file),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    project = str(settings.dbt_project_dir)
    command = [dbt_executable(), "--quiet", "--no-use-colors", *dbt_build_arguments(settings)]
    done = subprocess.run(
        [*command, "--project-dir", project, "--profiles-dir", project],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads((settings.dbt_target / "run_results.json").read_text(encoding="utf-8"))["results"]
    broken = [result["unique_id"] for result in told if result["status"] in ("error", "runtime error")]
    if broken or done.returncode not in (0, 1):
        raise RuntimeError(f"dbt could not build {broken or done.stdout[-500:]}")
    return [result["unique_id"].split(".")[2] for result in told if result["status"] == "fail"]


def published_numbers(data: Path) -> Numbers:
    """The main published numbers of the marts as they stand: cohort, margin groups, adjusted hazard ratios (log scale), three-year
    estimates, salvage; each with its standard error."""
    from analysis.results.families import FAMILIES, compute_family
    from orchestration.assets.results import read_inputs, read_plan

    with open_build_file(Settings(data_dir=data).build_file, read_only=True) as connection:
        families = [family for family in FAMILIES if family.name in ("curves", "models")]
        inputs = {family.name: read_inputs(connection, family) for family in families}
        plan = read_plan(connection)
        operations = read_table(connection, "marts", "index_operations")
        first = read_table(connection, "marts", "first_recurrences")
    numbers: Numbers = {"patients": (len(operations), np.sqrt(max(len(operations), 1)) / 2)}
    for name, shares in {
        "margin": operations["margin_group"], "sex": operations["sex"], "primary": operations["primary_site"],
        "nodes positive": operations["is_node_positive"], "synchronous": operations["is_synchronous"],
        "large metastasis": operations["is_largest_metastasis_over_5_cm"], "high CEA": operations["is_cea_over_200_ng_ml"],
        "multiple metastases": operations["has_multiple_metastases"], "salvage": first["has_salvage"],
        "first pattern": first["initial_pattern"],
    }.items():  # fmt: skip
        known = shares.dropna().astype(str)
        for word, share in known.value_counts(normalize=True).items():
            numbers[f"{name} {word}"] = (share, np.sqrt(share * (1 - share) / len(known)))
    for name in ("age_at_operation_years", "metastasis_count", "largest_metastasis_cm"):
        values = operations[name].astype(float).dropna()
        numbers[f"mean {name}"] = (values.mean(), values.std() / np.sqrt(max(len(values), 1)))
    try:
        results: dict[str, pd.DataFrame] = {}
        for family in families:
            results |= compute_family(family, inputs[family.name], plan)[0]
    except (ValueError, KeyError, ZeroDivisionError) as error:
        return {**numbers, f"statistics impossible ({type(error).__name__})": (1.0, 0.1)}
    ratios = results["hazard_ratios"]
    for row in ratios[(ratios["model"] == "adjusted") & (ratios["estimand"] == "cause-specific")].itertuples():
        if str(row.term).startswith("margin") and row.hazard_ratio > 0 and row.conf_low > 0:
            error = np.log(row.conf_high / row.conf_low) / 2 / 1.96
            numbers[f"HR {row.term}, {row.endpoint}"] = (float(np.log(row.hazard_ratio)), float(error))
    landmarks = results["landmark_estimates"]
    overall = landmarks[
        (landmarks["grouping"].isin(["overall", "margin_group"])) & (landmarks["landmark_label"] == "3 years")
    ]
    for row in overall.itertuples():
        numbers[f"3 years {row.endpoint} {row.stratum}"] = (row.estimate, row.std_error)
    return numbers


def moved_numbers(before: Numbers, after: Numbers) -> pd.DataFrame:
    """The numbers that differ: name, before, after, by how many standard errors of the first; the farthest first."""
    rows = []
    for name in before.keys() | after.keys():
        value, error = before.get(name, (0.0, 0.05))
        now = after.get(name, (0.0, 0.05))[0]
        if np.isfinite([value, now]).all() and value != now:
            rows.append((name, value, now, abs(now - value) / error if error > 0 else np.inf))
    frame = pd.DataFrame(rows, columns=["number", "before", "after", "standard_errors"])
    return frame.sort_values(["standard_errors", "number"], ascending=[False, True], ignore_index=True)
