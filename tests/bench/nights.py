"""A night that changes one patient in a thousand against a build of everybody: time of dbt, rows written."""

import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from tests.incremental.hospital import Hospital, follow_up_rows, land_follow_up, small_hospital

PATIENTS = (1_776, 20_000)
CHANGED_SHARE = 0.001
WHOLE_COHORT = ("marts.event_counts", "marts.follow_up", "marts.cohort_flow", "marts.not_derivable_endpoints")


@dataclass(frozen=True)
class Measured:
    """One dbt run: wall-clock seconds of dbt, seconds spent in models (two at a time), rows written."""

    seconds: float
    model_seconds: float
    rows: int


def measured_night(hospital: Hospital) -> Measured:
    """Take in what landed, then time dbt; tests of the tables left out."""
    hospital.load()
    start = time.perf_counter()
    hospital.build_tables()
    seconds = time.perf_counter() - start
    results = json.loads((hospital.settings.dbt_target / "run_results.json").read_text(encoding="utf-8"))
    models = [outcome for outcome in results["results"] if outcome["unique_id"].startswith("model.")]
    return Measured(seconds, sum(outcome["execution_time"] for outcome in models), rows_written(hospital, results))


def rows_written(hospital: Hospital, results: dict) -> int:
    """Rows that the run put into tables kept by patient: all there are, or those of changed patients."""
    night = f"SELECT sum(n_inserted) FROM intermediate.recomputed_rows WHERE invocation_id = '{results['metadata']['invocation_id']}'"
    if (rows := hospital.query(night)[0][0]) is not None:
        return rows
    tables = [
        outcome["relation_name"]
        for outcome in results["results"]
        if outcome["unique_id"].startswith("model.") and outcome["relation_name"].count("margin_clause") == 0
    ]
    return sum(hospital.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables)
