"""ADT messages: which patient records were merged, linked and unlinked, one row a retired record (chapter 3 of the standard)."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.formats.hl7_v2 import FIELD_PATH, ORDER_NUMBER
from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_checks import Reason, problems_of_merges, structure_problems
from orchestration.ingestion.readers.hl7_fields import chosen_part, field_column
from orchestration.ingestion.readers.hl7_groups import Groups, Messages, groups_of, groups_of_linked_patients
from orchestration.ingestion.readers.hl7_segments import Segments, code_of, field

EVENTS_FILE = Path(__file__).parent / "adt_events.yml"
MRG = code_of(b"MRG")


@cache
def adt_events() -> dict[str, dict[str, str]]:
    """merge, link, unlink and moves -> the events that do it, each with its name."""
    return yaml.safe_load(EVENTS_FILE.read_text(encoding="utf-8"))


def read_merges(segments: Segments, messages: Messages, contract: SourceContract) -> tuple[pa.Table, int, list[Notice]]:
    """One row a record that was merged into another, linked to it or unlinked from it; the messages of other events passed
    over, and a notice of them."""
    events, is_adt = messages.events, messages.types == "ADT"
    effects = adt_events()
    is_merge = np.isin(events, list(effects["merge"]))
    is_link, is_unlink = np.isin(events, list(effects["link"])), np.isin(events, list(effects["unlink"]))
    # a message that is no ADT, or whose event is not known, is taken for a merge, so that it is rejected with its reason
    is_known = np.isin(events, list(effects["moves"])) | (_has_no_mrg(segments, messages) & _is_event(events))
    is_other = is_adt & ~(is_merge | is_link | is_unlink) & is_known
    merging = groups_of(segments, messages.taken(~is_link & ~is_unlink & ~is_other), MRG)
    tables = [
        _rows(segments, merging, contract, "merge"),
        _rows(segments, groups_of_linked_patients(segments, messages.taken(is_adt & is_link)), contract, "merge"),
        _rows(segments, groups_of_linked_patients(segments, messages.taken(is_adt & is_unlink)), contract, "unlink"),
    ]
    table = pa.concat_tables(tables)
    if tables[1].num_rows or tables[2].num_rows:
        table = table.sort_by("source_line")
    names, counts = np.unique(events[is_other].astype(str), return_counts=True)
    notices = [
        Notice(f"ADT^{name} message", int(n), "it says nothing of whose record a record is")
        for name, n in zip(names, counts, strict=True)
    ]
    if n_others := _n_of_other_kinds(segments, merging, contract):
        reason = "of another type or authority than the survivor's number: it retires nobody"
        notices.append(Notice("repetition of MRG-1", n_others, reason))
    return table, int(is_other.sum()), notices


def _has_no_mrg(segments: Segments, messages: Messages) -> np.ndarray:
    return count_between(np.flatnonzero(segments.kinds == MRG), messages.first, messages.last + 1) == 0


def _is_event(events: np.ndarray) -> np.ndarray:
    return pc.match_substring_regex(pa.array(events, pa.string()), "^A[0-9]{2}$").to_numpy(zero_copy_only=False)


def _rows(segments: Segments, groups: Groups, contract: SourceContract, merge_event: str) -> pa.Table:
    is_pair = groups.kind != MRG
    columns = {}
    for path in contract.source_columns:
        column = _column_of_pair(segments, groups, path) if is_pair else field_column(segments, groups, path)
        columns[contract.reader_column(path)] = column.cast(pa.string())
    further = [] if is_pair else [_unknown_event(groups), *problems_of_merges(segments, groups)]
    payload = segments.text.column(segments.starts[groups.message_first], segments.ends[groups.message_last])
    table = pa.table(
        {
            "source_line": pa.array(groups.source_line, pa.int64()),
            "payload": payload.cast(pa.string()),
            "structure_problem": structure_problems(segments, groups, "ADT", further),
            "merge_event": pa.array([merge_event] * len(groups.first), pa.string()),
            **columns,
        }
    )
    return table if is_pair else _one_row_a_retired_record(table, segments, groups, contract)


def _n_of_other_kinds(segments: Segments, groups: Groups, contract: SourceContract) -> int:
    """How many repetitions of MRG-1 retire nobody, because they are of another type or authority than the first choice."""
    paths = [path for path in contract.source_columns if path.startswith("MRG-1.") or path == "MRG-1"]
    if not paths or any(FIELD_PATH.match(path)["choice"] for path in paths):
        return 0
    survivors = field_column(segments, groups, "PID-3").cast(pa.string()).to_pylist()
    written = field(segments, groups.first, 1, ~groups.has_group).cast(pa.string()).to_pylist()
    several = [(text, who or "") for text, who in zip(written, survivors, strict=True) if text and "~" in text]
    taken = [len(_retired(text, paths[0], _type_and_authority(who.split("~")[0]))) for text, who in several]
    return sum(sum(bool(one) for one in text.split("~")) for text, _ in several) - sum(taken)


def _unknown_event(groups: Groups) -> Reason:
    is_unknown = (groups.types == "ADT") & ~np.isin(groups.events, list(adt_events()["merge"]))
    return is_unknown, lambda row: "MSH-9 and EVN-1 name no event of a merge"


def _column_of_pair(segments: Segments, groups: Groups, path: str) -> pa.Array:
    """Of two linked patients the first is the PID of the message, the second (this group's) stands for MRG."""
    match = FIELD_PATH.match(path)
    if match and match["segment"] == "MRG":
        # MRG-1 is what PID-3 is, MRG-4 what PID-2 is
        number = {"1": "3", "4": "2"}.get(match["field"], "3")
        return field_column(segments, groups, path.replace(f"MRG-{match['field']}", f"PID-{number}", 1))
    if match and match["segment"] == "PID":
        pids = np.flatnonzero(segments.kinds == groups.kind)
        rows = (
            pids[np.minimum(np.searchsorted(pids, groups.message_first), max(len(pids) - 1, 0))]
            if len(pids)
            else groups.first
        )
        column = field(segments, rows, int(match["field"]), np.full(len(rows), not len(pids)))
        return chosen_part(column, path)
    return field_column(segments, groups, path)


def _one_row_a_retired_record(
    table: pa.Table, segments: Segments, groups: Groups, contract: SourceContract
) -> pa.Table:
    """MRG-1 may repeat: each repetition of the kind that the contract asks for is a retired record of its own."""
    paths = [
        path for path in contract.source_columns if path.startswith("MRG-1") and FIELD_PATH.match(path)["field"] == "1"
    ]
    written = field(segments, groups.first, 1, ~groups.has_group).cast(pa.string()).to_pylist()
    if not paths or not any(text and "~" in text for text in written):
        return table
    survivors = field_column(segments, groups, "PID-3").cast(pa.string()).to_pylist()
    places, chosen = [], {path: [] for path in paths}
    for row, text in enumerate(written):
        survivor = _type_and_authority((survivors[row] or "").split("~")[0])
        several = [_retired(text, path, survivor) if text and "~" in text else [None] for path in paths]
        n = max(map(len, several))
        places += [row] * n
        for path, values in zip(paths, several, strict=True):
            name = contract.reader_column(path)
            as_read = table[name][row].as_py()
            chosen[path] += [as_read if value is None else value for value in values] + [as_read] * (n - len(values))
    table = table.take(pa.array(places))
    for path, values in chosen.items():
        name = contract.reader_column(path)
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    if ORDER_NUMBER in contract.source_columns:
        name = contract.reader_column(ORDER_NUMBER)
        numbers = _numbered(groups.message_first[np.array(places)])
        table = table.set_column(table.column_names.index(name), name, pa.array(numbers, pa.string()))
    return table


def _retired(field_text: str, path: str, survivor: list[str]) -> list[str | None]:
    """The identifiers that the path names, of all repetitions of one type and authority: the survivor's, else that of the first."""
    repetitions = [one for one in field_text.split("~") if one]
    choice = FIELD_PATH.match(path)["choice"]
    if choice and choice.isdigit():
        return [None]
    values = pc.fill_null(chosen_part(pa.array(repetitions, pa.string()), path), "").to_pylist()
    found = [(one, value) for one, value in zip(repetitions, values, strict=True) if value]
    if not found:
        return [None]
    kinds = [_type_and_authority(one) for one, _ in found]
    kind = survivor if any(survivor) and survivor in kinds else kinds[0]
    return [value for one, value in found if choice or _type_and_authority(one) == kind]


def _type_and_authority(identifier: str) -> list[str]:
    parts = identifier.split("^") + [""] * 5
    return parts[3:5]


def _numbered(messages: np.ndarray) -> list[str]:
    """1, 2, ... within each message."""
    seen: dict[int, int] = {}
    numbers = []
    for message in messages.tolist():
        seen[message] = seen.get(message, 0) + 1
        numbers.append(str(seen[message]))
    return numbers
