"""The report's account of a night: what changed since the publication before, and what a simulated cohort was drawn from."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.report.availability import NotAvailable, checked_frame, frame_of
from analysis.report.definitions import definitions
from analysis.report.formats import NOT_AVAILABLE, count, is_missing, moment, p_value, words
from analysis.results.changes_by_kind import KINDS, REMAINDER
from analysis.results.headline_numbers import PATIENTS
from analysis.tables.published_figures import THREE_YEAR_FIGURE

Results = Mapping[str, pd.DataFrame]
SMALLEST_SHOWN = 0.0005
PARTS = (*KINDS, REMAINDER)


def since(results: Results) -> dict[str, Any]:
    """Who came and went, whose values changed and by what, each headline number that moved with the parts of its change.

    Only counts of patients: who they are says `crlm diff`.
    """
    stamps = frame_of(results, "since_publications", "publication published_at code_version data_hash")
    before, after = stamps.to_dict("records")
    if before["data_hash"] == after["data_hash"]:
        raise NotAvailable("no other publication is kept to compare with")
    cohort = checked_frame(results, "since_cohort", "change before after n")
    patients = checked_frame(results, "since_patients", "what due_to n")
    numbers = checked_frame(results, "since_numbers", "number endpoint margin_group before after difference")
    moved = numbers[~(numbers["difference"].abs() < SMALLEST_SHOWN)]
    return {
        "before": moment(before["published_at"]),
        "is_other_code": before["code_version"] != after["code_version"],
        "cohort": [
            {"text": f"{row['change']}: {row['before']} → {row['after']}", "n": count(row["n"])}
            for row in cohort.to_dict("records")
        ],
        "patients": [
            {"text": words(row["what"]), "due_to": row["due_to"], "n": count(row["n"])}
            for row in patients.to_dict("records")
        ],
        "parts": PARTS,
        "numbers": [_number_line(row) for row in moved.to_dict("records")],
        "note": next(iter(results["since_notes"]["note"]), "") if "since_notes" in results else "",
    }


def _number_line(row: Mapping[Any, Any]) -> dict[str, Any]:
    number, group = row["number"], row["margin_group"]

    def written(value: Any, sign: str = "") -> str:
        if is_missing(value):
            return NOT_AVAILABLE
        if number == PATIENTS:
            return f"{value:{sign},.0f}"
        return (
            f"{100 * value:{sign}.1f}" + ("" if sign else "%") if number == THREE_YEAR_FIGURE else f"{value:{sign}.2f}"
        )

    unit = {PATIENTS: "Patients", THREE_YEAR_FIGURE: "3-year recurrence, points"}.get(
        number, f"Hazard ratio, {number[0].lower()}{number[1:]}"
    )
    return {
        "label": f"{unit}: {group}",
        "before": written(row["before"]),
        "after": written(row["after"]),
        "difference": written(row["difference"], "+"),
        "parts": [written(row[part], "+") for part in PARTS],
    }


def drawn_from(results: Results) -> dict[str, Any]:
    """On a simulated cohort: each figure of the model it was drawn from beside what came out, with how often a sound draw lies
    as far off: two-sided, from the standard error on the scale of the limits (log of ratios, log-log of incidences)."""
    truth = frame_of(results, "drawn_from", "endpoint margin_group value")
    ours = frame_of(results, "published_comparison", "figure endpoint stratum estimate conf_low conf_high")
    rows = truth.merge(ours, left_on=["endpoint", "margin_group"], right_on=["endpoint", "stratum"], how="inner")
    lines, n_within, n_known, known = [], 0, 0, definitions(results)
    for row in rows.to_dict("records"):
        is_incidence = row["figure"] == THREE_YEAR_FIGURE
        is_known = not any(is_missing(row[name]) for name in ("estimate", "conf_low", "conf_high"))
        is_within = is_known and row["conf_low"] <= row["value"] <= row["conf_high"]
        n_known, n_within = n_known + is_known, n_within + is_within
        value, estimate, low, high = (
            _figure(row[name], is_incidence) for name in ("value", "estimate", "conf_low", "conf_high")
        )
        lines.append(
            {
                "label": f"{row['figure'] if is_incidence else known.label(row['endpoint']) + ', hazard ratio'}: {row['margin_group']}",
                "drawn_from": value,
                "came_out": f"{estimate} ({low}\u2013{high})" if is_known else NOT_AVAILABLE,
                "as_far_off": p_value(_as_far_off(row, is_incidence) if is_known else None),
                "is_within": is_within or not is_known,
            }
        )
    if not lines:
        raise NotAvailable("no figure of this study was drawn from a model")
    return {"lines": lines, "n_within": n_within, "n_known": n_known, "expected": f"{0.95 * n_known:.1f}"}


def _figure(value: float, is_incidence: bool) -> str:
    return f"{value:.0%}" if is_incidence else f"{value:.2f}"


def _as_far_off(row: Mapping[Any, Any], is_incidence: bool) -> float | None:
    def scaled(value: float) -> float:
        return float(np.log(-np.log(value)) if is_incidence else np.log(value))

    estimate, low, high, truth = (row[name] for name in ("estimate", "conf_low", "conf_high", "value"))
    if not (0 < low < high and (high < 1 or not is_incidence)):
        return None
    error = abs(scaled(high) - scaled(low)) / (2 * NORMAL_QUANTILE)
    return 2 * NormalDist().cdf(-abs(scaled(estimate) - scaled(truth)) / error)
