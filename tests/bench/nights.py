"""A night that changes one patient in a thousand against a build of everybody: time of dbt, rows written."""

import json
from pathlib import Path

from rich.table import Table

from tests.incremental.hospital import Hospital, follow_up_rows, land_follow_up, small_hospital

PATIENTS = (1_776, 20_000)
ONE_IN = 1_000


def land_corrections(hospital: Hospital) -> int:
    """One look of one patient in a thousand turns out to show a recurrence; returns how many patients."""
    first_looks = {look["mrn"]: look for look in reversed(follow_up_rows(hospital))}
    corrected = list(first_looks.values())[::ONE_IN]
    land_follow_up(hospital, "later", *({**look, "finding": "definite", "sites": "lung"} for look in corrected))
    return len(corrected)


def seconds_of_dbt(hospital: Hospital) -> tuple[float, float]:
    """A night's dbt, its tests left out: from start to end, and in models (two at a time)."""
    hospital.night()
    results = json.loads((hospital.settings.dbt_target / "run_results.json").read_text(encoding="utf-8"))
    in_models = sum(node["execution_time"] for node in results["results"] if node["unique_id"].startswith("model."))
    return results["elapsed_time"], in_models


def bench_nights(folder: Path) -> Table:
    """dbt builds everybody, then one patient in a thousand. Rows are those written into tables kept by patient."""
    table = Table("patients", "changed", "what", "seconds", "in models", "rows written", title="A night (dbt)")
    for n_patients in PATIENTS:
        hospital = small_hospital(folder / str(n_patients), n_patients)
        full = seconds_of_dbt(hospital)
        n_changed = land_corrections(hospital)
        night = seconds_of_dbt(hospital)
        ((n_written, n_all),) = hospital.query(
            "SELECT sum(n_inserted), sum(n_before) FROM intermediate.recomputed_rows"
        )
        ratios = [
            f"{part / whole:.4f}" for part, whole in ((night[0], full[0]), (night[1], full[1]), (n_written, n_all))
        ]
        table.add_row(f"{n_patients:,}", "", "everybody", f"{full[0]:.1f}", f"{full[1]:.1f}", f"{n_all:,}")
        table.add_row("", f"{n_changed}", "the changed", f"{night[0]:.1f}", f"{night[1]:.1f}", f"{n_written:,}")
        table.add_row("", "", "ratio", *ratios)
    return table
