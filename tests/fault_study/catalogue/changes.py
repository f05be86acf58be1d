"""The shapes that faults of files have: a column of other values, codes that changed places, dates moved, rows lost, words replaced.

Each function returns a fault: a change of the landing folder of one hospital.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import Fault
from tests.fault_study.landed_files import (
    Frame,
    edit,
    edit_words,
    every,
    moved,
    read,
    shifted,
    swap_codes,
    with_column,
    write,
)

Where = Callable[[Frame], pd.Series]


def nth(number: int) -> Where:
    """Every nth row."""
    return lambda rows: every(rows, number)


def column_is(feed: str, column: str, value: str | None, where: Where | None = None) -> Fault:
    """One value in a column, in all rows or in some."""
    return lambda folder: edit(
        folder, feed, lambda rows: with_column(rows, column, value, where(rows) if where else None)
    )


def columns_are(feed: str, **values: str | None) -> Fault:
    """One value in each of several columns."""
    return lambda folder: edit(folder, feed, lambda rows: rows.assign(**values))


def columns_change_places(feed: str, one: str, other: str) -> Fault:
    """The headers of two columns changed places."""
    return lambda folder: edit(folder, feed, lambda rows: rows.rename(columns={one: other, other: one}))


def codes_change(feed: str, column: str, *codes: str) -> Fault:
    """Each code stands for the next one, the last for the first."""
    return lambda folder: swap_codes(folder, feed, column, *codes)


def cells_change(feed: str, column: str, change: Callable[[str], str], where: Where | None = None) -> Fault:
    """Each cell of a column rewritten."""
    return lambda folder: edit(
        folder, feed, lambda rows: with_column(rows, column, rows[column].map(change), where(rows) if where else None)
    )


def numbers_times(feed: str, column: str, factor: float) -> Fault:
    """Each number of a column in another unit; what is no number stays."""
    return cells_change(
        feed, column, lambda cell: f"{float(cell) * factor:.4g}" if re.fullmatch(r"[\d.]+", cell) else cell
    )


def dates_move(feed: str, columns: tuple[str, ...], days: int, where: Where | None = None) -> Fault:
    """The dates of one or more columns so many days later."""

    def changed(rows: Frame) -> Frame:
        chosen = where(rows) if where else None
        for column in columns:
            rows = with_column(rows, column, shifted(rows[column], feed, days), chosen)
        return rows

    return lambda folder: edit(folder, feed, changed)


def dates_become(feed: str, column: str, change: Callable, where: Where | None = None) -> Fault:
    """Each date of a column made another one."""
    return lambda folder: edit(
        folder,
        feed,
        lambda rows: with_column(rows, column, moved(rows[column], feed, change), where(rows) if where else None),
    )


def rows_are_lost(feed: str, which: Where) -> Fault:
    """Rows that are no longer sent."""
    return lambda folder: edit(folder, feed, lambda rows: rows[~which(rows)])


def rows_come_again(feed: str, key: str, letter: str = "N", **values: str) -> Fault:
    """All rows again under new keys, in a second file."""

    def changed(folder: Path) -> None:
        rows = read(folder, feed)
        write(folder, feed, rows.assign(**{key: letter + rows[key].str[1:]}, **values), name="again.csv")

    return changed


def words_change(pattern: str, replacement: str, every_nth: int = 1) -> Fault:
    """Words of the reports replaced by a pattern, line by line."""
    return lambda folder: edit_words(folder, lambda text: re.sub(pattern, replacement, text), every_nth)
