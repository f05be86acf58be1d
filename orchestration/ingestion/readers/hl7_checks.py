"""Why the shape of an HL7 v2 message cannot be read."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_characters import NOT_DECODED
from orchestration.ingestion.readers.hl7_groups import Groups
from orchestration.ingestion.readers.hl7_observations import Lines
from orchestration.ingestion.readers.hl7_segments import Segments, code_of

USUAL_DELIMITERS = b"|^~\\&"
Reason = tuple[np.ndarray, Callable[[int], str]]
"""Which groups have the problem, and its words for one of them."""


def structure_problems(segments: Segments, groups: Groups, message_type: str, further: list[Reason]) -> pa.Array:
    """Why a record's shape cannot be read, first reason first; null where it can."""
    first, last = groups.message_first, groups.message_last + 1
    counts = {
        kind: count_between(np.flatnonzero(segments.kinds == code_of(kind)), first, last)
        for kind in (b"MSH", b"PID", b"DSC")
    }
    n_odd = count_between(np.flatnonzero(~_is_segment_name(segments)), first, last)
    is_merge = message_type == "ADT"
    n_pid = counts[b"PID"]
    kind = groups.kind.to_bytes(3, "big").decode()
    reasons: list[Reason] = [
        (counts[b"MSH"] == 0, lambda row: "segments before the first MSH"),
        (~_has_usual_delimiters(segments, first), lambda row: "delimiters other than |^~\\& in MSH-1 and MSH-2"),
        (_is_not_decoded(segments, first), lambda row: "the text is not in the character set that MSH-18 names"),
        (groups.types != message_type, lambda row: f"MSH-9 is not {message_type}"),
        (
            n_pid == 0 if is_merge else n_pid != 1,
            lambda row: f"a message must have one PID segment, this has {n_pid[row]}",
        ),
        (~groups.has_group, lambda row: "no second PID segment" if kind == "PID" else f"no {kind} segment"),
        (n_odd > 0, lambda row: f"{n_odd[row]} line(s) that are no segment"),
        (counts[b"DSC"] > 0, lambda row: "continued in another message (DSC segment)"),
        *further,
    ]
    problems: list[str | None] = [None] * len(groups.first)
    for applies, reason in reversed(reasons):
        for row in np.flatnonzero(applies):
            problems[row] = reason(row)
    return pa.array(problems, pa.string())


def problems_of_lines(segments: Segments, groups: Groups, lines: Lines, needs_no_line: np.ndarray) -> list[Reason]:
    """What a report's lines lack; an order that was cancelled or has no result yet needs none."""
    obx = np.flatnonzero(segments.kinds == code_of(b"OBX"))
    n_astray = np.where(groups.order_number == 1, count_between(obx, groups.message_first, groups.first), 0)
    kind = groups.kind.to_bytes(3, "big").decode()
    return [
        (n_astray > 0, lambda row: f"{n_astray[row]} OBX segment(s) before the first {kind}"),
        ((lines.n_lines == 0) & ~needs_no_line, lambda row: "no OBX segment: the message is cut off"),
        (lines.n_broken > 0, lambda row: f"{lines.n_broken[row]} OBX segment(s) cut off or without OBX-3"),
    ]


def problems_of_merges(segments: Segments, groups: Groups) -> list[Reason]:
    first, last = groups.message_first, groups.message_last + 1
    n_pid, n_groups = (
        count_between(np.flatnonzero(segments.kinds == kind), first, last) for kind in (code_of(b"PID"), groups.kind)
    )
    lacks_group = (n_pid > n_groups) & groups.has_group
    return [(lacks_group, lambda row: f"{n_pid[row]} PID segments, but {n_groups[row]} MRG: the message is cut off")]


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


def _is_not_decoded(segments: Segments, rows: np.ndarray) -> np.ndarray:
    return segments.text.codes_at(segments.ends[rows] - 1, 0) == NOT_DECODED[0]
