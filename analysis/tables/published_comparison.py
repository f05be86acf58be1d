"""Each figure of the abstract beside ours."""

import numpy as np
import pandas as pd

from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.tables.published_figures import (
    HAZARD_RATIO,
    PUBLISHED_YEARS,
    THREE_YEAR_FIGURE,
    THREE_YEAR_INCIDENCE,
    figure_of,
)

THREE_YEARS = f"{PUBLISHED_YEARS} years"
PERRIN_2025 = "perrin_2025"
"""Perrin et al., Ann Surg 2025, doi 10.1097/SLA.0000000000006659."""
SALVAGE_ENDPOINT = "salvage"
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
    published_figures: pd.DataFrame,
    is_simulated: bool,
    compared_with: str | None = PERRIN_2025,
    *,
    significant_below_p: float,
) -> pd.DataFrame:
    """A row a figure of the publication: of Perrin et al. nine adjusted cause-specific hazard ratios against the reference, four 3-year
    cumulative incidences, and the rise of salvage with margin width, of which only P was published.

    `difference` is ours minus published: of hazard ratios on the log scale, of incidences in shares of 1.
    `do_intervals_overlap` compares 95 % intervals; where none was published it says whether the published figure
    lies in ours. Both are missing where ours could not be estimated. `published_p_value` and `p_value` are of the margin group
    as a whole (of salvage: of its trend); they agree when both are below `significant_below_p`, or neither is.

    Args:
        hazard_ratios, landmark_estimates, planned_tests, salvage_by_margin: the tables of results.
        exposure: the margin groups.
        published_figures: publication, position, kind, endpoint, stratum, estimate, conf_low, conf_high, p_value (as printed).
        is_simulated: the data come from the simulated hospital; `data_label` then says so in every row.
        compared_with: the publication, or None for a study without one: its rows are those of PERRIN_2025 and have ours alone.
    Raises:
        ValueError: a column is missing, one figure has more than one estimate, or nothing is known of the publication.
    """
    require_columns(salvage_by_margin, ["grouping"], "salvage_by_margin")
    published = _figures_of(published_figures, compared_with)
    ours = pd.concat(
        [
            _our_hazard_ratios(hazard_ratios, exposure, published),
            _our_three_year_incidences(landmark_estimates, exposure, published),
        ]
    )
    is_ratio = published["kind"] == HAZARD_RATIO
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


def _figures_of(published_figures: pd.DataFrame, publication: str | None) -> pd.DataFrame:
    columns = ["publication", "position", "kind", "endpoint", "stratum", "estimate", *LIMITS, "p_value"]
    require_columns(published_figures, columns, "published_figures")
    rows = published_figures[published_figures["publication"] == (publication or PERRIN_2025)].sort_values("position")
    if rows.empty:
        raise ValueError(f"there are no figures of the publication {publication!r}")
    figures = [figure_of(kind, endpoint) for kind, endpoint in zip(rows["kind"], rows["endpoint"], strict=True)]
    named = {name: f"published_{name}" for name in ("estimate", *LIMITS, "p_value")}
    numbers = rows.astype(dict.fromkeys(["estimate", *LIMITS], float)).rename(columns=named)
    return numbers.assign(figure=figures).drop(columns=["publication", "position"]).reset_index(drop=True)


def _our_hazard_ratios(hazard_ratios: pd.DataFrame, exposure: Exposure, published: pd.DataFrame) -> pd.DataFrame:
    require_columns(hazard_ratios, ["endpoint", "model", "estimand", "term", "hazard_ratio", *LIMITS], "hazard_ratios")
    figures = published[published["kind"] == HAZARD_RATIO]
    stratum_of_term = {exposure.term(stratum): stratum for stratum in figures["stratum"]}
    endpoints = set(figures["endpoint"])
    chosen = hazard_ratios[
        (hazard_ratios["model"] == "adjusted")
        & (hazard_ratios["estimand"] == CAUSE_SPECIFIC)
        & hazard_ratios["endpoint"].isin(endpoints)
        & hazard_ratios["term"].isin(list(stratum_of_term))
    ]
    return chosen.assign(stratum=chosen["term"].map(stratum_of_term), estimate=chosen["hazard_ratio"])[
        ["endpoint", "stratum", "estimate", *LIMITS]
    ].astype({"estimate": float, "conf_low": float, "conf_high": float})


def _our_three_year_incidences(
    landmark_estimates: pd.DataFrame, exposure: Exposure, published: pd.DataFrame
) -> pd.DataFrame:
    columns = ["endpoint", "stratum", "estimate", *LIMITS]
    require_columns(landmark_estimates, [*columns, "grouping", "landmark_label"], "landmark_estimates")
    chosen = landmark_estimates[
        (landmark_estimates["grouping"] == exposure.column)
        & (landmark_estimates["landmark_label"] == THREE_YEARS)
        & landmark_estimates["endpoint"].isin(set(published.loc[published["kind"] == THREE_YEAR_INCIDENCE, "endpoint"]))
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
