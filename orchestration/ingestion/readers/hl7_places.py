"""Which segment of its message is a group's own: by the places that the grammar of the standard gives to each kind.

Chapters 3 (ADT_A39: {PID [PD1] MRG [PV1]}), 7 (ORU_R01: PID [PD1] [PV1] {[ORC] OBR [NTE] {OBX [NTE]} {SPM}}) and 9 (MDM_T02:
PID PV1 {[ORC] [TQ1] OBR} TXA {OBX}). A value of another group is never taken: where the group has none, it is missing.
"""

import numpy as np

from orchestration.ingestion.readers.hl7_groups import Groups
from orchestration.ingestion.readers.hl7_segments import Segments, code_of

Found = tuple[np.ndarray, np.ndarray]
"""A row of `Segments` for each group, and whether there is none."""


def _codes(names: str) -> frozenset[int]:
    return frozenset(code_of(name.encode()) for name in names.split())


OBR, TXA, MRG, PID, OBX = (code_of(name) for name in (b"OBR", b"TXA", b"MRG", b"PID", b"OBX"))
_OF_MESSAGE = _codes("MSH SFT UAC EVN")
_OF_PATIENT = _codes("PID PD1 NK1 PV1 PV2 ARV DB1")
# once for all groups of a message; a merge has a patient of its own
FOR_ALL = {OBR: _OF_MESSAGE | _OF_PATIENT, TXA: _OF_MESSAGE | _OF_PATIENT, MRG: _OF_MESSAGE, PID: _OF_MESSAGE | _OF_PATIENT}  # fmt: skip
# with these a group begins before its own segment
LEADING = {OBR: _codes("ORC"), TXA: _codes("ORC TQ1 TQ2 OBR"), MRG: _codes("PID PD1"), PID: frozenset()}
# under a patient or before every order they are nobody's; other kinds, such as a sender's own, may be about the patient there
FOLLOWING = _codes("OBX NTE SPM TQ1 TQ2 CTD FT1 CTI CON PRT")


def segment_of_group(segments: Segments, groups: Groups, kind: int) -> Found:
    """The group's own segment; of the message and patient the last before it; else the first from where the group begins to
    where the next one does. A kind that no order needs to follow may stand before all groups and then holds for each."""
    if kind == groups.kind:
        return groups.first, ~groups.has_group
    places = np.flatnonzero(segments.kinds == kind)
    if not len(places):
        return np.zeros(len(groups.first), np.int64), np.ones(len(groups.first), bool)
    if kind in FOR_ALL[groups.kind]:
        # a message without group: anything in it may be looked at
        until = np.where(groups.has_group, groups.first, groups.message_last + 1)
        before = _last_within(places, groups.message_first, until)
        return _either(before, _first_within(places, groups.first, groups.last + 1))
    start, end = reach_of_groups(segments, groups)
    if kind in LEADING[groups.kind]:
        before = _last_within(places, start, groups.first)
        return _either(before, _first_within(places, groups.first, end))
    within = _first_within(places, start, end)
    if kind in FOLLOWING:
        return within
    first_start = start[np.arange(len(start)) - (groups.order_number - 1)]
    return _either(within, _last_within(places, groups.message_first, first_start))


def reach_of_groups(segments: Segments, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Where each group begins, with what leads up to its own segment, and where the next one or the message ends it."""
    anchor, is_first = groups.first, groups.order_number == 1
    earliest = np.where(is_first, groups.message_first, np.append(0, anchor[:-1] + 1)[: len(anchor)])
    # a result closes what led up to the group before
    lines = np.flatnonzero(segments.kinds == OBX)
    after_lines, has_none = _last_within(lines, earliest, anchor)
    earliest = np.where(has_none, earliest, after_lines + 1)
    is_leading = np.zeros(len(segments.kinds), bool)
    for kind in LEADING[groups.kind]:
        is_leading |= segments.kinds == kind
    leading, has_none = _first_within(np.flatnonzero(is_leading), earliest, anchor)
    start = np.where(groups.has_group, np.where(has_none, anchor, leading), groups.message_first)
    is_last = np.append(is_first[1:], True)[: len(anchor)]
    end = np.where(is_last, groups.last + 1, np.append(start[1:], 0)[: len(anchor)])
    return start, end


def _first_within(places: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Found:
    """The first of the ascending places in each [start, end)."""
    return _at(places, np.searchsorted(places, starts), starts, ends)


def _last_within(places: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Found:
    """The last of the ascending places in each [start, end)."""
    return _at(places, np.searchsorted(places, ends) - 1, starts, ends)


def _at(places: np.ndarray, which: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Found:
    if not len(places):
        return np.zeros(len(starts), np.int64), np.ones(len(starts), bool)
    rows = places[np.clip(which, 0, len(places) - 1)]
    return rows, (which < 0) | (which >= len(places)) | (rows < starts) | (rows >= ends)


def _either(first: Found, second: Found) -> Found:
    return np.where(first[1], second[0], first[0]), first[1] & second[1]
