"""Each figure of the abstract beside ours."""

import numpy as np
import pandas as pd

from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.tables.published_figures import (
    PUBLISHED_HAZARD_RATIOS,
    PUBLISHED_P_VALUES,
    PUBLISHED_THREE_YEAR_INCIDENCES,
    SALVAGE_FIGURE,
    THREE_YEAR_FIGURE,
    PublishedFigure,
)

THREE_YEARS = "3 years"
PERRIN_2025 = "perrin_2025"
"""Perrin et al., Ann Surg 2025, doi 10.1097/SLA.0000000000006659."""
SALVAGE_ENDPOINT, TREND_STRATUM = "salvage", "trend over the groups"
LIMITS = ["conf_low", "conf_high"]
COMPARISON_COLUMNS = [
    "figure", "endpoint", "stratum", "published_estimate", "published_conf_low", "published_conf_high",
    "estimate", "conf_low", "conf_high", "difference", "do_intervals_overlap", "published_p_value", "p_value",
    "do_p_values_agree", "data_label", "compared_with",
]  # fmt: skip


def published_comparison(
    hazard_ratios: pd.DataFrame,
    landmark_estimates: pd.DataFrame,
    planned_tests: pd.DataFrame,
    salvage_by_margin: pd.DataFrame,
    exposure: Exposure,
    is_simulated: bool,
    compared_with: str | None = PERRIN_2025,
    *,
    significant_below_p: float,
) -> pd.DataFrame:
    """Fourteen rows: nine adjusted cause-specific hazard ratios against >=10 mm, four 3-year cumulative incidences, and the rise
    of salvage with margin width, of which only P was published.

    `difference` is ours minus published: of hazard ratios on the log scale, of incidences in shares of 1.
    `do_intervals_overlap` compares 95 % intervals; where none was published it says whether the published figure
    lies in ours. Both are missing where ours could not be estimated. `published_p_value` and `p_value` are of the margin group
    as a whole (of salvage: of its trend); they agree when both are below `significant_below_p`, or neither is.

    Args:
        hazard_ratios, landmark_estimates, planned_tests, salvage_by_margin: the tables of results.
        exposure: the margin groups.
        is_simulated: the data come from the simulated hospital; `data_label` then says so in every row.
        compared_with: PERRIN_2025, or None for another study, which has no published figures here: its rows have ours alone.
    Raises:
        ValueError: a column is missing, one figure has more than one estimate, or nothing is known of the publication.
    """
    require_columns(salvage_by_margin, ["grouping"], "salvage_by_margin")
    if compared_with not in (None, PERRIN_2025):
        raise ValueError(f"there are no figures of the publication {compared_with!r}")
    ours = pd.concat(
        [_our_hazard_ratios(hazard_ratios, exposure), _our_three_year_incidences(landmark_estimates, exposure)]
    )
    published = pd.concat(
        [_published_rows(PUBLISHED_HAZARD_RATIOS), _published_rows(PUBLISHED_THREE_YEAR_INCIDENCES)],
        ignore_index=True,
    )
    salvage = {"figure": SALVAGE_FIGURE, "endpoint": SALVAGE_ENDPOINT, "stratum": TREND_STRATUM}
    published = pd.concat([published, pd.DataFrame([salvage])], ignore_index=True)
    is_ratio = published.index < len(PUBLISHED_HAZARD_RATIOS)
    try:
        table = published.merge(ours, on=["endpoint", "stratum"], how="left", validate="one_to_one")
    except pd.errors.MergeError as error:
        raise ValueError("a published figure has more than one estimate of ours to stand beside") from error
    distance = table["estimate"] - table["published_estimate"]
    log_ours, log_published = (
        np.log(table[name].astype(float).to_numpy()) for name in ("estimate", "published_estimate")
    )
    log_distance = log_ours - log_published
    table["difference"] = distance.where(~is_ratio, log_distance)
    table["do_intervals_overlap"] = _do_overlap(table)
    of_exposure = salvage_by_margin[salvage_by_margin["grouping"] == exposure.column]
    table = _with_p_values(table, planned_tests, of_exposure, significant_below_p)
    table["data_label"] = "simulated" if is_simulated else "observed"
    table["compared_with"] = compared_with
    if compared_with is None:
        table[["difference", *(name for name in COMPARISON_COLUMNS if name.startswith("published_"))]] = np.nan
        table[["do_intervals_overlap", "do_p_values_agree"]] = None
    return table[COMPARISON_COLUMNS]


def _published_rows(figures: tuple[PublishedFigure, ...]) -> pd.DataFrame:
    rows = pd.DataFrame(figures)
    return rows.rename(columns={name: f"published_{name}" for name in ("estimate", *LIMITS)})


def _our_hazard_ratios(hazard_ratios: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    require_columns(hazard_ratios, ["endpoint", "model", "estimand", "term", "hazard_ratio", *LIMITS], "hazard_ratios")
    stratum_of_term = {exposure.term(figure.stratum): figure.stratum for figure in PUBLISHED_HAZARD_RATIOS}
    endpoints = {figure.endpoint for figure in PUBLISHED_HAZARD_RATIOS}
    chosen = hazard_ratios[
        (hazard_ratios["model"] == "adjusted")
        & (hazard_ratios["estimand"] == CAUSE_SPECIFIC)
        & hazard_ratios["endpoint"].isin(endpoints)
        & hazard_ratios["term"].isin(list(stratum_of_term))
    ]
    return chosen.assign(stratum=chosen["term"].map(stratum_of_term), estimate=chosen["hazard_ratio"])[
        ["endpoint", "stratum", "estimate", *LIMITS]
    ].astype({"estimate": float, "conf_low": float, "conf_high": float})


def _our_three_year_incidences(landmark_estimates: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    columns = ["endpoint", "stratum", "estimate", *LIMITS]
    require_columns(landmark_estimates, [*columns, "grouping", "landmark_label"], "landmark_estimates")
    chosen = landmark_estimates[
        (landmark_estimates["grouping"] == exposure.column)
        & (landmark_estimates["landmark_label"] == THREE_YEARS)
        & (landmark_estimates["endpoint"] == PUBLISHED_THREE_YEAR_INCIDENCES[0].endpoint)
    ]
    return chosen[columns].astype({"estimate": float, "conf_low": float, "conf_high": float})


def _with_p_values(
    table: pd.DataFrame, planned_tests: pd.DataFrame, salvage_by_margin: pd.DataFrame, significant_below_p: float
) -> pd.DataFrame:
    require_columns(planned_tests, ["endpoint", "p_value"], "planned_tests")
    require_columns(salvage_by_margin, ["trend_p_value"], "salvage_by_margin")
    ours = dict(zip(planned_tests["endpoint"], planned_tests["p_value"], strict=True))
    trend = salvage_by_margin["trend_p_value"].dropna()
    ours[SALVAGE_ENDPOINT] = float(trend.iloc[0]) if len(trend) else np.nan
    is_of_group = table["figure"] != THREE_YEAR_FIGURE
    table["published_p_value"] = table["endpoint"].map(PUBLISHED_P_VALUES).where(is_of_group)
    table["p_value"] = table["endpoint"].map(ours).where(is_of_group).astype(float)
    # every P value that was published is at most 0.001
    agrees = (table["p_value"] < significant_below_p).astype("boolean")
    table["do_p_values_agree"] = agrees.where(table["published_p_value"].notna() & table["p_value"].notna())
    return table


def _do_overlap(table: pd.DataFrame) -> pd.Series:
    low = table["published_conf_low"].fillna(table["published_estimate"])
    high = table["published_conf_high"].fillna(table["published_estimate"])
    overlap = (table["conf_low"] <= high) & (low <= table["conf_high"])
    return overlap.astype("boolean").where(table["conf_low"].notna() & table["conf_high"].notna())
