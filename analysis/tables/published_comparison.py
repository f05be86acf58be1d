"""Each figure of the abstract beside ours."""

import numpy as np
import pandas as pd

from analysis.cox_models import margin_term

# Perrin et al., Ann Surg 2025, abstract: adjusted hazard ratio against >=10 mm with 95 % limits
PUBLISHED_HAZARD_RATIOS = {
    "isolated_liver_recurrence": {
        "positive": (2.21, 1.49, 3.26), "<1 mm": (1.42, 0.84, 2.40), "1.0-9.9 mm": (1.41, 1.08, 1.84),
    },
    "margin_recurrence": {
        "positive": (2.11, 1.26, 3.54), "<1 mm": (2.99, 1.74, 5.15), "1.0-9.9 mm": (0.92, 0.62, 1.37),
    },
    "liver_recurrence_any_time": {
        "positive": (2.32, 1.79, 3.01), "<1 mm": (1.72, 1.23, 2.42), "1.0-9.9 mm": (1.33, 1.11, 1.58),
    },
}  # fmt: skip
# The same abstract: three-year cumulative incidence of recurrence at any site; no limits were given
PUBLISHED_THREE_YEAR_RECURRENCE = {"positive": 0.70, "<1 mm": 0.70, "1.0-9.9 mm": 0.57, ">=10 mm": 0.50}
COMPARISON_COLUMNS = [
    "figure", "endpoint", "stratum", "published_estimate", "published_conf_low", "published_conf_high", "estimate", "conf_low",
    "conf_high", "difference", "do_intervals_overlap", "data_label",
]  # fmt: skip
THREE_YEAR_FIGURE = "3-year cumulative incidence of recurrence"
HAZARD_RATIO_FIGURES = {
    "isolated_liver_recurrence": "Initial isolated liver recurrence",
    "margin_recurrence": "Initial recurrence at the resection margin",
    "liver_recurrence_any_time": "Liver recurrence at any time",
}


def published_comparison(
    hazard_ratios: pd.DataFrame, landmark_estimates: pd.DataFrame, is_simulated: bool
) -> pd.DataFrame:
    """Thirteen rows: nine adjusted hazard ratios, four three-year cumulative incidences.

    `difference` is ours minus published, of hazard ratios on the log scale. `do_intervals_overlap` compares confidence
    intervals; where none was published, whether the published figure lies in ours. NA where ours could not be estimated.

    Args:
        hazard_ratios: results.hazard_ratios; landmark_estimates: results.landmark_estimates.
        is_simulated: the data come from the simulated hospital; every row then says so.
    """
    adjusted = hazard_ratios[(hazard_ratios["model"] == "adjusted") & (hazard_ratios["estimand"] == "cause-specific")]
    ratios = adjusted.set_index(["endpoint", "term"])
    rows = []
    for endpoint, figures in PUBLISHED_HAZARD_RATIOS.items():
        for group, published in figures.items():
            ours = _found(ratios, (endpoint, margin_term(group)), ["hazard_ratio", "conf_low", "conf_high"])
            difference = np.log(ours[0] / published[0])
            rows.append([HAZARD_RATIO_FIGURES[endpoint], endpoint, group, *published, *ours, difference])
    landmarks = landmark_estimates[
        (landmark_estimates["grouping"] == "margin_group") & (landmark_estimates["landmark_label"] == "3 years")
    ].set_index(["endpoint", "stratum"])
    for group, published in PUBLISHED_THREE_YEAR_RECURRENCE.items():
        ours = _found(landmarks, ("overall_recurrence", group), ["estimate", "conf_low", "conf_high"])
        rows.append(
            [THREE_YEAR_FIGURE, "overall_recurrence", group, published, np.nan, np.nan, *ours, ours[0] - published]
        )
    table = pd.DataFrame(rows, columns=COMPARISON_COLUMNS[:10])
    low = table["published_conf_low"].fillna(table["published_estimate"])
    high = table["published_conf_high"].fillna(table["published_estimate"])
    overlap = (
        ((table["conf_low"] <= high) & (low <= table["conf_high"])).astype("boolean").where(table["conf_low"].notna())
    )
    return table.assign(do_intervals_overlap=overlap, data_label="simulated" if is_simulated else "observed")


def _found(table: pd.DataFrame, key: tuple[str, str], columns: list[str]) -> list[float]:
    return table.loc[key, columns].astype(float).tolist() if key in table.index else [np.nan] * 3
