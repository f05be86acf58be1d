"""Cumulative incidence in patients weighted to be alike (standardised curves), and differences of risk between groups."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE, incidence_limits
from analysis.curves.cumulative_incidence import cumulative_products
from analysis.patients.collapsed_counts import StratumCounts, by_stratum
from analysis.patients.exposures import Exposure, levels_of
from analysis.patients.names import STRATA_NOT_COMPARED
from analysis.patients.result_rows import Row

CRUDE, STANDARDISED = "crude", "standardised"
STANDARDISED_CURVE_COLUMNS = [
    "endpoint", "grouping", "stratum", "time_days", "n_risk", "estimate", "std_error", "conf_low", "conf_high",
]  # fmt: skip
RISK_DIFFERENCE_COLUMNS = [
    "endpoint", "grouping", "stratum", "reference", "standardisation", "landmark_days", "landmark_label", "n", "n_reference",
    "risk", "risk_reference", "risk_difference", "std_error", "conf_low", "conf_high", "p_value", "warning",
]  # fmt: skip


class IncidenceCurve(NamedTuple):
    """Cumulative incidence F and its standard error at distinct days; `n_risk` of the patients themselves, unweighted."""

    time_days: np.ndarray
    n_risk: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    n: int

    def at(self, days: float) -> tuple[float, float]:
        """The estimate and its error on a day; NaN after the last patient."""
        if not len(self.time_days) or days > self.time_days[-1]:
            return np.nan, np.nan
        last = int(np.searchsorted(self.time_days, days, side="right")) - 1
        return (0.0, 0.0) if last < 0 else (float(self.estimate[last]), float(self.std_error[last]))


def weighted_incidence(time_days: np.ndarray, event_code: np.ndarray, weights: np.ndarray) -> IncidenceCurve:
    """Aalen-Johansen with case weights and the infinitesimal jackknife error, the weights taken as known.

    As R's survfit(Surv(time, factor(code)) ~ 1, weights = w, id = patient): the sum over patients of the squared weight times the
    squared derivative of F in it. All who leave on one day in one way share the derivative, so that sums of weights and of
    squared weights by day carry all.

    Args:
        time_days: >= 0; event_code: 0 censored, 1 event, 2 competing; weights: above 0; all of one length.
    """
    times, position = np.unique(time_days, return_inverse=True)
    totals = np.zeros((3, len(times)))
    squares = np.zeros((3, len(times)))
    for code in (0, 1, 2):
        chosen = event_code == code
        totals[code] = np.bincount(position[chosen], weights=weights[chosen], minlength=len(times))
        squares[code] = np.bincount(position[chosen], weights=weights[chosen] ** 2, minlength=len(times))
    n_leaving = np.bincount(position, minlength=len(times))
    return _curve(times, totals, squares, n_leaving)


def crude_incidence(counts: StratumCounts) -> IncidenceCurve:
    """The same of everybody's weight 1, from the exact counts of a stratum."""
    totals = np.array([counts.n_censored, counts.n_event, counts.n_competing], dtype=float)
    return _curve(counts.time_days, totals, totals, counts.n_event + counts.n_competing + counts.n_censored)


def _curve(times: np.ndarray, totals: np.ndarray, squares: np.ndarray, n_leaving: np.ndarray) -> IncidenceCurve:
    _, event, competing = totals
    leaving = event + competing
    at_risk = totals.sum(axis=0)[::-1].cumsum()[::-1]
    stays = np.maximum(at_risk - leaving, 0.0)
    survival_before = np.concatenate([[1.0], np.cumprod(stays / at_risk)])[:-1]
    incidence = np.cumsum(survival_before * event / at_risk)
    # of a patient who leaves at x the derivative of F(t) is a(x) + (F(end) - F(t)) b(x); see cumulative_incidence
    is_last = stays <= 1e-12 * at_risk
    slope = np.divide(1.0, stays, out=np.zeros_like(stays), where=~is_last)
    remaining = incidence[-1] - incidence if len(incidence) else incidence
    jump = survival_before / at_risk
    drift_a = np.cumsum(jump * event / at_risk - remaining * slope * leaving / at_risk)
    drift_b = np.cumsum(slope * leaving / at_risk)
    kinds = (
        (squares[1], jump - remaining * slope - drift_a, slope - drift_b),
        (squares[2], -remaining * slope - drift_a, slope - drift_b),
        (squares[0], -drift_a, -drift_b),
    )
    constant, linear, square = cumulative_products(kinds)
    of_all = squares.sum(axis=0)
    followed = of_all.sum() - np.cumsum(of_all)
    variance = (
        constant + 2 * remaining * linear + remaining**2 * square + followed * (drift_a + remaining * drift_b) ** 2
    )
    std_error = np.where(incidence > 0, np.sqrt(np.maximum(variance, 0.0)), 0.0)
    return IncidenceCurve(times, n_leaving[::-1].cumsum()[::-1], incidence, std_error, int(n_leaving.sum()))


def standardised_curves(
    patients: pd.DataFrame, endpoint: str, exposure: Exposure, weights: pd.Series
) -> dict[str, IncidenceCurve]:
    """The weighted curve of each level of the exposure that somebody has.

    Args:
        patients: rows of the endpoint: time_days, event_code and the exposure's column.
        weights: inverse probabilities of the level, by the index of `patients`; others are left out.
    """
    rows = patients.loc[weights.index]
    level = levels_of(rows[exposure.column]).to_numpy(dtype=object)
    curves = {}
    for name in exposure.levels:
        chosen = level == name
        if chosen.any():
            curves[name] = weighted_incidence(
                rows["time_days"].to_numpy(dtype=float)[chosen],
                rows["event_code"].to_numpy(dtype=int)[chosen],
                weights.to_numpy(dtype=float)[chosen],
            )
    return curves


def crude_curves(event_counts: pd.DataFrame, endpoint: str, exposure: Exposure) -> dict[str, IncidenceCurve]:
    """The crude curve of each known level of the exposure, from exact counts."""
    chosen = event_counts[(event_counts["endpoint"] == endpoint) & (event_counts["grouping"] == exposure.column)]
    return {
        counts.stratum: crude_incidence(counts)
        for counts in by_stratum(chosen)
        if counts.stratum not in STRATA_NOT_COMPARED
    }


def curve_frame(curves: dict[str, IncidenceCurve], endpoint: str, exposure: Exposure) -> pd.DataFrame:
    """The curves as rows with log-log limits."""
    frames = []
    for stratum, curve in curves.items():
        low, high = incidence_limits(curve.estimate, curve.std_error, "log-log")
        frames.append(
            pd.DataFrame(
                {
                    "endpoint": endpoint,
                    "grouping": exposure.column,
                    "stratum": stratum,
                    "time_days": curve.time_days,
                    "n_risk": curve.n_risk,
                    "estimate": curve.estimate,
                    "std_error": curve.std_error,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
        )
    if not frames:
        return pd.DataFrame(columns=STANDARDISED_CURVE_COLUMNS)
    return pd.concat(frames, ignore_index=True)[STANDARDISED_CURVE_COLUMNS]


def risk_differences(
    curves: dict[str, IncidenceCurve],
    endpoint: str,
    exposure: Exposure,
    standardisation: str,
    landmarks_days: dict[str, float],
) -> pd.DataFrame:
    """Risk of each level minus that of the reference at each landmark, in shares of 1, with limits; a row each.

    The levels are independent samples: std_error is the root of the sum of the squared ones, limits are +- 1.96 of it, within
    -1 and 1. Above 0: more patients have had the event than in the reference.
    """
    rows = []
    for label, days in landmarks_days.items():
        reference = curves.get(exposure.reference)
        for level in exposure.compared:
            labels = {
                "endpoint": endpoint, "grouping": exposure.column, "stratum": level, "reference": exposure.reference,
                "standardisation": standardisation, "landmark_days": days, "landmark_label": label,
            }  # fmt: skip
            rows.append(labels | _difference(curves.get(level), reference, days))
    frame = pd.DataFrame(rows, columns=RISK_DIFFERENCE_COLUMNS)
    return frame.astype({"n": "Int64", "n_reference": "Int64", "warning": "str"})


def _difference(own: IncidenceCurve | None, reference: IncidenceCurve | None, days: float) -> Row:
    from scipy.special import ndtr

    if own is None or reference is None:
        return {"warning": "not estimable: no patients in this or the reference group"}
    counts: Row = {"n": own.n, "n_reference": reference.n}
    (risk, error), (base, base_error) = own.at(days), reference.at(days)
    std_error = float(np.hypot(error, base_error))
    if np.isnan(risk) or np.isnan(base):
        return counts | {"warning": "not estimable: follow-up of this or the reference group ends before"}
    if not (error > 0 and base_error > 0):
        return counts | {
            "warning": "not estimable: nobody, or everybody, of this or the reference group had the event by then"
        }
    difference = risk - base
    return counts | {
        "risk": risk,
        "risk_reference": base,
        "risk_difference": difference,
        "std_error": std_error,
        "conf_low": max(difference - NORMAL_QUANTILE * std_error, -1.0),
        "conf_high": min(difference + NORMAL_QUANTILE * std_error, 1.0),
        "p_value": float(2 * ndtr(-abs(difference / std_error))),
        "warning": None,
    }
