"""Which segments of an HL7 v2 message are one record: an order (OBR), a document (TXA), a merge (MRG), an unlinked patient (PID)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract.formats.hl7_v2 import FIELD_PATH, ORDER_NUMBER
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_segments import (
    Segments,
    code_of,
    component,
    component_range,
    field,
    field_range,
    first_repetition_ends,
)
from orchestration.ingestion.readers.hl7_text import typed_text

MSH, PID, EVN = code_of(b"MSH"), code_of(b"PID"), code_of(b"EVN")


@dataclass(frozen=True)
class Messages:
    """The messages of a file: their first and last segment as row numbers of `Segments`, their type and event (MSH-9)."""

    first: np.ndarray
    last: np.ndarray
    types: np.ndarray
    events: np.ndarray

    def taken(self, is_taken: np.ndarray) -> "Messages":
        return Messages(*(column[is_taken] for column in (self.first, self.last, self.types, self.events)))


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
    types: np.ndarray
    events: np.ndarray


def messages_of(segments: Segments, with_events: bool = True) -> Messages:
    """The messages; their events only if asked for."""
    number = segments.messages
    starts = np.flatnonzero(np.append(True, number[1:] != number[:-1])[: len(number)])
    ends = np.append(starts[1:], len(number)) - 1
    is_headless = segments.kinds[starts] != MSH
    what = field(segments, starts, 8, is_headless)
    types = pc.fill_null(component(what, 1), "")
    if not with_events:
        return Messages(starts, ends, types.to_numpy(zero_copy_only=False), np.full(len(starts), "", object))
    events = pc.fill_null(component(what, 2), "")
    if pc.any(pc.equal(events, "")).as_py():
        events = pc.if_else(pc.equal(events, ""), _events_of_evn(segments, starts, ends), events)
    return Messages(starts, ends, types.to_numpy(zero_copy_only=False), events.to_numpy(zero_copy_only=False))


def _events_of_evn(segments: Segments, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
    """EVN-1, which says the event in older versions."""
    rows, is_missing = _within(np.flatnonzero(segments.kinds == EVN), starts, ends)
    return pc.fill_null(field(segments, rows, 1, is_missing).cast(pa.string()), "")


def _within(places: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first of the places within each [start, end], and whether there is none."""
    if not len(places):
        return np.zeros(len(starts), np.int64), np.ones(len(starts), bool)
    after = np.searchsorted(places, starts)
    rows = places[np.minimum(after, len(places) - 1)]
    return rows, (after >= len(places)) | (rows > ends)


def groups_of(segments: Segments, messages: Messages, kind: int) -> Groups:
    """A group for each segment of that kind; a message without any is a group of its own, so that it is not lost."""
    anchors = np.flatnonzero(segments.kinds == kind)
    return _groups_at(segments, messages, kind, anchors)


def groups_of_linked_patients(segments: Segments, messages: Messages) -> Groups:
    """A group for the second PID of each message and those after it."""
    anchors = np.flatnonzero(segments.kinds == PID)
    first_of_message, _ = _within(anchors, messages.first, messages.last)
    return _groups_at(segments, messages, PID, anchors[~np.isin(anchors, first_of_message)])


def _groups_at(segments: Segments, messages: Messages, kind: int, anchors: np.ndarray) -> Groups:
    message = np.searchsorted(messages.first, anchors, side="right") - 1
    is_inside = (
        (message >= 0) & (anchors <= messages.last[np.maximum(message, 0)])
        if len(messages.first)
        else np.zeros(len(anchors), bool)
    )
    anchors, message_of_anchor = anchors[is_inside], message[is_inside]
    has_anchor = np.zeros(len(messages.first), bool)
    has_anchor[message_of_anchor] = True
    bare = np.flatnonzero(~has_anchor)
    message = np.concatenate([message_of_anchor, bare])
    first = np.concatenate([anchors, messages.first[bare]])
    has_group = np.concatenate([np.ones(len(anchors), bool), np.zeros(len(bare), bool)])
    order = np.argsort(first, kind="stable")
    message, first, has_group = message[order], first[order], has_group[order]
    is_next_same = np.append(message[1:] == message[:-1], False)[: len(message)]
    last = np.where(is_next_same, np.append(first[1:], 0)[: len(first)] - 1, messages.last[message])
    place = np.arange(len(message))
    starts_message = np.append(True, message[1:] != message[:-1])[: len(message)]
    order_number = place - np.maximum.accumulate(np.where(starts_message, place, 0)) + 1
    line = np.where(order_number == 1, segments.lines[messages.first[message]], segments.lines[first])
    return Groups(
        kind,
        first,
        last,
        messages.first[message],
        messages.last[message],
        has_group,
        order_number,
        line,
        messages.types[message],
        messages.events[message],
    )


def field_column(segments: Segments, groups: Groups, path: str) -> pa.Array:
    """The text of one path for every group; null where the segment, field, repetition or component is not there."""
    if path == ORDER_NUMBER:
        return pa.array(groups.order_number).cast(pa.string())
    match = FIELD_PATH.match(path)
    rows, is_missing = _segment_of_group(segments, groups, code_of(match["segment"].encode()))
    # MSH-1 is the separator itself, so MSH fields stand one place earlier than those of other segments
    number = int(match["field"]) - (match["segment"] == "MSH")
    if match["choice"] or match["subcomponent"]:
        return _as_typed(chosen_part(field(segments, rows, number, is_missing), path))
    start, end, is_absent = field_range(segments, rows, number)
    is_missing = is_missing | is_absent
    if match["component"]:
        end = first_repetition_ends(segments.text, start, end)
        start, end, is_absent = component_range(segments.text, start, end, int(match["component"]))
        is_missing |= is_absent
    column = segments.text.column(start, end, is_missing)
    has_escape = (count_between(segments.text.positions(b"\\"), start, end) > 0) & ~is_missing
    return _as_typed(column) if has_escape.any() else column


def chosen_part(column: pa.Array, path: str) -> pa.Array:
    """The repetition, component and subcomponent that the path names of its field."""
    match = FIELD_PATH.match(path)
    if not match["component"] and not match["choice"]:
        return column
    subcomponent = int(match["subcomponent"]) if match["subcomponent"] else None
    return component(column, int(match["component"] or 1), match["choice"], subcomponent)


def _as_typed(column: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring(column.cast(pa.string()), "\\")).as_py():
        return column
    return typed_text(column.cast(pa.string()), repetitions_are_lines=False)


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


def _end_of_group_before(groups: Groups, kind: int) -> np.ndarray:
    """The group's own segment of the merge before it in the message: each MRG has a PID of its own. Else 0."""
    if groups.kind != code_of(b"MRG") or kind != PID or not len(groups.first):
        return np.zeros(len(groups.first), np.int64)
    return np.where(groups.order_number > 1, np.append(0, groups.first[:-1]), 0)
