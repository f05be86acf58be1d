"""The page of Explore: published counts and the code that computes from them, in one file without a network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import TRUTH
from analysis.patients.names import ordered_strata
from analysis.patients.plan import Plan
from analysis.report.formats import moment

FOLDER = Path(__file__).parent
VARIABLES = {
    "era": "Era of operation",
    "metastasis_count_group": "Number of metastases",
    "has_large_metastasis": "Large metastasis",
    "is_node_positive": "Node-positive primary",
    "clinical_risk_score": "Clinical risk score",
    "source_system": "Hospital",
}
"""What a subgroup can be chosen by, and its label; the exposures of the plan come first."""
NOT_KNOWN = "not known"
MOST_ROWS = 150_000
"""A page with more counts would be slow to open: larger cohorts are for SQL."""
TRUTHS = {"True": "yes", "False": "no", "true": "yes", "false": "no"}


class ExploreRefused(Exception):
    """There can be no page of these data; the text says why."""


def render_explore(
    operations: pd.DataFrame, times: pd.DataFrame, plan: Plan, least_k: int, context: Mapping[str, Any]
) -> str:
    """The page as HTML text.

    Args:
        operations: marts.index_operations as published; variables that nobody has are left out.
        times: study_id, endpoint, time_days, event_code.
        least_k: groups of fewer patients are refused.
        context: as for the report.
    Raises:
        ExploreRefused: nobody is in the cohort, or there are too many counts for a page.
        ValueError: a column is missing.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    data = explore_data(operations, times, plan) | {"leastPatients": least_k, "daysAYear": plan.days_a_year}
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
    # within a script nothing may look like its end
    payload = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    return environment.get_template("explore.html.jinja").render(
        data=payload,
        statistics=(FOLDER / "statistics.js").read_text(encoding="utf-8"),
        code=(FOLDER / "page.js").read_text(encoding="utf-8"),
        is_simulated=context["is_simulated"],
        published=moment(context.get("published_at")),
        data_hash=context.get("data_hash"),
        least_k=least_k,
    )


def explore_data(operations: pd.DataFrame, times: pd.DataFrame, plan: Plan) -> dict[str, Any]:
    """variables (name, label, levels, compared), cells (a level a variable), endpoints (rows of cell, day, code, n)."""
    require_columns(times, ["study_id", "endpoint", "time_days", "event_code"], "time_to_event")
    if operations.empty:
        raise ExploreRefused("nobody is in the cohort")
    labels = {
        exposure.column: exposure.label[:1].upper() + exposure.label[1:] for exposure in plan.exposures
    } | VARIABLES
    # the plan says it with its cut point
    labels |= {
        covariate.column: covariate.term[:1].upper() + covariate.term[1:]
        for covariate in plan.all_covariates
        if covariate.column in VARIABLES and covariate.kind == TRUTH
    }
    chosen = pd.DataFrame({"study_id": operations["study_id"]})
    variables = []
    for name, label in labels.items():
        if name not in operations.columns or operations[name].isna().all():
            continue
        texts = _levels(operations[name])
        own = next((exposure.levels for exposure in plan.exposures if exposure.column == name), ())
        levels = [level for level in own if level in set(texts)]
        levels += ordered_strata(set(texts) - set(levels))
        if len(levels) < 2:
            continue
        chosen[name] = texts.map({level: number for number, level in enumerate(levels)})
        variables.append({"name": name, "label": label, "levels": levels})
    names = [variable["name"] for variable in variables]
    cells = chosen[names].drop_duplicates(ignore_index=True)
    numbered = chosen.merge(cells.assign(cell=range(len(cells))), on=names) if names else chosen.assign(cell=0)
    rows = times.merge(numbered[["study_id", "cell"]], on="study_id")
    counted = rows.groupby(["endpoint", "cell", "time_days", "event_code"]).size().rename("n").reset_index()
    if len(counted) > MOST_ROWS:
        raise ExploreRefused(f"{len(counted):,} counts are too many for a page (at most {MOST_ROWS:,})")
    endpoints = []
    for endpoint in plan.endpoints:
        of_endpoint = counted[counted["endpoint"] == endpoint.name]
        if len(of_endpoint):
            columns = of_endpoint[["cell", "time_days", "event_code", "n"]].astype(int).to_numpy().tolist()
            endpoints.append({"name": endpoint.name, "label": endpoint.label, "kind": endpoint.kind, "rows": columns})
    return {"variables": variables, "cells": cells[names].to_numpy().tolist() or [[]], "endpoints": endpoints}


def _levels(values: pd.Series) -> pd.Series:
    """A level's text; whole numbers without a point, truths as yes and no, missing as NOT_KNOWN."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    texts = values.astype("string")
    return texts.map(lambda text: NOT_KNOWN if pd.isna(text) else TRUTHS.get(text, text)).astype(str)
