"""The one place where patients with missing values are dropped before a model, and counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns


class CompleteRows(NamedTuple):
    """Rows without a missing value in the columns that matter, and how many rows were dropped for one."""

    rows: pd.DataFrame
    n_excluded_missing: int


def numbers_or_missing(values: pd.Series) -> np.ndarray:
    """A column of numbers or truths as float, missing as NaN (never as 0).

    Raises:
        ValueError: names the column when it holds anything else, or an infinite number.
    """
    try:
        if values.dtype in (np.dtype("float64"), np.dtype("bool")):
            numbers = values.to_numpy(dtype=float)
        else:
            numbers = values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{values.name}: neither numbers nor truths ({error})") from error
    if np.isinf(numbers).any():
        raise ValueError(f"{values.name}: infinite value(s)")
    return numbers


def complete_rows(frame: pd.DataFrame, columns: Sequence[str], frame_name: str = "frame") -> CompleteRows:
    """The rows of `frame` that miss none of `columns`; ValueError names a column the frame lacks."""
    require_columns(frame, list(columns), frame_name)
    is_complete = frame[list(columns)].notna().all(axis=1)
    return CompleteRows(frame[is_complete], int((~is_complete).sum()))
