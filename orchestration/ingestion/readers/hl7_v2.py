"""HL7 v2 messages (ORU^R01 results, ADT^A40 merges) by the positions of their separators, not message by message.

Read as the standard's chapters 2, 3 and 7 describe them: segments end in CR (LF and CRLF are taken too), MLLP framing
bytes and batch envelopes are passed over, a batch's own count is checked, ADD segments continue the segment before them,
delimiters are the usual |^~\\& ones, escape sequences and repetitions are undone in OBX-5.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.formats.hl7_v2 import FIELD_PATH, ORDER_NUMBER
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_observations import observations_of
from orchestration.ingestion.readers.hl7_segments import (
    CONTINUATION,
    Segments,
    code_of,
    component,
    field,
    parts_of,
    segments_of,
    with_plain_segment_ends,
)
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8, ends_as_declared

USUAL_DELIMITERS = b"|^~\\&"
# one record is one group of segments that starts with this one
GROUP_SEGMENT = {"ORU": b"OBR", "ADT": b"MRG"}


def read_hl7_v2(content: bytes, contract: SourceContract) -> pa.Table:
    """One row an order group (OBR) of a result message, or a merge group (MRG) of a merge message.

    Columns beside the readers' usual ones: the contract's `SEGMENT-field[kind].component` columns (`PID-3[MR].1` is the
    first repetition whose fifth component is MR), `order_number` (1, 2, ... within the message), and for ORU the
    group's OBX segments as `observations`. `source_line` counts segments from 1: the message's MSH for its first group,
    the group's own segment for further ones. Text before the first MSH, and a message whose shape cannot be read, are
    records with a structure problem. Messages of the types in the contract's `passes_over` are left to other contracts.

    Raises:
        UnreadableFile: see `as_utf_8`; also no MSH at all, a last segment without end, or a batch that holds fewer
            messages than its trailer says.
    """
    text = as_utf_8(content, contract.encoding, contract.fallback_encoding)
    ends_as_declared(text, contract.ends_with_newline)
    text = with_plain_segment_ends(text)
    if not text.startswith(b"MSH") and b"\rMSH" not in text:
        raise UnreadableFile("no MSH segment: the file holds no HL7 v2 message")
    parts = parts_of(text)
    lines_before = accumulate((part.count(b"\r") + part.count(CONTINUATION) for part in parts[:-1]), initial=0)
    # numpy and Arrow let go of Python's lock, so that parts are read side by side
    with ThreadPoolExecutor(max_workers=2) as workers:
        tables = list(workers.map(_read_part, parts, lines_before, repeat(contract)))
    table = pa.concat_tables(tables)
    return _with_continuations(table) if CONTINUATION in text else table


def _with_continuations(table: pa.Table) -> pa.Table:
    """The payload with its ADD segments as they stand in the file, the contract's columns without a trace of them."""
    mark = CONTINUATION.decode()
    for place, name in enumerate(table.column_names):
        if name == "payload" or pa.types.is_string_view(table.schema.field(name).type):
            meant = "\rADD|" if name == "payload" else ""
            text = pc.replace_substring(table[name].cast(pa.string()), mark, meant)
            table = table.set_column(place, name, text)
    return table


def _read_part(content: bytes, lines_before: int, contract: SourceContract) -> pa.Table:
    segments = segments_of(content)
    groups = groups_of(segments, contract)
    columns = {contract.reader_column(path): _field_column(segments, groups, path) for path in contract.source_columns}
    observations = {}
    is_broken = np.zeros(len(groups.first), bool)
    if contract.message_type == "ORU":
        observations["observations"], n_broken = observations_of(segments, groups.first, groups.last)
        is_broken = n_broken
    return pa.table(
        {
            "source_line": pa.array(groups.source_line + lines_before),
            "payload": segments.text.column(segments.starts[groups.message_first], segments.ends[groups.message_last]),
            "structure_problem": structure_problems(segments, groups, contract, is_broken),
            **columns,
            **observations,
        }
    )


@dataclass(frozen=True)
class Groups:
    """One record each: the segments it is made of, as row numbers of `Segments`."""

    kind: int
    first: np.ndarray
    """The group's own segment, or the message's first one where the message has no group."""
    last: np.ndarray
    message_first: np.ndarray
    message_last: np.ndarray
    has_group: np.ndarray
    order_number: np.ndarray
    source_line: np.ndarray


def groups_of(segments: Segments, contract: SourceContract) -> Groups:
    kind = code_of(GROUP_SEGMENT[contract.message_type])
    number = segments.messages
    is_first_of_message = np.append(True, number[1:] != number[:-1])
    message_starts = np.flatnonzero(is_first_of_message)
    message_ends = np.append(message_starts[1:], len(number)) - 1
    is_wanted = ~_is_passed_over(segments, message_starts, contract.passes_over)
    anchors = np.flatnonzero(segments.kinds == kind)
    message_of_anchor = np.searchsorted(message_starts, anchors, side="right") - 1
    anchors, message_of_anchor = anchors[is_wanted[message_of_anchor]], message_of_anchor[is_wanted[message_of_anchor]]
    has_anchor = np.zeros(len(message_starts), bool)
    has_anchor[message_of_anchor] = True
    bare = np.flatnonzero(is_wanted & ~has_anchor)
    message = np.concatenate([message_of_anchor, bare])
    first = np.concatenate([anchors, message_starts[bare]])
    has_group = np.concatenate([np.ones(len(anchors), bool), np.zeros(len(bare), bool)])
    order = np.argsort(first, kind="stable")
    message, first, has_group = message[order], first[order], has_group[order]
    is_next_same = np.append(message[1:] == message[:-1], False)
    last = np.where(is_next_same, np.append(first[1:], 0) - 1, message_ends[message])
    place = np.arange(len(message))
    starts_message = np.append(True, message[1:] != message[:-1])[: len(message)]
    order_number = place - np.maximum.accumulate(np.where(starts_message, place, 0)) + 1
    line = np.where(order_number == 1, segments.lines[message_starts[message]], segments.lines[first])
    return Groups(kind, first, last, message_starts[message], message_ends[message], has_group, order_number, line)


def _is_passed_over(segments: Segments, message_starts: np.ndarray, passed_over: list[str]) -> np.ndarray:
    if not passed_over:
        return np.zeros(len(message_starts), bool)
    return np.isin(message_types(segments, message_starts).to_numpy(zero_copy_only=False), passed_over)


def message_types(segments: Segments, message_starts: np.ndarray) -> pa.Array:
    """The first component of MSH-9, empty where the message has no MSH."""
    column = field(segments, message_starts, 8, segments.kinds[message_starts] != code_of(b"MSH"))
    return pc.fill_null(component(column, 1), "")


def _field_column(segments: Segments, groups: Groups, path: str) -> pa.Array:
    """The text of one path for every group; null where the segment, field, repetition or component is not there."""
    if path == ORDER_NUMBER:
        return pa.array(groups.order_number).cast(pa.string())
    match = FIELD_PATH.match(path)
    rows, is_missing = _segment_of_group(segments, groups, code_of(match["segment"].encode()))
    # MSH-1 is the separator itself, so MSH fields stand one place earlier than those of other segments
    number = int(match["field"]) - (match["segment"] == "MSH")
    column = field(segments, rows, number, is_missing)
    if match["component"] or match["kind"]:
        column = component(column, int(match["component"] or 1), match["kind"])
    return column


def _segment_of_group(segments: Segments, groups: Groups, kind: int) -> tuple[np.ndarray, np.ndarray]:
    """The group's own segment; MSH, PID and such the last before it in the message; others the first within it."""
    if kind == groups.kind:
        return groups.first, ~groups.has_group
    places = np.flatnonzero(segments.kinds == kind)
    if not len(places):
        return np.zeros(len(groups.first), np.int64), np.ones(len(groups.first), bool)
    # a message without group: anything in it may be looked at
    until = np.where(groups.has_group, groups.first, groups.message_last)
    before = np.searchsorted(places, until, side="right") - 1
    # what belongs to the group before (in a merge its PID) is not this group's
    earliest = np.maximum(groups.message_first, _end_of_group_before(groups, kind))
    is_before = (before >= 0) & (places[np.maximum(before, 0)] >= earliest)
    after = np.searchsorted(places, groups.first)
    is_after = (after < len(places)) & (places[np.minimum(after, len(places) - 1)] <= groups.last)
    rows = np.where(is_before, places[np.maximum(before, 0)], places[np.minimum(after, len(places) - 1)])
    return rows, ~(is_before | is_after)


def structure_problems(
    segments: Segments, groups: Groups, contract: SourceContract, n_broken_obx: np.ndarray
) -> pa.Array:
    """Why a record's shape cannot be read, first reason first; null where it can."""
    first, last = groups.message_first, groups.message_last + 1
    counts = {
        kind: count_between(np.flatnonzero(segments.kinds == code_of(kind)), first, last)
        for kind in (b"MSH", b"PID", b"DSC")
    }
    types = message_types(segments, first).to_numpy(zero_copy_only=False)
    is_result = contract.message_type == "ORU"
    n_pid = counts[b"PID"]
    n_odd = count_between(np.flatnonzero(~_is_segment_name(segments)), first, last)
    reasons = [
        (counts[b"MSH"] == 0, lambda row: "segments before the first MSH"),
        (~_has_usual_delimiters(segments, first), lambda row: "delimiters other than |^~\\& in MSH-1 and MSH-2"),
        (types != contract.message_type, lambda row: f"MSH-9 is not {contract.message_type}"),
        (
            n_pid != 1 if is_result else n_pid == 0,
            lambda row: f"a message must have one PID segment, this has {n_pid[row]}",
        ),
        (~groups.has_group, lambda row: f"no {GROUP_SEGMENT[contract.message_type].decode()} segment"),
        (n_odd > 0, lambda row: f"{n_odd[row]} line(s) that are no segment"),
        (counts[b"DSC"] > 0, lambda row: "continued in another message (DSC segment)"),
    ]
    if not is_result:
        n_groups = count_between(np.flatnonzero(segments.kinds == groups.kind), first, last)
        lacks_group = (n_pid > n_groups) & groups.has_group
        reasons.append(
            (lacks_group, lambda row: f"{n_pid[row]} PID segments, but {n_groups[row]} MRG: the message is cut off")
        )
    if is_result:
        lines = np.flatnonzero(segments.kinds == code_of(b"OBX"))
        n_obx = count_between(lines, groups.first, groups.last + 1)
        n_astray = np.where(groups.order_number == 1, count_between(lines, first, groups.first), 0)
        reasons += [
            (n_astray > 0, lambda row: f"{n_astray[row]} OBX segment(s) before the first OBR"),
            (n_obx == 0, lambda row: "no OBX segment: the message is cut off"),
            (n_broken_obx > 0, lambda row: f"{n_broken_obx[row]} OBX segment(s) cut off or without OBX-3"),
        ]
    problems: list[str | None] = [None] * len(groups.first)
    for applies, reason in reversed(reasons):
        for row in np.flatnonzero(applies):
            problems[row] = reason(row)
    return pa.array(problems, pa.string())


def _end_of_group_before(groups: Groups, kind: int) -> np.ndarray:
    """The group's own segment of the merge before it in the message: each MRG has a PID of its own. Else 0."""
    if groups.kind != code_of(b"MRG") or kind != code_of(b"PID") or not len(groups.first):
        return np.zeros(len(groups.first), np.int64)
    return np.where(groups.order_number > 1, np.append(0, groups.first[:-1]), 0)


def _is_segment_name(segments: Segments) -> np.ndarray:
    """Whether a line starts as segments do: a letter, two letters or digits, and a bar or nothing more."""
    first, second, third = (segments.kinds >> shift & 255 for shift in (16, 8, 0))
    is_name = _is_capital(first) & (_is_capital(second) | _is_digit(second)) & (_is_capital(third) | _is_digit(third))
    following = segments.text.codes_at(segments.starts + 3, ord("|"))
    is_closed = (following == ord("|")) | (segments.ends - segments.starts == 3)
    return is_name & is_closed


def _is_capital(codes: np.ndarray) -> np.ndarray:
    return (codes >= ord("A")) & (codes <= ord("Z"))


def _is_digit(codes: np.ndarray) -> np.ndarray:
    return (codes >= ord("0")) & (codes <= ord("9"))


def _has_usual_delimiters(segments: Segments, rows: np.ndarray) -> np.ndarray:
    places = segments.starts[rows][:, None] + 3 + np.arange(len(USUAL_DELIMITERS))
    return (segments.text.codes_at(places, 0) == np.frombuffer(USUAL_DELIMITERS, np.uint8)).all(axis=1)
