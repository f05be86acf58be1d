"""Restricted mean survival time, and restricted mean time lost to each cause, from exact counts by day."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.curves.kaplan_meier import survival_and_log_error
from analysis.patients.collapsed_counts import STRATUM_COLUMNS, StratumCounts, by_stratum
from analysis.patients.result_rows import Row

AREA_COLUMNS = ["horizon_days", "n", "n_event", "estimate_days", "std_error", "conf_low", "conf_high", "warning"]
MEAN_COLUMNS = [*STRATUM_COLUMNS, *AREA_COLUMNS]
LOST_COLUMNS = [*STRATUM_COLUMNS, "cause", *AREA_COLUMNS]
NO_ERROR = "not estimable: no standard error above 0 (nobody had the event, or all on one day)"
LIMIT_CUT = "a limit is cut: a mean up to the horizon lies between 0 and the horizon"
FOLLOW_UP_ENDS = "not estimable: follow-up ends before the horizon"


class Area(NamedTuple):
    """An area under a curve up to the horizon, in days, and its standard error."""

    estimate: float
    std_error: float


def restricted_mean_survival(event_counts: pd.DataFrame, horizon_days: float) -> pd.DataFrame:
    """Mean days lived without the event up to `horizon_days`: the area under Kaplan-Meier; one row a stratum.

    Variance: the sum over event times of (area from that time to the horizon)^2 * d / (n (n - d)), as R's
    print(survfit, rmean =) and survRM2 (Uno et al. 2014, J Clin Oncol 32:2380); limits estimate +- 1.96 std_error.
    Where follow-up ends before the horizon and survival has not reached 0, the estimate is missing with a `warning`
    (survfit would extend the curve's last value, survRM2 refuses).

    >>> from analysis.patients.collapsed_counts import count_events
    >>> rows = pd.DataFrame({"endpoint": "e", "time_days": [5, 8, 8, 12], "event_code": [1, 0, 1, 1]})
    >>> mean = restricted_mean_survival(count_events(rows), 10.0)
    >>> round(float(mean["estimate_days"].iloc[0]), 3), round(float(mean["std_error"].iloc[0]), 3)
    (8.25, 1.023)

    Args:
        event_counts: see `collapsed_counts.by_stratum`; of endpoints without competing events.
        horizon_days: upper end of the area, > 0; one for all strata, so that they can be compared.
    Raises:
        ValueError: bad counts, competing events, or a horizon that is not a number above 0.
    """
    _check_horizon(horizon_days)
    rows = []
    for counts in by_stratum(event_counts):
        if counts.n_competing.any():
            raise ValueError(
                f"event_counts.n_competing: {counts.endpoint} has competing events in {counts.grouping} "
                f"{counts.stratum!r}; use restricted_mean_time_lost"
            )
        rows.append(_names(counts) | _area_row(counts, horizon_days, survival_area(counts, horizon_days)))
    return pd.DataFrame(rows, columns=MEAN_COLUMNS).astype({"warning": "str"})


def restricted_mean_time_lost(event_counts: pd.DataFrame, horizon_days: float) -> pd.DataFrame:
    """Mean days lost to each cause up to `horizon_days`: the area under Aalen-Johansen; two rows a stratum.

    `cause` is 'event' or 'competing', `n_event` the number of that cause's events. The two areas and the mean time free
    of both add up to the horizon (Andersen 2013, Stat Med 32:5278). Standard error: infinitesimal jackknife, as R's
    print(survfit, rmean =) of a multi-state outcome with influence = TRUE; without competing events it is the one of
    `restricted_mean_survival`. Arguments, limits and warning as there; competing events are allowed.

    Raises:
        ValueError: bad counts, or a horizon that is not a number above 0.
    """
    _check_horizon(horizon_days)
    rows = [
        _names(counts) | {"cause": cause} | _area_row(of_cause, horizon_days, incidence_area(of_cause, horizon_days))
        for counts in by_stratum(event_counts)
        for cause, of_cause in _each_cause(counts)
    ]
    return pd.DataFrame(rows, columns=LOST_COLUMNS).astype({"warning": "str"})


def survival_area(counts: StratumCounts, horizon_days: float) -> Area:
    """Area under Kaplan-Meier from 0 to the horizon; see `restricted_mean_survival` for the variance."""
    counts = _before_horizon(counts, horizon_days)
    survival, _ = survival_and_log_error(counts.n_risk, counts.n_event)
    rectangles = _widths(counts, horizon_days) * np.concatenate([[1.0], survival])
    remaining = _sum_after(rectangles)
    surviving = (counts.n_risk - counts.n_event).astype(float)
    variance = _quotient(remaining**2 * counts.n_event, counts.n_risk * surviving).sum()
    return Area(float(rectangles.sum()), float(np.sqrt(variance)))


def incidence_area(counts: StratumCounts, horizon_days: float) -> Area:
    """Area under the cumulative incidence F of the event from 0 to the horizon, with its infinitesimal jackknife error.

    Raising the hazard of the event at s by one unit raises the area by S(s-) (tau - s) and takes away
    [area of F from s to tau - (tau - s) F(s)] S(s-) / S(s), what those now gone would have contributed later; raising that
    of the competing event only takes the latter away. A patient's influence is the sum of these, times the patient's
    own increments minus the hazards while at risk, over the number at risk; the variance is the sum of its squares.
    """
    n_after = counts.n
    counts = _before_horizon(counts, horizon_days)
    n_risk, leaving = counts.n_risk.astype(float), counts.n_event + counts.n_competing
    survival_before = np.concatenate([[1.0], np.cumprod((n_risk - leaving) / n_risk)])[:-1]
    incidence = np.cumsum(survival_before * counts.n_event / n_risk)
    rectangles = _widths(counts, horizon_days) * np.concatenate([[0.0], incidence])
    time_left = horizon_days - counts.time_days
    # n / (n - leaving) is S(s-) / S(s); where nobody is left, nobody contributes later
    taken = (_sum_after(rectangles) - time_left * incidence) * _quotient(n_risk, n_risk - leaving)
    by_event, by_competing = survival_before * time_left - taken, -taken
    drift = np.cumsum((by_event * counts.n_event + by_competing * counts.n_competing) / n_risk**2)
    variance = (
        counts.n_event @ (by_event / n_risk - drift) ** 2
        + counts.n_competing @ (by_competing / n_risk - drift) ** 2
        + counts.n_censored @ drift**2
    )
    n_after -= int(leaving.sum() + counts.n_censored.sum())
    still_followed = n_after * drift[-1] ** 2 if len(drift) else 0.0
    return Area(float(rectangles.sum()), float(np.sqrt(variance + still_followed)))


def _check_horizon(horizon_days: float) -> None:
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise ValueError(f"horizon_days: must be a number above 0, not {horizon_days!r}")


def _before_horizon(counts: StratumCounts, horizon_days: float) -> StratumCounts:
    # A step at the horizon itself has no width
    kept = counts.time_days < horizon_days
    names = ("time_days", "n_risk", "n_event", "n_competing", "n_censored")
    return replace(counts, **{name: getattr(counts, name)[kept] for name in names})


def _widths(counts: StratumCounts, horizon_days: float) -> np.ndarray:
    """Days between 0, the times and the horizon: one more than there are times."""
    return np.diff(np.concatenate([[0.0], counts.time_days, [horizon_days]]))


def _sum_after(rectangles: np.ndarray) -> np.ndarray:
    """For each time the area from it to the horizon."""
    return rectangles[:0:-1].cumsum()[::-1]


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Division that gives 0 where the denominator is 0."""
    numerator = np.asarray(numerator, dtype=float)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _each_cause(counts: StratumCounts) -> Iterator[tuple[str, StratumCounts]]:
    yield "event", counts
    yield "competing", replace(counts, n_event=counts.n_competing, n_competing=counts.n_event)


def _names(counts: StratumCounts) -> Row:
    return {column: getattr(counts, column) for column in STRATUM_COLUMNS}


def _cut(estimate: float, std_error: float, horizon_days: float) -> str | None:
    width = NORMAL_QUANTILE * std_error
    return LIMIT_CUT if estimate - width < 0 or estimate + width > horizon_days else None


def _area_row(counts: StratumCounts, horizon_days: float, area: Area) -> Row:
    n_left_at_end = counts.n_risk[-1] - counts.n_event[-1] - counts.n_competing[-1]
    is_known = counts.time_days[-1] >= horizon_days or n_left_at_end == 0
    warning = None if is_known else FOLLOW_UP_ENDS
    estimate, std_error = area if is_known else Area(np.nan, np.nan)
    if is_known and not (np.isfinite(std_error) and std_error > 0):
        estimate, std_error, warning = np.nan, np.nan, NO_ERROR
    return {
        "horizon_days": horizon_days,
        "n": counts.n,
        "n_event": int(counts.n_event.sum()),
        "estimate_days": estimate,
        "std_error": std_error,
        "conf_low": np.maximum(estimate - NORMAL_QUANTILE * std_error, 0.0),
        "conf_high": np.minimum(estimate + NORMAL_QUANTILE * std_error, horizon_days),
        "warning": warning or _cut(estimate, std_error, horizon_days),
    }
