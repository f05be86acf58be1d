"""Kaplan-Meier curves, medians, quartiles and the reverse Kaplan-Meier follow-up, from exact counts by day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import CONFIDENCE_TYPES, survival_limits
from analysis.patients.collapsed_counts import (
    STRATUM_COLUMNS,
    StratumCounts,
    by_stratum,
    stacked,
    with_time_zero,
)

CURVE_COLUMNS = [
    *STRATUM_COLUMNS, "time_days", "n_risk", "n_event", "n_censored", "estimate", "std_error", "conf_low", "conf_high",
]  # fmt: skip
MEDIAN_COLUMNS = [*STRATUM_COLUMNS, "n", "n_event", "median_days", "conf_low", "conf_high"]
# label -> share of the patients who have had the event by then
QUARTILES = {"first quartile": 0.25, "median": 0.5, "third quartile": 0.75}
QUANTILE_COLUMNS = [
    *STRATUM_COLUMNS, "quantile", "share_with_event", "conf_type", "n", "n_event", "time_days", "conf_low", "conf_high",
    "warning",
]  # fmt: skip
NOT_REACHED = "not reached: follow-up ends before so many have had the event"
QUANTILE_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


def kaplan_meier(event_counts: pd.DataFrame, conf_type: str = "log") -> pd.DataFrame:
    """Kaplan-Meier survival with Greenwood's standard error, one row a stratum and distinct time, and one at time 0.

    std_error is that of the survival estimate, sqrt(S^2 * sum d / (n (n - d))) (Greenwood 1926), and with its limits missing
    where survival has reached 0. `n_event` of the endpoint itself; limits as in R's survfit.

    >>> from analysis.patients.collapsed_counts import count_events
    >>> rows = pd.DataFrame({"endpoint": "e", "time_days": [5, 8, 8, 12], "event_code": [1, 0, 1, 1]})
    >>> kaplan_meier(count_events(rows))["estimate"].tolist()
    [1.0, 0.75, 0.5, 0.0]

    Args:
        event_counts: see `collapsed_counts.by_stratum`; of endpoints without competing events.
        conf_type: 'log' (survfit's default), 'log-log' or 'plain'.
    Raises:
        ValueError: bad counts, an unknown conf_type, or a stratum with competing events: Kaplan-Meier would treat them
            as censored and overstate the incidence.
    """
    strata = [with_time_zero(counts) for counts in _without_competing(event_counts)]
    return stacked([(counts, _curve(counts, conf_type)) for counts in strata], CURVE_COLUMNS)


def quantile_times(
    event_counts: pd.DataFrame,
    quantiles: Mapping[str, float] = QUARTILES,
    conf_types: Sequence[str] = CONFIDENCE_TYPES,
) -> pd.DataFrame:
    """Days by which given shares have had the event, with limits of each type; a row a stratum, quantile and type.

    Where the curve, or a limit of it, reaches 1 - share; when it is exactly that for a while, the middle of that while, as in
    R's quantile.survfit. What is not reached is missing; for the time itself a `warning` says so. An upper limit that is
    missing is an open interval.

    Args:
        event_counts: as in `kaplan_meier`; quantiles: label -> share in (0, 1); conf_types: of 'log', 'log-log', 'plain'.
    Raises:
        ValueError: as `kaplan_meier`, or a share outside (0, 1).
    """
    if any(not 0 < share < 1 for share in quantiles.values()):
        raise ValueError("quantiles: shares must lie between 0 and 1")
    rows = []
    for counts in _without_competing(event_counts):
        names = {column: getattr(counts, column) for column in STRATUM_COLUMNS}
        numbers = {"n": counts.n, "n_event": int(counts.n_event.sum())}
        for label, share in quantiles.items():
            for conf_type in conf_types:
                time, low, high = _times_of(counts, 1 - share, conf_type)
                rows.append(
                    names
                    | {"quantile": label, "share_with_event": share, "conf_type": conf_type}
                    | numbers
                    | {
                        "time_days": time,
                        "conf_low": low,
                        "conf_high": high,
                        "warning": NOT_REACHED if np.isnan(time) else None,
                    }
                )
    return pd.DataFrame(rows, columns=QUANTILE_COLUMNS).astype({"warning": "str"})


def median_follow_up(event_counts: pd.DataFrame, conf_type: str = "log") -> pd.DataFrame:
    """Median follow-up by the reverse Kaplan-Meier method (Schemper and Smith 1996): censoring is the event.

    Events and competing events alike end the observation; n_event counts the censored. A median or limit that the curve does
    not reach is missing; level stretches as in `quantile_times`.
    """
    reverse = (
        replace(
            counts,
            n_event=counts.n_censored,
            n_censored=counts.n_event + counts.n_competing,
            n_competing=np.zeros_like(counts.n_competing),
        )
        for counts in by_stratum(event_counts)
    )
    return pd.DataFrame([_median_row(counts, conf_type) for counts in reverse], columns=MEDIAN_COLUMNS)


def _without_competing(event_counts: pd.DataFrame) -> Iterator[StratumCounts]:
    for counts in by_stratum(event_counts):
        if counts.n_competing.any():
            raise ValueError(
                f"event_counts.n_competing: {counts.endpoint} has competing events in {counts.grouping} {counts.stratum!r}; "
                "use cumulative_incidence"
            )
        yield counts


def survival_and_log_error(n_risk: np.ndarray, n_event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product-limit estimate and Greenwood's standard error of its logarithm (infinite where it reaches 0)."""
    survival = np.cumprod((n_risk - n_event) / n_risk)
    with np.errstate(divide="ignore"):
        log_error = np.sqrt(np.cumsum(n_event / (n_risk * (n_risk - n_event).astype(float))))
    return survival, log_error


def _curve(counts: StratumCounts, conf_type: str) -> dict[str, np.ndarray]:
    survival, log_error = survival_and_log_error(counts.n_risk, counts.n_event)
    low, high = survival_limits(survival, log_error, conf_type)
    std_error = np.full_like(survival, np.nan)
    np.multiply(survival, log_error, out=std_error, where=survival > 0)
    return {"estimate": survival, "std_error": std_error, "conf_low": low, "conf_high": high}


def _median_row(counts: StratumCounts, conf_type: str) -> tuple[object, ...]:
    names = tuple(getattr(counts, column) for column in STRATUM_COLUMNS)
    return (*names, counts.n, int(counts.n_event.sum()), *_times_of(counts, 0.5, conf_type))


def _times_of(counts: StratumCounts, level: float, conf_type: str) -> tuple[float, float, float]:
    """When survival, its lower and its upper limit reach a level."""
    survival, log_error = survival_and_log_error(counts.n_risk, counts.n_event)
    low, high = survival_limits(survival, log_error, conf_type)
    times = counts.time_days
    return _time_of_level(times, survival, level), _time_of_level(times, low, level), _time_of_level(times, high, level)


def _time_of_level(time_days: np.ndarray, curve: np.ndarray, level: float) -> float:
    """Where a falling curve first reaches a level: the middle of a stretch at exactly that level, NaN if never."""
    known = ~np.isnan(curve)
    reached = np.flatnonzero(known & (curve <= level + QUANTILE_TOLERANCE))
    if not len(reached):
        return float("nan")
    passed = np.flatnonzero(known & (curve < level - QUANTILE_TOLERANCE))
    last = time_days[passed[0]] if len(passed) else time_days[-1]
    is_level = abs(curve[reached[0]] - level) < QUANTILE_TOLERANCE
    return float((time_days[reached[0]] + last) / 2) if is_level else float(time_days[reached[0]])
