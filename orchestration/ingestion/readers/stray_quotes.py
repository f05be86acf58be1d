"""Quoted text that has swallowed other records: a stray quote opened it, and the next quote of another record closed it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.byte_ranges import ByteText

BEHIND_A_QUOTE = "text stands straight behind the closing quote of a field of lines {}: a quote in these lines is stray"
SWALLOWED = (
    "the quoted text of lines {} holds a line with the shape of a record: a quote in these lines is stray or not closed"
)
FEWEST_COLUMNS, FEWEST_DIGITS = 2, 6
"""Fewer are no rarity in a text: `12,5 mm` begins as a record of patient 12 does, and 4,5,6 are segments."""
RECORDS_COMPARED = 10_000

KINDS, LONGEST = 3, 255
Samples = Mapping[int, pa.Array]
"""Place of a column -> values of its own."""


def has_text_behind_a_quote(record: str, delimiter: str, escape: str) -> bool:
    """Whether a quoted field of several lines has text straight behind its closing quote, which csv appends without a word.

    Within one line that is somebody's way of writing (`"Segment 4" resection`); over several the quote that closed the field may
    belong to another record.
    """
    return any(
        ("\n" in field[1] or "\r" in field[1]) and field[2].strip()
        for field in _fields(delimiter, escape).finditer(record)
        if field[1] is not None
    )


@cache
def _fields(delimiter: str, escape: str) -> re.Pattern:
    """The fields of a record as csv takes them apart: 1 is what stands in quotes, 2 what follows the closing one."""
    end, mark = re.escape(delimiter), re.escape(escape)
    escaped = f"|{mark}." if escape else ""
    plain = rf"(?:[^{end}\r\n{mark}]{escaped})*+"
    quoted = rf'"((?:[^"{mark}]|""{escaped})*+)"({plain})'
    return re.compile(rf"(?:{quoted}|{plain})(?:{end}|\r\n|\r|\n|\Z)", re.DOTALL)


def places_with_a_shape(contract: SourceContract, header: Sequence[str]) -> list[int]:
    """The columns by which a record is told from a line of text: those of its key, its patient and its days."""
    types = canonical_feeds()[contract.feed].columns
    names = [
        column
        for name, field in contract.fields.items()
        if name in (*contract.key, contract.patient_column) or types[name].type in ("date", "timestamp")
        for column in field.source_columns
    ]
    return sorted({header.index(name) for name in names if name in header})


def samples_of(columns: Mapping[int, pa.Array | pa.ChunkedArray]) -> Samples:
    """The values of these columns in some thousands of records from all over the file."""
    samples = {}
    for place, column in columns.items():
        chosen = np.unique(np.linspace(0, len(column) - 1, min(len(column), RECORDS_COMPARED)).astype(np.int64))
        samples[place] = pc.unique(column.take(pa.array(chosen)).cast(pa.string()).fill_null(""))
    return samples


def look_like_records(lines: pa.Array, delimiter: str, samples: Samples) -> np.ndarray:
    """Whether each line has, at the places of these columns, values written as theirs are, or nothing; with digits enough.

    A line must have as many fields as the last of the places needs.
    """
    n_alike, n_digits = np.zeros(len(lines), np.int64), np.zeros(len(lines), np.int64)
    if len(samples) < FEWEST_COLUMNS or not len(lines):
        return n_alike > 0
    cells = pc.split_pattern(lines, delimiter)
    is_other = np.zeros(len(lines), bool)
    for place, values in samples.items():
        cell = _shape(pc.utf8_trim(pc.list_element(cells, place), '"'))
        is_alike = np.asarray(pc.is_in(cell, pc.unique(_shape(values))))
        is_other |= ~is_alike & np.asarray(pc.not_equal(cell, ""))
        digits = np.asarray(pc.count_substring(cell, "9"))
        n_alike += is_alike & (digits > 0)
        n_digits += digits
    return ~is_other & (n_alike >= FEWEST_COLUMNS) & (n_digits >= FEWEST_DIGITS)


def n_named(header: Sequence[str]) -> int:
    """How many fields a record needs: some systems end the header with a delimiter, and not the records."""
    return max((place for place, name in enumerate(header, start=1) if name), default=0)


def lines_to_look_at(
    text: ByteText, lines: tuple[np.ndarray, np.ndarray], delimiter: str, width: int, samples: Samples
) -> pa.Array:
    """The few of many lines that may look like records: wide enough, each value as long and begun as others of its column."""
    starts, ends = lines
    delimiters = np.append(text.positions(delimiter.encode()), np.full(width, len(text.codes)))
    first = np.searchsorted(delimiters, starts)
    is_wide = delimiters[first + max(width - 2, 0)] < ends
    starts, ends, first = starts[is_wide], ends[is_wide], first[is_wide]
    for place, values in samples.items():
        begin = starts if place == 0 else delimiters[first + place - 1] + 1
        end = np.minimum(delimiters[first + place], ends)
        may_be = _is_written_so(text, begin, end, values)
        starts, ends, first = starts[may_be], ends[may_be], first[may_be]
    return text.column(starts, ends).cast(pa.string())


def _is_written_so(text: ByteText, begin: np.ndarray, end: np.ndarray, values: pa.Array) -> np.ndarray:
    """By length in bytes and kind of first byte; what is quoted or empty may be anything."""
    is_known = np.zeros(KINDS * (LONGEST + 1), bool)
    as_bytes = values.cast(pa.binary())
    lengths = np.minimum(np.asarray(pc.binary_length(as_bytes)), LONGEST)
    first_bytes = np.frombuffer(b"".join(pc.binary_slice(as_bytes, 0, 1).to_pylist()), np.uint8)
    is_known[KINDS * lengths[lengths > 0] + _KIND_OF_BYTE[first_bytes]] = True
    first = text.codes_at(begin, 0)
    found = is_known[KINDS * np.clip(end - begin, 0, LONGEST) + _KIND_OF_BYTE[first]]
    return found | (end <= begin) | (first == ord('"'))


def _kinds_of_bytes() -> np.ndarray:
    """Digits, letters (of ASCII or not), and all else."""
    kinds = np.full(256, 2)
    kinds[[code for code in range(256) if chr(code).isalpha() or code > 127]] = 1
    kinds[ord("0") : ord("9") + 1] = 0
    return kinds


_KIND_OF_BYTE = _kinds_of_bytes()


def _shape(texts: pa.Array) -> pa.Array:
    """Digits as 9, letters as A."""
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, "[0-9]", "9"), r"\pL", "A")
