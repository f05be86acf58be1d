"""The kept reference values of R and the data they were computed from (see r_reference/make_reference.R)."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).with_name("r_reference")
DATASETS = ("colon", "pbc", "mgus2", "ties", "ends")
COX_DATASETS = ("colon", "pbc", "mgus2", "ties")
TOLERANCE = 1e-9


@cache
def _reference() -> dict:
    return json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


def r_values(dataset: str) -> dict:
    """Everything R computed from a data set."""
    return _reference()[dataset]


def patients(dataset: str, any_event: bool = False, swap: bool = False) -> pd.DataFrame:
    """The data set as time-to-event rows; optionally every event is the event, or the competing one is."""
    rows = pd.read_csv(FOLDER / f"{dataset}.csv").rename(columns={"time": "time_days", "code": "event_code"})
    if any_event:
        rows["event_code"] = (rows["event_code"] > 0).astype(int)
    if swap:
        rows["event_code"] = rows["event_code"].map({0: 0, 1: 2, 2: 1})
    return rows.assign(endpoint="overall_survival" if any_event else "overall_recurrence")


def on_r_times(curves: pd.DataFrame, values: dict) -> pd.DataFrame:
    """Our curve rows in the order of R's (which has no row at time 0)."""
    keys = pd.DataFrame({"stratum": [str(group) for group in values["g"]], "time_days": values["time"]})
    rows = keys.merge(curves, on=["stratum", "time_days"], how="left", validate="one_to_one")
    assert len(rows) == len(curves[curves["time_days"] > 0])
    return rows


def assert_equal_to_r(ours, of_r) -> None:
    """Equal within 1e-9 (relative, or absolute below 1), and missing exactly where R has no value."""
    ours, of_r = np.asarray(ours, dtype=float), np.asarray(of_r, dtype=float)
    np.testing.assert_allclose(ours, of_r, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
