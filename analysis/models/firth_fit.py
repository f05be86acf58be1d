"""Firth's penalised partial likelihood: its maximum, profile limits and likelihood ratios, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.models.cox_fit import COLLINEAR, CONSTANT, CONSTANT_WITHIN, NO_EVENTS, NO_PATIENTS
from analysis.models.efron_ties import tied_events
from analysis.patients.result_rows import Row

TIES = ("efron", "breslow")
NOT_CONVERGED = "not estimable: the penalised fit did not converge"
LIMIT_NOT_FOUND = "a profile limit was not found"
CHI_SQUARE_95 = 3.841458820694124
MAX_ITERATIONS = 200
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
    strata: np.ndarray | None = None,
) -> FirthFit:
    """Maximum of the partial log-likelihood plus half the log-determinant of its information.

    Firth (1993, Biometrika 80:27); Heinze and Schemper (2001, Biometrics 57:114), with their profile limits: all values of
    a coefficient whose best penalised likelihood, the other coefficients free, lies within chi-square(1; 0.95) / 2 of the
    maximum. Likelihood ratios hold the tested coefficient at 0 but keep it in the penalty's information, as coxphf.

    >>> fit = fit_firth(np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 0]), {"exposed": np.array([1.0, 1, 0, 0])})
    >>> round(float(fit.coefficients[0]), 3), bool(np.isfinite(fit.limits).all())
    (2.022, True)

    Args:
        time_days: >= 0; is_event: 0/1; design: name -> numbers without missing values; all of one length.
        ties: 'efron' or 'breslow', in the likelihood, the information and hence the penalty.
        entry_days: below time_days; at risk only after it. Default: from the beginning.
        profiled: names of the terms whose limits and likelihood ratios are wanted (each costs a search), default all.
        strata: whole numbers; each has a baseline hazard of its own.
    Raises:
        ValueError: unknown ties.
    """
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, not {ties!r}")
    names = list(design)
    problems = _problems(np.asarray(is_event), design, strata)
    kept = [name for name in names if name not in problems]
    if not kept:
        return _without_estimates(names, problems)
    # Columns of unit spread: steps and tolerances then mean the same for years and for 0/1
    scales = np.array([np.std(design[name]) for name in kept])
    columns = np.column_stack([design[name] for name in kept]) / scales
    times, entries = _one_after_the_other(np.asarray(time_days, float), entry_days, strata)
    likelihood = _PenalisedLikelihood(times, np.asarray(is_event), columns, ties, entries)
    best = _maximum(likelihood, np.zeros(len(kept)))
    if best is None:
        return _without_estimates(names, problems | dict.fromkeys(kept, NOT_CONVERGED))
    std_errors = np.sqrt(np.maximum(np.linalg.inv(best.information).diagonal(), 0.0))
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
    return FirthFit(
        names,
        fit.coefficients,
        fit.covariance,
        fit.limits,
        fit.likelihood_ratio,
        best.value + np.log(scales).sum(),
        problems,
        LIMIT_NOT_FOUND if has_gap else None,
    )


def _one_after_the_other(
    times: np.ndarray, entry_days: np.ndarray | None, strata: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Times at which the patients of one stratum have all left before those of the next enter: no risk set has two strata."""
    if strata is None:
        return times, entry_days
    entries = np.full(len(times), -1.0) if entry_days is None else np.asarray(entry_days, dtype=float)
    first = min(0.0, float(entries.min()))
    shift = strata * (float(times.max()) - first + 1.0)
    return times + shift, entries + shift


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
        self.by_entry = None
        if entry_days is not None:
            entries = entry_days[order]
            self.by_entry = np.argsort(entries, kind="stable")
            self.first_entering = np.searchsorted(entries[self.by_entry], ties_of.times)

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
    """Newton's steps with the unpenalised information, halved until the penalised likelihood rises; None if they end nowhere.

    Args:
        held: a coefficient that keeps its value of `start`.
    """
    free = np.array([position for position in range(len(start)) if position != held], dtype=int)
    point = likelihood.at(start)
    if point is None or not len(free):
        return point
    for _ in range(MAX_ITERATIONS):
        step = np.zeros(len(start))
        try:
            step[free] = np.linalg.solve(point.information[np.ix_(free, free)], point.score[free])
        except np.linalg.LinAlgError:
            return None
        size = np.abs(step).max()
        if not np.isfinite(size):
            return None
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
    low, high = (_limit(likelihood, best, position, direction, direction * std_error) for direction in (-1.0, 1.0))
    at_zero = best.coefficients.copy()
    at_zero[position] = 0.0
    held = _maximum(likelihood, at_zero, held=position)
    return low, high, np.nan if held is None else max(2 * (best.value - held.value), 0.0)


def _limit(likelihood: _PenalisedLikelihood, best: _Point, position: int, direction: float, first_step: float) -> float:
    """Where the profile likelihood lies the 95 % quantile below its maximum, on one side of the estimate.

    Venzon and Moolgavkar (1988, Appl Stat 37:87): each step solves for the point at which the quadratic approximation has that
    value and is highest in the other coefficients (as coxphf and logistf). Where the steps do not settle, the profile is
    searched from the estimate outwards.
    """
    wanted = best.value - CHI_SQUARE_95 / 2
    point: _Point | None = best
    for _ in range(MAX_ITERATIONS):
        if point is None:
            break
        step = _step_to_limit(point, wanted, position, direction)
        size = np.abs(step).max()
        if not np.isfinite(size):
            break
        if size < STEP_TOLERANCE:
            return float(point.coefficients[position])
        point = likelihood.at(point.coefficients + step * min(1.0, 1.0 / size))
    return _crossing(likelihood, best, position, first_step)


def _step_to_limit(point: _Point, wanted: float, position: int, direction: float) -> np.ndarray:
    try:
        inverse = np.linalg.inv(point.information)
    except np.linalg.LinAlgError:
        return np.full(len(point.coefficients), np.nan)
    gain = point.value + point.score @ inverse @ point.score / 2
    pull = np.sqrt(max(2 * (gain - wanted) / inverse[position, position], 0.0))
    toward = np.zeros(len(point.coefficients))
    toward[position] = direction * pull
    return inverse @ (point.score + toward)


def _crossing(likelihood: _PenalisedLikelihood, best: _Point, position: int, step: float) -> float:
    """Where the profile's deviance reaches its 95 % quantile, looked for in growing steps, then by halving; NaN if nowhere."""
    # Neighbouring values have neighbouring maxima: each search starts where the last one ended
    start = best.coefficients.copy()

    def deviance(value: float) -> float:
        start[position] = value
        held = _maximum(likelihood, start.copy(), held=position)
        if held is None:
            return np.nan
        start[:] = held.coefficients
        return 2 * (best.value - held.value)

    inner = outer = best.coefficients[position]
    for _ in range(15):
        outer = inner + step
        reached = deviance(outer)
        if np.isnan(reached):
            return np.nan
        if reached >= CHI_SQUARE_95:
            break
        inner, step = outer, step * 1.5
    else:
        return np.nan
    while abs(outer - inner) > 1e-9 * (1 + abs(inner)):
        middle = (inner + outer) / 2
        reached = deviance(middle)
        if np.isnan(reached):
            return np.nan
        inner, outer = (middle, outer) if reached < CHI_SQUARE_95 else (inner, middle)
    return float((inner + outer) / 2)


def _problems(is_event: np.ndarray, design: Mapping[str, np.ndarray], strata: np.ndarray | None) -> dict[str, str]:
    """Columns without estimate: constant (within each stratum), or a combination of those before them and the strata.
    Separated ones have one here."""
    if not len(is_event) or not is_event.any():
        return dict.fromkeys(design, NO_EVENTS if len(is_event) else NO_PATIENTS)
    problems, independent = {}, np.empty((len(is_event), 0))
    for name, column in design.items():
        if (column == column[0]).all():
            problems[name] = CONSTANT
            continue
        # what a stratum has in common is its baseline's
        deviation = column - _stratum_means(column, strata)
        if deviation.std() <= 1e-12 * (1 + np.abs(column).max()):
            problems[name] = CONSTANT_WITHIN
            continue
        standardised = (deviation / deviation.std())[:, None]
        with_column = np.hstack([independent, standardised])
        if np.linalg.matrix_rank(with_column, tol=1e-8 * np.sqrt(len(is_event))) < with_column.shape[1]:
            problems[name] = COLLINEAR
        else:
            independent = with_column
    return problems


def _stratum_means(column: np.ndarray, strata: np.ndarray | None) -> np.ndarray | float:
    if strata is None:
        return float(column.mean())
    n = np.bincount(strata)
    return (np.bincount(strata, weights=column) / np.maximum(n, 1))[strata]


def _without_estimates(names: list[str], problems: dict[str, str]) -> FirthFit:
    unknown = np.full(len(names), np.nan)
    return FirthFit(
        names,
        unknown.copy(),
        np.full((len(names), len(names)), np.nan),
        np.full((2, len(names)), np.nan),
        unknown.copy(),
        np.nan,
        problems,
    )


def profile_row(fit: FirthFit, position: int) -> Row:
    """A term's hazard ratio with its profile limits, and the penalised likelihood ratio (one degree of freedom) with its p."""
    from scipy.special import chdtrc

    ratio = fit.likelihood_ratio[position]
    with np.errstate(over="ignore"):
        estimate, low, high = np.exp([fit.coefficients[position], *fit.limits[:, position]])
    return {
        "term": fit.names[position],
        "hazard_ratio": float(estimate),
        "conf_low": float(low),
        "conf_high": float(high),
        "p_value": float(chdtrc(1, ratio)) if not np.isnan(ratio) else np.nan,
        "statistic": float(ratio),
        "degrees_of_freedom": 1,
    }
