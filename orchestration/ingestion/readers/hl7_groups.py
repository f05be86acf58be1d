"""Which segments of an HL7 v2 message are one record: an order (OBR), a document (TXA), a merge (MRG), an unlinked patient (PID)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.hl7_segments import Segments, code_of, component, field

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
