"""How the report writes numbers. Missing is written as such, never as a zero or a blank."""

from datetime import datetime
from typing import Any

import pandas as pd

NOT_AVAILABLE = "not available"
EN_DASH = "\u2013"


def is_missing(value: Any) -> bool:
    """None, NaN and NA."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def percent(value: float | None, digits: int = 0) -> str:
    """0.733 -> '73%'."""
    return NOT_AVAILABLE if is_missing(value) else f"{value:.{digits}%}"


def percent_range(low: float | None, high: float | None) -> str:
    """0.636, 0.807 -> '64-81%' (with an en dash)."""
    return NOT_AVAILABLE if is_missing(low) or is_missing(high) else f"{100 * low:.0f}{EN_DASH}{high:.0%}"


def percent_with_limits(value: float | None, low: float | None, high: float | None) -> str:
    """'73% (64-81)'; without the brackets where there are no limits."""
    if is_missing(value) or is_missing(low) or is_missing(high):
        return percent(value)
    return f"{value:.0%} ({100 * low:.0f}{EN_DASH}{100 * high:.0f})"


def count(value: float | None) -> str:
    """1234 -> '1,234'."""
    return NOT_AVAILABLE if is_missing(value) else f"{int(value):,}"


def p_value(value: float | None) -> str:
    """'P<0.001', 'P=0.012', 'P=0.34'; three digits below 0.1, as journals print them."""
    if is_missing(value):
        return f"P {NOT_AVAILABLE}"
    if value < 0.001:
        return "P<0.001"
    # rounding must not turn 0.9996 into a certainty
    return f"P={value:.3f}" if value < 0.0995 else "P>0.99" if value > 0.99 else f"P={value:.2f}"


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
