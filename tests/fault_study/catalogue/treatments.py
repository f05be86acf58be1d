"""What befalls the treatments of recurrence."""

from tests.fault_study.catalogue.changes import (
    codes_change,
    columns_are,
    columns_change_places,
    dates_move,
    nth,
    rows_are_lost,
    rows_come_again,
)
from tests.fault_study.catalogue.listing import add
from tests.fault_study.landed_files import edit, every

FEED = "treatments"

for _name, _fault, _what in (
    ("residual_swapped", codes_change(FEED, "residual", "none", "present"), "nothing left and disease left changed codes"),
    ("kinds_swapped", codes_change(FEED, "treatment", "resection", "chemotherapy"), "resections and chemotherapies changed codes"),
    ("sites_swapped", codes_change(FEED, "sites", "lung", "liver_other"), "the codes of lung and liver changed places"),
    ("residual_emptied", columns_are(FEED, residual=""), "what disease was left is no longer said"),
    ("all_complete", columns_are(FEED, residual="none"), "every treatment left nothing"),
    ("none_complete", columns_are(FEED, residual="present"), "every treatment left disease"),
    ("all_chemotherapy", columns_are(FEED, treatment="chemotherapy"), "every treatment is called chemotherapy"),
    (
        "headers_swapped", columns_change_places(FEED, "treatment", "residual"),
        "the headers of treatment and residual disease changed places",
    ),
    ("a_month_early", dates_move(FEED, ("treatment_date",), -30), "every treatment is dated a month early"),
    (
        "ten_years_early", dates_move(FEED, ("treatment_date",), -3652, nth(3)),
        "one treatment in three is dated ten years early, before the operation",
    ),
    ("resections_lost", rows_are_lost(FEED, lambda rows: rows["treatment"] == "resection"), "resections are no longer sent"),
    ("again_under_new_ids", rows_come_again(FEED, "treatment_id"), "all treatments are sent again under new ids beside the old ones"),
    (
        "salvage_halved",
        lambda folder: edit(
            folder, FEED,
            lambda rows: rows.assign(residual=rows["residual"].mask((rows["residual"] == "none") & every(rows, 2), "unknown")),
        ),
        "for every second one what was left is not known any more",
    ),
):  # fmt: skip
    add(f"treatments_{_name}", FEED, _what, _fault)
