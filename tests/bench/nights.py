"""A night that changes one patient in a thousand against a build of everybody: time of dbt, rows written."""

import json
import resource
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


def night_of(hospital: Hospital) -> tuple[float, float, int]:
    """dbt's seconds by the clock and of processor time, its data tests left out; rows put into tables kept by patient."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    hospital.night()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = json.loads((hospital.settings.dbt_target / "run_results.json").read_text(encoding="utf-8"))
    ((n_rows,),) = hospital.query(
        f"""SELECT coalesce(sum(n_inserted), 0) FROM intermediate.recomputed_rows
            WHERE invocation_id = '{results["metadata"]["invocation_id"]}'"""
    )
    return results["elapsed_time"], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, n_rows


def bench_nights(folder: Path) -> Table:
    """dbt builds everybody, then nobody (what dbt takes for itself, and finding out who changed), then one in a thousand."""
    table = Table("patients", "computed", "seconds", "processor seconds", "rows written", title="A night (dbt)")
    for n_patients in PATIENTS:
        hospital = small_hospital(folder / str(n_patients), n_patients)
        everybody, nobody = night_of(hospital), night_of(hospital)
        n_changed = land_corrections(hospital)
        changed = night_of(hospital)
        ((n_all,),) = hospital.query(
            "SELECT sum(n_before) FROM intermediate.recomputed_rows GROUP BY invocation_id ORDER BY 1 LIMIT 1"
        )
        for what, (seconds, processor, n_rows) in (
            ("everybody", (*everybody[:2], n_all)),
            ("nobody", nobody),
            (f"{n_changed}", changed),
        ):
            table.add_row(
                f"{n_patients:,}",
                what,
                f"{seconds:.1f} ({seconds / everybody[0]:.2f})",
                f"{processor:.1f} ({processor / everybody[1]:.2f})",
                f"{n_rows:,} ({n_rows / n_all:.4f})",
            )
    return table
