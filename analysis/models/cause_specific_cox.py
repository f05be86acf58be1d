"""Cause-specific Cox models of the margin group, unadjusted and adjusted, as tidy rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cox_fit import (
    COLLINEAR,
    INFINITE,
    CoxFit,
    fit_cox,
    group_proportional_hazards_test,
    proportional_hazards_tests,
)
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    EFRON,
    FEW_EVENTS,
    FIRTH,
    HAZARD_RATIO_COLUMNS,
    PENALISED,
    wald_row,
)
from analysis.patients.collapsed_counts import checked_times, require_columns
from analysis.patients.covariates import ADJUSTMENT_COVARIATES, Covariate
from analysis.patients.missing_values import complete_rows, numbers_or_missing
from analysis.patients.names import MARGIN_GROUPS, MARGIN_REFERENCE, SURVIVAL_ENDPOINTS, UNRESOLVED, margin_term

OMNIBUS, OMNIBUS_WALD, TREND = "margin group (omnibus)", "margin group (omnibus, Wald)", "margin group (trend)"
PROPORTIONAL_HAZARDS_COLUMNS = ["endpoint", "model", "term", "statistic", "degrees_of_freedom", "p_value", "warning"]


class CoxResults(NamedTuple):
    """Rows of `hazard_ratios` and of `proportional_hazards`."""

    hazard_ratios: pd.DataFrame
    proportional_hazards: pd.DataFrame


@dataclass(frozen=True)
class _ModelData:
    """Complete rows of one model, as numbers."""

    time_days: np.ndarray
    is_event: np.ndarray
    group: np.ndarray
    covariates: dict[str, np.ndarray]
    n_excluded_missing: int
    n_excluded_unresolved: int


def cause_specific_cox(
    frame: pd.DataFrame,
    endpoint: str,
    margin_reference: str = MARGIN_REFERENCE,
    covariates: Sequence[Covariate] = ADJUSTMENT_COVARIATES,
    is_firth_where_separated: bool = True,
) -> CoxResults:
    """Unadjusted and adjusted Cox models (Efron) of one endpoint's cause-specific hazard; competing events are censored.

    Terms: each margin group against the reference; `margin group (omnibus)` with the likelihood-ratio test of all margin
    terms, `(omnibus, Wald)`, and `(trend)`, the hazard ratio for each narrower group; in the adjusted model its covariates.
    Patients with an unresolved margin are left out and counted, then those with a missing value in a column of that model:
    the two models may rest on different patients. A term that cannot be estimated has no number but a `warning`; a number
    that rests on fewer than five events carries one. Where the events separate a term's groups (none in one of them), so that
    the ratio would be 0 or infinite, its row has that of Firth's penalised likelihood with profile limits, `method` 'Firth'
    and a warning (see `firth_fit.fit_firth`, fitted with all terms of the model); the other rows stay Efron's.

    The proportional-hazards tests are those of each term, of the margin groups together and of the whole model.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing),
            margin_group, and the covariates' columns (numbers or truths). Rows of other endpoints are ignored.
        is_firth_where_separated: False leaves such terms without a number, for whoever needs Wald's limits of all.
    Raises:
        ValueError: names the column that is missing or holds what it must not, or the endpoint nobody has.
    """
    patients = _endpoint_patients(frame, endpoint)
    if margin_reference not in MARGIN_GROUPS:
        raise ValueError(f"margin_reference must be one of {', '.join(MARGIN_GROUPS)}, not {margin_reference!r}")
    hazard_ratios, proportional_hazards = [], []
    for model, model_covariates in (("unadjusted", ()), ("adjusted", covariates)):
        data = _model_data(patients, model_covariates)
        margins = {
            margin_term(group): (data.group == group).astype(float)
            for group in MARGIN_GROUPS
            if group != margin_reference
        }
        fit = fit_cox(data.time_days, data.is_event, margins | data.covariates)
        problems = fit.problems | _absent_groups(data.group, margin_reference)
        penalised = _penalised_rows(data, margins, problems) if is_firth_where_separated else {}
        rows = [
            *_term_rows(fit, data, margins, margin_reference, problems, penalised), *_margin_rows(fit, data, margins)
        ]  # fmt: skip
        hazard_ratios.append(_labelled(rows, HAZARD_RATIO_COLUMNS, endpoint, model, data, fit))
        tests = _proportional_hazards_rows(fit, data, margins, problems)
        proportional_hazards.append(_labelled(tests, PROPORTIONAL_HAZARDS_COLUMNS, endpoint, model, data, fit))
    return CoxResults(pd.concat(hazard_ratios, ignore_index=True), pd.concat(proportional_hazards, ignore_index=True))


def _endpoint_patients(frame: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    require_columns(frame, ["endpoint", "time_days", "event_code", "margin_group"], "patient_rows")
    patients = frame[frame["endpoint"] == endpoint]
    if patients.empty:
        raise ValueError(f"patient_rows.endpoint: nobody has {endpoint!r}")
    if "study_id" in patients.columns and patients["study_id"].duplicated().any():
        raise ValueError(f"patient_rows.study_id: a patient has more than one row of {endpoint}")
    checked_times(patients["time_days"], "patient_rows")
    if not patients["event_code"].isin([0, 1, 2]).all():
        raise ValueError("patient_rows.event_code: codes other than 0, 1, 2")
    if endpoint in SURVIVAL_ENDPOINTS and (patients["event_code"] == 2).any():
        raise ValueError(f"patient_rows.event_code: {endpoint} can have no competing events")
    unknown = set(patients["margin_group"].dropna()) - {*MARGIN_GROUPS, UNRESOLVED}
    if unknown:
        raise ValueError(f"patient_rows.margin_group: unknown group(s) {', '.join(sorted(map(str, unknown)))}")
    return patients


def _model_data(patients: pd.DataFrame, covariates: Sequence[Covariate]) -> _ModelData:
    require_columns(patients, [covariate.column for covariate in covariates], "patient_rows")
    is_unresolved = patients["margin_group"] == UNRESOLVED
    columns = patients[["time_days", "event_code", "margin_group"]].assign(
        **{covariate.term: numbers_or_missing(patients[covariate.column]) / covariate.per for covariate in covariates}
    )
    terms = [covariate.term for covariate in covariates]
    rows, n_excluded_missing = complete_rows(columns[~is_unresolved], ["margin_group", *terms])
    return _ModelData(
        rows["time_days"].to_numpy(dtype=float), (rows["event_code"] == 1).to_numpy().astype(int),
        rows["margin_group"].to_numpy(dtype=object), {term: rows[term].to_numpy(dtype=float) for term in terms},
        n_excluded_missing, int(is_unresolved.sum()),
    )  # fmt: skip


def _absent_groups(group: np.ndarray, margin_reference: str) -> dict[str, str]:
    """Why margin terms have no number for want of patients; without a reference group none of them means anything."""
    terms = {name: margin_term(name) for name in MARGIN_GROUPS if name != margin_reference}
    if len(group) and margin_reference not in group:
        return dict.fromkeys(terms.values(), "not estimable: no patients in the reference group")
    return {term: "not estimable: no patients in this group" for name, term in terms.items() if name not in group}


def _term_rows(
    fit: CoxFit,
    data: _ModelData,
    margins: dict[str, np.ndarray],
    margin_reference: str,
    problems: dict[str, str],
    penalised: dict[str, dict],
) -> list[dict]:
    in_reference = data.group == margin_reference
    rows = []
    for name, coefficient, std_error in zip(fit.names, fit.coefficients, fit.std_errors, strict=True):
        coefficient = np.nan if name in problems else coefficient
        column = margins[name] if name in margins else data.covariates[name]
        is_binary = bool(np.isin(column, (0, 1)).all())
        exposed = column == 1
        row = penalised.get(name) or wald_row(name, coefficient, std_error)
        row["reference"] = margin_reference if name in margins else "no" if is_binary else None
        if is_binary:
            row |= {"n_in_group": int(exposed.sum()), "n_event_in_group": int(data.is_event[exposed].sum())}
            unexposed = in_reference if name in margins else ~exposed
            row["warning"] = problems.get(name) or _few_events(data.is_event, exposed, unexposed)
            if name in penalised:
                row["warning"] = _why_penalised(data.is_event, exposed, unexposed)
        else:
            row["warning"] = problems.get(name) or _few_events(data.is_event, np.ones(fit.n, dtype=bool))
            if name in penalised:
                row["warning"] = f"{PENALISED}: the column separates the events"
        rows.append(row)
    return rows


def _penalised_rows(data: _ModelData, margins: dict[str, np.ndarray], problems: dict[str, str]) -> dict[str, dict]:
    """Firth's rows of the terms whose ordinary ratio is 0 or infinite; of none where he has no estimate either."""
    separated = [name for name, reason in problems.items() if reason == INFINITE]
    if not separated:
        return {}
    fit = fit_firth(data.time_days, data.is_event, margins | data.covariates, profiled=separated)
    rows = {name: profile_row(fit, fit.names.index(name)) | {"method": FIRTH} for name in separated}
    return {name: row for name, row in rows.items() if np.isfinite([row["hazard_ratio"], row["p_value"]]).all()}


def _why_penalised(is_event: np.ndarray, exposed: np.ndarray, unexposed: np.ndarray) -> str:
    if not is_event[exposed].any():
        return f"{PENALISED}: no event in this group"
    if not is_event[unexposed].any():
        return f"{PENALISED}: no event in the reference group"
    return f"{PENALISED}: the events separate the groups"


def _few_events(is_event: np.ndarray, *groups: np.ndarray) -> str | None:
    fewest = min(int(is_event[group].sum()) for group in groups)
    return f"fewer than {FEW_EVENTS} events in this or the reference group ({fewest})" if fewest < FEW_EVENTS else None


def _margin_rows(fit: CoxFit, data: _ModelData, margins: dict[str, np.ndarray]) -> list[dict]:
    """The tests of the margin group as a whole and its trend."""
    usable = fit.usable(list(margins))
    infinite = [name for name in margins if name in fit.problems]
    warning = f"without {', '.join(infinite)}: {fit.problems[infinite[0]]}" if infinite else None
    without = _log_likelihood_without_margin(fit, data)
    likelihood_ratio = 2 * (fit.log_likelihood - without)
    coefficients, covariance = fit.coefficients[usable], fit.covariance[np.ix_(usable, usable)]
    wald = float(coefficients @ np.linalg.solve(covariance, coefficients)) if usable else np.nan
    # A group without events still contributes to the likelihood; one without patients, or determined by others, does not
    n_in_likelihood = sum(name in fit.model_names and fit.problems.get(name) != COLLINEAR for name in margins)
    narrower = {group: float(rank) for rank, group in enumerate(reversed(MARGIN_GROUPS))}
    score = np.array([narrower[group] for group in data.group], dtype=float)
    trend = fit_cox(data.time_days, data.is_event, {TREND: score} | data.covariates)
    trend_row = _trend_row(trend, data, score)
    return [
        _test_row(OMNIBUS, likelihood_ratio, n_in_likelihood, warning),
        _test_row(OMNIBUS_WALD, wald, len(usable), warning),
        trend_row,
    ]


def _trend_row(trend: CoxFit, data: _ModelData, score: np.ndarray) -> dict:
    if trend.problems.get(TREND) == INFINITE:
        firth = fit_firth(data.time_days, data.is_event, {TREND: score} | data.covariates, profiled=[TREND])
        return profile_row(firth, 0) | {"method": FIRTH, "warning": f"{PENALISED}: the events separate the groups"}
    few = _few_events(data.is_event, np.ones(trend.n, dtype=bool))
    row = wald_row(TREND, trend.coefficients[0], trend.std_errors[0])
    return row | {"warning": trend.problems.get(TREND) or few}


def _log_likelihood_without_margin(fit: CoxFit, data: _ModelData) -> float:
    if not data.covariates:
        return fit.log_likelihood_null
    reduced = fit_cox(data.time_days, data.is_event, data.covariates)
    return reduced.log_likelihood if reduced.model is not None else fit.log_likelihood_null


def _proportional_hazards_rows(
    fit: CoxFit, data: _ModelData, margins: dict[str, np.ndarray], problems: dict[str, str]
) -> list[dict]:
    tests = proportional_hazards_tests(fit)
    together = group_proportional_hazards_test(fit, data.time_days, data.is_event, margins, data.covariates)
    rows = []
    for term, statistic, degrees, p_value in (*tests[:-1], (OMNIBUS, *together), tests[-1]):
        if term in problems:
            statistic, p_value = np.nan, np.nan
        warning = problems.get(term) or (
            "not tested: a term of the model has no estimate" if np.isnan(statistic) else None
        )
        rows.append({"term": term, "statistic": statistic, "degrees_of_freedom": degrees, "p_value": p_value,
                     "warning": warning})  # fmt: skip
    return rows


def _test_row(term: str, statistic: float, degrees: int, warning: str | None) -> dict:
    from scipy.special import chdtrc

    is_known = degrees > 0 and not np.isnan(statistic)
    return {
        "term": term, "statistic": statistic if is_known else np.nan, "degrees_of_freedom": degrees,
        "p_value": float(chdtrc(degrees, max(statistic, 0.0))) if is_known else np.nan, "warning": warning,
    }  # fmt: skip


def _labelled(
    rows: list[dict], columns: list[str], endpoint: str, model: str, data: _ModelData, fit: CoxFit
) -> pd.DataFrame:
    labels = {
        "endpoint": endpoint, "model": model, "estimand": CAUSE_SPECIFIC, "method": EFRON, "n": fit.n, "n_event": fit.n_event,
        "n_excluded_missing": data.n_excluded_missing, "n_excluded_unresolved": data.n_excluded_unresolved,
    }  # fmt: skip
    frame = pd.DataFrame([{**labels, **row} for row in rows]).reindex(columns=columns)
    frame["warning"] = [
        "; ".join(text for text in (warning, fit.model_warning) if isinstance(text, str)) or None
        for warning in frame["warning"]
    ]
    for column in {"n_in_group", "n_event_in_group"} & set(columns):
        frame[column] = frame[column].astype("Int64")
    for column in {"reference", "warning"} & set(columns):
        # A column of nothing but None would become one of integers in a database
        frame[column] = frame[column].astype("str")
    return frame
