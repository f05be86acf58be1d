"""Recurrence lies between two looks: a Weibull model of intervals, and Turnbull's estimate without a model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.full_rank import is_of_full_rank
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    has_finite_limits,
    reference_problem,
    wald_row,
    warning_of_few_events,
)
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import ModelRows, model_rows
from analysis.patients.result_rows import Row

BETWEEN_LOOKS, DAY_OF_FINDING = "between the last clear look and the finding", "the day of the finding"
WEIBULL = "Weibull"
INTERVAL_RATIO_COLUMNS = [
    "endpoint", "model", "estimand", "method", "dating", "term", "reference", "hazard_ratio", "conf_low", "conf_high", "p_value",
    "n", "n_event", "median_interval_days", "n_hospitals", "warning",
]  # fmt: skip
INTERVAL_CURVE_COLUMNS = ["endpoint", "grouping", "stratum", "time_days", "estimate", "n", "n_event", "warning"]
PATIENTS_AT_ONCE = 8192
MAX_ITERATIONS = 100
NOT_CONVERGED = "not estimable: the likelihood has no maximum"


class WeibullFit(NamedTuple):
    """log T = x b + scale W, W of the smallest extreme value distribution (R's survreg); covariance of (b, log scale)."""

    coefficients: np.ndarray
    scale: float
    covariance: np.ndarray
    log_likelihood: float

    def log_hazard_ratio(self, position: int) -> tuple[float, float]:
        """Of one unit of a column: -b / scale, and its error by the delta method."""
        b = self.coefficients[position]
        gradient = np.zeros(len(self.covariance))
        gradient[position], gradient[-1] = -1 / self.scale, b / self.scale
        variance = float(gradient @ self.covariance @ gradient)
        return float(-b / self.scale), float(np.sqrt(variance)) if variance > 0 else np.nan


def fit_weibull(
    left: np.ndarray, right: np.ndarray, columns: np.ndarray, near: WeibullFit | None = None
) -> WeibullFit | None:
    """Maximum likelihood of events in (left, right], right infinite where there was none (survreg of type 'interval2').

    Args:
        left: >= 0; right: above left; columns: a row a patient, the first of ones.
        near: a fit of the same columns to begin from.
    Returns:
        None where Newton's method finds no maximum.
    """
    with np.errstate(divide="ignore"):
        log_left, log_right = np.log(left), np.log(right)
    is_event = np.isfinite(right)
    followed = np.where(is_event, right, np.maximum(left, 0.5))
    # of an exponential model without covariates
    start = np.zeros(columns.shape[1] + 1)
    start[0] = np.log(followed.sum() / max(is_event.sum(), 1))
    if near is not None:
        start = np.append(near.coefficients, np.log(near.scale))
    point, (value, gradient, hessian) = start, _likelihood(start, log_left, log_right, columns)
    for _ in range(MAX_ITERATIONS):
        step = _ascent(gradient, hessian)
        if step is None:
            return None
        for _ in range(30):
            candidate = _likelihood(point + step, log_left, log_right, columns)
            if np.isfinite(candidate[0]) and candidate[0] >= value - 1e-12 * (1 + abs(value)):
                break
            step = step / 2
        else:
            return None
        point, (value, gradient, hessian) = point + step, candidate
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    try:
        covariance = np.linalg.inv(-hessian)
    except np.linalg.LinAlgError:
        return None
    if not (np.isfinite(covariance).all() and (covariance.diagonal() > 0).all()):
        return None
    return WeibullFit(point[:-1], float(np.exp(point[-1])), covariance, float(value))


def _ascent(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray | None:
    """Newton's step; where the likelihood is not concave, one with the curvature raised until it is."""
    curvature = -hessian
    if not np.isfinite(curvature).all():
        return None
    lowest = np.linalg.eigvalsh(curvature).min()
    if lowest <= 0:
        curvature = curvature + (1e-6 - lowest) * 1.5 * np.eye(len(curvature))
    try:
        step = np.linalg.solve(curvature, gradient)
    except np.linalg.LinAlgError:
        return None
    size = np.abs(step).max()
    return step * min(1.0, 2.0 / size) if size > 0 else step


def _likelihood(
    parameters: np.ndarray, log_left: np.ndarray, log_right: np.ndarray, columns: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """`_likelihood_of_some` of all patients, some at a time: few enough for a processor's cache."""
    n = len(parameters)
    value, gradient, hessian = 0.0, np.zeros(n), np.zeros((n, n))
    for start in range(0, len(log_left), PATIENTS_AT_ONCE):
        some = slice(start, start + PATIENTS_AT_ONCE)
        parts = _likelihood_of_some(parameters, log_left[some], log_right[some], columns[some])
        value, gradient, hessian = value + parts[0], gradient + parts[1], hessian + parts[2]
    return value, gradient, hessian


def _likelihood_of_some(
    parameters: np.ndarray, log_left: np.ndarray, log_right: np.ndarray, columns: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """log(exp(-H(left)) - exp(-H(right))) with H = exp((log t - x b) / scale), its gradient and Hessian in (b, log scale)."""
    scale = np.exp(np.clip(parameters[-1], -20, 20))
    predictor = columns @ parameters[:-1]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        z = [np.clip((log_time - predictor) / scale, -700, 700) for log_time in (log_left, log_right)]
    has = [np.isfinite(log_left), np.isfinite(log_right)]
    h = [np.where(known, np.exp(np.minimum(value, 50.0)), 0.0) for value, known in zip(z, has, strict=True)]
    z = [np.where(known, value, 0.0) for value, known in zip(z, has, strict=True)]
    gap = np.where(has[1], np.maximum(h[1] - h[0], 1e-300), np.inf)
    value = float((-h[0] + np.log(-np.expm1(-gap))).sum())
    inside = -np.expm1(-gap)
    # SL / (SL - SR) and SR / (SL - SR)
    of_left, of_right = 1 / inside, np.where(has[1], np.exp(-gap) / inside, 0.0)
    first = (-of_left, of_right)
    both = of_left * of_right
    by_predictor = [-value_h / scale for value_h in h]
    by_scale = [-value_h * value_z for value_h, value_z in zip(h, z, strict=True)]
    d_predictor = first[0] * by_predictor[0] + first[1] * by_predictor[1]
    d_scale = first[0] * by_scale[0] + first[1] * by_scale[1]

    def second(one: list[np.ndarray], other: list[np.ndarray], own: list[np.ndarray]) -> np.ndarray:
        mixed = -both * (one[0] - one[1]) * (other[0] - other[1])
        return mixed + (first[0] * own[0] + first[1] * own[1])

    pp = second(by_predictor, by_predictor, [value_h / scale**2 for value_h in h])
    ps = second(
        by_predictor, by_scale, [value_h * (1 + value_z) / scale for value_h, value_z in zip(h, z, strict=True)]
    )
    ss = second(by_scale, by_scale, [value_h * value_z * (1 + value_z) for value_h, value_z in zip(h, z, strict=True)])
    n = columns.shape[1]
    gradient, hessian = np.empty(n + 1), np.empty((n + 1, n + 1))
    gradient[:n], gradient[n] = columns.T @ d_predictor, d_scale.sum()
    hessian[:n, :n] = columns.T @ (columns * pp[:, None])
    hessian[:n, n] = hessian[n, :n] = columns.T @ ps
    hessian[n, n] = ss.sum()
    return value, gradient, hessian


def interval_censored_ratios(
    frame: pd.DataFrame, endpoint: str, exposure: Exposure, covariates: Sequence[Covariate], few_events: int = 0
) -> pd.DataFrame:
    """Hazard ratios of the exposure's levels in a Weibull model (proportional hazards), unadjusted and adjusted.

    `dating` tells two fits apart: the event somewhere between the last clear look and the look that found it, and on the day of
    that look. The same model twice shows what scheduled looks do to the ratio. Competing events are censorings; each hospital has
    a level of its own, the shape is common. Sun (2006, The Statistical Analysis of Interval-Censored Failure Time Data).

    Args:
        frame: rows of the endpoint with `clear_until_days`, the last look before the event that was clear (0: none).
    Raises:
        ValueError: a column is missing or bad; see `model_rows`.
    """
    require_columns(frame, ["clear_until_days"], "patient_rows")
    rows = []
    for model, of_model in (("unadjusted", ()), ("adjusted", tuple(covariates))):
        data = model_rows(frame, endpoint, of_model, exposure)
        clear = frame.loc[data.index, "clear_until_days"].to_numpy(dtype=float, na_value=np.nan)
        right = np.where(data.is_event == 1, np.maximum(data.time_days, 0.5), np.inf)
        between = np.where(data.is_event == 1, np.where(np.isnan(clear), 0.0, clear), data.time_days)
        between = np.where(between < right, between, 0.0)
        of_day = np.where(data.is_event == 1, np.maximum(right - 1, 0.0), data.time_days)
        width = float(np.median((right - between)[data.is_event == 1])) if data.is_event.any() else np.nan
        names, columns = _full_columns(data)
        fit = None
        for dating, left in ((BETWEEN_LOOKS, between), (DAY_OF_FINDING, of_day)):
            fit = None if columns is None else fit_weibull(left, right, columns, fit)
            labels = {
                "endpoint": endpoint,
                "model": model,
                "estimand": CAUSE_SPECIFIC,
                "method": WEIBULL,
                "dating": dating,
                "reference": exposure.reference,
                "n": data.n,
                "n_event": int(data.is_event.sum()),
                "median_interval_days": width,
                "n_hospitals": data.n_hospitals,
            }
            rows += [labels | row for row in _ratio_rows(data, names, fit, few_events)]
    return pd.DataFrame(rows).reindex(columns=INTERVAL_RATIO_COLUMNS).astype({"warning": "str"})


def _full_columns(data: ModelRows) -> tuple[list[str], np.ndarray | None]:
    """The terms that vary, and a column of ones, theirs and the hospitals'; None where these determine each
    other or nobody had the event."""
    names = [name for name, column in data.design.items() if len(column) and (column != column[0]).any()]
    hospitals = [] if data.strata is None else [data.strata == number for number in range(1, data.strata.max() + 1)]
    columns = np.column_stack([np.ones(data.n), *(data.design[name] for name in names), *hospitals])
    if not data.is_event.any() or data.n < columns.shape[1]:
        return names, None
    return names, columns if is_of_full_rank(columns) else None


def _ratio_rows(data: ModelRows, names: list[str], fit: WeibullFit | None, few_events: int) -> list[Row]:
    rows = []
    for term in data.group_terms:
        exposed = data.design[term] == 1
        problem = reference_problem(data, term)
        if not problem and (fit is None or term not in names or not data.is_event[exposed].any()):
            problem = NOT_CONVERGED
        row = {} if problem or fit is None else wald_row(term, *fit.log_hazard_ratio(1 + names.index(term)))
        if not problem and not has_finite_limits(row):
            row, problem = {}, NOT_CONVERGED
        rows.append({"term": term} | row | {"warning": problem or warning_of_few_events(data, term, few_events)})
    return rows


class TurnbullEstimate(NamedTuple):
    """Probability of having had the event by each right end of an innermost interval, and whether the steps settled."""

    time_days: np.ndarray
    incidence: np.ndarray
    has_settled: bool


def turnbull(left: np.ndarray, right: np.ndarray, n_steps: int = 5000, tolerance: float = 1e-6) -> TurnbullEstimate:
    """The distribution of times known to lie in (left, right] that maximises their likelihood (Turnbull 1976, J R Stat Soc B 38:290).

    All probability lies in innermost intervals, from an end on the left to the next end where that is one on the right. Self-consistent
    steps over these, with leaps along their path (Varadhan and Roland 2008, Scand J Stat 35:335); every step costs the distinct pairs
    of ends, as sums over ranges are differences of cumulative ones. They have settled where the mean log-likelihood of a patient is
    certainly within `tolerance` of its maximum: the largest of its derivatives less 1 bounds what is missing, as it is concave.

    >>> found = turnbull(np.array([0.0, 1, 2, 4]), np.array([2.0, 3, 5, np.inf]))
    >>> found.time_days.tolist(), np.round(found.incidence, 3).tolist()
    ([2.0, 3.0, 5.0], [0.5, 0.5, 1.0])

    Args:
        left: >= 0; right: above left, infinite where there was no event.
    """
    points = np.unique(np.concatenate([left, right]))
    is_cell = np.isin(points[:-1], left) & np.isin(points[1:], right)
    cell_of = np.concatenate([[0], np.cumsum(is_cell)])
    n_cells, ends = int(is_cell.sum()), points[1:][is_cell]
    pairs = cell_of[np.searchsorted(points, left)] * (n_cells + 1) + cell_of[np.searchsorted(points, right)]
    numbers, counts = np.unique(pairs, return_counts=True)
    step = _SelfConsistency(*np.divmod(numbers, n_cells + 1), counts, n_cells)
    here = step(np.full(n_cells, 1 / max(n_cells, 1)))
    has_settled = here.gap < tolerance
    for _ in range(n_steps):
        if has_settled:
            break
        once = step(here.following())
        twice = once.following()
        there = step(_leap(here.mass, once.mass, twice))
        here = there if step.is_as_likely(there, once) else step(twice)
        has_settled = here.gap < tolerance
    is_finite = np.isfinite(ends)
    return TurnbullEstimate(ends[is_finite], np.cumsum(here.mass)[is_finite], has_settled)


class _Step(NamedTuple):
    """Masses of the cells, what each pair of ends holds of them, and the derivative of a patient's mean log-likelihood by each mass."""

    mass: np.ndarray
    held: np.ndarray
    derivative: np.ndarray

    def following(self) -> np.ndarray:
        """The masses that one self-consistent step makes of these."""
        return self.mass * self.derivative

    @property
    def gap(self) -> float:
        """How far above the maximum of a patient's mean log-likelihood may be at most."""
        return float(self.derivative.max()) - 1 if len(self.derivative) else 0.0


class _SelfConsistency:
    """One step: each patient's one is shared among the cells of the patient's interval by their masses."""

    def __init__(self, begin: np.ndarray, end: np.ndarray, counts: np.ndarray, n_cells: int):
        self.begin, self.end, self.counts, self.size = begin, end, counts.astype(float), n_cells + 1
        self.n = max(int(counts.sum()), 1)

    def __call__(self, mass: np.ndarray) -> _Step:
        total = np.zeros(self.size)
        mass.cumsum(out=total[1:])
        held = total.take(self.end)
        held -= total.take(self.begin)
        np.maximum(held, 1e-300, out=held)
        weight = self.counts / held
        change = np.bincount(self.begin, weight, self.size)
        change -= np.bincount(self.end, weight, self.size)
        return _Step(mass, held, change.cumsum()[:-1] / self.n)

    def is_as_likely(self, one: _Step, other: _Step) -> bool:
        """Whether the likelihood of one is not below that of the other: one logarithm a pair, taken where it is asked for only."""
        return float(self.counts @ np.log(one.held / other.held)) >= 0


def _leap(mass: np.ndarray, once: np.ndarray, twice: np.ndarray) -> np.ndarray:
    """Along the path of two steps as far as their shrinking says; no mass below a tenth of what the second step left of it."""
    first, second = once - mass, twice - 2 * once + mass
    length = max(float(np.sqrt((first @ first) / max(second @ second, 1e-300))), 1.0)
    leapt = np.maximum(mass + 2 * length * first + length**2 * second, twice / 10)
    return leapt / leapt.sum()


def interval_censored_curves(
    frame: pd.DataFrame, endpoint: str, exposure: Exposure, days: Sequence[float]
) -> pd.DataFrame:
    """Turnbull's estimate of each level of the exposure, read off at given days; competing events are censorings.

    Not a cumulative incidence: it says how many would have had the event by then were there no competing one.
    """
    require_columns(frame, ["clear_until_days"], "patient_rows")
    rows, read_at = [], np.asarray(days, dtype=float)
    data = model_rows(frame, endpoint, (), exposure)
    for position, level in enumerate(exposure.levels):
        chosen = data.level == position
        if not chosen.any():
            continue
        is_event, times = data.is_event[chosen] == 1, data.time_days[chosen]
        clear = frame.loc[data.index[chosen], "clear_until_days"].to_numpy(dtype=float, na_value=np.nan)
        right = np.where(is_event, np.maximum(times, 0.5), np.inf)
        left = np.where(is_event, np.where(np.isnan(clear), 0.0, clear), times)
        found = turnbull(np.where(left < right, left, 0.0), right)
        last = np.searchsorted(found.time_days, read_at, side="right") - 1
        estimate = np.where(last < 0, 0.0, found.incidence[np.maximum(last, 0)] if len(found.incidence) else 0.0)
        estimate = np.where(read_at > times.max(), np.nan, estimate)
        rows.append(
            pd.DataFrame(
                {
                    "endpoint": endpoint,
                    "grouping": exposure.column,
                    "stratum": level,
                    "time_days": read_at,
                    "estimate": estimate,
                    "n": int(chosen.sum()),
                    "n_event": int(is_event.sum()),
                    "warning": None if found.has_settled else "the steps had not settled",
                }
            )
        )
    if not rows:
        return pd.DataFrame(columns=INTERVAL_CURVE_COLUMNS)
    return pd.concat(rows, ignore_index=True)[INTERVAL_CURVE_COLUMNS].astype({"warning": "str"})
