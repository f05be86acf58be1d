"""The report's figures as inline SVG, each with the text that stands for it when it cannot be seen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import figures
from analysis.figures.curves import Shown, drawn_points
from analysis.figures.forest import forest_rows
from analysis.figures.models_compared import largest_differences
from analysis.patients.exposures import Exposure
from analysis.patients.plan import EXPLORATORY
from analysis.report.availability import NotAvailable, frame_of
from analysis.report.definitions import Definitions
from analysis.report.formats import count, percent
from analysis.tables.published_figures import PUBLISHED_YEARS
from analysis.tables.recurrence_patterns import INITIAL_PATTERNS

Results = Mapping[str, pd.DataFrame]
# widths of the plotting area; axis and labels come on top and together fill the page's column
FULL_WIDTH, HALF_WIDTH = 730, 285
WIDTH_WITHOUT_AXES = 860
STANDARDISED_ENDPOINT = "overall_recurrence"


@dataclass(frozen=True)
class Drawing:
    """A figure of the page: the results table it is drawn from, how, and its text alternative."""

    table: str
    chart: Callable[[pd.DataFrame], Any]
    alternative: Callable[[pd.DataFrame], str]


def drawings_of_page(
    known: Definitions, notes_of_forest: dict[str, str], margin_groups: pd.DataFrame | None = None
) -> dict[str, Drawing]:
    """Name -> drawing, for every figure of the page; margin_groups: margin_group, n, in which the cohort flow ends."""
    exposure, labels = known.exposure, {endpoint.name: endpoint.label for endpoint in known.endpoints}
    of_hospitals = {
        endpoint.name: endpoint.label
        for endpoint in known.endpoints
        if endpoint.is_modelled_further and endpoint.role != EXPLORATORY
    }
    return {
        "flow": Drawing(
            "cohort_flow",
            lambda frame: figures.cohort_flow_chart(frame, exposure, margin_groups, WIDTH_WITHOUT_AXES),
            lambda frame: _flow_text(frame, exposure, margin_groups),
        ),
        "recurrence": _incidence(known, "overall_recurrence", FULL_WIDTH, 320),
        "standardised": _incidence(known, STANDARDISED_ENDPOINT, FULL_WIDTH, 320, "standardised_incidence"),
        "liver": _incidence(known, "liver_recurrence_any_time", HALF_WIDTH, 240),
        "recurrence_free_survival": _survival(known, "recurrence_free_survival", HALF_WIDTH, 240),
        "forest": Drawing(
            "published_comparison",
            lambda frame: figures.forest_chart(frame, exposure, notes_of_forest, width=500),
            lambda frame: _forest_text(frame, exposure),
        ),
        "patterns": Drawing(
            "recurrence_patterns",
            lambda frame: figures.initial_pattern_chart(frame, exposure, width=330),
            lambda frame: _patterns_text(frame, exposure),
        ),
        "dose_response": Drawing(
            "dose_response",
            lambda frame: figures.dose_response_chart(frame, labels),
            lambda frame: _dose_text(frame, known),
        ),
        "specifications": Drawing(
            "specification_curve",
            lambda frame: figures.specification_chart(frame, exposure, labels),
            lambda frame: _specifications_text(frame, known),
        ),
        "salvage_over_time": _incidence(known, "salvage", HALF_WIDTH, 240),
        "hospitals": Drawing(
            "hospital_hazard_ratios",
            lambda frame: figures.hospitals_chart(frame, of_hospitals, exposure),
            lambda frame: (
                f"Adjusted hazard ratios at each hospital, and their summaries: {'; '.join(of_hospitals.values())}."
            ),
        ),
        "balance": Drawing(
            "covariate_balance",
            lambda frame: figures.love_plot(frame, exposure, known.balanced_below),
            lambda frame: _balance_text(frame, exposure),
        ),
        "salvage": Drawing(
            "salvage_by_margin",
            lambda frame: figures.salvage_chart(frame, exposure, width=240),
            lambda frame: _salvage_text(frame, exposure),
        ),
    }


def drawings_of_exposure(known: Definitions, name: str) -> dict[str, Drawing]:
    """The curves of a further exposure of the plan; their names begin with its."""
    return {
        f"recurrence_{name}": _incidence(known, "overall_recurrence", FULL_WIDTH, 320),
        f"standardised_{name}": _incidence(known, STANDARDISED_ENDPOINT, FULL_WIDTH, 320, "standardised_incidence"),
        f"recurrence_free_survival_{name}": _survival(known, "recurrence_free_survival", HALF_WIDTH, 240),
        f"salvage_over_time_{name}": _incidence(known, "salvage", HALF_WIDTH, 240),
    }


def _shown(known: Definitions, endpoint: str) -> Shown:
    return Shown(endpoint, known.exposure, known.days_a_year, known.years_shown)


def _incidence(
    known: Definitions, endpoint: str, width: int, height: int, table: str = "cumulative_incidence"
) -> Drawing:
    shown = _shown(known, endpoint)
    return Drawing(
        table,
        lambda frame: figures.cumulative_incidence_chart(frame, shown, width, height),
        lambda frame: _curves_text(frame, shown, known.label(endpoint), 0.0),
    )


def _survival(known: Definitions, endpoint: str, width: int, height: int) -> Drawing:
    shown, label = _shown(known, endpoint), known.label(endpoint)
    return Drawing(
        "kaplan_meier",
        lambda frame: figures.survival_chart(frame, shown, label, width, height),
        lambda frame: _curves_text(frame, shown, label, 1.0),
    )


def drawn(results: Results, name: str, drawing: Drawing, is_simulated: bool) -> dict[str, Any]:
    """svg and alternative text.

    Raises:
        NotAvailable: the table is missing or empty, or the chart cannot be drawn from it.
    """
    from altair.utils.schemapi import debug_mode

    frame = frame_of(results, drawing.table, "")
    try:
        # each part of a chart would be judged by Vega-Lite's schema as it is made, a third of the report's time; the figures' tests do
        with debug_mode(False):
            chart = drawing.chart(frame)
        alternative = drawing.alternative(frame)
    except ValueError as error:
        raise NotAvailable(str(error)) from error
    return {"svg": _inline(figures.svg(chart, name, is_simulated)), "alternative": alternative}


def _inline(drawing: str) -> str:
    """Within HTML the namespaces are known: without them the page holds no address at all."""
    return re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", drawing, count=2)


def _curves_text(frame: pd.DataFrame, shown: Shown, label: str, at_start: float) -> str:
    points = drawn_points(frame, shown, at_start)
    at_landmark = points[points["years"] <= PUBLISHED_YEARS].groupby("stratum", sort=False).tail(1)
    values = ", ".join(f"{row.stratum} {percent(row.estimate)}" for row in at_landmark.itertuples())
    return f"{label} by {shown.exposure.label} over {shown.years:g} years. At {PUBLISHED_YEARS} years: {values}."


def _flow_text(flow: pd.DataFrame, exposure: Exposure, margin_groups: pd.DataFrame | None) -> str:
    steps = flow.sort_values("step_number").to_dict("records")
    excluded = "; ".join(f"{step['exclusion_reason']} {count(step['n_excluded'])}" for step in steps[1:])
    text = f"{steps[0]['criterion']}: {count(steps[0]['n_remaining'])}. Excluded: {excluded or 'nobody'}."
    text += f" Cohort: {count(steps[-1]['n_remaining'])}."
    if margin_groups is None or margin_groups.empty:
        return text
    sizes = margin_groups.set_index(exposure.column)["n"]
    named = ", ".join(f"{group} {count(sizes.get(group, 0))}" for group in exposure.strata)
    return f"{text} By {exposure.label}: {named}."


def _forest_text(frame: pd.DataFrame, exposure: Exposure) -> str:
    rows = forest_rows(frame)
    values = "; ".join(f"{row.figure}, {row.stratum}, {row.source}: {row.label}" for row in rows.itertuples())
    return f"Adjusted hazard ratios against {exposure.reference} with 95 % limits. {values}."


def _patterns_text(frame: pd.DataFrame, exposure: Exposure) -> str:
    of_exposure = frame[frame["grouping"] == exposure.column]
    rows = of_exposure[(of_exposure["pattern_scope"] == "initial") & of_exposure["pattern"].isin(INITIAL_PATTERNS)]
    values = "; ".join(
        f"{stratum}: " + ", ".join(f"{row.pattern} {percent(row.proportion)}" for row in group.itertuples())
        for stratum, group in rows.groupby("stratum", sort=False)
    )
    return f"Initial pattern of recurrence as a share of all patients. {values}."


def _salvage_text(frame: pd.DataFrame, exposure: Exposure) -> str:
    rows = frame[frame["grouping"] == exposure.column]
    values = ", ".join(f"{row.stratum} {percent(row.proportion)}" for row in rows.itertuples())
    return f"Share of patients with recurrence who were salvaged. {values}."


def _dose_text(frame: pd.DataFrame, known: Definitions) -> str:
    rows = frame[(frame["model"] == "adjusted") & frame["width_mm"].isin([0.0, 5.0])]
    values = "; ".join(
        f"{known.label(row.endpoint)}, {row.width_mm:g} mm, {row.widths}: {row.hazard_ratio:.2f}"
        for row in rows.itertuples()
    )
    return f"Adjusted hazard ratio by margin width against {known.reference_width_mm:g} mm. {values}."


def _specifications_text(frame: pd.DataFrame, known: Definitions) -> str:
    estimated = frame[frame["exposure"] == known.exposure.column].dropna(subset=["hazard_ratio"])
    values = "; ".join(
        f"{known.label(endpoint)}, {estimand}: {len(rows)} specifications, median {rows['hazard_ratio'].median():.2f}, "
        f"{(rows['hazard_ratio'] > 1).sum()} above 1"
        for (endpoint, estimand), rows in estimated.groupby(["endpoint", "estimand"], sort=False)
    )
    return f"Hazard ratio of the first against the last group over all specifications. {values}."


def _balance_text(frame: pd.DataFrame, exposure: Exposure) -> str:
    before, after = largest_differences(frame, exposure).max()
    return f"Largest standardised difference of a covariate between groups: {before:.2f} before weighting, {after:.2f} after."
