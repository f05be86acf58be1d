"""Each figure of the abstract beside ours."""

import numpy as np
import pandas as pd

from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import margin_term
from analysis.tables.published_figures import (
    PUBLISHED_HAZARD_RATIOS,
    PUBLISHED_THREE_YEAR_INCIDENCES,
    PublishedFigure,
)

THREE_YEARS = "3 years"
PERRIN_2025 = "perrin_2025"
"""Perrin et al., Ann Surg 2025, doi 10.1097/SLA.0000000000006659."""
LIMITS = ["conf_low", "conf_high"]
COMPARISON_COLUMNS = [
    "figure", "endpoint", "stratum", "published_estimate", "published_conf_low", "published_conf_high",
    "estimate", "conf_low", "conf_high", "difference", "do_intervals_overlap", "data_label", "compared_with",
]  # fmt: skip


def published_comparison(
    hazard_ratios: pd.DataFrame,
    landmark_estimates: pd.DataFrame,
    is_simulated: bool,
    compared_with: str | None = PERRIN_2025,
) -> pd.DataFrame:
    """Thirteen rows: nine adjusted cause-specific hazard ratios against >=10 mm, four 3-year cumulative incidences.

    `difference` is ours minus published: of hazard ratios on the log scale, of incidences in shares of 1.
    `do_intervals_overlap` compares 95 % intervals; where none was published it says whether the published figure
    lies in ours. Both are missing where ours could not be estimated.

    Args:
        hazard_ratios: results.hazard_ratios; landmark_estimates: results.landmark_estimates.
        is_simulated: the data come from the simulated hospital; `data_label` then says so in every row.
        compared_with: PERRIN_2025, or None for another study, which has no published figures here: its rows have ours alone.
    Raises:
        ValueError: a column is missing, one figure has more than one estimate, or nothing is known of the publication.
    """
    if compared_with not in (None, PERRIN_2025):
        raise ValueError(f"there are no figures of the publication {compared_with!r}")
    ours = pd.concat([_our_hazard_ratios(hazard_ratios), _our_three_year_incidences(landmark_estimates)])
    published = pd.concat(
        [_published_rows(PUBLISHED_HAZARD_RATIOS), _published_rows(PUBLISHED_THREE_YEAR_INCIDENCES)],
        ignore_index=True,
    )
    is_ratio = published.index < len(PUBLISHED_HAZARD_RATIOS)
    try:
        table = published.merge(ours, on=["endpoint", "stratum"], how="left", validate="one_to_one")
    except pd.errors.MergeError as error:
        raise ValueError("a published figure has more than one estimate of ours to stand beside") from error
    distance = table["estimate"] - table["published_estimate"]
    log_distance = np.log(table["estimate"].astype(float)) - np.log(table["published_estimate"])
    table["difference"] = log_distance.where(is_ratio, distance)
    table["do_intervals_overlap"] = _do_overlap(table)
    table["data_label"] = "simulated" if is_simulated else "observed"
    table["compared_with"] = compared_with
    if compared_with is None:
        table[["difference", *(name for name in COMPARISON_COLUMNS if name.startswith("published_"))]] = np.nan
        table["do_intervals_overlap"] = None
    return table[COMPARISON_COLUMNS]


def _published_rows(figures: tuple[PublishedFigure, ...]) -> pd.DataFrame:
    rows = pd.DataFrame(figures)
    return rows.rename(columns={name: f"published_{name}" for name in ("estimate", *LIMITS)})


def _our_hazard_ratios(hazard_ratios: pd.DataFrame) -> pd.DataFrame:
    require_columns(hazard_ratios, ["endpoint", "model", "estimand", "term", "hazard_ratio", *LIMITS], "hazard_ratios")
    stratum_of_term = {margin_term(figure.stratum): figure.stratum for figure in PUBLISHED_HAZARD_RATIOS}
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


def _our_three_year_incidences(landmark_estimates: pd.DataFrame) -> pd.DataFrame:
    columns = ["endpoint", "stratum", "estimate", *LIMITS]
    require_columns(landmark_estimates, [*columns, "grouping", "landmark_label"], "landmark_estimates")
    chosen = landmark_estimates[
        (landmark_estimates["grouping"] == "margin_group")
        & (landmark_estimates["landmark_label"] == THREE_YEARS)
        & (landmark_estimates["endpoint"] == PUBLISHED_THREE_YEAR_INCIDENCES[0].endpoint)
    ]
    return chosen[columns].astype({"estimate": float, "conf_low": float, "conf_high": float})


def _do_overlap(table: pd.DataFrame) -> pd.Series:
    low = table["published_conf_low"].fillna(table["published_estimate"])
    high = table["published_conf_high"].fillna(table["published_estimate"])
    overlap = (table["conf_low"] <= high) & (low <= table["conf_high"])
    return overlap.astype("boolean").where(table["conf_low"].notna() & table["conf_high"].notna())
