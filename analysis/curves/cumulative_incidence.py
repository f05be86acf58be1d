"""Cumulative incidence with competing events (Aalen-Johansen), from exact counts by day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import incidence_limits
from analysis.patients.collapsed_counts import (
    STRATUM_COLUMNS,
    StratumCounts,
    by_stratum,
    stacked,
    with_time_zero,
)

INCIDENCE_COLUMNS = [
    *STRATUM_COLUMNS, "time_days", "n_risk", "n_event", "n_competing", "n_censored",
    "estimate", "std_error", "conf_low", "conf_high",
]  # fmt: skip
VARIANCES = ("aalen", "infinitesimal_jackknife")


def cumulative_incidence(
    event_counts: pd.DataFrame, conf_type: str = "log-log", variance: str = "aalen"
) -> pd.DataFrame:
    """Aalen-Johansen cumulative incidence of the event, one row a stratum and distinct time, and one at time 0.

    >>> from analysis.patients.collapsed_counts import count_events
    >>> rows = pd.DataFrame({"endpoint": "e", "time_days": [5, 8, 8, 12], "event_code": [1, 0, 2, 1]})
    >>> cumulative_incidence(count_events(rows))["estimate"].tolist()
    [0.0, 0.25, 0.25, 0.75]

    Args:
        event_counts: see `collapsed_counts.by_stratum`.
        conf_type: 'log-log' (default: keeps the limits within 0 and 1), 'log' or 'plain'; transforms as R's survfit.
        variance: 'aalen' (default) is the counting-process estimate with the finite-sample correction for ties that
            cmprsk::cuminc reports, the one most clinical reports use; 'infinitesimal_jackknife' sums the squared influence
            of each patient, as R's survfit of a multi-state outcome does. They agree in large samples.
    Raises:
        ValueError: bad counts, an unknown conf_type or variance.
    """
    if variance not in VARIANCES:
        raise ValueError(f"variance must be one of {', '.join(VARIANCES)}, not {variance!r}")
    strata = [with_time_zero(counts) for counts in by_stratum(event_counts)]
    return stacked([(counts, _curve(counts, conf_type, variance)) for counts in strata], INCIDENCE_COLUMNS)


@dataclass(frozen=True)
class _Estimate:
    """At each time: incidence F, all-cause survival just before and at the time."""

    incidence: np.ndarray
    survival_before: np.ndarray
    survival: np.ndarray

    @property
    def inverse_survival(self) -> np.ndarray:
        # Where nobody survives, incidence no longer rises and the factor it multiplies is 0
        return np.divide(1.0, self.survival, out=np.zeros_like(self.survival), where=self.survival > 0)


def _estimate(counts: StratumCounts) -> _Estimate:
    leaving = counts.n_event + counts.n_competing
    survival = np.cumprod((counts.n_risk - leaving) / counts.n_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    return _Estimate(np.cumsum(before * counts.n_event / counts.n_risk), before, survival)


def _curve(counts: StratumCounts, conf_type: str, variance: str) -> dict[str, np.ndarray]:
    estimate = _estimate(counts)
    squared_error = aalen_variance if variance == "aalen" else infinitesimal_jackknife_variance
    # Before the first event nothing has varied; the cumulative sums would leave a rounding error there
    has_begun = estimate.incidence > 0
    std_error = np.where(has_begun, np.sqrt(np.maximum(squared_error(counts, estimate), 0.0)), 0.0)
    low, high = incidence_limits(estimate.incidence, std_error, conf_type)
    return {"estimate": estimate.incidence, "std_error": std_error, "conf_low": low, "conf_high": high}


def tie_corrected_variance(n_events: np.ndarray, n_risk: np.ndarray) -> np.ndarray:
    """Variance of d events among n at risk over n^2, (n - d) / (n - 1) * d / n^2: hypergeometric at ties, d/n^2 for one."""
    correction = np.where(n_events > 1, (n_risk - n_events) / np.maximum(n_risk - 1, 1), 1.0)
    return correction * n_events / np.asarray(n_risk, dtype=float) ** 2


def aalen_variance(counts: StratumCounts, estimate: _Estimate) -> np.ndarray:
    """Variance of F(t) as the sum over s <= t of the variances that the two kinds of jumps at s carry into F(t).

    An event at s moves F(t) by S(s-) (1 - r), a competing one by -S(s-) r, with r = (F(t) - F(s)) / S(s) the chance of the
    event by t given survival beyond s (Aalen 1978; Gaynor et al. 1993, J Am Stat Assoc 88:400). r is split into its part
    at the end of follow-up minus (F(end) - F(t)) / S(s), which turns the double sum over s and t into three cumulative ones.
    """
    weight = estimate.survival_before**2
    of_event = weight * tie_corrected_variance(counts.n_event, counts.n_risk)
    of_competing = weight * tie_corrected_variance(counts.n_competing, counts.n_risk)
    remaining = estimate.incidence[-1] - estimate.incidence
    inverse = estimate.inverse_survival
    at_end = remaining * inverse
    constant = np.cumsum((1 - at_end) ** 2 * of_event + at_end**2 * of_competing)
    linear = np.cumsum(inverse * ((1 - at_end) * of_event - at_end * of_competing))
    square = np.cumsum(inverse**2 * (of_event + of_competing))
    return constant + 2 * remaining * linear + remaining**2 * square


def infinitesimal_jackknife_variance(counts: StratumCounts, estimate: _Estimate) -> np.ndarray:
    """Variance of F(t) as the sum over patients of the squared derivative of F(t) in the patient's weight.

    Of a patient who leaves at x <= t the derivative is a(x) + (F(end) - F(t)) b(x), of one still followed after t it is
    a'(t) + (F(end) - F(t)) b'(t), with a, b cumulative over the times at which the patient was at risk
    (Aalen-Johansen written as sum S(s-) dN(s)/Y(s); Jaeckel 1972 for the jackknife). All patients who leave on one day
    in one way share a and b, so that sums over the counts are exact.
    """
    n_risk = counts.n_risk.astype(float)
    leaving = counts.n_event + counts.n_competing
    # b(s) for one who leaves at s: -d/dweight of log S; 0 where nobody survives, as F stays what it is afterwards
    slope = np.divide(1.0, n_risk - leaving, out=np.zeros_like(n_risk), where=n_risk > leaving)
    remaining = estimate.incidence[-1] - estimate.incidence
    jump = estimate.survival_before / n_risk
    drift_a = np.cumsum(jump * counts.n_event / n_risk - remaining * slope * leaving / n_risk)
    drift_b = np.cumsum(slope * leaving / n_risk)
    kinds = (
        (counts.n_event, jump - remaining * slope - drift_a, slope - drift_b),
        (counts.n_competing, -remaining * slope - drift_a, slope - drift_b),
        (counts.n_censored, -drift_a, -drift_b),
    )
    constant, linear, square = cumulative_products(kinds)
    still_followed = n_risk - leaving - counts.n_censored
    left = constant + 2 * remaining * linear + remaining**2 * square
    return left + still_followed * (drift_a + remaining * drift_b) ** 2


def cumulative_products(kinds: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Of kinds of patients (how many leave at each time, their a and b): the sums up to each time of a a, a b and b b."""
    number, a, b = (np.array(of_each_kind) for of_each_kind in zip(*kinds, strict=True))
    return [np.cumsum((number * product).sum(axis=0)) for product in (a * a, a * b, b * b)]
