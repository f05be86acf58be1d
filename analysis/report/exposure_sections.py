"""The report's account of an exposure of the plan beside the primary one: the same tables, of its levels."""

from typing import Any

from analysis.figures.forest import hazard_ratio_text
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.exposures import Exposure
from analysis.report import effect_sections, outcome_sections, study_sections, time_sections
from analysis.report.availability import NotAvailable, frame_of, section
from analysis.report.definitions import Results, definitions
from analysis.report.formats import NOT_AVAILABLE, count, is_missing, p_value

LIMITS = ("hazard_ratio", "conf_low", "conf_high")


def further_exposure(results: Results, exposure: Exposure) -> dict[str, Any]:
    """Name and label of the exposure, and its sections; `results` with it as the exposure that sections are of."""
    builders = {
        "ratios": adjusted_ratios,
        "landmarks": outcome_sections.landmarks,
        "medians": time_sections.medians,
        "patterns": outcome_sections.patterns,
        "salvage": outcome_sections.salvage,
        "follow_up": outcome_sections.follow_up,
        "absolute_risks": effect_sections.absolute_risks,
        "table_one": study_sections.table_one,
    }
    names = {"name": exposure.column, "label": exposure.label, "exposure": exposure}
    return names | {name: section(build, results) for name, build in builders.items()}


def adjusted_ratios(results: Results) -> dict[str, Any]:
    """A line an endpoint: the adjusted cause-specific ratio of each level, the test of all of them, patients and events."""
    columns = "endpoint model estimand term hazard_ratio conf_low conf_high p_value n n_event"
    table, known = frame_of(results, "hazard_ratios", columns), definitions(results)
    exposure = known.exposure
    table = table[(table["model"] == "adjusted") & (table["estimand"] == CAUSE_SPECIFIC)]
    lines = []
    for endpoint, rows in table.groupby("endpoint", sort=False):
        by_term = rows.drop_duplicates("term").set_index("term")
        if exposure.omnibus not in by_term.index:
            continue
        of_term: dict[str, dict[str, Any]] = by_term.to_dict("index")  # type: ignore[assignment]
        whole = of_term[exposure.omnibus]
        cells = []
        for term in exposure.terms:
            ratio: list[Any] = [of_term.get(term, {}).get(name) for name in LIMITS]
            cells.append(NOT_AVAILABLE if is_missing(ratio[0]) else hazard_ratio_text(*ratio))
        lines.append(
            {
                "label": known.label(endpoint),
                "cells": [*cells, p_value(whole["p_value"]), count(whole["n"]), count(whole["n_event"])],
            }
        )
    if not lines:
        raise NotAvailable(f"no model of {exposure.label} could be fitted")
    return {"lines": lines, "compared": exposure.compared, "reference": exposure.reference}
