"""The attacks on dates of operation, tried on what is about to be published, by somebody who holds the truth to score them.

A time in days is no date until something anchors it. If many patients were last heard of on one day D (the end of the records, an
extract's date), D minus their days is their day of operation, and a period beside the days (a year, an era) tells which D fits;
or whoever reads knows D from elsewhere.
And a row's place, or a number in a name, tells the order of operation where records are kept in that order.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

NEAR_DAYS = 3
"""A date that is told to within so many days counts as recovered."""
LEAST_RECOVERED, LEAST_SHARE = 5, 0.10
"""Fewer are what guessing the middle of the records gives."""
LEAST_PINNED_DAYS = 31
"""A day that many patients share must not be told to within a month."""
NOTICEABLE_SHARE = 0.05
"""A day that one in twenty share (five at least) is no chance."""
LEAST_SHARING = 10
"""So few who share a day are no extract of a hospital's patients."""
STRONGEST_ORDER, LEAST_ROWS, LEAST_DAYS = 0.3, 20, 2
MOST_PLACES_A_VALUE = 4
"""Whole numbers that lie within so many times as many places as there are of them are counted rather than sorted."""


@dataclass(frozen=True)
class Attack:
    """One attempt: on which columns, on how many patients, how many dates it recovered, and in words whether it worked."""

    source: str
    n_patients: int
    n_recovered: int
    works: bool


def try_shared_days(source: str, times: pd.DataFrame) -> Attack | None:
    """Look for the one day that patients of a hospital, or all of them, share.

    Args:
        source: the published column of days (table.column).
        times: hospital, days (since the operation), first_day and last_day (of the period published beside them, as day numbers),
            operation_day (the truth, a day number). Rows with a missing value are left out.
    Returns:
        The most successful of the attacks on each hospital and on everybody; None where there is nobody.
    """
    rows = _without_missing(times, ["days", "first_day", "last_day", "operation_day"])
    of_hospitals = _of_hospitals(rows)
    groups = [rows, *of_hospitals] if len(of_hospitals) > 1 else of_hospitals
    return _best(_on_group(source, group) for group in groups)


def _best(attacks: Iterable[Attack]) -> Attack | None:
    return max(attacks, key=lambda attack: (attack.works, attack.n_recovered), default=None)


def _without_missing(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """What `dropna` gives; few frames have anything to drop, and it copies them all the same."""
    is_missing = np.logical_or.reduce([rows[name].isna().to_numpy() for name in columns])
    return rows[~is_missing] if is_missing.any() else rows


def _of_hospitals(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each hospital."""
    hospital = rows["hospital"].to_numpy()
    # in one order, which decides where two do alike
    hospitals = np.sort(pd.unique(hospital))
    return [rows] if len(hospitals) == 1 else [rows[hospital == each] for each in hospitals]


def _on_group(source: str, rows: pd.DataFrame) -> Attack:
    days, operated = rows["days"].to_numpy(np.int64), rows["operation_day"].to_numpy(np.int64)
    first, last = rows["first_day"].to_numpy(np.int64) + days, rows["last_day"].to_numpy(np.int64) + days
    guess = _best_day(first, last)
    n_recovered = int((np.abs(guess - days - operated) <= NEAR_DAYS).sum())
    n_pinned = _patients_of_a_pinned_day(days + operated, first, last)
    found = max(n_recovered, n_pinned)
    works = n_recovered >= max(LEAST_RECOVERED, LEAST_SHARE * len(rows)) or n_pinned > 0
    return Attack(source, len(rows), found, works)


def _best_day(first: np.ndarray, last: np.ndarray) -> int:
    """The day that lies in most of the intervals [first, last]; the middle one where several do."""
    (begins, _, n_begin), (ends, _, n_end) = _counted(first), _counted(last + 1)
    days, steps = np.concatenate([begins, ends]), np.concatenate([n_begin, -n_end])
    order = np.argsort(days, kind="stable")
    at, where = np.unique(days[order], return_index=True)
    height = np.add.reduceat(steps[order], where).cumsum()
    best = np.flatnonzero(height == height.max())
    return int((at[best[0]] + at[min(best[-1] + 1, len(at) - 1)] - 1) // 2)


def _patients_of_a_pinned_day(shared: np.ndarray, first: np.ndarray, last: np.ndarray) -> int:
    """Of a day that a noticeable part of the patients share (one in twenty, five at least): how many they are, if what is
    published beside their days tells that day to within a month; else 0."""
    _, place, n_sharing = _counted(shared)
    noticeable = np.flatnonzero(n_sharing >= max(LEAST_RECOVERED, NOTICEABLE_SHARE * len(shared)))
    for which in noticeable[np.argsort(-n_sharing[noticeable])]:
        members = place == which
        if last[members].min() - first[members].max() + 1 <= LEAST_PINNED_DAYS:
            return int(n_sharing[which])
    return 0


def try_known_days(source: str, times: pd.DataFrame) -> Attack | None:
    """What somebody recovers who knows the day that most patients of a hospital share: every day of operation of theirs.

    Args:
        source: the published column of days (table.column).
        times: hospital, days (since the operation), operation_day (the truth, a day number).
    Returns:
        The attack on the hospital where it does best, which works where the day is shared by more than chance; None where there is
        nobody.
    """
    return _best(
        _on_known_day(source, rows) for rows in _of_hospitals(_without_missing(times, ["days", "operation_day"]))
    )


def _on_known_day(source: str, of_hospital: pd.DataFrame) -> Attack:
    days, operated = (of_hospital[name].to_numpy(np.int64) for name in ("days", "operation_day"))
    n_sharing, n = int(_counted(days + operated)[2].max()), len(of_hospital)
    return Attack(source, n, n_sharing, n_sharing >= max(LEAST_SHARING, NOTICEABLE_SHARE * n))


def try_order(source: str, places: pd.DataFrame) -> Attack | None:
    """Whether the order of rows, or a number in a name, follows the order of operation; None where there are too few to tell.

    Args:
        source: the published table, or column (table.column).
        places: place (a number), operation_day (the truth).
    """
    rows = _without_missing(places, ["place", "operation_day"])
    if len(rows) < LEAST_ROWS:
        return None
    (place, n_places), (day, n_days) = (_ranks(rows[name].to_numpy()) for name in ("place", "operation_day"))
    if n_places < LEAST_ROWS or n_days < LEAST_DAYS:
        return None
    correlation = abs(np.corrcoef(place, day)[0, 1])
    is_certain = correlation * np.sqrt(len(rows) - 1) > 5
    works = bool(correlation > STRONGEST_ORDER and is_certain)
    return Attack(source, len(rows), len(rows) if works else 0, works)


def _ranks(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The rank of each value, the mean of theirs for equal ones (R's rank), and how many different values there are."""
    _, at, n_each = _counted(values)
    return (np.cumsum(n_each) - (n_each - 1) / 2)[at], int((n_each > 0).sum())


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values in ascending order, the place of each given one among them, and how often each occurs: 0 times too, of whole numbers that lie
    close to each other."""
    if values.dtype.kind in "iu":
        least = int(values.min())
        if int(values.max()) - least < MOST_PLACES_A_VALUE * len(values):
            # days and numbers of rows: counted, not sorted
            at = values - least
            n_each = np.bincount(at)
            return least + np.arange(len(n_each)), at, n_each
    return np.unique(values, return_inverse=True, return_counts=True)
