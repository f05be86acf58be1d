"""The report's accounts: who was studied, what was left out and why, what the gate said."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from analysis.report.availability import NotAvailable, checked_frame, frame_of
from analysis.report.definitions import definitions, rows_of
from analysis.report.formats import NOT_AVAILABLE, count, is_missing, words
from analysis.tables.table_one import ALL, PATIENTS

Results = Mapping[str, pd.DataFrame]
TableRow = Mapping[Any, Any]
"""As pandas gives rows: value by column."""
FEED_COUNTS = (
    "files",
    "files_refused",
    "rows_read",
    "rows_loaded",
    "rows_rejected",
    "rows_duplicate",
    "fields_rejected",
)
LINES_SHOWN = 12


def margin_groups(results: Results) -> dict[str, Any]:
    """Nothing but whether the margin groups are there, in which the drawing of the cohort flow ends."""
    frame_of(results, "margin_groups", "margin_group n share")
    return {}


def table_one(results: Results) -> dict[str, Any]:
    """A block a variable: its lines (a level each), how many are missing, the standardised difference."""
    table = frame_of(
        results,
        "table_one",
        "variable level grouping stratum statistic_label value_text n_missing max_standardised_difference",
    )
    exposure = definitions(results).exposure
    table = rows_of(table, exposure)
    strata = [stratum for stratum in (ALL, *exposure.strata) if stratum in set(table["stratum"])]
    blocks = []
    for variable, rows in table.groupby("variable", sort=False):
        lines = [
            {"level": level, "cells": _texts(cells, "value_text", strata)}
            for level, cells in rows.groupby("level", sort=False)
        ]
        missing = rows.drop_duplicates("stratum").set_index("stratum")["n_missing"]
        difference = rows["max_standardised_difference"].iloc[0]
        blocks.append(
            {
                "variable": variable,
                "statistic": rows["statistic_label"].iloc[0],
                "lines": lines,
                "missing": [count(missing.get(stratum)) for stratum in strata] if missing.sum() else None,
                # the line of patients has no difference to speak of
                "difference": ""
                if variable == PATIENTS
                else NOT_AVAILABLE
                if is_missing(difference)
                else f"{difference:.2f}",
            }
        )
    return {"strata": strata, "blocks": blocks}


def _texts(cells: pd.DataFrame, column: str, strata: list[str]) -> list[str]:
    by_stratum = cells.set_index("stratum")[column]
    return [by_stratum.get(stratum, NOT_AVAILABLE) for stratum in strata]


def analyses_not_done(results: Results) -> dict[str, Any]:
    """A line an analysis that the data did not allow, with the reason."""
    table, known = checked_frame(results, "analyses_not_done", "table endpoint reason"), definitions(results)
    names = {endpoint.name for endpoint in known.endpoints}
    return {
        "lines": [
            {
                "analysis": words(row.table),
                "endpoint": known.label(row.endpoint) if row.endpoint in names else "all",
                "reason": row.reason,
            }
            for row in table.itertuples()
        ]
    }


def feeds(results: Results) -> dict[str, Any]:
    """A line a feed and their sum; whether every row read is accounted for; the feeds that stand still, and why."""
    table = frame_of(results, "ingest_by_feed", "feed " + " ".join(FEED_COUNTS))
    counts = table[list(FEED_COUNTS)].astype(float)
    lines = [
        {"feed": words(feed), **{name: count(row[name]) for name in FEED_COUNTS}}
        for feed, (_, row) in zip(table["feed"], counts.iterrows(), strict=True)
    ]
    total = {"feed": "all feeds", **{name: count(counts[name].sum(skipna=False)) for name in FEED_COUNTS}}
    accounted = counts["rows_loaded"] + counts["rows_rejected"] + counts["rows_duplicate"]
    unaccounted = [words(feed) for feed in table.loc[~(accounted == counts["rows_read"]), "feed"]]
    return {"lines": lines, "total": total, "unaccounted": unaccounted, "stale": _stale(results)}


def _stale(results: Results) -> list[str]:
    table = results.get("stale_feeds")
    if table is None:
        return []
    return [f"{row.source_system}, {words(row.feed)}: {row.reason}" for row in table.itertuples()]


def rejected(results: Results) -> dict[str, Any]:
    """Records and single fields not taken, the most frequent reasons first."""
    table = checked_frame(results, "rejected_by_reason", "feed scope field reason n").sort_values(
        "n", ascending=False, kind="stable"
    )
    is_record = table["scope"] == "record"
    return {
        "records": _listed(table[is_record], _place_and_reason),
        "fields": _listed(table[~is_record], _place_and_reason),
    }


def unresolved(results: Results) -> dict[str, Any]:
    """Margins the rules could not settle, by reason: they wait in the adjudication queue."""
    return {"reasons": _listed(checked_frame(results, "unresolved_by_reason", "reason n"), _reason)}


def set_aside(results: Results) -> dict[str, Any]:
    """Records that contradict others, by reason."""
    table = checked_frame(results, "records_set_aside", "source_table reason n")
    return {"reasons": _listed(table, _table_and_reason)}


def not_derivable(results: Results) -> dict[str, Any]:
    """What a hospital's records cannot tell: its patients are left out of it, with the reason."""
    table = checked_frame(results, "not_derivable_endpoints", "source_system endpoint reason n_patients")
    labels = {endpoint.name: endpoint.label for endpoint in definitions(results).endpoints}
    lines = [
        {
            "hospital": row.source_system,
            "endpoint": labels.get(str(row.endpoint), words(row.endpoint)),
            "reason": row.reason,
            "n": count(row.n_patients),
        }
        for row in table.sort_values(["source_system", "endpoint"]).itertuples()
    ]
    return {"lines": lines}


def _reason(row: TableRow) -> str:
    return str(row["reason"])


def _place_and_reason(row: TableRow) -> str:
    return f"{words(row['feed'])}, {words(row['field'])}: {row['reason']}"


def _table_and_reason(row: TableRow) -> str:
    return f"{words(str(row['source_table']).removeprefix('stg_'))}: {row['reason']}"


def _listed(table: pd.DataFrame, text: Callable[[TableRow], str]) -> dict[str, Any]:
    lines = [{"text": text(row), "n": count(row["n"])} for row in table.head(LINES_SHOWN).to_dict("records")]
    hidden = table.iloc[LINES_SHOWN:]
    return {
        "total": count(table["n"].sum()),
        "lines": lines,
        "more": f"{len(hidden)} further reasons" if len(hidden) else "",
        "n_more": count(hidden["n"].sum()),
    }


def checks(results: Results) -> dict[str, Any]:
    """How many checks of the gates passed, by severity, and every one that did not."""
    table = frame_of(results, "check_results", "table_name description severity status n_checked n_failed")
    is_passed = table["status"] == "passed"
    by_severity = [
        {"severity": severity, "passed": count(passed.sum()), "n": count(len(passed))}
        for severity, passed in is_passed.groupby(table["severity"])
    ]
    not_passed = [
        {
            "status": row.status,
            "severity": row.severity,
            "text": f"{row.description} ({row.table_name})",
            "extent": f"{count(row.n_failed)} of {count(row.n_checked)}",
        }
        for row in table[~is_passed].itertuples()
    ]
    return {
        "passed": count(is_passed.sum()),
        "n": count(len(table)),
        "by_severity": by_severity,
        "not_passed": not_passed,
    }


def contradictions(results: Results, n_patients: int | None) -> list[str]:
    """Sums that should agree and do not; a reader must know before reading on."""
    found = []
    try:
        flow = frame_of(results, "cohort_flow", "step_number n_remaining n_excluded").sort_values("step_number")
        left = flow["n_remaining"].shift() - flow["n_excluded"]
        if (left.iloc[1:] != flow["n_remaining"].iloc[1:]).any():
            found.append(
                "The cohort flow does not add up: a step's remaining patients are not those before less those excluded."
            )
        last = flow["n_remaining"].iloc[-1]
        if not is_missing(n_patients) and last != n_patients:
            found.append(f"The cohort flow ends with {count(last)} patients, the publication has {count(n_patients)}.")
    except NotAvailable:
        pass
    try:
        n_grouped = frame_of(results, "margin_groups", "n")["n"].sum()
        if not is_missing(n_patients) and n_grouped != n_patients:
            found.append(
                f"The margin groups hold {count(n_grouped)} patients, the publication has {count(n_patients)}."
            )
    except NotAvailable:
        pass
    return found
