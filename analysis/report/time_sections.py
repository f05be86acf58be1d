"""The report's times and periods: medians by margin group, hazard ratios within periods of follow-up."""

from typing import Any

import pandas as pd

from analysis.curves.landmark_estimates import DAYS_A_YEAR
from analysis.figures.forest import hazard_ratio_text
from analysis.patients.exposures import MARGIN
from analysis.patients.names import ENDPOINT_LABELS, MARGIN_GROUPS, MARGIN_REFERENCE, SURVIVAL_ENDPOINTS, margin_term
from analysis.report.availability import NotAvailable, frame_of
from analysis.report.formats import EN_DASH, NOT_AVAILABLE, is_missing, p_value
from analysis.report.outcome_sections import Results

# the limits of the curves beside them
MEDIAN_LIMITS = "log"
COMPARED = tuple(group for group in MARGIN_GROUPS if group != MARGIN_REFERENCE)


def medians(results: Results) -> dict[str, Any]:
    """A line a survival endpoint: the median of each margin group in months with its limits."""
    table = frame_of(
        results, "median_times", "endpoint grouping stratum quantile conf_type time_days conf_low conf_high"
    )
    chosen = table[
        (table["grouping"] == "margin_group") & (table["quantile"] == "median") & (table["conf_type"] == MEDIAN_LIMITS)
    ]
    lines = []
    for endpoint, label in SURVIVAL_ENDPOINTS.items():
        rows = chosen[chosen["endpoint"] == endpoint].set_index("stratum")
        if len(rows):
            lines.append({"label": label, "cells": [_median(rows, group) for group in MARGIN_GROUPS]})
    if not lines:
        raise NotAvailable("the table median_times has no median by margin group")
    return {"lines": lines}


def _median(rows: pd.DataFrame, group: str) -> str:
    if group not in rows.index:
        return NOT_AVAILABLE
    row = rows.loc[group]
    if is_missing(row["time_days"]):
        return "not reached"
    low, high = (_months(row[limit]) for limit in ("conf_low", "conf_high"))
    return f"{_months(row['time_days'])} ({low}{EN_DASH}{high})"


def _months(days: float) -> str:
    return "not reached" if is_missing(days) else f"{12 * days / DAYS_A_YEAR:.0f}"


def periods(results: Results) -> dict[str, Any]:
    """A panel a model whose hazards are not proportional: a line a period, the ratio of each margin group with its limits."""
    columns = "endpoint model period term hazard_ratio conf_low conf_high p_value warning"
    table = frame_of(results, "time_varying_hazard_ratios", columns)
    tested = table[table["term"] == MARGIN.proportionality]
    panels = []
    for (endpoint, model), rows in table.groupby(["endpoint", "model"], sort=False):
        by_term = rows.drop_duplicates("term").set_index("term")
        if MARGIN.by_period in by_term.index:
            panels.append({
                "label": f"{ENDPOINT_LABELS.get(endpoint, endpoint)}, {model}",
                "proportional": p_value(by_term.loc[MARGIN.proportionality, "p_value"]),
                "interaction": p_value(by_term.loc[MARGIN.by_period, "p_value"]),
                "lines": _period_lines(rows),
            })  # fmt: skip
    return {"panels": panels, "n_tested": len(tested), "compared": COMPARED}


def _period_lines(rows: pd.DataFrame) -> list[dict[str, Any]]:
    terms = [margin_term(group) for group in COMPARED]
    ratios = rows[rows["term"].isin(terms)]
    lines = []
    for period, of_period in ratios.groupby("period", sort=False):
        by_term = of_period.set_index("term")
        cells = [_ratio(by_term, term) for term in terms]
        lines.append({"label": period, "cells": cells})
    return lines


def _ratio(by_term: pd.DataFrame, term: str) -> str:
    if term not in by_term.index or is_missing(by_term.loc[term, "hazard_ratio"]):
        return NOT_AVAILABLE
    row = by_term.loc[term]
    # few events or Firth's estimate: the table says which
    mark = "" if is_missing(row["warning"]) else " *"
    return hazard_ratio_text(row["hazard_ratio"], row["conf_low"], row["conf_high"]) + mark
