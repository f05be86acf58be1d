"""One Cox fit (Efron ties) with explicit number columns, and what can go wrong with it said in words, column by column."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analysis.models.partial_likelihood import Maximum, PartialLikelihood

CONSTANT = "not estimable: no variation in this column"
CONSTANT_WITHIN = "not estimable: no variation within any hospital"
COLLINEAR = "not estimable: determined by the other columns"
INFINITE = "not estimable: the groups are separated by the event (infinite hazard ratio)"
# a coefficient per spread of its column with such an error has run off; sound ones have about 1 / sqrt(events)
LARGEST_STANDARDISED_ERROR = 50.0
# a coefficient that would still move by so much, the likelihood having settled, runs off (coxph's toler.inf)
LARGEST_LAST_STEP = 3e-5
SMALLEST_PIVOT = 1e-10
LARGEST_CONDITION = 1e12
NOT_CONVERGED = "did not converge"
NO_EVENTS = "not estimable: no events"
NO_PATIENTS = "not estimable: no patients with every value known"
# most columns show in so many patients already that they vary, and that both their values have events
LOOKED_AT_FIRST = 4096


LikelihoodOf = Callable[[Sequence[int]], PartialLikelihood]


@dataclass(frozen=True)
class CoxFit:
    """Estimates in the order of the design's columns; NaN where `problems` (column name -> words) says why.

    `fitted` is the likelihood at its maximum, of the columns `model_names`; None where nothing was fitted, or by weights.
    """

    names: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood_null: float
    log_likelihood: float
    n: int
    n_event: int
    problems: dict[str, str] = field(default_factory=dict)
    model_warning: str | None = None
    fitted: "FittedLikelihood | None" = None
    model_names: list[str] = field(default_factory=list)

    @property
    def std_errors(self) -> np.ndarray:
        return np.sqrt(self.covariance.diagonal())

    def usable(self, names: list[str]) -> list[int]:
        """Positions of those of `names` that could be estimated."""
        return [self.names.index(name) for name in names if name not in self.problems]


class FittedLikelihood(NamedTuple):
    """A partial likelihood at its maximum, and the names of its columns: those of the design that it could be fitted to."""

    likelihood: PartialLikelihood
    maximum: Maximum
    points: Sequence[Any]
    names: list[str]

    def influence_on(self, name: str) -> np.ndarray:
        """By how much each patient moves the coefficient of a column (dfbeta)."""
        at = self.names.index(name)
        return self.likelihood.influence(self.points, _inverse(self.maximum.information)[:, [at]])[:, 0]


def fit_cox(
    time_days: np.ndarray,
    is_event: np.ndarray,
    design: Mapping[str, np.ndarray],
    entry_days: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    likelihood_of: LikelihoodOf | None = None,
    n_alike: np.ndarray | None = None,
) -> CoxFit:
    """Maximum partial likelihood by Efron's approximation (equal to R's coxph).

    Columns without variation or determined by others are left out and named in `problems`; so are columns whose
    coefficient runs off to infinity. Other complaints of the fit (no convergence) are in `model_warning`.

    >>> fit = fit_cox(np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 1]), {"exposed": np.array([1.0, 0, 1, 0])})
    >>> round(float(fit.coefficients[0]), 3), round(float(fit.std_errors[0]), 3)
    (0.347, 1.435)

    Args:
        time_days: >= 0; is_event: 0/1; design: name -> numbers without missing values; all of one length.
        entry_days: below time_days; at risk only after it. Default: from the beginning.
        strata: whole numbers; each has a baseline hazard of its own (coxph's strata()).
        cluster: whole numbers; the covariance is then the robust one of clusters of patients (coxph's cluster()).
        weights: above 0; give a cluster too, as the model's own errors take them for numbers of patients.
        likelihood_of: makes the likelihood of the columns at some positions, where there is a cheaper one than that of these rows.
        n_alike: how many patients each row stands for, where the likelihood is of them all; default 1.
    """
    n, n_event = len(time_days), int(is_event.sum())
    if n_alike is not None:
        n, n_event = int(n_alike.sum()), int(n_alike @ is_event)
    names = list(design)
    where_varied: dict[str, np.ndarray] = {}
    if strata is not None and len(strata):
        where_varied = {name: _varies_in(column, strata) for name, column in design.items()}
    problems = _without_variation(design, where_varied)
    estimable = [name for name in names if name not in problems]
    if n_event == 0 or not estimable:
        reason = NO_PATIENTS if n == 0 else NO_EVENTS if n_event == 0 else None
        problems = dict.fromkeys(names, reason) if reason else problems
        unknown = np.full(len(names), np.nan)
        return CoxFit(names, unknown, np.diag(unknown), np.nan, np.nan, n, n_event, problems)
    if weights is None and cluster is None:

        def of_rows(kept: Sequence[int]) -> PartialLikelihood:
            return PartialLikelihood(time_days, is_event, [design[names[at]] for at in kept], strata, entry_days)

        fit = _fit(likelihood_of or of_rows, [names.index(name) for name in estimable])
    else:
        columns = np.column_stack([np.asarray(design[name], dtype=float) for name in estimable])
        fit = _fit_with_r(time_days, is_event, columns, entry_days, strata, cluster, weights)
    model_warning = fit.warning
    collinear = [name for name, value in zip(estimable, fit.coefficients, strict=True) if np.isnan(value)]
    if collinear:
        problems |= dict.fromkeys(collinear, COLLINEAR)
        model_warning = "; ".join(filter(None, [model_warning, f"without {', '.join(collinear)}: {COLLINEAR}"]))
    errors = np.sqrt(fit.covariance.diagonal())
    for position, name in enumerate(estimable):
        has_run_off = position in fit.infinite or _has_large_error(design[name], errors[position], n_alike)
        if name not in collinear and (
            has_run_off or _is_separated(design[name], is_event, where_varied.get(name), strata)
        ):
            problems[name] = INFINITE
    if model_warning and INFINITE in problems.values():
        # what did not converge is named in `problems`
        model_warning = "; ".join(text for text in model_warning.split("; ") if NOT_CONVERGED not in text) or None
    positions = [names.index(name) for name in estimable]
    coefficients, covariance = np.full(len(names), np.nan), np.full((len(names), len(names)), np.nan)
    coefficients[positions], covariance[np.ix_(positions, positions)] = fit.coefficients, fit.covariance
    for name in problems:
        position = names.index(name)
        coefficients[position], covariance[position], covariance[:, position] = np.nan, np.nan, np.nan
    fitted = fit.fitted and fit.fitted._replace(names=[name for name in estimable if name not in collinear])
    return CoxFit(
        names, coefficients, covariance, *fit.log_likelihoods, n, n_event, problems, model_warning, fitted, estimable
    )


def proportional_hazards_tests(fit: CoxFit, time_days: np.ndarray, is_event: np.ndarray) -> "ProportionalHazards":
    """Grambsch and Therneau's (1994, Biometrika 81:515) score tests on the Kaplan-Meier time scale (cox.zph, transform 'km').

    Args:
        time_days, is_event: what the model was fitted to.
    """
    is_degenerate = fit.fitted is None or not {INFINITE, COLLINEAR}.isdisjoint(fit.problems.values())
    if fit.fitted is None or is_degenerate:
        return ProportionalHazards(fit, None)
    likelihood, points = fit.fitted.likelihood, fit.fitted.points
    days, shares = _share_gone_before(time_days, is_event)
    by_event = [shares[np.searchsorted(days, times)] for times in likelihood.event_times]
    mean = float(np.average(shares, weights=_events_a_day(time_days, is_event, days)))
    score, mixed, own = likelihood.over_time(points, [shares - mean for shares in by_event])
    # what is left of the information once the columns' own coefficients are free
    free = own - mixed @ _inverse(fit.fitted.maximum.information) @ mixed
    return ProportionalHazards(fit, (score, free))


class ProportionalHazards(NamedTuple):
    """Tests of a fit's terms; `parts` are the score and its variance by column of the likelihood, None without a test."""

    fit: CoxFit
    parts: tuple[np.ndarray, np.ndarray] | None

    def together(self, names: Sequence[str]) -> tuple[float, int, float]:
        """One test of several columns: chi-square, degrees of freedom, p; NaN where one of them has no estimate."""
        from scipy.special import chdtrc

        known = self.fit.fitted.names if self.fit.fitted else []
        if self.parts is None or not names or not set(names) <= set(known):
            return np.nan, len(names), np.nan
        at = [known.index(name) for name in names]
        score, free = self.parts[0][at], self.parts[1][np.ix_(at, at)]
        units = np.sqrt(np.maximum(free.diagonal(), 0.0))
        if not (units > 0).all() or np.linalg.cond(free / np.outer(units, units)) > LARGEST_CONDITION:
            # nearly all events on one day: nothing to compare over time
            return np.nan, len(names), np.nan
        statistic = float((score / units) @ np.linalg.solve(free / np.outer(units, units), score / units))
        return statistic, len(names), float(chdtrc(len(names), max(statistic, 0.0)))

    def of_groups(self, names: Sequence[str]) -> tuple[float, int, float]:
        """One test of all levels of an exposure together; levels that nobody has, or who are alike within hospitals, are left out."""
        problems = self.fit.problems
        return self.together([name for name in names if problems.get(name) not in (CONSTANT, CONSTANT_WITHIN)])

    def rows(self) -> list[tuple[str, float, int, float]]:
        """(column or 'GLOBAL', chi-square, degrees of freedom, p) for each column and for all of them together."""
        usable = [self.fit.names[position] for position in self.fit.usable(self.fit.names)]
        return [*((name, *self.together([name])) for name in self.fit.names), ("GLOBAL", *self.together(usable))]


def _share_gone_before(time_days: np.ndarray, is_event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct event days of all patients together, and one less the Kaplan-Meier estimate just before each."""
    days, position = np.unique(time_days, return_inverse=True)
    events = np.bincount(position, weights=np.asarray(is_event, dtype=float))
    at_risk = np.bincount(position)[::-1].cumsum()[::-1]
    before = np.concatenate([[1.0], np.cumprod(1 - events / at_risk)])[:-1]
    return days[events > 0], 1 - before[events > 0]


def _events_a_day(time_days: np.ndarray, is_event: np.ndarray, days: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(days, time_days[np.asarray(is_event) == 1]), minlength=len(days))


class _Fit(NamedTuple):
    """What a fit gives by column; `infinite` the positions of columns whose coefficient ran off."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihoods: tuple[float, float]
    infinite: set[int]
    warning: str | None
    fitted: FittedLikelihood | None


def _fit(likelihood_of: LikelihoodOf, positions: Sequence[int]) -> _Fit:
    n_columns = len(positions)
    likelihood = likelihood_of(positions)
    at_zero = likelihood.at_zero()
    kept = _independent(at_zero[1])
    if len(kept) < n_columns:
        likelihood, at_zero = likelihood_of([positions[number] for number in kept]), None
    coefficients, covariance = np.full(n_columns, np.nan), np.full((n_columns, n_columns), np.nan)
    if not kept:
        (value,) = {sum(point.value for point in likelihood.points(np.zeros(0)))}
        return _Fit(coefficients, covariance, (value, value), set(), None, None)
    found, points = likelihood.maximum(at_zero)
    coefficients[kept], covariance[np.ix_(kept, kept)] = found.coefficients, _inverse(found.information)
    still = np.abs(found.next_step) > LARGEST_LAST_STEP * (1 + np.abs(found.coefficients))
    infinite = {kept[position] for position in np.flatnonzero(still)}
    warning = None if found.has_converged else NOT_CONVERGED
    fitted = FittedLikelihood(likelihood, found, points, [])
    return _Fit(coefficients, covariance, (found.log_likelihood_null, found.log_likelihood), infinite, warning, fitted)


def _independent(information: np.ndarray) -> list[int]:
    """Positions of the columns that those before them do not determine (Cholesky's pivots, as coxph's toler.chol)."""
    units = np.sqrt(np.maximum(information.diagonal(), 0.0))
    kept: list[int] = []
    for position, unit in enumerate(units):
        if not unit > 0:
            continue
        scaled = information[np.ix_([*kept, position], [*kept, position])]
        scaled = scaled / np.outer(units[[*kept, position]], units[[*kept, position]])
        pivot = 1 - scaled[-1, :-1] @ np.linalg.solve(scaled[:-1, :-1], scaled[:-1, -1]) if kept else 1.0
        if pivot > SMALLEST_PIVOT:
            kept.append(position)
    return kept


def _inverse(information: np.ndarray) -> np.ndarray:
    units = np.sqrt(np.maximum(information.diagonal(), 0.0))
    units = np.where(units > 0, units, 1.0)
    try:
        return np.linalg.inv(information / np.outer(units, units)) / np.outer(units, units)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(information, hermitian=True)


def _fit_with_r(
    time_days: np.ndarray,
    is_event: np.ndarray,
    columns: np.ndarray,
    entry_days: np.ndarray | None,
    strata: np.ndarray | None,
    cluster: np.ndarray | None,
    weights: np.ndarray | None,
) -> _Fit:
    """With weights or clusters: `survival.r.coxph`, equal to R's."""
    from survival import r

    data = {f"x{position}": column for position, column in enumerate(columns.T)}
    response = "time_days, is_event" if entry_days is None else "entry_days, time_days, is_event"
    formula = f"Surv({response}) ~ " + " + ".join(data)
    if entry_days is not None:
        data["entry_days"] = np.asarray(entry_days, dtype=float)
    data |= {"time_days": np.asarray(time_days, dtype=float), "is_event": np.asarray(is_event, dtype=float)}
    if strata is not None:
        formula += " + strata(hospital)"
        data["hospital"] = np.asarray(strata)
    options: dict[str, Any] = {}
    if cluster is not None:
        data["cluster_of"], options["cluster"] = np.asarray(cluster), "cluster_of"
    if weights is not None:
        data["case_weight"], options["weights"] = np.asarray(weights, dtype=float), "case_weight"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = r.coxph(formula, data=data, ties="efron", **options)
    infinite: set[int] = set()
    others = []
    for message in (str(warning.message).strip() for warning in caught):
        named = re.search(r"before variable\s+([\d, ]+)", message)
        if named:
            infinite |= {int(number) - 1 for number in re.findall(r"\d+", named.group(1))}
        else:
            others.append(message)
    return _Fit(
        np.asarray(model.coefficients, dtype=float),
        np.asarray(model.var, dtype=float),
        (model.loglik[0], model.loglik[-1]),
        infinite,
        "; ".join(others) or None,
        None,
    )


def _without_variation(design: Mapping[str, np.ndarray], where_varied: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Columns that are the same in everybody, or, with strata, in everybody of each (`where_varied`: see `_varies_in`)."""
    problems = {}
    for name, column in design.items():
        if not len(column) or (column == column[0]).all():
            problems[name] = CONSTANT
        elif name in where_varied and not where_varied[name].any():
            problems[name] = CONSTANT_WITHIN
    return problems


def _has_large_error(column: np.ndarray, error: float, n_alike: np.ndarray | None) -> bool:
    """Whether the coefficient's error is too large for the spread of its column; the range, which costs less, is never below that."""
    return bool(
        error * np.ptp(column) > LARGEST_STANDARDISED_ERROR
        and error * spread_of(column, n_alike) > LARGEST_STANDARDISED_ERROR
    )


def spread_of(column: np.ndarray, n_alike: np.ndarray | None) -> float:
    """A column's standard deviation over all patients; `n_alike`: how many each row stands for, default 1."""
    if n_alike is None:
        return float(column.std())
    mean = np.average(column, weights=n_alike)
    return float(np.sqrt(np.average((column - mean) ** 2, weights=n_alike)))


def _varies_in(column: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """For each stratum whether the column has more than one value in it: another than that of one of its patients."""
    first = slice(LOOKED_AT_FIRST)
    if len(column) > LOOKED_AT_FIRST:
        varies = _varies_in(column[first], strata[first])
        if varies.all() and len(varies) == strata.max() + 1:
            return varies
    of_one = np.zeros(strata.max() + 1)
    of_one[strata] = column
    return np.bincount(strata, weights=column != of_one[strata], minlength=len(of_one)) > 0


def _is_separated(
    column: np.ndarray, is_event: np.ndarray, where_varied: np.ndarray | None, strata: np.ndarray | None
) -> bool:
    """Whether one of the two values of a 0/1 column never has an event where both occur (`where_varied`: see `_varies_in`)."""
    is_compared_everywhere = strata is None or where_varied is None or where_varied.all()
    if is_compared_everywhere:
        of_events = column[:LOOKED_AT_FIRST][is_event[:LOOKED_AT_FIRST] == 1]
        if len(of_events) and (of_events != of_events[0]).any():
            # both values have events, or there are others than 0 and 1
            return False
    is_exposed = column == 1
    if not (is_exposed | (column == 0)).all():
        return False
    if strata is None or where_varied is None or is_compared_everywhere:
        return int(is_event[is_exposed].sum()) in (0, int(is_event.sum()))
    is_compared = where_varied[strata]
    return int(is_event[is_exposed & is_compared].sum()) in (0, int(is_event[is_compared].sum()))
