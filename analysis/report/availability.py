"""What is missing is said on the page, with the reason; it never breaks the rest of the page."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd


class NotAvailable(Exception):
    """Why a part of the report cannot be shown; the text completes 'Not available: ...'."""


def frame_of(results: Mapping[str, pd.DataFrame], name: str, columns: str) -> pd.DataFrame:
    """The table, with at least one row and the columns (names separated by spaces) that a section reads.

    Raises:
        NotAvailable: the table was not handed over, lacks a column, or is empty.
    """
    frame = checked_frame(results, name, columns)
    if frame.empty:
        raise NotAvailable(f"the table {name} has no rows")
    return frame


def checked_frame(results: Mapping[str, pd.DataFrame], name: str, columns: str) -> pd.DataFrame:
    """As `frame_of`, for tables in which no row means that there was nothing to list."""
    frame = results.get(name)
    if frame is None:
        raise NotAvailable(f"the table {name} was not computed")
    absent = [column for column in columns.split() if column not in frame.columns]
    if absent:
        raise NotAvailable(f"the table {name} lacks {', '.join(absent)}")
    return frame


def row_at(frame: pd.DataFrame, key: object) -> pd.Series:
    """The row of an index that has each key once; KeyError where it does not have this one."""
    return frame.loc[[key]].iloc[0]


def section(build: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What `build` returns, with `reason` None; or only the reason why there is nothing to show."""
    try:
        return {"reason": None, **build(*arguments)}
    except NotAvailable as absence:
        return {"reason": str(absence)}
