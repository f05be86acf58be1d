"""The OBX segments of HL7 v2 result messages as lists of observations, their text unescaped (chapters 2.7 and 7)."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.byte_ranges import ByteText, count_between
from orchestration.ingestion.readers.hl7_segments import CONTINUATION, Segments, code_of, field_range

# HL7 table 0085; anything else in OBX-11 means that the fields have shifted
OBSERVATION_STATUSES = b"CDFINOPRSUWX"


def observations_of(segments: Segments, group_first: np.ndarray, group_last: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Each group's OBX segments in their order, and how many of them are cut off or lack OBX-3."""
    lines = np.flatnonzero(segments.kinds == code_of(b"OBX"))
    counts = count_between(lines, group_first, group_last + 1)
    is_inside = np.zeros(len(segments.kinds) + 1, np.int64)
    np.add.at(is_inside, group_first, 1)
    np.add.at(is_inside, group_last + 1, -1)
    lines = lines[np.cumsum(is_inside)[lines] > 0]
    offsets = np.append(0, np.cumsum(counts))
    code_start, code_end, no_code = field_range(segments, lines, 3)
    status_start, status_end, no_status = field_range(segments, lines, 11)
    status = np.where(no_status | (status_end - status_start != 1), 0, segments.text.codes[status_start])
    is_broken = no_code | (code_end == code_start) | ~np.isin(status, np.frombuffer(OBSERVATION_STATUSES, np.uint8))
    broken_so_far = np.append(0, np.cumsum(is_broken))
    specimen_start, specimen_end, no_specimen = field_range(segments, lines, 4)
    struct = pa.StructArray.from_arrays(
        [
            pa.array((np.arange(len(lines)) - np.repeat(offsets[:-1], counts) + 1).astype(np.int32)),
            segments.text.column(code_start, _end_of_component(segments.text, code_start, code_end), no_code),
            segments.text.column(specimen_start, specimen_end, no_specimen | (specimen_end == specimen_start)),
            _unescaped(segments.text, *field_range(segments, lines, 5)),
            segments.text.column(status_start, status_end, no_status),
        ],
        names=["sequence", "loinc_code", "specimen", "value", "status"],
    )
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct), np.diff(broken_so_far[offsets])


def _end_of_component(text: ByteText, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    carets = text.positions(b"^")
    if not len(carets):
        return ends
    following = np.searchsorted(carets, starts)
    return np.minimum(np.where(following < len(carets), carets[np.minimum(following, len(carets) - 1)], ends), ends)


def _unescaped(text: ByteText, starts: np.ndarray, ends: np.ndarray, is_absent: np.ndarray) -> pa.Array:
    """Text with line breaks for repetitions and with its escape sequences undone (HL7 v2.5.1, 2.7)."""
    plain = text.column(starts, ends, is_absent)
    marks = (b"\\", b"~", CONTINUATION)
    has_escape = np.any([count_between(text.positions(mark), starts, ends) > 0 for mark in marks], axis=0)
    if not has_escape.any():
        return plain
    value = text.column(starts[has_escape], ends[has_escape], is_absent[has_escape]).cast(pa.string())
    value = pc.replace_substring(pc.replace_substring(value, CONTINUATION.decode(), ""), "~", "\n")
    # the escaped escape character waits behind a control character, or the text \E\F\E\ would be undone twice
    value = pc.replace_substring(value, "\\E\\", "\x01")
    for code, character in (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~"), (".br", "\n"), ("H", ""), ("N", "")):
        value = pc.replace_substring(value, f"\\{code}\\", character)
    value = pc.replace_substring_regex(value, r"\\\.(sp|in|ti|fi|nf|ce)[+-]?\d*\\", "\n")
    if pc.any(pc.match_substring(value, "\\X")).as_py():
        value = pa.array([_hexadecimal_undone(line) for line in value.to_pylist()], pa.string())
    value = pc.replace_substring(value, "\x01", "\\")
    return pc.replace_with_mask(plain.cast(pa.string()), pa.array(has_escape), value).cast(pa.string_view())


def _hexadecimal_undone(line: str | None) -> str | None:
    def characters(match: re.Match) -> str:
        return bytes.fromhex(match[1]).decode("utf-8", errors="replace").replace("\0", "")

    return None if line is None else re.sub(r"\\X((?:[0-9A-Fa-f]{2})+)\\", characters, line)
