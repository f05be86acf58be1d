"""The report's times and periods: medians by margin group, hazard ratios within periods of follow-up."""

from typing import Any

import pandas as pd

from analysis.figures.forest import hazard_ratio_text
from analysis.report.availability import NotAvailable, frame_of, row_at
from analysis.report.definitions import Definitions, definitions
from analysis.report.formats import EN_DASH, NOT_AVAILABLE, is_missing, p_value
from analysis.report.outcome_sections import Results

# the limits of the curves beside them
MEDIAN_LIMITS = "log"


def medians(results: Results) -> dict[str, Any]:
    """A line a survival endpoint: the median of each margin group in months with its limits."""
    table = frame_of(
        results, "median_times", "endpoint grouping stratum quantile conf_type time_days conf_low conf_high"
    )
    known = definitions(results)
    groups = known.exposure.levels
    chosen = table[
        (table["grouping"] == known.exposure.column)
        & (table["quantile"] == "median")
        & (table["conf_type"] == MEDIAN_LIMITS)
    ]
    lines = []
    for endpoint in known.survival_endpoints:
        rows = chosen[chosen["endpoint"] == endpoint].set_index("stratum")
        if len(rows):
            lines.append({"label": known.label(endpoint), "cells": [_median(rows, group, known) for group in groups]})
    if not lines:
        raise NotAvailable(f"the table median_times has no median by {known.exposure.label}")
    return {"lines": lines, "strata": groups}


def _median(rows: pd.DataFrame, group: str, known: Definitions) -> str:
    if group not in rows.index:
        return NOT_AVAILABLE
    row = row_at(rows, group)
    if is_missing(row["time_days"]):
        return "not reached"
    time, low, high = (known.months(row[name]) for name in ("time_days", "conf_low", "conf_high"))
    return f"{time} ({low}{EN_DASH}{high})"


def periods(results: Results) -> dict[str, Any]:
    """A panel a model whose hazards are not proportional: a line a period, the ratio of each margin group with its limits."""
    columns = "endpoint model period term hazard_ratio conf_low conf_high p_value warning"
    table = frame_of(results, "time_varying_hazard_ratios", columns)
    known = definitions(results)
    exposure = known.exposure
    tested = table[table["term"] == exposure.proportionality]
    panels = []
    for (endpoint, model), rows in table.groupby(["endpoint", "model"], sort=False):
        by_term = rows.drop_duplicates("term").set_index("term")
        if exposure.by_period in by_term.index:
            p_of = by_term["p_value"].to_dict()
            panels.append(
                {
                    "label": f"{known.label(endpoint)}, {model}",
                    "proportional": p_value(p_of[exposure.proportionality]),
                    "interaction": p_value(p_of[exposure.by_period]),
                    "lines": _period_lines(rows, list(exposure.terms)),
                }
            )
    return {"panels": panels, "n_tested": len(tested), "compared": exposure.compared}


def _period_lines(rows: pd.DataFrame, terms: list[str]) -> list[dict[str, Any]]:
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
    row = row_at(by_term, term)
    # few events or Firth's estimate: the table says which
    mark = "" if is_missing(row["warning"]) else " *"
    return hazard_ratio_text(row["hazard_ratio"], row["conf_low"], row["conf_high"]) + mark
