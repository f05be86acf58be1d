"""The kept reference values of R for the further statistics (see r_reference/further_statistics.R, completing_statistics.R)."""

import json
from functools import cache

import pandas as pd

from tests.analysis.r_values import FOLDER

COX_GROUPS = {"colon": 3, "pbc": 4, "mgus2": 3, "ties": 4}


@cache
def _reference(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def further_values(dataset: str) -> dict:
    """Everything further_statistics.R computed from a data set."""
    return _reference("further_statistics")[dataset]


def completing_values(dataset: str) -> dict:
    """Everything completing_statistics.R computed from a data set."""
    return _reference("completing_statistics")[dataset]


def margin_patients() -> pd.DataFrame:
    """800 simulated patients with margin widths (mm), two causes, three centres and a confounded treatment."""
    rows = pd.read_csv(FOLDER / "margins.csv").rename(columns={"time": "time_days", "code": "event_code"})
    return rows.assign(endpoint="overall_recurrence")
