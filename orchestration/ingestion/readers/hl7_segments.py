"""The segments of an HL7 v2 file and their fields, by the positions of the separators (chapter 2 of the standard)."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.byte_ranges import ByteText
from orchestration.ingestion.readers.landed_file import UnreadableFile


def code_of(name: bytes) -> int:
    """A segment's name as a number, which compares faster than text."""
    return name[0] << 16 | name[1] << 8 | name[2]


CONTINUATION = b"\x1e"
LINE_FEED_OF_SEGMENT = re.compile(rb"\n(?=[A-Z][A-Z0-9]{2}(?:\||[\r\n]|\Z)|[\r\n]*\Z)")
# these patterns are found twice as fast as the bytes alone
# what joined files and people leave before a message: a byte order mark, blanks
BEFORE_A_MESSAGE = re.compile(rb"(^|\r)(?:\xef\xbb\xbf|[ \t])+(?=MSH\|)")
MAY_BE_BEFORE_A_MESSAGE = re.compile(rb"\r[ \t\xef]")
A_CONTINUATION, OF_A_BATCH = re.compile(rb"\rADD[|]"), re.compile(rb"\rB[HT]S")
PART_BYTES = 8 * 2**20
ENVELOPES = [code_of(name) for name in (b"FHS", b"BHS", b"BTS", b"FTS")]


@dataclass(frozen=True)
class Segments:
    """Every segment of a file: its bytes, its kind, and the message it belongs to (0 = before the first MSH)."""

    text: ByteText
    starts: np.ndarray
    ends: np.ndarray
    kinds: np.ndarray
    lines: np.ndarray
    messages: np.ndarray

    @cached_property
    def bars(self) -> np.ndarray:
        """Where the field separators stand; the end of the text closes the last field."""
        return np.append(self.text.positions(b"|"), len(self.text.codes))

    @cached_property
    def first_bar(self) -> np.ndarray:
        """Which of the `bars` is each segment's first."""
        return np.searchsorted(self.bars, self.starts)


def with_plain_segment_ends(content: bytes) -> bytes:
    """The file with CR for every segment end, without MLLP framing, and a mark where an ADD segment continues the one before it.

    Where segments end in CR, a line feed alone ends a segment only if one begins or the file ends after it; else it is text.
    """
    for framing in (b"\x0b", b"\x1c"):
        if framing in content:
            content = content.replace(framing, b"")
    if b"\n" in content:
        content = content.replace(b"\r\n", b"\r")
        content = LINE_FEED_OF_SEGMENT.sub(b"\r", content) if b"\r" in content else content.replace(b"\n", b"\r")
    if content[:1] in (b" ", b"\t", b"\xef") or MAY_BE_BEFORE_A_MESSAGE.search(content):
        content = BEFORE_A_MESSAGE.sub(rb"\1", content)
    return content.replace(b"\rADD|", CONTINUATION) if A_CONTINUATION.search(content) else content


def parts_of(content: bytes) -> list[bytes]:
    """The file in parts of some megabytes that end before an MSH; a batch stays whole, so that it can be counted."""
    if content.startswith((b"FHS", b"BHS")) or OF_A_BATCH.search(content):
        return [content]
    parts, start = [], 0
    while start < len(content):
        cut = content.find(b"\rMSH|", start + PART_BYTES)
        end = len(content) if cut < 0 else cut + 1
        parts.append(content[start:end])
        start = end
    return parts


def segments_of(content: bytes) -> Segments:
    """The segments of a file or part of a file that has `with_plain_segment_ends`, envelopes left out.

    Raises:
        UnreadableFile: a batch that holds fewer messages than its trailer says, or that has no trailer.
    """
    text = ByteText(content)
    breaks = text.positions(b"\r")
    starts, ends = np.append(0, breaks + 1), np.append(breaks, len(content))
    lines = np.arange(1, len(starts) + 1) + np.searchsorted(text.positions(CONTINUATION), starts)
    is_segment = ends > starts
    starts, ends, lines = starts[is_segment], ends[is_segment], lines[is_segment]
    letters = [text.codes_at(starts + place, 0).astype(np.int32) for place in range(3)]
    kinds = letters[0] << 16 | letters[1] << 8 | letters[2]
    # a segment shorter than its name would borrow bytes from the next line
    kinds = np.where(ends - starts >= 3, kinds, 0)
    is_envelope = np.isin(kinds, ENVELOPES)
    _check_batch_counts(text, starts, ends, kinds)
    starts, ends, kinds, lines = starts[~is_envelope], ends[~is_envelope], kinds[~is_envelope], lines[~is_envelope]
    return Segments(text, starts, ends, kinds, lines, np.cumsum(kinds == code_of(b"MSH")))


def _check_batch_counts(text: ByteText, starts: np.ndarray, ends: np.ndarray, kinds: np.ndarray) -> None:
    """A batch trailer (BTS-1) that counts other than the messages since its header tells of a half-written file."""
    is_header, is_trailer = kinds == code_of(b"BHS"), kinds == code_of(b"BTS")
    if is_header.sum() > is_trailer.sum():
        raise UnreadableFile("a batch has no trailer (BTS): the file may be half written")
    so_far = np.append(0, np.cumsum(kinds == code_of(b"MSH")))
    before = 0
    for place in np.flatnonzero(is_trailer):
        stated = text.content[starts[place] : ends[place]].split(b"|")[1:2]
        found = int(so_far[place] - before)
        before = so_far[place]
        if stated and stated[0].isdigit() and int(stated[0]) != found:
            raise UnreadableFile(
                f"a batch trailer counts {int(stated[0])} messages where the file holds {found}: it may be half written"
            )


def field_range(segments: Segments, rows: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, end and absence of the field after the `number`-th bar of each segment."""
    bars, starts, ends = segments.bars, segments.first_bar[rows] + number - 1, segments.ends[rows]
    before = bars[np.minimum(starts, len(bars) - 1)]
    is_absent = before >= ends
    following = bars[np.minimum(starts + 1, len(bars) - 1)]
    return np.where(is_absent, 0, before + 1), np.where(is_absent, 0, np.minimum(following, ends)), is_absent


def first_repetition_ends(text: ByteText, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Where the first repetition of each field ends."""
    tildes = text.positions(b"~")
    if not len(tildes):
        return ends
    following = np.searchsorted(tildes, starts)
    return np.minimum(np.where(following < len(tildes), tildes[np.minimum(following, len(tildes) - 1)], ends), ends)


def component_range(
    text: ByteText, starts: np.ndarray, ends: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, end and absence of a component of each field, whose first repetition it is counted in."""
    carets = text.positions(b"^")
    if not len(carets):
        return starts, ends, np.full(len(starts), number > 1)
    first = np.searchsorted(carets, starts)
    before = carets[np.minimum(first + number - 2, len(carets) - 1)] if number > 1 else starts - 1
    is_absent = (first + number - 2 >= len(carets)) | (before >= ends) if number > 1 else np.zeros(len(starts), bool)
    following = np.where(
        first + number - 1 < len(carets), carets[np.minimum(first + number - 1, len(carets) - 1)], ends
    )
    return np.where(is_absent, 0, before + 1), np.where(is_absent, 0, np.minimum(following, ends)), is_absent


def field(segments: Segments, rows: np.ndarray, number: int, is_missing: np.ndarray) -> pa.Array:
    start, end, is_absent = field_range(segments, rows, number)
    return segments.text.column(start, end, is_absent | is_missing)


def component(column: pa.Array, number: int, choice: str | None = None, subcomponent: int | None = None) -> pa.Array:
    """Component of the first repetition, or of the one that `choice` means: by place, by identifier type or authority."""
    text = column.cast(pa.string())
    if choice and choice.isdigit():
        repetition = rf"^(?:[^~]*~){{{int(choice) - 1}}}(?P<found>[^~]*)"
    elif choice:
        repetition = _repetition_of(*choice.split("@", 1)) if "@" in choice else _repetition_of(choice, "")
    else:
        repetition = "^(?P<found>[^~]*)"
    text = pc.struct_field(pc.extract_regex(text, repetition), "found")
    text = pc.struct_field(pc.extract_regex(text, rf"^(?:[^^]*\^){{{number - 1}}}(?P<found>[^^]*)"), "found")
    if subcomponent:
        text = pc.struct_field(pc.extract_regex(text, rf"^(?:[^&]*&){{{subcomponent - 1}}}(?P<found>[^&]*)"), "found")
    return text


def _repetition_of(kind: str, authority: str) -> str:
    """The first repetition whose identifier type (component 5) and authority (a part of component 4) are these."""
    a_part = rf"(?:[^~^&]*&)*{re.escape(authority)}(?:&[^~^]*)?" if authority else "[^~^]*"
    ending = rf"\^{re.escape(kind)}(?:\^[^~]*)?" if kind else r"(?:\^[^~]*)?"
    return rf"(?:^|~)(?P<found>[^~^]*(?:\^[^~^]*){{2}}\^{a_part}{ending})(?:~|$)"
