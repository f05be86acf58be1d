"""Firth's penalised partial likelihood: its maximum, profile limits and likelihood ratios, as arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.models.cox_fit import COLLINEAR, CONSTANT, NO_EVENTS, NO_PATIENTS
from analysis.models.efron_ties import tied_events

TIES = ("efron", "breslow")
NOT_CONVERGED = "not estimable: the penalised fit did not converge"
LIMIT_NOT_FOUND = "a profile limit was not found"
CHI_SQUARE_95 = 3.841458820694124
MAX_ITERATIONS = 500
STEP_TOLERANCE = 1e-11
LARGEST_STEP = 2.0


@dataclass(frozen=True)
class FirthFit:
    """Estimates in the order of `names`; NaN where `problems` (name -> words) says why.

    `limits` (rows low, high) and `likelihood_ratio` are those of the profile penalised likelihood, `covariance` the inverse
    of the (unpenalised) information at the estimates.
    """

    names: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    limits: np.ndarray
    likelihood_ratio: np.ndarray
    penalised_log_likelihood: float
    problems: dict[str, str] = field(default_factory=dict)
    model_warning: str | None = None


def fit_firth(
    time_days: np.ndarray,
    is_event: np.ndarray,
    design: Mapping[str, np.ndarray],
    ties: str = "efron",
    entry_days: np.ndarray | None = None,
    profiled: Sequence[str] | None = None,
) -> FirthFit:
    """Maximum of the partial log-likelihood plus half the log-determinant of its information.

    Firth (1993, Biometrika 80:27); Heinze and Schemper (2001, Biometrics 57:114), with their profile limits: all values of
    a coefficient whose best penalised likelihood, the other coefficients free, lies within chi-square(1; 0.95) / 2 of the
    maximum. Likelihood ratios hold the tested coefficient at 0 but keep it in the penalty's information, as coxphf.

    Args:
        time_days: >= 0; is_event: 0/1; design: name -> numbers without missing values; all of one length.
        ties: 'efron' or 'breslow', in the likelihood, the information and hence the penalty.
        entry_days: below time_days; at risk only after it. Default: from the beginning.
        profiled: names of the terms whose limits and likelihood ratios are wanted (each costs a search), default all.
    Raises:
        ValueError: unknown ties.
    """
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, not {ties!r}")
    names = list(design)
    problems = _problems(np.asarray(is_event), design)
    kept = [name for name in names if name not in problems]
    if not kept:
        return _without_estimates(names, problems)
    # Columns of unit spread: steps and tolerances then mean the same for years and for 0/1
    scales = np.array([np.std(design[name]) for name in kept])
    columns = np.column_stack([design[name] for name in kept]) / scales
    likelihood = _PenalisedLikelihood(np.asarray(time_days, float), np.asarray(is_event), columns, ties, entry_days)
    best = _maximum(likelihood, np.zeros(len(kept)))
    if best is None:
        return _without_estimates(names, problems | dict.fromkeys(kept, NOT_CONVERGED))
    std_errors = np.sqrt(np.linalg.inv(best.information).diagonal())
    wanted = [position for position, name in enumerate(kept) if profiled is None or name in profiled]
    bounds = {position: _profile(likelihood, best, position, std_errors[position]) for position in wanted}

    positions = [names.index(name) for name in kept]
    fit = _without_estimates(names, problems)
    fit.coefficients[positions] = best.coefficients / scales
    fit.covariance[np.ix_(positions, positions)] = np.linalg.inv(best.information) / np.outer(scales, scales)
    for position, (low, high, ratio) in bounds.items():
        fit.limits[:, positions[position]] = low / scales[position], high / scales[position]
        fit.likelihood_ratio[positions[position]] = ratio
    has_gap = np.isnan([*bounds.values()]).any() if bounds else False
    return FirthFit(names, fit.coefficients, fit.covariance, fit.limits, fit.likelihood_ratio,
                    best.value + np.log(scales).sum(), problems, LIMIT_NOT_FOUND if has_gap else None)  # fmt: skip


@dataclass(frozen=True)
class _Point:
    """The penalised likelihood at some coefficients: its value, score and the information in its penalty."""

    coefficients: np.ndarray
    value: float
    score: np.ndarray
    information: np.ndarray


class _PenalisedLikelihood:
    """Penalised partial likelihood of sorted data, with one factor an event.

    The factor of the l-th of d events at a time (l = 0 ... d - 1) is the mean over those at risk, in which the d themselves
    count 1 - l / d times under Efron's approximation and fully under Breslow's.
    """

    def __init__(
        self, time_days: np.ndarray, is_event: np.ndarray, columns: np.ndarray, ties: str, entry_days: np.ndarray | None
    ):
        order = np.argsort(time_days, kind="stable")
        times = time_days[order]
        self.x = (columns - columns.mean(axis=0))[order]
        self.products = self.x[:, :, None] * self.x[:, None, :]
        self.is_event = is_event[order].astype(bool)
        ties_of = tied_events(times, self.is_event)
        self.event_group, self.first_at_risk = ties_of.group, ties_of.first_at_risk
        self.factor_group = ties_of.factor_group
        self.tied_share = ties_of.share if ties == "efron" else np.zeros_like(ties_of.share)
        self.event_sum = self.x[self.is_event].sum(axis=0)
        self.by_entry = None if entry_days is None else np.argsort(entry_days[order], kind="stable")
        if self.by_entry is not None:
            self.first_entering = np.searchsorted(entry_days[order][self.by_entry], ties_of.times)

    def at(self, coefficients: np.ndarray) -> _Point | None:
        """None where the likelihood or its information cannot be computed."""
        predictor = self.x @ coefficients
        largest = predictor.max()
        weight = np.exp(predictor - largest)
        total = self._factor_sums(weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self._factor_sums(weight[:, None] * self.x) / total[:, None]
        second = self._factor_sums(weight[:, None, None] * self.products) / total[:, None, None]
        information = second.sum(axis=0) - mean.T @ mean
        sign, log_determinant = np.linalg.slogdet(information)
        value = predictor[self.is_event].sum() - np.log(total).sum() - largest * len(total) + log_determinant / 2
        if sign <= 0 or not np.isfinite(value):
            return None
        score = self.event_sum - mean.sum(axis=0) + self._penalty_score(weight, total, mean, second, information)
        return _Point(coefficients, float(value), score, information)

    def _penalty_score(
        self, weight: np.ndarray, total: np.ndarray, mean: np.ndarray, second: np.ndarray, information: np.ndarray
    ) -> np.ndarray:
        """Half the trace of the inverse information times its derivative, which is a sum of third central moments.

        With q = x' A x, A the inverse information and m the mean, E[(x - m)' A (x - m) (x - m)] is
        E[q x] - E[q] m - 2 E[x x'] A m + 2 (m' A m) m.
        """
        inverse = np.linalg.inv(information)
        q = np.einsum("ni,ij,nj->n", self.x, inverse, self.x)
        mean_q = self._factor_sums(weight * q) / total
        mean_qx = self._factor_sums((weight * q)[:, None] * self.x) / total[:, None]
        turned = mean @ inverse
        third = (
            mean_qx
            - mean_q[:, None] * mean
            - 2 * np.einsum("fij,fj->fi", second, turned)
            + 2 * np.einsum("fi,fi->f", turned, mean)[:, None] * mean
        )
        return third.sum(axis=0) / 2

    def _factor_sums(self, values: np.ndarray) -> np.ndarray:
        """For each factor the sum of the rows' values over those at risk, the tied events counted in part."""
        at_risk = np.cumsum(values[::-1], axis=0)[::-1][self.first_at_risk]
        if self.by_entry is not None:
            entering_later = np.cumsum(values[self.by_entry][::-1], axis=0)[::-1]
            at_risk -= np.concatenate([entering_later, np.zeros_like(values[:1])])[self.first_entering]
        tied = np.zeros_like(at_risk)
        np.add.at(tied, self.event_group, values[self.is_event])
        share = self.tied_share.reshape(-1, *([1] * (values.ndim - 1)))
        return at_risk[self.factor_group] - share * tied[self.factor_group]


def _maximum(likelihood: _PenalisedLikelihood, start: np.ndarray, held: int | None = None) -> _Point | None:
    """Newton's steps with the unpenalised information, halved until the penalised likelihood rises.

    Args:
        held: a coefficient that keeps its value of `start`.
    """
    free = np.array([position for position in range(len(start)) if position != held], dtype=int)
    point = likelihood.at(start)
    if point is None or not len(free):
        return point
    for _ in range(MAX_ITERATIONS):
        step = np.zeros(len(start))
        step[free] = np.linalg.solve(point.information[np.ix_(free, free)], point.score[free])
        size = np.abs(step).max()
        if size < STEP_TOLERANCE:
            return point
        candidate = _higher(likelihood, point, step * min(1.0, LARGEST_STEP / size))
        if candidate is None:
            # No step raises the likelihood any more: at the maximum but for rounding, or nowhere
            return point if size < np.sqrt(STEP_TOLERANCE) else None
        point = candidate
    return None


def _higher(likelihood: _PenalisedLikelihood, point: _Point, step: np.ndarray) -> _Point | None:
    rounding = 1e-13 * (1 + abs(point.value))
    for _ in range(30):
        candidate = likelihood.at(point.coefficients + step)
        if candidate is not None and candidate.value >= point.value - rounding:
            return candidate
        step = step / 2
    return None


def _profile(
    likelihood: _PenalisedLikelihood, best: _Point, position: int, std_error: float
) -> tuple[float, float, float]:
    """Lower and upper profile limit of one coefficient and its likelihood ratio against 0; NaN where not found."""

    # Neighbouring values have neighbouring maxima: each search starts where the last one ended
    start = best.coefficients.copy()

    def deviance(value: float) -> float:
        start[position] = value
        held = _maximum(likelihood, start.copy(), held=position)
        if held is None:
            return np.nan
        start[:] = held.coefficients
        return 2 * (best.value - held.value)

    estimate = best.coefficients[position]
    low, high = (_crossing(deviance, estimate, direction * std_error) for direction in (-1, 1))
    return low, high, max(deviance(0.0), 0.0)


def _crossing(deviance: Callable[[float], float], estimate: float, step: float) -> float:
    """Where the deviance reaches its 95 % quantile, looked for from the estimate outwards in growing steps."""
    from scipy.optimize import brentq

    inner = estimate
    for _ in range(20):
        outer = inner + step
        reached = deviance(outer)
        if np.isnan(reached):
            return np.nan
        if reached >= CHI_SQUARE_95:
            root = brentq(lambda value: deviance(value) - CHI_SQUARE_95, inner, outer, xtol=1e-11, rtol=1e-12)
            return float(root)
        inner, step = outer, step * 1.5
    return np.nan


def _problems(is_event: np.ndarray, design: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Columns without estimate: constant, or a combination of those before them. Separated ones have one here."""
    if not len(is_event) or not is_event.any():
        return dict.fromkeys(design, NO_EVENTS if len(is_event) else NO_PATIENTS)
    problems, independent = {}, np.ones((len(is_event), 1))
    for name, column in design.items():
        if (column == column[0]).all():
            problems[name] = CONSTANT
            continue
        standardised = ((column - column.mean()) / column.std())[:, None]
        with_column = np.hstack([independent, standardised])
        if np.linalg.matrix_rank(with_column, tol=1e-8 * np.sqrt(len(is_event))) < with_column.shape[1]:
            problems[name] = COLLINEAR
        else:
            independent = with_column
    return problems


def _without_estimates(names: list[str], problems: dict[str, str]) -> FirthFit:
    unknown = np.full(len(names), np.nan)
    return FirthFit(
        names, unknown.copy(), np.full((len(names), len(names)), np.nan), np.full((2, len(names)), np.nan), unknown.copy(),
        np.nan, problems,
    )  # fmt: skip


def profile_row(fit: FirthFit, position: int) -> dict:
    """A term's hazard ratio with its profile limits, and the penalised likelihood ratio (one degree of freedom) with its p."""
    from scipy.special import chdtrc

    ratio = fit.likelihood_ratio[position]
    return {
        "term": fit.names[position],
        "hazard_ratio": float(np.exp(fit.coefficients[position])),
        "conf_low": float(np.exp(fit.limits[0, position])),
        "conf_high": float(np.exp(fit.limits[1, position])),
        "p_value": float(chdtrc(1, ratio)) if not np.isnan(ratio) else np.nan,
        "statistic": float(ratio),
        "degrees_of_freedom": 1,
    }
