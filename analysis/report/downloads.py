"""Files beside the page: each figure as SVG and PNG, each table as CSV. Names and bytes; whoever calls writes them."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

TABLES = (
    "published_comparison", "hazard_ratios", "proportional_hazards", "planned_tests", "risk_differences", "hospital_hazard_ratios",
    "recurrence_patterns", "salvage_by_margin", "landmark_estimates", "median_times", "time_varying_hazard_ratios",
    "not_derivable_endpoints", "analyses_not_done", "cohort_flow", "margin_groups", "table_one", "follow_up_quality",
    "check_results", "ingest_by_feed", "rejected_by_reason", "unresolved_by_reason", "records_set_aside",
    "since_numbers", "since_patients", "since_cohort", "drawn_from",
)  # fmt: skip
"""The tables behind the page, in its order."""
DRAWN_FROM = ("kaplan_meier", "cumulative_incidence", "dose_response", "specification_curve", "covariate_balance")
"""Those that only figures show."""
PIXELS_A_POINT = 2.0
SVG_NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def standalone_svg(inline: str) -> str:
    """An inline SVG as a file of its own: with the namespaces that a page does not need."""
    return re.sub(r"<svg\b", f"<svg {SVG_NAMESPACES}", inline, count=1)


def png_of(inline: str) -> bytes:
    """The same as pixels, two for each point."""
    import vl_convert

    return vl_convert.svg_to_png(standalone_svg(inline), scale=PIXELS_A_POINT)


def figure_files(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """`<figure>.svg` and `<figure>.png` of every figure that could be drawn."""
    files = {}
    for name, drawing in figures.items():
        if not drawing["reason"]:
            files[f"{name}.svg"] = standalone_svg(drawing["svg"]).encode()
            files[f"{name}.png"] = png_of(drawing["svg"])
    return files


def table_files(results: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """`<table>.csv` of every table that the page or a figure shows and that is there."""
    present = {name: results.get(name) for name in (*TABLES, *DRAWN_FROM)}
    return {f"{name}.csv": frame.to_csv(index=False).encode() for name, frame in present.items() if frame is not None}
