"""Exact counts by day (the `event_counts` mart), checked and taken apart by stratum.

Times are whole days, so for every day of a stratum the numbers of events, of competing events and of censorings carry
all that Kaplan-Meier, Aalen-Johansen, log-rank, Tarone's trend and Gray's test need of the patients.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.names import ordered_strata

STRATUM_COLUMNS = ["endpoint", "grouping", "stratum"]
COUNT_COLUMNS = ["n_event", "n_competing", "n_censored"]
EVERYBODY = "overall"
# so many counts of an endpoint, stratum and day are held at once; of more only those that occur
MOST_CELLS = 5_000_000


@dataclass(frozen=True)
class StratumCounts:
    """One stratum of one endpoint; every array has one entry a distinct time, in ascending order.

    `n_risk` counts the patients whose own time is at or after that time (events and censorings of a day are at risk on it).
    """

    endpoint: str
    grouping: str
    stratum: str
    time_days: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_competing: np.ndarray
    n_censored: np.ndarray

    @property
    def n(self) -> int:
        """Patients in the stratum."""
        return int((self.n_event + self.n_competing + self.n_censored).sum())


def stacked(curves: Sequence[tuple[StratumCounts, Mapping[str, np.ndarray]]], columns: Sequence[str]) -> pd.DataFrame:
    """Strata with further arrays of the same length as rows: `columns`, which name these arrays and what a stratum has."""
    if not curves:
        return pd.DataFrame(columns=list(columns))
    sizes = [len(counts.time_days) for counts, _ in curves]
    at = np.repeat(np.arange(len(curves)), sizes)
    made = {}
    for column in columns:
        if column in STRATUM_COLUMNS:
            made[column] = pd.array([getattr(counts, column) for counts, _ in curves], dtype="str").take(at)
        else:
            made[column] = np.concatenate(
                [more[column] if column in more else getattr(counts, column) for counts, more in curves]
            )
    return pd.DataFrame(made)


def require_columns(frame: pd.DataFrame, columns: Sequence[str], frame_name: str) -> None:
    """Raise ValueError naming the columns that `frame` lacks."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"{frame_name} lacks the column(s) {', '.join(missing)}")


def checked_times(values: pd.Series, frame_name: str) -> np.ndarray:
    """Times as finite numbers >= 0; ValueError otherwise."""
    times = _numbers(values, frame_name)
    if (times < 0).any():
        raise ValueError(f"{frame_name}.{values.name}: {int((times < 0).sum())} negative time(s)")
    return times


class _Checked(NamedTuple):
    """Sorted: of each column of the stratum the numbers and what they stand for, then times and counts."""

    codes: list[np.ndarray]
    names: list[list[str]]
    times: np.ndarray
    counts: list[np.ndarray]


def _checked(event_counts: pd.DataFrame) -> _Checked:
    require_columns(event_counts, [*STRATUM_COLUMNS, "time_days", *COUNT_COLUMNS], "event_counts")
    times = checked_times(event_counts["time_days"], "event_counts")
    times = times.astype(np.int64) if (times == np.floor(times)).all() else times
    counts = [_whole_counts(event_counts[column]) for column in COUNT_COLUMNS]
    codes, names = [], []
    for column in STRATUM_COLUMNS:
        code, known = _in_display_order(event_counts[column])
        codes.append(code)
        names.append(known)
    order = np.lexsort([times, *reversed(codes)])
    codes, times = [code[order] for code in codes], times[order]
    starts = _starts([*codes, times])
    if len(starts):
        counts = [np.add.reduceat(column[order], starts) for column in counts]
    starts = starts[is_left := np.sum(counts, axis=0) > 0]
    return _Checked([code[starts] for code in codes], names, times[starts], [column[is_left] for column in counts])


def by_stratum(event_counts: pd.DataFrame) -> Iterator[StratumCounts]:
    """Each stratum of the counts in display order: sorted by time, days of one stratum added up, empty days dropped.

    Args:
        event_counts: columns endpoint, grouping, stratum, time_days, n_event, n_competing, n_censored.
    Raises:
        ValueError: names the column that is missing, null, not a number, negative or (a count) not whole.
    """
    codes, names, times, counts = _checked(event_counts)
    starts = _starts(codes)
    for start, end in zip(starts, _ends(starts, len(times)), strict=True):
        event, competing, censored = (column[start:end] for column in counts)
        n_risk = (event + competing + censored)[::-1].cumsum()[::-1]
        endpoint, grouping, stratum = (known[code[start]] for known, code in zip(names, codes, strict=True))
        yield StratumCounts(endpoint, grouping, stratum, times[start:end], n_risk, event, competing, censored)


def _starts(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Positions at which one of the columns, sorted together, has another value than before."""
    n = len(columns[0])
    is_start = np.zeros(n, dtype=bool)
    is_start[:1] = True
    for column in columns:
        is_start[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(is_start)


def _ends(starts: np.ndarray, n: int) -> np.ndarray:
    return np.append(starts[1:], n)[: len(starts)]


def with_time_zero(counts: StratumCounts) -> StratumCounts:
    """The same stratum with a first row at time 0, where curves begin; unchanged when somebody already leaves then."""
    if len(counts.time_days) and counts.time_days[0] == 0:
        return counts
    arrays = {
        name: np.insert(getattr(counts, name), 0, value)
        for name, value in (
            ("time_days", 0),
            ("n_risk", counts.n),
            ("n_event", 0),
            ("n_competing", 0),
            ("n_censored", 0),
        )
    }
    return StratumCounts(counts.endpoint, counts.grouping, counts.stratum, **arrays)


def count_events(time_to_event: pd.DataFrame, stratum_column: str | None = None) -> pd.DataFrame:
    """Collapse patient rows (endpoint, time_days, event_code 0 censored / 1 event / 2 competing) to `event_counts`.

    >>> rows = pd.DataFrame({"endpoint": "salvage", "time_days": [3, 3, 5], "event_code": [1, 0, 1]})
    >>> count_events(rows)[["time_days", "n_event", "n_censored"]].to_numpy().tolist()
    [[3.0, 1.0, 1.0], [5.0, 1.0, 0.0]]

    Args:
        stratum_column: a column of the rows that holds the strata, its name becomes the grouping; None: all together.
    Raises:
        ValueError: a column is missing, a time is not a number >= 0, a code is not 0, 1 or 2.
    """
    cells = _counted(time_to_event, stratum_column)
    event, competing, censored = cells.counts
    grouping = pd.array([stratum_column or EVERYBODY], dtype="str").take(np.zeros(len(event), dtype=int))
    return pd.DataFrame(
        {
            "endpoint": cells.endpoints.array.take(cells.endpoint),
            "grouping": grouping,
            "stratum": cells.strata.array.take(cells.stratum),
            "time_days": cells.days,
            "n_event": event,
            "n_competing": competing,
            "n_censored": censored,
        }
    )


class _Cells(NamedTuple):
    """A count each of an endpoint, stratum and day that occur, sorted by these; events, competing events and censorings."""

    endpoints: pd.Series
    strata: pd.Series
    endpoint: np.ndarray
    stratum: np.ndarray
    days: np.ndarray
    counts: tuple[np.ndarray, np.ndarray, np.ndarray]


def _counted(time_to_event: pd.DataFrame, stratum_column: str | None) -> _Cells:
    needed = ["endpoint", "time_days", "event_code", *([stratum_column] if stratum_column else [])]
    require_columns(time_to_event, needed, "time_to_event")
    code = time_to_event["event_code"].to_numpy()
    if not ((code == 0) | (code == 1) | (code == 2)).all():
        raise ValueError("time_to_event.event_code: codes other than 0, 1, 2")
    times = checked_times(time_to_event["time_days"], "time_to_event")
    endpoint, endpoints = _numbered(time_to_event["endpoint"])
    stratum, strata = np.zeros(len(times), dtype=np.int64), pd.Series(["all"], dtype="str")
    if stratum_column:
        stratum, strata = _numbered(_as_texts(time_to_event[stratum_column]))
    days, day = _distinct(times)
    # one number for each endpoint, stratum and day: counting is adding ones up
    shape = (len(endpoints), len(strata), len(days))
    key = (endpoint * shape[1] + stratum) * shape[2] + day
    of_code = 3 * key + (code.astype(np.int64) + 2) % 3
    n_cells = shape[0] * shape[1] * shape[2]
    if n_cells <= MOST_CELLS:
        cells = np.bincount(of_code, minlength=3 * n_cells).reshape(-1, 3)
        found = np.flatnonzero(cells.any(axis=1))
        cells = cells[found]
    else:
        found, position = np.unique(key, return_inverse=True)
        cells = np.bincount(3 * position + of_code % 3, minlength=3 * len(found)).reshape(-1, 3)
    at, at_day = np.divmod(found, max(shape[2], 1))
    at_endpoint, at_stratum = np.divmod(at, max(shape[1], 1))
    return _Cells(endpoints, strata, at_endpoint, at_stratum, days[at_day], (cells[:, 0], cells[:, 1], cells[:, 2]))


def _distinct(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct times and each patient's position among them; days up to some thousand years need no sorting."""
    if len(times) and times.max() < MOST_CELLS / 5 and (times == np.floor(times)).all():
        day = times.astype(np.int64)
        occurs = np.bincount(day) > 0
        return np.flatnonzero(occurs).astype(float), (np.cumsum(occurs) - 1)[day]
    return np.unique(times, return_inverse=True)


def _numbered(values: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """The number of each value among the distinct ones in their order, missing ones last, and the distinct ones."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _numbered_codes(values.array)
    numbers, names = pd.factorize(values, sort=True)
    distinct = pd.Series(names)
    if (numbers < 0).any():
        numbers = np.where(numbers < 0, len(distinct), numbers)
        distinct = pd.concat([distinct, pd.Series([None], dtype=distinct.dtype)], ignore_index=True)
    return numbers, distinct


def _as_texts(values: pd.Series) -> pd.Series:
    """Values as texts; what is kept as codes of texts stays so."""
    return values if are_codes_of_texts(values) else values.astype("string")


def are_codes_of_texts(values: pd.Series) -> bool:
    """Whether a column of texts is kept as codes, as large ones are."""
    return isinstance(values.dtype, pd.CategoricalDtype) and isinstance(values.cat.categories.dtype, pd.StringDtype)


def _numbered_codes(values: pd.Categorical) -> tuple[np.ndarray, pd.Series]:
    """`_numbered` of codes: those that occur, by what they stand for."""
    codes = values.codes.astype(np.int64)
    occurs = np.bincount(codes + 1, minlength=len(values.categories) + 1) > 0
    names = values.categories.astype("str")
    in_order = np.asarray(names.argsort(), dtype=np.int64)
    by_name = in_order[occurs[in_order + 1]]
    numbers = np.full(len(occurs), len(by_name))
    numbers[by_name + 1] = np.arange(len(by_name))
    return numbers[codes + 1], pd.Series([*names.take(by_name), *([None] if occurs[0] else [])], dtype="str")


def _numbers(values: pd.Series, frame_name: str) -> np.ndarray:
    try:
        numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{frame_name}.{values.name}: not a number ({error})") from error
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{frame_name}.{values.name}: {int((~np.isfinite(numbers)).sum())} missing or infinite value(s)"
        )
    return numbers


def _whole_counts(values: pd.Series) -> np.ndarray:
    counts = _numbers(values, "event_counts")
    if (counts < 0).any():
        raise ValueError(f"event_counts.{values.name}: {int((counts < 0).sum())} negative count(s)")
    if (counts != np.floor(counts)).any():
        raise ValueError(f"event_counts.{values.name}: counts must be whole numbers")
    return counts.astype(np.int64)


def _in_display_order(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The number of each value among the names, and these."""
    numbers, known = pd.factorize(values)
    if (numbers < 0).any():
        raise ValueError(f"event_counts.{values.name}: {int((numbers < 0).sum())} missing value(s)")
    texts = [str(name) for name in known]
    # the cohort as a whole before its parts
    first = [EVERYBODY] if values.name == "grouping" and EVERYBODY in texts else []
    names = [*first, *ordered_strata(set(texts).difference(first))]
    at = {name: number for number, name in enumerate(names)}
    return np.array([at[text] for text in texts], dtype=int)[numbers], names
