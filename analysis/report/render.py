"""Renders the report: every number in it stands in a frame that anyone can query."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.names import MARGIN_GROUPS
from analysis.tables.published_comparison import HAZARD_RATIO_FIGURES, THREE_YEAR_FIGURE

TEMPLATE_FOLDER = Path(__file__).parent


def render_report(results: dict[str, pd.DataFrame], context: dict[str, Any]) -> str:
    """The page as HTML text, self-contained: no script, no address outside itself.

    Args:
        results: cohort_flow, margin_groups (margin_group, n, share), published_comparison, cumulative_incidence,
            kaplan_meier, recurrence_patterns, salvage_by_margin, table_one, group_tests, hazard_ratios, check_results,
            ingest_by_feed, rejected_by_reason, records_set_aside, unresolved_by_reason. What is missing, empty or cannot
            be drawn shows as 'not available' with the reason.
        context: published_at, run_id, code_version, data_hash, n_patients, is_simulated.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATE_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": _percent, "ratio": _ratio, "p": _p_value, "count": _count}
    template = environment.get_template("report.html.jinja")
    return template.render(
        **context,
        groups=MARGIN_GROUPS,
        figures=_figures(results),
        headline=_headline(results),
        hazard_ratios=_hazard_ratio_panels(results),
        omnibus=_omnibus(results),
        table_one=_table_one_rows(results),
        **{name: _records(results, name) for name in PLAIN_TABLES},
    )


PLAIN_TABLES = (
    "cohort_flow", "margin_groups", "salvage_by_margin", "check_results", "ingest_by_feed", "rejected_by_reason",
    "records_set_aside", "unresolved_by_reason",
)  # fmt: skip


def _records(results: dict[str, pd.DataFrame], name: str) -> list[dict[str, Any]]:
    frame = results.get(name)
    return [] if frame is None else frame.to_dict("records")


def _figures(results: dict[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Figure name -> {'svg': ...}, or {'reason': why it could not be drawn}."""
    from analysis import figures

    drawings: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
        "recurrence": (
            "cumulative_incidence",
            lambda f: figures.cumulative_incidence_chart(f, "overall_recurrence", width=880, height=330),
        ),
        "recurrence_free_survival": (
            "kaplan_meier",
            lambda f: figures.survival_chart(f, "recurrence_free_survival", width=380),
        ),
        "liver": (
            "cumulative_incidence",
            lambda f: figures.cumulative_incidence_chart(f, "liver_recurrence_any_time", width=380),
        ),
        "forest": ("published_comparison", figures.forest_chart),
        "patterns": ("recurrence_patterns", figures.initial_pattern_chart),
        "salvage": ("salvage_by_margin", figures.salvage_chart),
    }
    drawn = {}
    for name, (table, draw) in drawings.items():
        frame = results.get(table)
        if frame is None or frame.empty:
            drawn[name] = {"reason": f"results.{table} has no rows"}
            continue
        try:
            drawn[name] = {"svg": figures.svg(draw(frame))}
        except ValueError as error:
            drawn[name] = {"reason": str(error)}
    return drawn


def _headline(results: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """A tile a margin group: patients, three-year cumulative incidence ours and published."""
    counts = {row["margin_group"]: row for row in _records(results, "margin_groups")}
    comparison = _records(results, "published_comparison")
    incidence = {row["stratum"]: row for row in comparison if row["figure"] == THREE_YEAR_FIGURE}
    return [
        {
            "group": group,
            "patients": counts.get(group, {}).get("n"),
            "share": counts.get(group, {}).get("share"),
            **incidence[group],
        }
        for group in MARGIN_GROUPS
        if group in incidence
    ]


def _hazard_ratio_panels(results: dict[str, pd.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    comparison = _records(results, "published_comparison")
    return {
        figure: rows
        for figure in HAZARD_RATIO_FIGURES.values()
        if (rows := [row for row in comparison if row["figure"] == figure])
    }


def _omnibus(results: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Figure -> P of margin group as a whole in the adjusted model (likelihood ratio)."""
    rows = [
        row
        for row in _records(results, "hazard_ratios")
        if row["model"] == "adjusted" and row["term"] == "margin group (omnibus)"
    ]
    return {
        HAZARD_RATIO_FIGURES[row["endpoint"]]: row["p_value"] for row in rows if row["endpoint"] in HAZARD_RATIO_FIGURES
    }


def _table_one_rows(results: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """One entry a line of Table 1: variable, level, statistic, a text a stratum, missing, standardised difference."""
    frame = results.get("table_one")
    if frame is None or frame.empty:
        return []
    lines = []
    for (variable, level, statistic), cells in frame.groupby(["variable", "level", "statistic_label"], sort=False):
        by_stratum = cells.set_index("stratum")
        difference = by_stratum["max_standardised_difference"].iloc[0]
        lines.append(
            {
                "variable": variable,
                "level": level,
                "statistic": statistic,
                "texts": [by_stratum["value_text"].get(stratum, "-") for stratum in ("all", *MARGIN_GROUPS)],
                "n_missing": int(by_stratum["n_missing"].get("all", 0)),
                "difference": "" if pd.isna(difference) else f"{difference:.2f}",
            }
        )
    return lines


def _percent(value: float | None, digits: int = 0) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:.{digits}%}"


def _ratio(value: float | None) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:.2f}"


def _count(value: float | None) -> str:
    return "-" if value is None or pd.isna(value) else f"{int(value):,}"


def _p_value(value: float | None) -> str:
    if value is None or pd.isna(value):
        return "P not available"
    return "P<0.001" if value < 0.001 else f"P={value:.3f}" if value < 0.1 else f"P={value:.2f}"
