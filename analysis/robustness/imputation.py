"""Multiple imputation of missing covariates by chained equations, with the outcome among the predictors."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import checked_times, require_columns
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.names import ordered_strata
from analysis.robustness.multinomial_logistic import fit_multinomial, probabilities

KINDS = ("numeric", "binary", "categorical")
# a fit from which coefficients are drawn need not be nearer to its maximum than a small part of their error
DRAWN_FIT_TOLERANCE = 1e-5
RIDGE = 1e-5
# rows whose predictors are written, or standardised, together: few enough for a processor's cache
ROWS_AT_ONCE = 4096


class ImputedColumn(NamedTuple):
    """A column to impute.

    Kinds: 'numeric' by predictive mean matching (only values that occur are imputed), 'binary' (0/1 or truths) and
    'categorical' by draws from a Bayesian (multinomial) logistic regression.
    """

    column: str
    kind: str


class Chains(NamedTuple):
    """What was decided of the imputation: `n_imputations` completed data sets (White, Royston and Wood 2011 advise at least the
    percentage of incomplete patients), each taken after `n_iterations` rounds; `n_donors` observed patients of whom one lends the value
    in predictive mean matching; logistic regressions are fitted to at most `largest_fit` patients, drawn anew at each step: a little
    more uncertain, never less. `seed` with the same frame (rows in the same order) gives the same imputations; the k-th does not
    depend on how many there are."""

    n_imputations: int
    n_iterations: int
    seed: int
    n_donors: int
    largest_fit: int


def imputed_numbers(
    patients: pd.DataFrame,
    columns: Sequence[ImputedColumn],
    settings: Chains,
    allowed: Mapping[str, np.ndarray] | None = None,
    hospital: np.ndarray | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Chained equations (van Buuren 2007, Stat Methods Med Res 16:219): in turn, each column's missing values are drawn
    from a regression on all others, whose parameters are drawn themselves.

    Predictors of every column: the other columns, and of the outcome the event indicator with the Nelson-Aalen
    cumulative hazard at the patient's own time (White and Royston 2009, Stat Med 28:1982), both for the competing event
    too when there is one. Without the outcome, associations with it would be diluted.

    Args:
        patients: one row a patient of one endpoint: time_days, event_code (0 censored, 1 event, 2 competing) and the columns
            to impute.
        columns: each with at least two observed values; a column without missing values serves as a predictor.
        allowed: column of kind 'categorical' -> a row a patient, a column a level (in the order of `names.ordered_strata`), true
            where the level is possible for that patient: what is known in part (a margin known to be clear, a bound of its
            width) is never contradicted. A patient of whom nothing is possible counts as one of whom everything is.
        hospital: the number of each patient's hospital, a predictor of every column. Where a hospital knows a column of nobody its level is
            drawn from the distribution of the hospitals that do (see `_levels_of_unrecorded`); the other coefficients are common to all.
    Returns:
        The completed columns as numbers, a row a patient, one imputation at a time, so that not all need be held at once: a truth is 0 or
        1, a level of a 'categorical' column its position in the order of `names.ordered_strata` of those that are known.
    Raises:
        ValueError: names the column that is missing, of unknown kind, twice there or without two observed values; bad times or
            codes; numbers of imputations or iterations below 1.
    """
    if settings.n_imputations < 1 or settings.n_iterations < 1:
        raise ValueError("n_imputations, n_iterations: must be 1 or more")
    outcome = _outcome_predictors(patients)
    names = [column.column for column in columns]
    if len(set(names)) < len(names):
        raise ValueError("columns: a column is there twice")
    variables = [_variable(patients, column, (allowed or {}).get(column.column), hospital) for column in columns]
    # Nearly complete columns first: the others are then predicted from good values
    variables.sort(key=lambda variable: int(variable.is_missing.sum()))
    for imputation in range(1, settings.n_imputations + 1):
        yield _one_chain(variables, outcome, np.random.default_rng([settings.seed, imputation]), settings)


def nelson_aalen(time_days: np.ndarray, is_event: np.ndarray) -> np.ndarray:
    """Cumulative hazard at each patient's own time: the sum over times up to it of events / patients at risk.

    As survfit(Surv(time, event) ~ 1, ctype = 1)$cumhaz (mice::nelsonaalen differs at ties: it takes Efron's version).
    """
    _, position = np.unique(time_days, return_inverse=True)
    leaving, events = np.bincount(position), np.bincount(position, weights=is_event)
    at_risk = leaving[::-1].cumsum()[::-1]
    return np.cumsum(events / at_risk)[position]


@dataclass(frozen=True)
class _Variable:
    """A column as numbers: itself, 0/1, or the position of its level; missing ones hold 0 and are told apart."""

    name: str
    kind: str
    numbers: np.ndarray
    is_missing: np.ndarray
    levels: list[Hashable]
    allowed: np.ndarray | None
    hospitals: "_Hospitals"

    @property
    def n_predictors(self) -> int:
        """Columns that it has in the regressions of others: 0/1 of each level but the first of a categorical one."""
        return len(self.levels) - 1 if self.kind == "categorical" else 1

    def write_predictors(self, values: np.ndarray, into: np.ndarray) -> None:
        """These columns of some values."""
        if self.kind != "categorical":
            into[:, 0] = values
            return
        for number in range(self.n_predictors):
            into[:, number] = values == number + 1


class _Hospitals(NamedTuple):
    """Of a column: truths by the hospitals that know it but the first, and for each that does not which of the missing are its own."""

    dummies: np.ndarray
    unrecorded: list[np.ndarray]


def _hospitals(hospital: np.ndarray | None, is_missing: np.ndarray) -> _Hospitals:
    if hospital is None:
        return _Hospitals(np.empty((len(is_missing), 0)), [])
    recorded = np.unique(hospital[~is_missing])
    of_missing = hospital[is_missing]
    unrecorded = [of_missing == number for number in np.setdiff1d(of_missing, recorded)]
    return _Hospitals(hospital[:, None] == recorded[1:], unrecorded)


def _named(variables: list[_Variable]) -> Iterator[tuple[str, _Variable]]:
    return ((variable.name, variable) for variable in variables)


def _variable(
    patients: pd.DataFrame, column: ImputedColumn, allowed: np.ndarray | None, hospital: np.ndarray | None
) -> _Variable:
    if column.kind not in KINDS:
        raise ValueError(f"{column.column}: kind must be one of {', '.join(KINDS)}, not {column.kind!r}")
    require_columns(patients, [column.column], "patients")
    values = patients[column.column]
    is_missing = values.isna().to_numpy()
    levels: list[Hashable] = []
    if column.kind == "categorical":
        at, found = pd.factorize(values)
        by_text = {str(value): value for value in found}
        levels = [by_text[text] for text in ordered_strata(by_text)]
        positions = {str(level): float(position) for position, level in enumerate(levels)}
        # the last entry stands for missing ones, whose number is -1
        numbers = np.array([*(positions[str(value)] for value in found), np.nan])[at]
    else:
        numbers = numbers_or_missing(values)
    observed = numbers[~is_missing]
    if column.kind == "binary" and not np.isin(observed, (0, 1)).all():
        raise ValueError(f"{column.column}: not 0/1 or truths")
    if len(np.unique(observed)) < 2:
        raise ValueError(f"{column.column}: fewer than two observed values")
    if allowed is not None:
        if allowed.shape != (len(values), len(levels)):
            raise ValueError(f"{column.column}: allowed levels of {allowed.shape}, not {(len(values), len(levels))}")
        allowed = np.where(allowed.any(axis=1, keepdims=True), allowed, True)[is_missing]
    known = np.where(is_missing, 0.0, numbers)
    hospitals = _hospitals(hospital, is_missing)
    return _Variable(column.column, column.kind, known, is_missing, levels, allowed, hospitals)


def _outcome_predictors(patients: pd.DataFrame) -> np.ndarray:
    require_columns(patients, ["time_days", "event_code"], "patients")
    times = checked_times(patients["time_days"], "patients")
    code = patients["event_code"]
    if not code.isin([0, 1, 2]).all():
        raise ValueError("patients.event_code: codes other than 0, 1, 2")
    columns = []
    for cause in sorted(set(code) - {0}):
        is_event = (code == cause).to_numpy().astype(float)
        columns += [is_event, nelson_aalen(times, is_event)]
    return np.column_stack(columns) if columns else np.empty((len(patients), 0))


def _one_chain(
    variables: list[_Variable], outcome: np.ndarray, rng: np.random.Generator, settings: Chains
) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for name, variable in _named(variables):
        values[name] = variable.numbers.copy()
        observed = variable.numbers[~variable.is_missing]
        n_missing = int(variable.is_missing.sum())
        values[name][variable.is_missing] = rng.choice(observed, size=n_missing)
        if variable.allowed is not None and n_missing:
            shares = np.bincount(observed.astype(int), minlength=len(variable.levels)) / len(observed)
            values[name][variable.is_missing] = _chosen_levels(np.tile(shares, (n_missing, 1)), variable.allowed, rng)
    starts: dict[str, np.ndarray] = {}
    for _ in range(settings.n_iterations):
        for name, variable in _named(variables):
            if not variable.is_missing.any():
                continue

            def predictors_of(rows: np.ndarray, name: str = name, own: _Hospitals = variable.hospitals) -> np.ndarray:
                """A column of ones, then the predictors: written in one place, as it is the largest thing of all."""
                others = [(other, values[key]) for key, other in _named(variables) if key != name]
                sizes = [1, own.dummies.shape[1], outcome.shape[1], *(other.n_predictors for other, _ in others)]
                ends = np.cumsum(sizes)
                written = np.empty((len(rows), ends[-1]))
                for start in range(0, len(rows), ROWS_AT_ONCE):
                    some, into = rows[start : start + ROWS_AT_ONCE], written[start : start + ROWS_AT_ONCE]
                    into[:, 0] = 1.0
                    into[:, 1 : ends[1]] = own.dummies.take(some, axis=0)
                    into[:, ends[1] : ends[2]] = outcome.take(some, axis=0)
                    for (other, of_other), first, end in zip(others, ends[2:-1], ends[3:], strict=True):
                        other.write_predictors(of_other.take(some), into[:, first:end])
                return written

            drawn = _draw(variable, predictors_of, rng, settings, starts)
            values[name][variable.is_missing] = drawn
    return values


def _standardised(observed: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, after the first of ones, with mean 0 and spread 1 among the observed (they are written over); those without spread there
    say nothing and are dropped.

    Returns:
        Both, and the spread of every column but the ones, NaN of those dropped.
    """
    mean = observed[:, 1:].mean(axis=0)
    spread = _spread(observed[:, 1:], mean)
    varies = spread > 1e-12 * (1 + np.abs(mean))
    for rows in (observed, missing):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE, 1:]
            some -= mean
            some /= np.where(varies, spread, 1.0)
    if not varies.all():
        kept = np.concatenate([[True], varies])
        observed, missing = observed[:, kept], missing[:, kept]
    return observed, missing, np.where(varies, spread, np.nan)


def _spread(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Each column's standard deviation, as numpy's to the last bit, which holds a second copy of all rows."""
    # summed on from what the rows before came to, in the first row: sums are rounded in their order
    squares = np.zeros((ROWS_AT_ONCE + 1, len(mean)))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        own = squares[1 : len(some) + 1]
        np.subtract(some, mean, out=own)
        own *= own
        squares[0] = squares[: len(some) + 1].sum(axis=0)
    return np.sqrt(squares[0] / len(rows))


def _draw(
    variable: _Variable,
    predictors_of: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    settings: Chains,
    starts: dict[str, np.ndarray],
) -> np.ndarray:
    """New values of those missing; `starts` keeps the coefficients from which the next round's search begins."""
    is_level = variable.kind in ("binary", "categorical")
    fitted_to = np.flatnonzero(~variable.is_missing)
    if is_level:
        fitted_to = fitted_to[_at_most(settings.largest_fit, len(fitted_to), rng)]
    observed, missing, spreads = _standardised(
        predictors_of(fitted_to), predictors_of(np.flatnonzero(variable.is_missing))
    )
    known = variable.numbers[fitted_to]
    if is_level:
        return _draw_level(known.astype(int), observed, missing, spreads, rng, variable, starts)
    fitted, drawn, covariance = _draw_linear(known, observed, rng)
    wanted = missing @ drawn
    if variable.hospitals.unrecorded:
        wanted += _levels_of_unrecorded(variable, fitted[None], drawn[None], covariance, spreads, rng)[:, 0]
    return _matched(known, observed @ fitted, wanted, rng, settings.n_donors)


def variance_between(levels: np.ndarray, covariance: np.ndarray) -> float:
    """The variance between k hospitals of a level estimated at each: theirs, less what their errors put into it (not below 0).

    Hedges (1983, Psychol Bull 93:388), whose estimator asks for no weights and so allows correlated errors.

    >>> variance_between(np.array([0.0, 1.0, 2.0]), np.diag([0.1, 0.2, 0.3]))
    0.8
    """
    k = len(levels)
    centred = np.eye(k) - 1 / k
    of_errors = float((centred * covariance).sum()) / (k - 1)
    return max(float(levels.var(ddof=1)) - of_errors, 0.0)


def _levels_of_unrecorded(
    variable: _Variable,
    fitted: np.ndarray,
    drawn: np.ndarray,
    covariance: np.ndarray,
    spreads: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """What the hospitals that do not record a column add to the predictor of their patients, a row each missing.

    A hospital's level is a draw from the normal distribution of the recording hospitals' (a random intercept: Resche-Rigon, White and
    others 2013, Stat Med 32:4890), whose mean and variance are drawn too: the variance by a scaled inverse chi-square of k - 1
    degrees of freedom. In the predictor as it is such patients are of the first recording hospital.

    Args:
        fitted, drawn: coefficients, a row a level but the first; the intercept, then the columns of which `spreads` is known.
        covariance: of them all.
    """
    n_dummies, n_columns = variable.hospitals.dummies.shape[1], fitted.shape[1]
    is_kept = ~np.isnan(spreads)
    at = np.cumsum(is_kept)[:n_dummies][is_kept[:n_dummies]]
    units = spreads[:n_dummies][is_kept[:n_dummies]]
    added, k = np.zeros((int(variable.is_missing.sum()), len(fitted))), len(at) + 1
    if k < 2:
        return added
    for row in range(len(fitted)):
        errors = np.zeros((k, k))
        errors[1:, 1:] = covariance[np.ix_(row * n_columns + at, row * n_columns + at)] / np.outer(units, units)
        # separated levels have no errors
        variance = variance_between(np.append(0.0, fitted[row, at] / units), np.nan_to_num(errors))
        mean = float((drawn[row, at] / units).sum()) / k
        for is_own in variable.hospitals.unrecorded:
            spread = np.sqrt(variance * (k - 1) / rng.chisquare(k - 1) * (1 + 1 / k))
            added[is_own, row] = mean + spread * rng.standard_normal()
    return added


def _draw_linear(
    known: np.ndarray, observed: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares, a draw of coefficients (and of the residual spread behind them) from their posterior under a flat prior (Rubin
    1987, p. 167), with a slight ridge against collinear columns, and the coefficients' covariance."""
    information = observed.T @ observed
    covariance = np.linalg.inv(information + RIDGE * np.diag(information.diagonal()))
    fitted = covariance @ (observed.T @ known)
    residuals = known - observed @ fitted
    degrees = max(len(known) - observed.shape[1], 1)
    spread = float(np.sqrt(residuals @ residuals / rng.chisquare(degrees)))
    drawn = fitted + spread * np.linalg.cholesky(covariance) @ rng.standard_normal(len(fitted))
    return fitted, drawn, spread**2 * covariance


def _at_most(most: int, n: int, rng: np.random.Generator) -> np.ndarray | slice:
    """Positions of the rows that a logistic regression is fitted to: all, or a random part of very many."""
    return slice(None) if n <= most else rng.choice(n, size=most, replace=False)


def _matched(
    known: np.ndarray, predicted: np.ndarray, wanted: np.ndarray, rng: np.random.Generator, n_donors: int
) -> np.ndarray:
    """For each wanted prediction the value of one of the observed with the nearest predictions (Little 1988; predictions
    of the observed from fitted, of the missing from drawn coefficients: type 1 matching).

    The nearest k of sorted numbers are k neighbours: the window of k that begins where its first is no farther than the one
    after its last, found by halving, all wanted at once.
    """
    n_donors = min(n_donors, len(known))
    order = np.argsort(predicted, kind="stable")
    in_order = predicted[order]
    at = np.searchsorted(in_order, wanted)
    low, high = np.maximum(at - n_donors, 0), np.minimum(at, len(known) - n_donors)
    low = np.minimum(low, high)
    while (low < high).any():
        middle = (low + high) // 2
        after = np.minimum(middle + n_donors, len(known) - 1)
        is_later = (wanted - in_order[middle] > in_order[after] - wanted) & (low < high)
        low, high = np.where(is_later, middle + 1, low), np.where(is_later, high, np.minimum(middle, high))
    return known[order[low + rng.integers(n_donors, size=len(wanted))]]


def _chosen_levels(chances: np.ndarray, allowed: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """A level for each row by its chances, of those allowed; where these have no chance, any of them alike."""
    if allowed is not None:
        chances = np.where(allowed, np.maximum(chances, 1e-300), 0.0)
        chances = chances / chances.sum(axis=1, keepdims=True)
    cumulative = chances.cumsum(axis=1)
    drawn = (rng.random(len(chances))[:, None] > cumulative[:, :-1]).sum(axis=1)
    return drawn.astype(float)


def _draw_level(
    level: np.ndarray,
    observed: np.ndarray,
    missing: np.ndarray,
    spreads: np.ndarray,
    rng: np.random.Generator,
    variable: _Variable,
    starts: dict[str, np.ndarray],
) -> np.ndarray:
    """Coefficients from the normal approximation of their posterior, then levels from their probabilities.

    A few weighted rows are added, each predictor a spread above and below its mean for each level, so that separated
    levels do not give infinite coefficients (White, Daniel and Royston 2010, Comput Stat Data Anal 54:2267).
    A level that nobody may be drawn into is left out with its patients: in this model the odds between the others do
    not hang on it.
    """
    is_drawn = _is_drawn(variable)
    is_fitted, allowed = is_drawn[level], None if variable.allowed is None else variable.allowed[:, is_drawn]
    level, observed = (np.cumsum(is_drawn) - 1)[level[is_fitted]], observed[is_fitted]
    n_levels, n_predictors = int(is_drawn.sum()), observed.shape[1] - 1
    shifts = np.vstack([np.eye(n_predictors), -np.eye(n_predictors)])
    added_rows, added_levels = np.tile(shifts, (n_levels, 1)), np.repeat(np.arange(n_levels), 2 * n_predictors)
    weights = np.ones(len(level) + len(added_levels))
    weights[len(level) :] = (n_predictors + 1) / max(len(added_levels), 1)
    design = np.vstack([observed, np.column_stack([np.ones(len(added_rows)), added_rows])])
    levels = np.concatenate([level, added_levels])
    fit = fit_multinomial(design, levels, n_levels, weights, starts.get(variable.name), DRAWN_FIT_TOLERANCE)
    drawn = fit.coefficients
    if not fit.is_separated:
        starts[variable.name] = fit.coefficients
        noise = np.linalg.cholesky(fit.covariance) @ rng.standard_normal(len(fit.covariance))
        drawn = fit.coefficients + noise.reshape(fit.coefficients.shape)
    design = missing
    if variable.hospitals.unrecorded:
        added = _levels_of_unrecorded(variable, fit.coefficients, drawn, fit.covariance, spreads, rng)
        design, drawn = np.hstack([design, added]), np.hstack([drawn, np.eye(len(drawn))])
    chosen = _chosen_levels(probabilities(design, drawn), allowed, rng)
    return is_drawn.nonzero()[0][chosen.astype(int)].astype(float)


def _is_drawn(variable: _Variable) -> np.ndarray:
    """Of each level (two of a binary variable): whether anybody may be drawn into it; all of them where fewer than two are."""
    any_of_them = np.ones(max(len(variable.levels), 2), dtype=bool)
    is_drawn = any_of_them if variable.allowed is None else np.asarray(variable.allowed.any(axis=0))
    return is_drawn if is_drawn.sum() > 1 else any_of_them
