"""Exact counts by day (the `event_counts` mart), checked and taken apart by stratum.

Times are whole days, so for every day of a stratum the numbers of events, of competing events and of censorings carry
all that Kaplan-Meier, Aalen-Johansen, log-rank, Tarone's trend and Gray's test need of the patients.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.patients.names import ordered_strata

STRATUM_COLUMNS = ["endpoint", "grouping", "stratum"]
COUNT_COLUMNS = ["n_event", "n_competing", "n_censored"]
EVERYBODY = "overall"


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

    def curve_frame(self, **columns: np.ndarray) -> pd.DataFrame:
        """The stratum's names, times and counts beside further columns of the same length."""
        names = {column: getattr(self, column) for column in STRATUM_COLUMNS}
        counts = {name: getattr(self, name) for name in ("time_days", "n_risk", "n_event", "n_competing", "n_censored")}
        return pd.DataFrame({**names, **counts, **columns})


def require_columns(frame: pd.DataFrame, columns: list[str], frame_name: str) -> None:
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


def checked_event_counts(event_counts: pd.DataFrame) -> pd.DataFrame:
    """The counts sorted by stratum (in the order of `names`) and time, days of one stratum added up, empty days dropped.

    Args:
        event_counts: columns endpoint, grouping, stratum, time_days, n_event, n_competing, n_censored.
    Raises:
        ValueError: names the column that is missing, null, not a number, negative or (a count) not whole.
    """
    require_columns(event_counts, [*STRATUM_COLUMNS, "time_days", *COUNT_COLUMNS], "event_counts")
    times = checked_times(event_counts["time_days"], "event_counts")
    checked = pd.DataFrame({"time_days": times.astype(np.int64) if (times == np.floor(times)).all() else times})
    for column in COUNT_COLUMNS:
        counts = _numbers(event_counts[column], "event_counts")
        if (counts < 0).any():
            raise ValueError(f"event_counts.{column}: {int((counts < 0).sum())} negative count(s)")
        if (counts != np.floor(counts)).any():
            raise ValueError(f"event_counts.{column}: counts must be whole numbers")
        checked[column] = counts.astype(np.int64)
    for column in STRATUM_COLUMNS:
        if event_counts[column].isna().any():
            raise ValueError(f"event_counts.{column}: {int(event_counts[column].isna().sum())} missing value(s)")
        checked[column] = _in_display_order(column, event_counts[column])
    added = checked.groupby([*STRATUM_COLUMNS, "time_days"], observed=True, sort=True)[COUNT_COLUMNS].sum()
    return added[added.sum(axis=1) > 0].reset_index()


def by_stratum(event_counts: pd.DataFrame) -> Iterator[StratumCounts]:
    """Each stratum of the counts (see `checked_event_counts` for the columns and the errors), in display order."""
    for keys, rows in checked_event_counts(event_counts).groupby(STRATUM_COLUMNS, observed=True, sort=True):
        event, competing, censored = (rows[column].to_numpy() for column in COUNT_COLUMNS)
        leaving = event + competing + censored
        n_risk = leaving[::-1].cumsum()[::-1]
        yield StratumCounts(*map(str, keys), rows["time_days"].to_numpy(), n_risk, event, competing, censored)


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

    Args:
        stratum_column: a column of the rows that holds the strata, its name becomes the grouping; None: all together.
    Raises:
        ValueError: a column is missing, a time is not a number >= 0, a code is not 0, 1 or 2.
    """
    needed = ["endpoint", "time_days", "event_code", *([stratum_column] if stratum_column else [])]
    require_columns(time_to_event, needed, "time_to_event")
    if not time_to_event["event_code"].isin([0, 1, 2]).all():
        raise ValueError("time_to_event.event_code: codes other than 0, 1, 2")
    rows = pd.DataFrame({"endpoint": time_to_event["endpoint"], "grouping": stratum_column or EVERYBODY})
    rows["stratum"] = time_to_event[stratum_column].astype("string") if stratum_column else "all"
    rows["time_days"] = checked_times(time_to_event["time_days"], "time_to_event")
    for code, column in ((1, "n_event"), (2, "n_competing"), (0, "n_censored")):
        rows[column] = (time_to_event["event_code"] == code).to_numpy().astype(np.int64)
    return rows.groupby([*STRATUM_COLUMNS, "time_days"], dropna=False)[COUNT_COLUMNS].sum().reset_index()


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


def _in_display_order(column: str, values: pd.Series) -> "pd.Categorical[str]":
    numbers, names = pd.factorize(values)
    texts = [str(name) for name in names]
    # the cohort as a whole before its parts
    first = [EVERYBODY] if column == "grouping" and EVERYBODY in texts else []
    categories = [*first, *ordered_strata(set(texts).difference(first))]
    at = {name: number for number, name in enumerate(categories)}
    codes = np.array([at[text] for text in texts], dtype=int)
    return pd.Categorical.from_codes(codes[numbers], categories=pd.Index(categories))
