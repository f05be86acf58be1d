"""Kaplan-Meier curves, medians and the reverse Kaplan-Meier follow-up, from exact counts by day."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.collapsed_counts import STRATUM_COLUMNS, StratumCounts, by_stratum, with_time_zero
from analysis.confidence_limits import survival_limits

CURVE_COLUMNS = [
    *STRATUM_COLUMNS, "time_days", "n_risk", "n_event", "n_censored", "estimate", "std_error", "conf_low", "conf_high",
]  # fmt: skip
MEDIAN_COLUMNS = [*STRATUM_COLUMNS, "n", "n_event", "median_days", "conf_low", "conf_high"]
QUANTILE_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


def kaplan_meier(event_counts: pd.DataFrame, conf_type: str = "log") -> pd.DataFrame:
    """Kaplan-Meier survival with Greenwood's standard error, one row a stratum and distinct time, and one at time 0.

    std_error is that of the survival estimate, sqrt(S^2 * sum d / (n (n - d))) (Greenwood 1926), and with its limits missing
    where survival has reached 0. `n_event` of the endpoint itself; limits as in R's survfit.

    Args:
        event_counts: see `collapsed_counts.checked_event_counts`; of endpoints without competing events.
        conf_type: 'log' (survfit's default), 'log-log' or 'plain'.
    Raises:
        ValueError: bad counts, an unknown conf_type, or a stratum with competing events: Kaplan-Meier would treat them
            as censored and overstate the incidence.
    """
    frames = [_curve(with_time_zero(counts), conf_type) for counts in _without_competing(event_counts)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=CURVE_COLUMNS)


def medians(event_counts: pd.DataFrame, conf_type: str = "log") -> pd.DataFrame:
    """Median survival time in days with its limits (where the limits of the curve cross one half), a row a stratum.

    A median or limit that the curve does not reach is missing. When survival is exactly one half for a while, the middle
    of that while is taken, as in R's quantile.survfit. Arguments and errors as in `kaplan_meier`.
    """
    rows = [_median_row(counts, conf_type) for counts in _without_competing(event_counts)]
    return pd.DataFrame(rows, columns=MEDIAN_COLUMNS)


def median_follow_up(event_counts: pd.DataFrame, conf_type: str = "log") -> pd.DataFrame:
    """Median follow-up by the reverse Kaplan-Meier method (Schemper and Smith 1996): censoring is the event.

    Events and competing events alike end the observation. Columns as `medians`; n_event counts the censored.
    """
    reverse = (
        replace(counts, n_event=counts.n_censored, n_censored=counts.n_event + counts.n_competing,
                n_competing=np.zeros_like(counts.n_competing))
        for counts in by_stratum(event_counts)
    )  # fmt: skip
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


def _curve(counts: StratumCounts, conf_type: str) -> pd.DataFrame:
    survival, log_error = survival_and_log_error(counts.n_risk, counts.n_event)
    low, high = survival_limits(survival, log_error, conf_type)
    std_error = np.full_like(survival, np.nan)
    np.multiply(survival, log_error, out=std_error, where=survival > 0)
    frame = counts.curve_frame(estimate=survival, std_error=std_error, conf_low=low, conf_high=high)
    return frame[CURVE_COLUMNS]


def _median_row(counts: StratumCounts, conf_type: str) -> tuple:
    survival, log_error = survival_and_log_error(counts.n_risk, counts.n_event)
    low, high = survival_limits(survival, log_error, conf_type)
    names = tuple(getattr(counts, column) for column in STRATUM_COLUMNS)
    times = (_time_of_half(counts.time_days, curve) for curve in (survival, low, high))
    return (*names, counts.n, int(counts.n_event.sum()), *times)


def _time_of_half(time_days: np.ndarray, curve: np.ndarray) -> float:
    """Where a falling curve first reaches one half: the middle of a level stretch at exactly one half, NaN if never."""
    known = ~np.isnan(curve)
    reached = np.flatnonzero(known & (curve <= 0.5 + QUANTILE_TOLERANCE))
    if not len(reached):
        return float("nan")
    passed = np.flatnonzero(known & (curve < 0.5 - QUANTILE_TOLERANCE))
    last = time_days[passed[0]] if len(passed) else time_days[-1]
    is_level = abs(curve[reached[0]] - 0.5) < QUANTILE_TOLERANCE
    return float((time_days[reached[0]] + last) / 2) if is_level else float(time_days[reached[0]])
