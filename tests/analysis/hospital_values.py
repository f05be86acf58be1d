"""The kept reference values of R for several hospitals, standardised curves, intervals and day 0 (see r_reference/hospitals.R)."""

import json
from functools import cache

import numpy as np

from tests.analysis.r_values import FOLDER


@cache
def hospital_values() -> dict:
    """Everything hospitals.R computed."""
    return json.loads((FOLDER / "hospitals.json").read_text(encoding="utf-8"))


def or_infinite(values: list) -> np.ndarray:
    """R's NA as infinity: the right end of an interval without an event."""
    return np.array([np.inf if value in (None, "NA") else value for value in values], dtype=float)
