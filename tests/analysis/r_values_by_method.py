"""The kept reference values of R, method by method (see r_reference/curves_models_and_weights.R, limits_periods_and_splines.R)."""

import json
from functools import cache

import pandas as pd

from tests.analysis.r_values import FOLDER

COX_GROUPS = {"colon": 3, "pbc": 4, "mgus2": 3, "ties": 4}


@cache
def _reference(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def curves_models_and_weights(dataset: str) -> dict:
    """Everything curves_models_and_weights.R computed from a data set."""
    return _reference("curves_models_and_weights")[dataset]


def limits_periods_and_splines(dataset: str) -> dict:
    """Everything limits_periods_and_splines.R computed from a data set."""
    return _reference("limits_periods_and_splines")[dataset]


def margin_patients() -> pd.DataFrame:
    """800 simulated patients with margin widths (mm), two causes, three centres and a confounded treatment."""
    rows = pd.read_csv(FOLDER / "margins.csv").rename(columns={"time": "time_days", "code": "event_code"})
    return rows.assign(endpoint="overall_recurrence")
