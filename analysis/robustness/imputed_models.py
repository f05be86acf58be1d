"""The adjusted model with missing covariates and unresolved margins imputed, within what is known of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cause_specific_cox import cox_model_of
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariate_choice import THE_EXPOSURE
from analysis.patients.covariates import TRUTH, Covariate
from analysis.patients.exposures import Exposure, is_not_compared, levels_of
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.model_rows import HOSPITAL_COLUMN, ModelColumns, endpoint_rows, hospital_strata, model_columns
from analysis.patients.names import ordered_strata
from analysis.patients.plan import Plan
from analysis.robustness.imputation import Chains, ImputedColumn, imputed_numbers
from analysis.robustness.rubin import POOLED_RATIO_COLUMNS, pooled_hazard_ratios

NO_VIABLE_TUMOUR = "no viable tumour"
NO_LEVEL = -1
IMPUTED_COLUMNS = [*POOLED_RATIO_COLUMNS[:-1], "n_no_viable_tumour", "warning"]
BOUND_COLUMNS = ("margin_low_mm", "margin_high_mm")


def imputed_hazard_ratios(
    patients: pd.DataFrame, endpoint: str, plan: Plan, level_bounds: pd.DataFrame | None = None
) -> pd.DataFrame:
    """`pooled_hazard_ratios` of the unadjusted and the adjusted model over the plan's number of imputations.

    Numbers by predictive mean matching, truths by logistic draws, an unresolved level of the exposure as a missing one: only
    levels that its bounds allow are drawn ('known to be clear' never becomes positive). Patients without viable tumour have no
    margin to impute and are of no level: a level of their own to what is imputed of their covariates, a stratum of their own in the
    models (at each hospital), where they help to estimate the covariates' ratios (`n_no_viable_tumour`). What a hospital knows of nobody
    is imputed there from as many other hospitals as the plan asks for (`least_hospitals_to_borrow`), the hospital's own level drawn as
    theirs vary, and a `warning` says so; with fewer a covariate is not in the model, and of the exposure the hospital's patients are
    not. Each hospital is a predictor, and a stratum of the models.

    Args:
        patients: rows of the endpoint; `margin_low_mm`, `margin_high_mm` and `unresolved_reason` where there are any.
        level_bounds: margin_group, from_mm, to_mm, is_from_included, is_to_included of the exposure's levels.
    Raises:
        ValueError: as `imputed_numbers`.
    """
    rows = endpoint_rows(patients, endpoint)
    exposure, least = plan.exposure, plan.count("least_hospitals_to_borrow")
    named = rows.assign(**{exposure.column: _known_levels(rows, exposure)})
    is_level = named[exposure.column] != NO_VIABLE_TUMOUR
    borrowed, notes = (
        _recording(named.assign(**{exposure.column: named[exposure.column].where(is_level)}), exposure.column, least),
        [],
    )
    if not borrowed.is_enough:
        named = named[~borrowed.is_unrecorded]
    elif borrowed.is_unrecorded.any():
        notes = [f"{exposure.label}: {borrowed.words}"]
    is_without_tumour = (named[exposure.column] == NO_VIABLE_TUMOUR).to_numpy()
    if named.loc[~is_without_tumour, exposure.column].nunique() < 2:
        raise ValueError(f"{exposure.column}: fewer than two levels are known")
    covariates, of_covariates = _imputable(named, plan.covariates(), exposure, least)
    hospitals = hospital_strata(named)
    columns = [ImputedColumn(exposure.column, "categorical")] + [
        ImputedColumn(covariate.column, "binary" if covariate.kind == TRUTH else "numeric") for covariate in covariates
    ]
    allowed = allowed_levels(named, exposure, level_bounds)
    wanted = [exposure.column, *(covariate.column for covariate in covariates)]
    carried = [
        "endpoint",
        "time_days",
        "event_code",
        *(["study_id"] if "study_id" in named.columns else []),
        *([HOSPITAL_COLUMN] if HOSPITAL_COLUMN in named.columns else []),
    ]
    rows = named[[*dict.fromkeys([*carried, *wanted])]]
    completed = imputed_numbers(
        rows,
        columns,
        Chains(
            plan.count("imputations"),
            plan.count("imputation_iterations"),
            plan.count("seed"),
            plan.count("imputation_donors"),
            plan.count("imputation_largest_fit"),
        ),
        allowed,
        hospitals,
    )
    # Rubin's rules need Wald's limits, which Firth's model does not have
    without = rows.assign(**{exposure.column: rows[exposure.column].mask(is_without_tumour)})
    known = model_columns(without, endpoint, covariates, exposure)
    at = rows.index.get_indexer(known.index)
    positions = np.array(
        [
            NO_LEVEL if level == NO_VIABLE_TUMOUR else exposure.levels.index(level)
            for level in ordered_strata(rows[exposure.column].dropna().astype(str))
        ]
    )
    few_events = plan.count("few_events")
    fits = [
        _fitted(_completed(known, numbers, at, positions, covariates), exposure, few_events) for numbers in completed
    ]
    pooled = pooled_hazard_ratios(fits, exposure)
    pooled["warning"] = [
        "; ".join(filter(None, [text if isinstance(text, str) else None, *notes, *(of_covariates if adjusted else ())]))
        or None
        for text, adjusted in zip(pooled["warning"], pooled["model"] == "adjusted", strict=True)
    ]
    counted = pooled.assign(n_no_viable_tumour=int(is_without_tumour.sum()))
    return counted[IMPUTED_COLUMNS].astype({"warning": "str"})


def _known_levels(rows: pd.DataFrame, exposure: Exposure) -> pd.Series:
    """The level of each patient as text, NO_VIABLE_TUMOUR where that is why there is none, missing where it is not known."""
    levels = levels_of(rows[exposure.column])
    is_open = is_not_compared(levels)
    known = levels.where(~is_open).astype(object)
    if "unresolved_reason" not in rows.columns:
        return known
    return known.mask(
        is_open & (rows["unresolved_reason"].astype("string") == NO_VIABLE_TUMOUR).fillna(False), NO_VIABLE_TUMOUR
    )


def _completed(
    known: ModelColumns,
    numbers: Mapping[str, np.ndarray],
    at: np.ndarray,
    positions: np.ndarray,
    covariates: tuple[Covariate, ...],
) -> ModelColumns:
    """One completed data set: the rows `at` of imputed numbers in the place of what was known; `positions` of the exposure's levels
    in its own order."""
    exposure = known.exposure
    assert exposure is not None
    filled = {covariate.term: numbers[covariate.column][at] / covariate.per for covariate in covariates}
    level = positions[numbers[exposure.column][at].astype(int)].astype(float)
    return replace(known, numbers=filled).with_exposure(exposure, level)


def _fitted(columns: ModelColumns, exposure: Exposure, few_events: int) -> pd.DataFrame:
    """The ratios of the unadjusted and the adjusted model of one completed data set."""
    models = (("unadjusted", []), ("adjusted", None))
    frames = [
        cox_model_of(
            columns.rows(terms), exposure, name, is_firth_where_separated=False, has_tests=False, few_events=few_events
        ).hazard_ratios
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


class _Recording(NamedTuple):
    """Who is of a hospital that knows a column of nobody, and whether it can be borrowed from so many others."""

    is_unrecorded: np.ndarray
    n_recording: int
    is_enough: bool

    @property
    def words(self) -> str:
        """What was done."""
        return f"imputed from {self.n_recording} hospitals for {int(self.is_unrecorded.sum())} patients of hospitals that do not record it"


def _recording(rows: pd.DataFrame, column: str, least: int) -> _Recording:
    known = rows[column].notna()
    if HOSPITAL_COLUMN not in rows.columns:
        return _Recording(np.zeros(len(rows), dtype=bool), 1, bool(known.any()))
    hospital = rows[HOSPITAL_COLUMN].astype("string").fillna("")
    is_unrecorded = ~known.groupby(hospital).transform("any").to_numpy()
    n_recording = hospital[known].nunique()
    return _Recording(is_unrecorded, n_recording, n_recording >= least or not is_unrecorded.any())


def _imputable(
    rows: pd.DataFrame, covariates: tuple[Covariate, ...], exposure: Exposure, least: int
) -> tuple[tuple[Covariate, ...], list[str]]:
    """One-column covariates that vary and are known at every hospital, or at enough of them; what the adjusted rows say of the others."""
    kept, notes = [], []
    left_out: dict[str, list[str]] = {}
    for covariate in covariates:
        recording, reason = None, _why_not_imputed(rows, covariate, exposure)
        if reason is None:
            recording = _recording(rows, covariate.column, least)
            if not recording.is_enough:
                reason = f"a hospital knows it of nobody, and fewer than {least} others do"
        if reason is not None:
            left_out.setdefault(reason, []).append(covariate.term)
            continue
        kept.append(covariate)
        if recording is not None and recording.is_unrecorded.any():
            notes.append(f"{covariate.term}: {recording.words}")
    return tuple(kept), [*(f"without {', '.join(terms)}: {reason}" for reason, terms in left_out.items()), *notes]


def _why_not_imputed(rows: pd.DataFrame, covariate: Covariate, exposure: Exposure) -> str | None:
    if covariate.column == exposure.column:
        return THE_EXPOSURE
    if covariate.column not in rows.columns:
        return f"no column {covariate.column}"
    if not covariate.is_one_column:
        return "of several columns"
    return "the same in everybody of whom it is known" if rows[covariate.column].nunique() < 2 else None


def allowed_levels(
    rows: pd.DataFrame, exposure: Exposure, level_bounds: pd.DataFrame | None
) -> dict[str, np.ndarray] | None:
    """Of the exposure, a row a patient: which of the levels (in the order of `names.ordered_strata`) a draw may be; None: any."""
    levels = ordered_strata(rows[exposure.column].dropna().astype(str))
    possible = None
    if level_bounds is not None and set(BOUND_COLUMNS) <= set(rows.columns):
        low, high = (numbers_or_missing(rows[column]) for column in BOUND_COLUMNS)
        possible = possible_levels(low, high, levels, level_bounds)
    if NO_VIABLE_TUMOUR in levels:
        # whose margin is open had tumour to measure from
        possible = np.ones((len(rows), len(levels)), dtype=bool) if possible is None else possible
        possible[:, levels.index(NO_VIABLE_TUMOUR)] = False
    return None if possible is None else {exposure.column: possible}
