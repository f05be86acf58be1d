"""Cause-specific Cox models of the exposure, unadjusted and adjusted, as tidy rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cox_fit import (
    COLLINEAR,
    INFINITE,
    CoxFit,
    fit_cox,
    proportional_hazards_tests,
)
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    FIRTH,
    PENALISED,
    has_finite_limits,
    hazard_ratio_frame,
    wald_row,
)
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import ModelRows, model_rows
from analysis.patients.result_rows import Row, number_of

PROPORTIONAL_HAZARDS_COLUMNS = ["endpoint", "model", "term", "statistic", "degrees_of_freedom", "p_value", "warning"]


class CoxResults(NamedTuple):
    """Rows of `hazard_ratios` and of `proportional_hazards`."""

    hazard_ratios: pd.DataFrame
    proportional_hazards: pd.DataFrame


def cause_specific_cox(
    frame: pd.DataFrame,
    endpoint: str,
    exposure: Exposure,
    covariates: Sequence[Covariate] = (),
    is_firth_where_separated: bool = True,
    few_events: int = 0,
) -> CoxResults:
    """Unadjusted and adjusted Cox models (Efron) of one endpoint's cause-specific hazard; competing events are censored.

    Terms: each level of the exposure against the reference; `(omnibus)` with the likelihood-ratio test of all of them,
    `(omnibus, Wald)`, and, of an ordered exposure, `(trend)`, the hazard ratio for each level nearer to the first; in the
    adjusted model its covariates. From two hospitals on each has a baseline hazard of its own (a stratum). Patients of a group
    that is not known are left out and counted, then those with a missing value in a column of that model: the two models may rest
    on different patients. A term that cannot be estimated has no number but a `warning`; a number that rests on fewer than
    `few_events` carries one. Where the events separate a term's groups (none in one of them), so that the ratio would be 0 or
    infinite, its row has that of Firth's penalised likelihood with profile limits, `method` 'Firth' and a warning (see
    `firth_fit.fit_firth`, fitted with all terms of the model); the other rows stay Efron's.

    The proportional-hazards tests are those of each term, of the exposure's levels together and of the whole model.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing), the
            exposure's column, and the covariates' columns (numbers or truths). Rows of other endpoints are ignored.
        is_firth_where_separated: False leaves such terms without a number, for whoever needs Wald's limits of all.
    Raises:
        ValueError: names the column that is missing or holds what it must not, or the endpoint nobody has.
    """
    models = [
        cox_model(frame, endpoint, exposure, model_covariates, model, is_firth_where_separated, None, few_events)
        for model, model_covariates in (("unadjusted", ()), ("adjusted", covariates))
    ]
    return CoxResults(*(pd.concat(frames, ignore_index=True) for frames in zip(*models, strict=True)))


def cox_model(
    frame: pd.DataFrame,
    endpoint: str,
    exposure: Exposure,
    covariates: Sequence[Covariate],
    model: str,
    is_firth_where_separated: bool = True,
    model_warning: str | None = None,
    few_events: int = 0,
) -> CoxResults:
    """One model of `cause_specific_cox`, named `model`; `model_warning` goes to every row of its ratios."""
    data = model_rows(frame, endpoint, covariates, exposure)
    return cox_model_of(data, exposure, model, is_firth_where_separated, model_warning, few_events=few_events)


def cox_model_of(
    data: ModelRows,
    exposure: Exposure,
    model: str,
    is_firth_where_separated: bool = True,
    model_warning: str | None = None,
    has_tests: bool = True,
    few_events: int = 0,
    has_proportionality: bool = True,
) -> CoxResults:
    """`cox_model` of complete rows; without `has_tests` no test of several terms and none of proportional hazards, without
    `has_proportionality` none of the latter."""
    fit = fit_cox(data.time_days, data.is_event, data.design, strata=data.strata)
    penalised = _penalised_rows(data, fit.problems) if is_firth_where_separated else {}
    terms = [
        penalised.get(name) or wald_row(name, coefficient, std_error)
        for name, coefficient, std_error in zip(fit.names, fit.coefficients, fit.std_errors, strict=True)
    ]
    trend = [_trend_row(data, exposure, few_events)] if exposure.is_ordered else []
    rows = [*terms, *(_exposure_rows(fit, data, exposure) if has_tests else []), *trend]
    unsolved = {name: reason for name, reason in fit.problems.items() if name not in penalised}
    warning = "; ".join(filter(None, [fit.model_warning, model_warning])) or None
    return CoxResults(
        hazard_ratio_frame(rows, data, model, CAUSE_SPECIFIC, unsolved, warning, few_events=few_events),
        _proportional_hazards_frame(fit, data, exposure, model)
        if has_tests and has_proportionality
        else pd.DataFrame(columns=PROPORTIONAL_HAZARDS_COLUMNS),
    )


def _penalised_rows(data: ModelRows, problems: dict[str, str]) -> dict[str, Row]:
    """Firth's rows of the terms whose ordinary ratio is 0 or infinite; of none where he has no estimate either."""
    separated = [
        name
        for name, reason in problems.items()
        if reason == INFINITE and (name not in data.group_terms or data.in_reference.any())
    ]
    if not separated:
        return {}
    fit = fit_firth(data.time_days, data.is_event, data.design, strata=data.strata, profiled=separated)
    rows = {
        name: profile_row(fit, fit.names.index(name)) | {"method": FIRTH, "warning": _why_penalised(data, name)}
        for name in separated
    }
    return {
        name: row for name, row in rows.items() if has_finite_limits(row) and np.isfinite(number_of(row, "p_value"))
    }


def _why_penalised(data: ModelRows, term: str) -> str:
    column = data.design[term]
    if not np.isin(column, (0, 1)).all():
        return f"{PENALISED}: the column separates the events"
    exposed = column == 1
    unexposed = data.in_reference if term in data.group_terms else ~exposed
    if not data.is_event[exposed].any():
        return f"{PENALISED}: no event in this group"
    if not data.is_event[unexposed].any():
        return f"{PENALISED}: no event in the reference group"
    return f"{PENALISED}: the events separate the groups"


def _exposure_rows(fit: CoxFit, data: ModelRows, exposure: Exposure) -> list[Row]:
    """The tests of the exposure as a whole."""
    terms = list(data.group_terms)
    usable = fit.usable(terms)
    left_out = [*data.absent_terms, *(name for name in terms if name in fit.problems)]
    # a group without events still contributes to the likelihood; one without patients, or determined by others, does not
    n_in_likelihood = sum(name in fit.model_names and fit.problems.get(name) != COLLINEAR for name in terms)
    likelihood_ratio = 2 * (fit.log_likelihood - _log_likelihood_without_exposure(fit, data))
    coefficients, covariance = fit.coefficients[usable], fit.covariance[np.ix_(usable, usable)]
    wald = float(coefficients @ np.linalg.solve(covariance, coefficients)) if usable else np.nan
    of_ratio, of_wald = (
        f"test of the {n} level(s) that could be compared, without {', '.join(left_out)}" if left_out else None
        for n in (n_in_likelihood, len(usable))
    )
    return [
        _test_row(exposure.omnibus, likelihood_ratio, n_in_likelihood, of_ratio),
        _test_row(exposure.omnibus_wald, wald, len(usable), of_wald),
    ]


def _trend_row(data: ModelRows, exposure: Exposure, few_events: int) -> Row:
    """The ratio for one level nearer to the first, in a model with the level's rank instead of its columns."""
    term = exposure.trend
    design = {term: float(len(exposure.levels) - 1) - data.level} | data.covariates
    trend = fit_cox(data.time_days, data.is_event, design, strata=data.strata)
    problem = trend.problems.get(term)
    if problem == INFINITE:
        firth = fit_firth(data.time_days, data.is_event, design, strata=data.strata, profiled=[term])
        row = profile_row(firth, 0) | {"method": FIRTH, "warning": f"{PENALISED}: the events separate the groups"}
        return row if has_finite_limits(row) else {"term": term, "degrees_of_freedom": 1, "problem": problem}
    row = wald_row(term, trend.coefficients[0], trend.std_errors[0])
    if problem or not has_finite_limits(row):
        return {"term": term, "degrees_of_freedom": 1, "problem": problem or "not estimable: no finite standard error"}
    n_event = int(data.is_event.sum())
    return row | {"warning": f"fewer than {few_events} events ({n_event})" if n_event < few_events else None}


def _log_likelihood_without_exposure(fit: CoxFit, data: ModelRows) -> float:
    if not data.covariates:
        return fit.log_likelihood_null
    reduced = fit_cox(data.time_days, data.is_event, data.covariates, strata=data.strata)
    return reduced.log_likelihood if reduced.fitted is not None else fit.log_likelihood_null


def _proportional_hazards_frame(fit: CoxFit, data: ModelRows, exposure: Exposure, model: str) -> pd.DataFrame:
    tests = proportional_hazards_tests(fit, data.time_days, data.is_event)
    *of_terms, of_model = tests.rows()
    rows = []
    for term, statistic, degrees, p_value in (
        *of_terms,
        (exposure.omnibus, *tests.of_groups(data.group_terms)),
        of_model,
    ):
        if term in fit.problems:
            statistic, p_value = np.nan, np.nan
        warning = fit.problems.get(term) or (
            "not tested: a term of the model has no estimate" if np.isnan(statistic) else None
        )
        warning = "; ".join(filter(None, [warning, fit.model_warning])) or None
        rows.append({"endpoint": data.endpoint, "model": model, "term": term, "statistic": statistic,
                     "degrees_of_freedom": degrees, "p_value": p_value, "warning": warning})  # fmt: skip
    return pd.DataFrame(rows, columns=PROPORTIONAL_HAZARDS_COLUMNS).astype({"warning": "str"})


def _test_row(term: str, statistic: float, degrees: int, warning: str | None) -> Row:
    from scipy.special import chdtrc

    is_known = degrees > 0 and np.isfinite(statistic)
    return {
        "term": term,
        "statistic": statistic if is_known else np.nan,
        "degrees_of_freedom": degrees,
        "p_value": float(chdtrc(degrees, max(statistic, 0.0))) if is_known else np.nan,
        "warning": warning or (None if is_known else "not tested: no level has an estimate"),
    }
