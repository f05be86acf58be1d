"""Inverse-probability-of-treatment weights for groups that were not randomised, the balance they reach, weighted Cox."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cox_fit import fit_cox
from analysis.models.full_rank import is_of_full_rank
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC, WEIGHTED_EFRON, hazard_ratio_frame, wald_row
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure, is_not_compared, levels_of
from analysis.patients.missing_values import complete_rows, numbers_or_missing
from analysis.patients.model_rows import HOSPITAL_COLUMN, ModelRows, endpoint_rows, hospital_strata, model_rows
from analysis.patients.names import ordered_strata
from analysis.patients.result_rows import Row
from analysis.robustness.multinomial_logistic import MultinomialFit, fit_multinomial

BALANCE_COLUMNS = [
    "term", "group", "reference", "mean_group", "mean_reference", "standardised_difference", "weighted_mean_group",
    "weighted_mean_reference", "weighted_standardised_difference",
]  # fmt: skip
SUMMARY_COLUMNS = ["group", "n", "smallest", "mean", "largest", "effective_n"]
MODEL = "weighted"


class TreatmentWeights(NamedTuple):
    """`weights` and `probabilities` (a column a group) have the index of the patients kept; those of `hospitals_left_out` have none.

    `n_excluded_missing` counts those without a weight for a missing group or covariate, `n_excluded_unresolved` those of
    a group that is not compared.
    """

    weights: pd.Series
    probabilities: pd.DataFrame
    fit: MultinomialFit
    n_excluded_missing: int
    n_excluded_unresolved: int
    hospitals_left_out: tuple[str, ...] = ()


def treatment_weights(
    patients: pd.DataFrame,
    group_column: str,
    covariates: Sequence[Covariate],
    stabilised: bool = True,
    truncate_percentiles: tuple[float, float] | None = None,
) -> TreatmentWeights:
    """Weights 1 / P(own group | covariates), stabilised by P(own group) (Robins, Hernan and Brumback 2000,
    Epidemiology 11:550), the probabilities from a multinomial logistic model, with the hospital among its columns.
    A hospital at which nobody is of one of the groups is left out: its patients could not have been of that group there.

    Args:
        patients: one row each: the group and the covariates' columns (numbers or truths). Groups of
            `names.STRATA_NOT_COMPARED` have no weights.
        truncate_percentiles: such as (1, 99): weights beyond these percentiles (R's type 7) of all are set to them
            (Cole and Hernan 2008, Am J Epidemiol 168:656).
    Raises:
        ValueError: a column is missing or not numbers; fewer than two groups; a covariate that is constant or determined
            by the others; percentiles that do not ascend within 0 and 100; or covariates that separate the groups, so that
            some patients could not have been in another (no positivity, no weights); no hospital that has every group.
    """
    if truncate_percentiles is not None and not 0 <= truncate_percentiles[0] < truncate_percentiles[1] <= 100:
        raise ValueError(f"truncate_percentiles: must ascend within 0 and 100, not {truncate_percentiles}")
    rows = _complete(patients, group_column, covariates)
    groups = ordered_strata(rows.columns_kept[group_column])
    if len(groups) < 2:
        raise ValueError(f"patients.{group_column}: fewer than two groups with every covariate known")
    is_kept = _is_at_a_hospital_of_every_group(patients.loc[rows.columns_kept.index], group_column, groups)
    left_out: tuple[str, ...] = ()
    if not is_kept.all():
        left_out = tuple(sorted(set(patients.loc[rows.columns_kept.index[~is_kept], HOSPITAL_COLUMN].astype(str))))
        rows = rows._replace(columns_kept=rows.columns_kept[is_kept])
    if rows.columns_kept.empty:
        raise ValueError(
            f"patients.{group_column}: no hospital has patients of every group, there are no finite weights"
        )
    level = pd.Categorical(rows.columns_kept[group_column], categories=groups).codes.astype(int)
    design = np.column_stack(
        [
            np.ones(len(level)),
            rows.columns_kept.drop(columns=group_column).to_numpy(dtype=float),
            _hospital_columns(patients.loc[rows.columns_kept.index]),
        ]
    )
    if not is_of_full_rank(design / np.sqrt(np.einsum("ij,ij->j", design, design) / len(design)).clip(min=1e-300)):
        raise ValueError("covariates: one is constant or determined by the others")
    fit = fit_multinomial(design, level, len(groups))
    if fit.is_separated:
        raise ValueError(f"patients.{group_column}: the covariates separate the groups, there are no finite weights")
    probabilities = fit.probabilities(design)
    weights = 1 / probabilities[np.arange(len(level)), level]
    if stabilised:
        weights = weights * (np.bincount(level) / len(level))[level]
    if truncate_percentiles is not None:
        weights = np.clip(weights, *np.percentile(weights, truncate_percentiles))
    index = rows.columns_kept.index
    return TreatmentWeights(
        pd.Series(weights, index=index, name="weight"),
        pd.DataFrame(probabilities, index=index, columns=groups),
        fit,
        rows.n_excluded_missing,
        rows.n_excluded_unresolved,
        left_out,
    )


def _is_at_a_hospital_of_every_group(patients: pd.DataFrame, group_column: str, groups: Sequence[str]) -> np.ndarray:
    strata = hospital_strata(patients)
    if strata is None:
        return np.ones(len(patients), dtype=bool)
    level = pd.Categorical(levels_of(patients[group_column]).astype(str), categories=list(groups)).codes
    has_group = np.zeros((int(strata.max()) + 1, len(groups)), dtype=bool)
    has_group[strata, level] = True
    return np.asarray(has_group.all(axis=1))[strata]


def weight_summary(patients: pd.DataFrame, group_column: str, weights: pd.Series) -> pd.DataFrame:
    """Smallest, mean and largest weight of each group and the effective number (sum w)^2 / sum w^2 (Kish 1965).

    Args:
        weights: of `treatment_weights`; patients without one are left out.
    """
    require_columns(patients, [group_column], "patients")
    rows = []
    for group, of_group in weights.groupby(patients.loc[weights.index, group_column].astype(str)):
        effective = of_group.sum() ** 2 / (of_group**2).sum()
        rows.append((group, len(of_group), of_group.min(), of_group.mean(), of_group.max(), effective))
    summary = pd.DataFrame(rows, columns=SUMMARY_COLUMNS).set_index("group")
    return summary.loc[ordered_strata(summary.index)].reset_index()


def balance_table(
    patients: pd.DataFrame, group_column: str, covariates: Sequence[Covariate], weights: pd.Series, reference: str
) -> pd.DataFrame:
    """Standardised differences of each covariate between each group and the reference, before and after weighting.

    Difference of the means over sqrt((variance of group + variance of reference) / 2), the variances of both those before
    weighting: p (1 - p) of a 0/1 column, else with n - 1 (Austin 2009, Stat Med 28:3083; Austin and Stuart 2015, Stat Med
    34:3661). Missing where neither group varies. Below 0.1 is commonly called balanced.

    Raises:
        ValueError: a column is missing, or no weighted patient is in the reference group.
    """
    rows = _complete(patients.loc[weights.index], group_column, covariates).columns_kept
    group, weight = rows[group_column], weights.loc[rows.index].to_numpy()
    if reference not in set(group):
        raise ValueError(f"patients.{group_column}: nobody with a weight is in the reference group {reference!r}")
    compared = [name for name in ordered_strata(group) if name != reference]
    # who is of which group is found once, not for each covariate
    members = {name: np.flatnonzero((group == name).to_numpy()) for name in (*compared, reference)}
    table = [
        {"term": covariate.term, "group": name, "reference": reference}
        | _difference(rows[covariate.term].to_numpy(dtype=float), members[name], members[reference], weight)
        for covariate in covariates
        for name in compared
    ]
    return pd.DataFrame(table, columns=BALANCE_COLUMNS)


def weighted_cox(
    frame: pd.DataFrame,
    endpoint: str,
    group_column: str,
    weights: pd.Series,
    reference: str,
    prefix: str,
    few_events: int = 0,
) -> pd.DataFrame:
    """Cause-specific hazard ratios of the groups in the weighted patients (Efron ties), with robust standard errors.

    As R's coxph(..., weights =, robust = TRUE); the robust errors take the weights as known, which tends to be conservative
    for estimated ones. Columns as `hazard_ratio_rows.HAZARD_RATIO_COLUMNS`, model 'weighted'; n and n_event are unweighted.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing) and
            the group. Rows of other endpoints are ignored.
        weights: by the index of `frame`; patients without one are left out and counted as missing.
        prefix: of the terms (`Exposure.prefix`).
    Raises:
        ValueError: names the column that is missing or holds what it must not; a reference group nobody has; a weight
            that is not a number above 0; an index that repeats.
    """
    patients = endpoint_rows(frame, endpoint)
    require_columns(patients, [group_column], "patient_rows")
    if patients.index.has_duplicates or weights.index.has_duplicates:
        raise ValueError("weights: patients cannot be told apart, their index repeats")
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights: must be numbers above 0")
    levels = levels_of(patients[group_column])
    has_weight = patients.index.isin(weights.index)
    named = levels[has_weight & levels.notna() & ~is_not_compared(levels)]
    if reference not in set(named):
        raise ValueError(f"patient_rows.{group_column}: nobody with a weight is in the reference group {reference!r}")
    exposure = Exposure(group_column, group_column, prefix, tuple(ordered_strata(named)), reference)
    data = model_rows(patients[has_weight], endpoint, (), exposure)
    n_without = int((~has_weight & ~is_not_compared(levels)).sum())
    data = replace(
        data,
        n_excluded_missing=data.n_excluded_missing + n_without,
        n_excluded_unresolved=int(is_not_compared(levels).sum()),
    )
    return _weighted_fit(data, weights.loc[data.index].to_numpy(dtype=float), few_events)


def _hospital_columns(patients: pd.DataFrame) -> np.ndarray:
    """A 0/1 column a hospital but the first: the groups are weighted to be alike within hospitals."""
    strata = hospital_strata(patients)
    return np.empty((len(patients), 0)) if strata is None else strata[:, None] == np.arange(1, strata.max() + 1)


class _Complete(NamedTuple):
    columns_kept: pd.DataFrame
    n_excluded_missing: int
    n_excluded_unresolved: int


def _complete(patients: pd.DataFrame, group_column: str, covariates: Sequence[Covariate]) -> _Complete:
    """The group as text and the covariates as numbers, of patients who are compared and miss neither."""
    require_columns(patients, [group_column, *(covariate.column for covariate in covariates)], "patients")
    group = levels_of(patients[group_column])
    is_unresolved = is_not_compared(group).to_numpy()
    columns = pd.DataFrame({group_column: group.astype(object)}, index=patients.index).assign(
        **{covariate.term: numbers_or_missing(patients[covariate.column]) / covariate.per for covariate in covariates}
    )
    rows, n_excluded_missing = complete_rows(columns[~is_unresolved], list(columns.columns))
    return _Complete(rows, n_excluded_missing, int(is_unresolved.sum()))


def _difference(column: np.ndarray, in_group: np.ndarray, in_reference: np.ndarray, weight: np.ndarray) -> Row:
    is_binary = bool(np.isin(column, (0, 1)).all())
    means = [column[chosen].mean() for chosen in (in_group, in_reference)]
    weighted = [float(np.average(column[chosen], weights=weight[chosen])) for chosen in (in_group, in_reference)]
    with np.errstate(invalid="ignore", divide="ignore"):
        variances = [
            mean * (1 - mean) if is_binary else column[chosen].var(ddof=1) if len(chosen) > 1 else np.nan
            for mean, chosen in zip(means, (in_group, in_reference), strict=True)
        ]
        spread = np.sqrt(sum(variances) / 2)
        spread = spread if spread > 0 else np.nan
    return {
        "mean_group": float(means[0]),
        "mean_reference": float(means[1]),
        "standardised_difference": float((means[0] - means[1]) / spread),
        "weighted_mean_group": weighted[0],
        "weighted_mean_reference": weighted[1],
        "weighted_standardised_difference": float((weighted[0] - weighted[1]) / spread),
    }


def _weighted_fit(data: ModelRows, weight: np.ndarray, few_events: int) -> pd.DataFrame:
    # Which columns have no estimate does not depend on the weights
    unweighted = fit_cox(data.time_days, data.is_event, data.design, strata=data.strata)
    usable = {name: data.design[name] for name in data.design if name not in unweighted.problems}
    fit = fit_cox(data.time_days, data.is_event, usable, strata=data.strata, cluster=np.arange(data.n), weights=weight)
    estimates = dict(zip(fit.names, zip(fit.coefficients, fit.std_errors, strict=True), strict=True))
    rows = [wald_row(name, *estimates.get(name, (np.nan, np.nan))) for name in data.design]
    problems = unweighted.problems | fit.problems
    return hazard_ratio_frame(
        rows, data, MODEL, CAUSE_SPECIFIC, problems, unweighted.model_warning, WEIGHTED_EFRON, few_events
    )
