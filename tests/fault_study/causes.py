"""What a fault really did to the landed files, found by comparing them: to see whether a message names the cause, and what is stale."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import yaml

from tests.fault_study.landed_files import messages_of, path_of, read, report_files

DELIVERY = "delivery"
"""Rows or files that are lost, added or not to be read: told of a whole feed, not of a field."""
MESSAGE_FIELDS = {
    ("MSH", 9): "message_control_id", ("PID", 3): "mrn", ("PID", 5): "name", ("PID", 7): "birth_date", ("PID", 8): "sex",
    ("OBR", 3): "accession_number", ("OBR", 7): "collected_date", ("OBR", 22): "reported_datetime", ("OBR", 25): "report_status",
    ("OBX", 5): "observations",
}  # fmt: skip
"""Segment and place after splitting at | -> canonical field, or what the registry calls it."""
TABULAR = ("registry", "follow_up", "treatments", "vital_status")
PATHOLOGY, MERGES = "pathology_messages", "patient_merges"


class Change(NamedTuple):
    """The fields of a feed that say something else, DELIVERY among them; `is_stale`: rows or files did not come, or cannot be read."""

    fields: frozenset[str]
    is_stale: bool


def changes_of(before: Path, after: Path, contracts: Path) -> dict[str, Change]:
    """Feed -> what differs between two landing folders of a hospital; `contracts` is the hospital's folder of them."""
    found = {feed: _of_table(before, after, feed, contracts) for feed in TABULAR}
    found |= {PATHOLOGY: _of_messages(before, after), MERGES: _of_merges(after)}
    return {feed: change for feed, change in found.items() if change.fields}


def _of_table(before: Path, after: Path, feed: str, contracts: Path) -> Change:
    path = path_of(after, feed)
    beside = {DELIVERY} if sum(1 for _ in path.parent.glob("*")) > 1 else set()
    if path.exists() and path.read_bytes() == path_of(before, feed).read_bytes():
        return Change(frozenset(beside), False)
    names = {
        definition["column"]: name
        for name, definition in yaml.safe_load((contracts / f"{feed}.yml").read_text(encoding="utf-8"))[
            "fields"
        ].items()
    }
    was = read(before, feed)
    try:
        now = read(after, feed)
    except Exception:  # noqa: BLE001 - whatever makes a file unreadable, it is
        return Change(frozenset({DELIVERY}), True)
    key = was.columns[0]
    lost_columns = set(was.columns) - set(now.columns)
    if key in lost_columns:
        return Change(frozenset({DELIVERY}), True)
    is_stale = bool(lost_columns) or len(set(was[key]) - set(now[key])) > 0.01 * len(was) > len(now) - len(was)
    is_renumbered = len(was) == len(now) and not _as_text(was[key]).equals(_as_text(now[key]))
    if len(was) == len(now) and not is_renumbered:
        pairs = was, now
    else:
        both = was.drop_duplicates(key).merge(now.drop_duplicates(key), on=key, suffixes=(" before", " after"))
        pairs = tuple(
            both[[key, *(f"{name}{part}" for name in was.columns.drop(key).intersection(now.columns))]].rename(
                columns=lambda name, part=part: name.removesuffix(part)
            )
            for part in (" before", " after")
        )
    differing = {
        names.get(name, name)
        for name in was.columns.intersection(now.columns)
        if not _as_text(pairs[0][name]).equals(_as_text(pairs[1][name]))
    }
    if is_renumbered:
        differing.add(names.get(key, key))
    has_other_records = set(was[key]) != set(now[key]) or len(was) != len(now) or lost_columns
    return Change(frozenset(differing | beside | ({DELIVERY} if has_other_records else set())), is_stale)


def _as_text(cells: pd.Series) -> pd.Series:
    return cells.map(lambda cell: "" if cell is None or cell != cell else str(cell)[:10]).reset_index(drop=True)


def _of_messages(before: Path, after: Path) -> Change:
    files = {path.name for path in report_files(before)}, {path.name for path in report_files(after)}
    fields = {DELIVERY} if files[0] != files[1] else set()
    is_stale = bool(files[0] - files[1])
    for name in files[0] & files[1]:
        one, other = before / "pathology" / name, after / "pathology" / name
        if one.read_bytes() == other.read_bytes():
            continue
        was, now = messages_of(one), messages_of(other)
        if len(was) != len(now):
            fields.add(DELIVERY)
            is_stale = is_stale or len(now) < len(was)
            continue
        for pair in zip(was, now, strict=True):
            fields |= {
                field
                for (segment, place), field in MESSAGE_FIELDS.items()
                if _parts(pair[0], segment, place) != _parts(pair[1], segment, place)
            }
    return Change(frozenset(fields), is_stale)


def _of_merges(after: Path) -> Change:
    # the simulated hospitals send none of their own
    return Change(frozenset({DELIVERY} if (after / "merges").exists() else ()), False)


def _parts(message: list[str], segment: str, place: int) -> list[str]:
    return [(line.split("|") + [""] * place)[place] for line in message if line.startswith(f"{segment}|")]


def names_cause(told: pd.DataFrame, changes: dict[str, Change]) -> bool:
    """Whether a message is of a feed that was changed and of a field that was, or of its delivery where that was changed. Whom the
    records are of is told in other words where MRNs were changed.

    Args:
        told: checks that did not pass: suite, table_name, column_name.
    """
    for row in told.itertuples():
        change = changes.get(row.table_name)
        if change is None:
            continue
        field = row.column_name if isinstance(row.column_name, str) else DELIVERY
        if field in change.fields or (row.suite == "people" and change.fields & {"mrn", "name", DELIVERY}):
            return True
    return False
