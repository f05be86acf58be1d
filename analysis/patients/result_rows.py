"""A row of a table of results on its way into a frame."""

from collections.abc import Mapping
from typing import SupportsFloat

Row = dict[str, object]
"""Value by column."""


def number_of(row: Mapping[str, object], column: str) -> float:
    """The row's number in a column; NaN where it has none."""
    value = row.get(column)
    return float(value) if isinstance(value, SupportsFloat) else float("nan")


def text_of(row: Mapping[str, object], column: str) -> str | None:
    """The row's words in a column; None where it has none."""
    value = row.get(column)
    return value if isinstance(value, str) else None
