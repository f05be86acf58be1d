"""Firth's penalised partial likelihood: its maximum, profile limits and likelihood ratios, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.models.cox_fit import (
    COLLINEAR,
    CONSTANT,
    CONSTANT_WITHIN,
    NO_EVENTS,
    NO_PATIENTS,
    LikelihoodOf,
    spread_of,
)
from analysis.models.partial_likelihood import PartialLikelihood
from analysis.patients.result_rows import Row

TIES = ("efron", "breslow")
NOT_CONVERGED = "not estimable: the penalised fit did not converge"
LIMIT_NOT_FOUND = "a profile limit was not found"
CHI_SQUARE_95 = 3.841458820694124
# of more strata with events than these each pass over them one by one costs more than one with late entries
MANY_STRATA = 12
MAX_ITERATIONS = 200
STEP_TOLERANCE = 1e-11
# steps that do not get smaller any more from here on are the rounding of a likelihood of many events
ROUNDING_STEP = 1e-7
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
    likelihood_of: LikelihoodOf | None = None,
    left_out: Mapping[str, str] | None = None,
    n_alike: np.ndarray | None = None,
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
        likelihood_of: makes the likelihood of the columns at some positions, where there is a cheaper one than that of these rows.
        left_out: names of columns of which it is known that they have no estimate, and why (`problems`).
        n_alike: how many patients each row stands for, where the likelihood is of them all; default 1.
    Raises:
        ValueError: unknown ties.
    """
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, not {ties!r}")
    names = list(design)
    problems = _problems(np.asarray(is_event), design, strata, left_out or {})
    kept = [name for name in names if name not in problems]
    if not kept:
        return _without_estimates(names, problems)
    scales = np.array([spread_of(design[name], n_alike) for name in kept])

    def of_rows(positions: Sequence[int]) -> PartialLikelihood:
        columns = [design[names[at]] for at in positions]
        of_strata = (time_days, strata, entry_days)
        if strata is not None and len(np.unique(strata[np.asarray(is_event) == 1])) > MANY_STRATA:
            of_strata = one_after_the_other(time_days, strata, entry_days)
        times, apart, entries = of_strata
        return PartialLikelihood(times, is_event, columns, apart, entries, ties == "efron")

    likelihood = _PenalisedLikelihood((likelihood_of or of_rows)([names.index(name) for name in kept]), scales)
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


def one_after_the_other(
    time_days: np.ndarray, strata: np.ndarray, entry_days: np.ndarray | None = None
) -> tuple[np.ndarray, None, np.ndarray]:
    """Times and entries that make of many small strata one: each begins when the one before has ended, so that its patients are at risk
    with each other only. The likelihood is the same, without a pass over each stratum."""
    times = np.asarray(time_days, dtype=float)
    entries = np.full(len(times), -1.0) if entry_days is None else np.asarray(entry_days, dtype=float)
    begins = np.unique(strata, return_inverse=True)[1] * (times.max() + 2)
    return times + begins, None, entries + begins


@dataclass(frozen=True)
class _Point:
    """The penalised likelihood at some coefficients: its value, score and the information in its penalty."""

    coefficients: np.ndarray
    value: float
    score: np.ndarray
    information: np.ndarray


class _PenalisedLikelihood:
    """A partial likelihood with Firth's penalty, its columns in units of `scales`: steps and tolerances then mean the same for years
    and for 0/1."""

    def __init__(self, likelihood: PartialLikelihood, scales: np.ndarray):
        self.likelihood, self.scales = likelihood, scales

    def at(self, coefficients: np.ndarray) -> _Point | None:
        """None where the likelihood or its information cannot be computed."""
        points = self.likelihood.points(coefficients / self.scales)
        information = self.likelihood.information(points) / np.outer(self.scales, self.scales)
        if not np.isfinite(information).all():
            return None
        sign, log_determinant = np.linalg.slogdet(information)
        value = sum(point.value for point in points) + log_determinant / 2
        if sign <= 0 or not np.isfinite(value):
            return None
        inverse = np.linalg.inv(information) / np.outer(self.scales, self.scales)
        score = self.likelihood.score(points) + self.likelihood.third_moments(points, inverse) / 2
        return _Point(coefficients, float(value), score / self.scales, information)


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
    last_size = np.inf
    for _ in range(MAX_ITERATIONS):
        if point is None:
            break
        step = _step_to_limit(point, wanted, position, direction)
        size = np.abs(step).max()
        if not np.isfinite(size):
            break
        if size < STEP_TOLERANCE or last_size <= size < ROUNDING_STEP:
            return float(point.coefficients[position])
        last_size = size
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


def _problems(
    is_event: np.ndarray, design: Mapping[str, np.ndarray], strata: np.ndarray | None, known: Mapping[str, str]
) -> dict[str, str]:
    """Columns without estimate: constant (within each stratum), or a combination of those before them and the strata.
    Separated ones have one here."""
    if not len(is_event) or not is_event.any():
        return dict.fromkeys(design, NO_EVENTS if len(is_event) else NO_PATIENTS)
    problems = dict(known)
    independent: list[np.ndarray] = []
    for name in design:
        if name in known:
            continue
        column = design[name]
        if (column == column[0]).all():
            problems[name] = CONSTANT
            continue
        # what a stratum has in common is its baseline's
        deviation = column - _stratum_means(column, strata)
        if deviation.std() <= 1e-12 * (1 + np.abs(column).max()):
            problems[name] = CONSTANT_WITHIN
            continue
        left = deviation / np.linalg.norm(deviation)
        # twice: what rounding left of the other columns goes too
        for direction in (*independent, *independent):
            left = left - (direction @ left) * direction
        if np.linalg.norm(left) < 1e-8:
            problems[name] = COLLINEAR
        else:
            independent.append(left / np.linalg.norm(left))
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
