"""What befalls the treatments of recurrence."""

from pathlib import Path

from tests.fault_study.catalogue.listing import add, fault
from tests.fault_study.landed_files import edit, shifted, swap_codes

add(
    "treatments_residual_swapped",
    "treatments",
    "nothing left and disease left changed codes",
    lambda folder: swap_codes(folder, "treatments", "residual", "none", "present"),
)
add(
    "treatments_kinds_swapped",
    "treatments",
    "resections and chemotherapies changed codes",
    lambda folder: swap_codes(folder, "treatments", "treatment", "resection", "chemotherapy"),
)
add(
    "treatments_residual_emptied",
    "treatments",
    "what disease was left is no longer said",
    lambda folder: edit(folder, "treatments", lambda rows: rows.assign(residual="")),
)
add(
    "treatments_all_complete",
    "treatments",
    "every treatment left nothing",
    lambda folder: edit(folder, "treatments", lambda rows: rows.assign(residual="none")),
)


@fault("treatments", "every treatment is dated a month early")
def treatments_a_month_early(folder: Path) -> None:
    edit(
        folder,
        "treatments",
        lambda rows: rows.assign(treatment_date=shifted(rows["treatment_date"], "treatments", -30)),
    )


@fault("treatments", "resections are no longer sent")
def treatments_resections_lost(folder: Path) -> None:
    edit(folder, "treatments", lambda rows: rows[rows["treatment"] != "resection"])
