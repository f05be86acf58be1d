"""The adjusted model with missing covariates and unresolved margins imputed, within what is known of them."""

import numpy as np
import pandas as pd

from analysis.models.cause_specific_cox import cox_model_of
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import TRUTH, Covariate
from analysis.patients.exposures import Exposure, is_not_compared, levels_of
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.model_rows import HOSPITAL_COLUMN, endpoint_rows, hospital_strata, model_columns
from analysis.patients.names import ordered_strata
from analysis.patients.plan import Plan
from analysis.robustness.imputation import ImputedColumn, imputations
from analysis.robustness.rubin import pooled_hazard_ratios

NO_VIABLE_TUMOUR = "no viable tumour"
BOUND_COLUMNS = ("margin_low_mm", "margin_high_mm")


def imputed_hazard_ratios(
    patients: pd.DataFrame, endpoint: str, plan: Plan, level_bounds: pd.DataFrame | None = None
) -> pd.DataFrame:
    """`pooled_hazard_ratios` of the unadjusted and the adjusted model over the plan's number of imputations.

    Numbers by predictive mean matching, truths by logistic draws, an unresolved level of the exposure as a missing one: only
    levels that its bounds allow are drawn ('known to be clear' never becomes positive). Patients without viable tumour have no
    margin to impute and are left out, as are those of whom a covariate is known of nobody at their hospital: such a covariate is
    not in the model (`warning`). Each hospital is a predictor, and a stratum of the models.

    Args:
        patients: rows of the endpoint; `margin_low_mm`, `margin_high_mm` and `unresolved_reason` where there are any.
        level_bounds: margin_group, from_mm, to_mm, is_from_included, is_to_included of the exposure's levels.
    Raises:
        ValueError: as `imputations`.
    """
    rows = endpoint_rows(patients, endpoint)
    if "unresolved_reason" in rows.columns:
        rows = rows[rows["unresolved_reason"].astype("string").fillna("") != NO_VIABLE_TUMOUR]
    exposure = plan.exposure
    covariates, left_out = _imputable(rows, plan.covariates())
    levels = levels_of(rows[exposure.column])
    named = rows.assign(**{exposure.column: levels.where(~is_not_compared(levels)).astype(object)})
    if named[exposure.column].nunique() < 2:
        raise ValueError(f"{exposure.column}: fewer than two levels are known")
    hospitals = hospital_strata(named)
    predictors = {} if hospitals is None else _dummies(hospitals)
    columns = [ImputedColumn(exposure.column, "categorical")] + [
        ImputedColumn(covariate.column, "binary" if covariate.kind == TRUTH else "numeric") for covariate in covariates
    ]
    allowed = _allowed(named, exposure, level_bounds)
    wanted = [exposure.column, *(covariate.column for covariate in covariates)]
    carried = [
        "endpoint",
        "time_days",
        "event_code",
        *(["study_id"] if "study_id" in named.columns else []),
        *([HOSPITAL_COLUMN] if HOSPITAL_COLUMN in named.columns else []),
    ]
    completed = imputations(
        named[[*dict.fromkeys([*carried, *wanted])]].assign(**predictors),
        columns,
        list(predictors),
        plan.count("imputations"),
        plan.count("imputation_iterations"),
        plan.count("seed"),
        allowed,
        plan.count("imputation_donors"),
    )
    # Rubin's rules need Wald's limits, which Firth's model does not have
    warning = f"without {', '.join(left_out)}: a hospital knows it of nobody" if left_out else None
    fits = [_fitted(data, endpoint, exposure, covariates) for data, _ in completed]
    pooled = pooled_hazard_ratios(fits, exposure)
    if warning:
        is_adjusted = pooled["model"] == "adjusted"
        texts = [text for text in pooled["warning"]]
        pooled["warning"] = [
            "; ".join(filter(None, [text if isinstance(text, str) else None, warning if adjusted else None])) or None
            for text, adjusted in zip(texts, is_adjusted, strict=True)
        ]
    return pooled.astype({"warning": "str"})


def _fitted(data: pd.DataFrame, endpoint: str, exposure: Exposure, covariates: tuple[Covariate, ...]) -> pd.DataFrame:
    """The ratios of the unadjusted and the adjusted model of one completed data set."""
    columns = model_columns(data, endpoint, covariates, exposure)
    models = (("unadjusted", []), ("adjusted", None))
    frames = [
        cox_model_of(columns.rows(terms), exposure, name, is_firth_where_separated=False, has_tests=False).hazard_ratios
        for name, terms in models
    ]
    return pd.concat(frames, ignore_index=True)


def possible_levels(low: np.ndarray, high: np.ndarray, levels: list[str], level_bounds: pd.DataFrame) -> np.ndarray:
    """For each width known to lie between `low` and `high` (mm, both included; NaN: not bounded) the levels it may be of.

    Args:
        level_bounds: margin_group, from_mm, to_mm, is_from_included, is_to_included; a level that is not there is always possible.
    Returns:
        A row a width, a column a level.
    """
    columns = ["margin_group", "from_mm", "to_mm", "is_from_included", "is_to_included"]
    require_columns(level_bounds, columns, "level_bounds")
    low, high = np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), np.inf, high)
    bounds = level_bounds.set_index("margin_group")
    possible = np.ones((len(low), len(levels)), dtype=bool)
    for position, level in enumerate(levels):
        if level in bounds.index:
            row = bounds.loc[level]
            reaches_up = (high > row["from_mm"]) | ((high == row["from_mm"]) & bool(row["is_from_included"]))
            reaches_down = (low < row["to_mm"]) | ((low == row["to_mm"]) & bool(row["is_to_included"]))
            possible[:, position] = reaches_up & reaches_down
    return possible


def _imputable(rows: pd.DataFrame, covariates: tuple[Covariate, ...]) -> tuple[tuple[Covariate, ...], list[str]]:
    """One-column covariates that somebody at every hospital is known of and that vary; the names of the others."""
    kept, left_out = [], []
    hospital = rows[HOSPITAL_COLUMN].astype("string").fillna("") if HOSPITAL_COLUMN in rows.columns else None
    for covariate in covariates:
        if not covariate.is_one_column or covariate.column not in rows.columns:
            left_out.append(covariate.term)
            continue
        known = rows[covariate.column].notna()
        is_known_everywhere = known.any() if hospital is None else known.groupby(hospital).any().all()
        if is_known_everywhere and rows[covariate.column].nunique() > 1:
            kept.append(covariate)
        else:
            left_out.append(covariate.term)
    return tuple(kept), left_out


def _allowed(rows: pd.DataFrame, exposure: Exposure, level_bounds: pd.DataFrame | None) -> dict[str, np.ndarray] | None:
    if level_bounds is None or not set(BOUND_COLUMNS) <= set(rows.columns):
        return None
    levels = ordered_strata(rows[exposure.column].dropna().astype(str))
    low, high = (numbers_or_missing(rows[column]) for column in BOUND_COLUMNS)
    return {exposure.column: possible_levels(low, high, levels, level_bounds)}


def _dummies(hospitals: np.ndarray) -> dict[str, np.ndarray]:
    return {f"hospital: {number}": (hospitals == number).astype(float) for number in range(1, hospitals.max() + 1)}
