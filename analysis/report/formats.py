"""How the report writes numbers. Missing is written as such, never as a zero or a blank."""

from datetime import datetime
from typing import Any, SupportsFloat

import pandas as pd

NOT_AVAILABLE = "not available"
EN_DASH = "\u2013"


def is_missing(value: Any) -> bool:
    """None, NaN and NA."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _number(cell: object) -> float | None:
    """The number in a cell of a table; None where it is missing. TypeError: it holds something else."""
    if is_missing(cell):
        return None
    if not isinstance(cell, SupportsFloat):
        raise TypeError(f"a number was expected, not {type(cell).__name__}")
    return float(cell)


def percent(cell: object, digits: int = 0) -> str:
    """0.733 -> '73%'."""
    share = _number(cell)
    return NOT_AVAILABLE if share is None else f"{share:.{digits}%}"


def percent_range(low: object, high: object) -> str:
    """0.636, 0.807 -> '64-81%' (with an en dash)."""
    first, last = _number(low), _number(high)
    return NOT_AVAILABLE if first is None or last is None else f"{100 * first:.0f}{EN_DASH}{last:.0%}"


def percent_with_limits(cell: object, low: object, high: object) -> str:
    """'73% (64-81)'; without the brackets where there are no limits."""
    share, first, last = _number(cell), _number(low), _number(high)
    if share is None or first is None or last is None:
        return percent(share)
    return f"{share:.0%} ({100 * first:.0f}{EN_DASH}{100 * last:.0f})"


def count(cell: object) -> str:
    """1234 -> '1,234'."""
    number = _number(cell)
    return NOT_AVAILABLE if number is None else f"{int(number):,}"


def p_value(cell: object) -> str:
    """'P<0.001', 'P=0.012', 'P=0.34'; three digits below 0.1, as journals print them."""
    p = _number(cell)
    if p is None:
        return f"P {NOT_AVAILABLE}"
    if p < 0.001:
        return "P<0.001"
    # rounding must not turn 0.9996 into a certainty
    return f"P={p:.3f}" if p < 0.0995 else "P>0.99" if p > 0.99 else f"P={p:.2f}"


def words(value: Any) -> str:
    """A name of the warehouse as words: 'follow_up' -> 'follow up'."""
    return NOT_AVAILABLE if is_missing(value) else str(value).replace("_", " ")


def moment(value: Any) -> str:
    """A time stamp to the minute, UTC; text as it is."""
    if is_missing(value):
        return NOT_AVAILABLE
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


FILTERS = {
    "percent": percent,
    "count": count,
    "p": p_value,
    "words": words,
    "moment": moment,
}
