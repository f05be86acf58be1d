"""The comparison in the terminal, each list cut where nobody would read on, and whole as JSON."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from analysis.results.changes_by_kind import KINDS, REMAINDER
from orchestration.comparison.decomposition import numbers_by_kind
from orchestration.comparison.publications import both, cohort_changes, headline_changes, patient_changes, stamps

MOST_ROWS = 20


def compare(before: Path, after: Path) -> dict[str, pd.DataFrame]:
    """publications, cohort, patients, numbers (with the part of each kind of change), and notes on what could not be taken apart.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    with both(before, after) as connection:
        numbers, reason = numbers_by_kind(connection, headline_changes(connection))
        return {
            "publications": stamps(connection),
            "cohort": cohort_changes(connection),
            "patients": patient_changes(connection),
            "numbers": numbers,
            "notes": pd.DataFrame({"note": [reason] if reason else []}, dtype="str"),
        }


def as_json(parts: dict[str, pd.DataFrame]) -> str:
    """All rows; moments as text."""
    content: dict[str, Any] = {
        name: json.loads(frame.to_json(orient="records", date_format="iso")) for name, frame in parts.items()
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def print_comparison(console: Console, parts: dict[str, pd.DataFrame]) -> None:
    """What changed, most summarised first; `--json` has every row."""
    before, after = parts["publications"].to_dict("records")
    console.print(
        f"[bold]{before['published_at']:%Y-%m-%d %H:%M}[/] to [bold]{after['published_at']:%Y-%m-%d %H:%M}[/] UTC"
    )
    if before["code_version"] != after["code_version"]:
        console.print(f"Other code: {before['code_version']} to {after['code_version']}")
    if before["data_hash"] == after["data_hash"]:
        console.print("Nothing changed: both hold the same data.")
        return
    cohort, patients, numbers = parts["cohort"], parts["patients"], parts["numbers"]
    _print(console, "Cohort", cohort.groupby(["change", "before", "after"]).size().rename("patients").reset_index())
    counted = patients.assign(what=patients["what"]).groupby(["what", "due_to"])["study_id"].nunique()
    _print(console, "Patients whose values changed", counted.rename("patients").reset_index())
    moved = numbers[numbers["difference"].fillna(1).abs() > 0]
    _print(console, "Numbers that moved, and how much of it is due to what (the parts add up)", _rounded(_parts(moved)))
    for note in parts["notes"]["note"]:
        console.print(f"Not taken apart: {note}", soft_wrap=True)
    _print(console, "Changed values", patients[["study_id", "what", "before", "after", "due_to"]])


def _parts(moved: pd.DataFrame) -> pd.DataFrame:
    named = moved["number"] + ", " + moved["margin_group"]
    return (
        moved[["before", "after", "difference", *KINDS, REMAINDER]]
        .assign(number=named)
        .set_index("number")
        .reset_index()
    )


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Three digits, and no minus before a zero."""
    numbers = frame.select_dtypes("number").columns
    return frame.assign(**{name: frame[name].round(3) + 0.0 for name in numbers})


def _print(console: Console, title: str, frame: pd.DataFrame) -> None:
    if frame.empty:
        console.print(f"[bold]{title}[/]: none")
        return
    table = Table(*map(str, frame.columns), title=title, title_justify="left")
    shown = frame.head(MOST_ROWS).astype(object)
    for row in shown.where(shown.notna(), "").itertuples(index=False):
        table.add_row(*map(str, row))
    console.print(table)
    if len(frame) > MOST_ROWS:
        console.print(f"... and {len(frame) - MOST_ROWS:,} more (`crlm diff --json` has all)")
