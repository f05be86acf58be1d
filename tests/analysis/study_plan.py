"""The plan of the seeds, as the nightly run hands it to the statistics."""

from pathlib import Path
from typing import TextIO

import pandas as pd

from analysis.models.dose_response import WidthSpline
from analysis.patients.plan import PLAN_TABLES, plan_from_frames

SEEDS = Path(__file__).parents[2] / "dbt_project/seeds/definitions"


def seed(name: str) -> pd.DataFrame:
    """A seed's rows as text; empty cells are missing."""
    return read_seed(SEEDS / f"{name}.csv")


def read_seed(file: Path | TextIO) -> pd.DataFrame:
    """The same of a file or text."""
    return pd.read_csv(file, dtype={"value": str, "levels": str, "reference": str})


PLAN = plan_from_frames({name: seed(name) for name in PLAN_TABLES})
ADJUSTMENT_COVARIATES = PLAN.covariates()
MARGIN = PLAN.exposure
MARGIN_GROUPS = MARGIN.levels
DAYS_A_YEAR = PLAN.days_a_year
FEW_EVENTS = PLAN.count("few_events")
GRID_MM = tuple(half / 2 for half in range(int(2 * PLAN.number("widest_width_mm")) + 1))
SPLINE = WidthSpline(PLAN.numbers("width_knot_quantiles"), PLAN.number("reference_width_mm"), GRID_MM)
PUBLISHED_FIGURES = seed("published_figures")
