"""Delimited text (CSV and its dialects): Arrow's compiled parser, with every line accounted for."""

import csv
import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import WARNING, Notice
from orchestration.ingestion.readers.byte_ranges import ByteText, count_between
from orchestration.ingestion.readers.cell_marks import without_marks
from orchestration.ingestion.readers.decimal_commas import refuse_decimal_commas
from orchestration.ingestion.readers.delimited_header import Layout, layout_of
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8, ends_as_declared
from orchestration.ingestion.readers.report_rows import records_of_table
from orchestration.ingestion.readers.stray_quotes import (
    BEHIND_A_QUOTE,
    FEWEST_COLUMNS,
    SWALLOWED,
    has_text_behind_a_quote,
    lines_to_look_at,
    look_like_records,
    n_named,
    places_with_a_shape,
    samples_of,
)
from orchestration.ingestion.readers.tabular import Choices, Rows, check_header, rows_of_lists

MAX_BLOCK_BYTES = 2**31 - 1
# csv's own limit of 128 kB a field would refuse a file for one long report
csv.field_size_limit(sys.maxsize)
# a line that no text file holds; found again as a row of its own only if no quote is open before it
END_OF_FILE = "\0"
BACKSLASH = "\\"


def read_delimited(content: bytes, contract: SourceContract) -> pa.Table:
    """Records of a delimited file; a row with too few or too many fields carries a structure problem.

    Blank lines, also of delimiters alone, are no records. `source_line` is the physical line on which the record starts.
    Excel's line `sep=;` names the delimiter. The header is the first row that has the contract's columns, or `header_row`;
    what stands above it is listed.

    Raises:
        UnreadableFile: see `as_utf_8`; also a last line without end, or a header without the contract's columns.
    """
    return records_of_table(delimited_rows(content, contract, contract.column_choices), contract)


def delimited_rows(content: bytes, contract: SourceContract, *wanted: Choices) -> Rows:
    """All rows of a delimited file with all of its columns; those of one of the sets `wanted` must be there."""
    text = as_utf_8(content, contract.encoding, contract.fallback_encoding)
    ends_as_declared(text, contract.ends_with_newline)
    layout = layout_of(text, contract, wanted)
    text = text[layout.start :]
    escape = contract.escape_character if contract.escape_character.encode() in text else ""
    records = None if layout.names is None or escape else _plain_records(text, layout.delimiter, len(layout.names))
    rows = _parsed_by_arrow(records, layout) if records else None
    if rows is None or (records and _swallows_a_record(records, rows, layout, contract)):
        rows = _read_line_by_line(text.decode(), layout, escape, contract)
    check_header(next((choice for choice in wanted if _holds(choice, rows.header)), wanted[0]), rows.header)
    rows = _without_blank_rows(rows)
    if layout.delimiter == "," and layout.names is not None:
        refuse_decimal_commas(rows, len(layout.names), contract)
    return rows.noticed(layout.notices)


def _without_blank_rows(rows: Rows) -> Rows:
    """A row of delimiters alone is a spreadsheet's blank line."""
    is_blank = np.asarray(pc.is_null(rows.structure_problem))
    for column in rows.columns:
        if not is_blank.any():
            return rows
        is_blank &= np.asarray(pc.equal(pc.binary_length(pc.fill_null(column, "")), 0))
    return rows.filtered(pa.array(~is_blank)) if is_blank.any() else rows


def _holds(choice: Choices, header: list[str]) -> bool:
    try:
        check_header(choice, header)
    except UnreadableFile:
        return False
    return True


@dataclass(frozen=True)
class _Records:
    """Where the records of a text lie, its header excluded."""

    text: ByteText
    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    n_fields: np.ndarray
    inner: tuple[np.ndarray, np.ndarray]
    """Start and end of each line that begins within quoted text."""


def _plain_records(content: bytes, delimiter: str, width: int) -> _Records | None:
    """The records, or None where quotes or line ends are such that only csv's reading is sure."""
    if len(delimiter) != 1 or ord(delimiter) > 127 or width == 0:
        return None
    if content.count(b"\r") != content.count(b"\r\n"):
        return None
    text = ByteText(content)
    quotes = text.positions(b'"')
    if not _are_quotes_regular(text, quotes, delimiter):
        return None
    breaks = text.positions(b"\n")
    if not len(breaks) or breaks[-1] != len(content) - 1:
        breaks = np.append(breaks, len(content))
    delimiters = text.positions(delimiter.encode())
    line_of_break = np.arange(1, len(breaks) + 1)
    inner = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if len(quotes):
        # an even number of quotes before it: the break or delimiter stands outside quoted text
        is_end = np.searchsorted(quotes, breaks) % 2 == 0
        within = np.flatnonzero(~is_end)
        inner = breaks[within] + 1, breaks[np.minimum(within + 1, len(breaks) - 1)]
        breaks, line_of_break = breaks[is_end], line_of_break[is_end]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    starts = np.append(0, breaks[:-1] + 1)
    lines = np.append(1, line_of_break[:-1] + 1)
    has_return = (breaks > starts) & (text.codes[np.maximum(breaks - 1, 0)] == ord("\r"))
    ends = breaks - has_return
    is_record = ends > starts
    is_record[0] = False
    n_fields = 1 + count_between(delimiters, starts, ends)
    return _Records(text, starts[is_record], ends[is_record], lines[is_record], n_fields[is_record], inner)


def _are_quotes_regular(text: ByteText, quotes: np.ndarray, delimiter: str) -> bool:
    """Whether each quote opens a field, closes one, or is doubled, as RFC 4180 has it."""
    if len(quotes) % 2:
        return False
    if not len(quotes):
        return True
    around = np.frombuffer(b'\r\n"' + delimiter.encode(), np.uint8)
    before = np.where(quotes[::2] > 0, text.codes[np.maximum(quotes[::2] - 1, 0)], ord("\n"))
    after = text.codes_at(quotes[1::2] + 1, ord("\n"))
    return bool(np.isin(before, around).all() and np.isin(after, around).all())


def _parsed_by_arrow(records: _Records, layout: Layout) -> Rows:
    header = _header_as_wide_as_rows(
        layout.names or [], records.n_fields, lambda: _n_delimiters_at_end(records, layout.delimiter)
    )
    is_ragged = records.n_fields != len(header)
    columns = without_marks(_columns(records, ~is_ragged, layout.delimiter, len(header)), records.text.content)
    order = np.argsort(np.concatenate([records.lines[~is_ragged], records.lines[is_ragged]]), kind="stable")
    problems = np.full(len(is_ragged), None, object)
    problems[is_ragged] = [f"{n} fields where the header has {len(header)}" for n in records.n_fields[is_ragged]]
    if is_ragged.any():
        # what stands in a row of another shape may belong to other columns: it has no values
        nothing = pa.nulls(int(is_ragged.sum()), pa.string())
        columns = [pa.chunked_array([*column.chunks, nothing]).take(pa.array(order)) for column in columns]
    return Rows(
        pa.array(records.lines + layout.lines_before),
        records.text.column(records.starts, records.ends),
        pa.array(problems, pa.string()),
        header,
        columns,
    )


def _swallows_a_record(records: _Records, rows: Rows, layout: Layout, contract: SourceContract) -> bool:
    """Whether a line within quoted text has the shape of a record: then only the lines themselves are sure."""
    places = places_with_a_shape(contract, rows.header)
    if not len(records.inner[0]) or not len(rows) or len(places) < FEWEST_COLUMNS:
        return False
    samples = samples_of({place: rows.columns[place] for place in places})
    width = n_named(layout.names or [])
    lines = lines_to_look_at(records.text, records.inner, layout.delimiter, width, samples)
    return bool(look_like_records(lines, layout.delimiter, samples).any())


def _n_delimiters_at_end(records: _Records, delimiter: str) -> np.ndarray:
    found = np.zeros(len(records.ends), np.int64)
    while True:
        places = records.ends - 1 - found
        is_one = (places >= records.starts) & (records.text.codes[np.maximum(places, 0)] == ord(delimiter))
        if not is_one.any():
            return found
        found += is_one


def _header_as_wide_as_rows(
    names: list[str], n_fields: np.ndarray, n_empty_at_end: Callable[[], np.ndarray]
) -> list[str]:
    """The header with as many names as the rows have fields, where they differ only by delimiters at the line ends.

    Some systems end each record, but not the header, with a delimiter (or the header only). That is so only if no row has as many
    fields as the header: one longer row among others holds a delimiter within a value.
    """
    if not len(n_fields) or (n_fields == len(names)).any():
        return names
    width = int(np.bincount(n_fields).argmax())
    if width < len(names):
        return names[:width] if not any(names[width:]) else names
    ends_so = n_empty_at_end()[n_fields == width] >= width - len(names)
    return [*names, *[""] * (width - len(names))] if ends_so.all() else names


def _columns(records: _Records, is_sound: np.ndarray, delimiter: str, width: int) -> list[pa.ChunkedArray]:
    """The fields of the records that have as many as the header."""
    names = [f"{place}" for place in range(width)]
    if not is_sound.any():
        return [pa.chunked_array([], pa.string()) for _ in names]
    longest = int((records.ends - records.starts).max())
    parsed = pa.csv.read_csv(
        pa.BufferReader(_without(records, ~is_sound)),
        # a record must fit two of the parser's blocks
        read_options=pa.csv.ReadOptions(column_names=names, block_size=min(max(1 << 20, longest + 3), MAX_BLOCK_BYTES)),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=len(records.inner[0]) > 0),
        convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    if parsed.num_rows != is_sound.sum():
        # cannot happen with regular quotes; if it did, rows would belong to other lines than they say
        raise UnreadableFile("the rows cannot be matched with the file's lines")
    return parsed.columns


def _without(records: _Records, is_ragged: np.ndarray) -> bytes:
    """The text of the records that have the header's number of fields."""
    if not len(records.starts):
        return b""
    content = records.text.content
    if not is_ragged.any():
        return content[records.starts[0] :]
    return b"\n".join(
        content[start:end] for start, end in zip(records.starts[~is_ragged], records.ends[~is_ragged], strict=True)
    )


def _read_line_by_line(text: str, layout: Layout, escape: str, contract: SourceContract) -> Rows:
    """The slow road by Python's csv module, for stray quotes, escapes, lone carriage returns and long delimiters."""
    rows = _read_by_csv(text, layout, escape, contract)
    if escape or BACKSLASH + '"' not in text or not _n_ragged(rows):
        return rows
    try:
        escaped = _read_by_csv(text, layout, BACKSLASH, contract)
    except UnreadableFile:
        return rows
    if _n_ragged(escaped):
        return rows
    reason = 'quotes are written as \\" and read so: only then has each row as many fields as the header'
    return escaped.noticed([Notice("escape character", len(escaped), reason, kind=WARNING)])


def _n_ragged(rows: Rows) -> int:
    return len(rows) - rows.structure_problem.null_count


@dataclass(frozen=True)
class _ReadRow:
    """A row as csv read it: its first line, its lines, its fields, and why they cannot be trusted."""

    start: int
    lines: list[str]
    fields: list[str]
    problem: str | None = None


def _read_by_csv(text: str, layout: Layout, escape: str, contract: SourceContract) -> Rows:
    # not str.splitlines, which would also break a line at characters such as Latin-1's 0x85
    lines = list(io.StringIO(text, newline=""))
    # databases that write escapes write \N for a missing value
    read = [_without_null_marks(line, layout.delimiter) for line in lines] if escape == BACKSLASH else lines
    try:
        rows = list(csv.reader([*read, END_OF_FILE], delimiter=layout.delimiter, escapechar=escape or None))
    except (csv.Error, TypeError) as error:
        raise UnreadableFile(f"not readable as delimited text: {error}") from error
    last_line = 1 + layout.lines_before + sum(_n_lines(row) for row in rows[:-1])
    if rows.pop() != [END_OF_FILE]:
        raise UnreadableFile(f"a quote opened in the record of line {last_line} is never closed")
    names = [name.strip() for name in rows[0]]
    if any("\n" in name or "\r" in name for name in names) and layout.names is None:
        # a stray quote in the header swallows the records after it into a column's name
        raise UnreadableFile("a column's name in the header holds a line break: a quote may be stray or not closed")
    # a quoted field may hold line breaks, so a record's first line is the running sum of the lines before it
    spans = [_n_lines(row) for row in rows] if len(rows) < len(lines) else [1] * len(rows)
    starts = list(accumulate(spans, initial=1))[:-1]
    records = [
        _ReadRow(start + layout.lines_before, lines[start - 1 : start - 1 + span], row)
        for start, span, row in zip(starts[1:], spans[1:], rows[1:], strict=True)
        if row
    ]
    records = _without_swallowed_lines(records, names, layout.delimiter, escape, contract)
    sound = [record for record in records if not record.problem]
    header = _header_as_wide_as_rows(
        names,
        np.array([len(record.fields) for record in sound], np.int64),
        lambda: np.array([_n_empty_at_end(record.fields) for record in sound], np.int64),
    )
    problems = [record.problem or _problem_of_width(len(record.fields), len(header)) for record in records]
    payloads = ["".join(record.lines).rstrip("\r\n") for record in records]
    fields = [record.fields for record in records]
    read_rows = rows_of_lists([record.start for record in records], payloads, problems, header, fields)
    return replace(read_rows, columns=without_marks(read_rows.columns, text.encode()))


def _problem_of_width(n: int, width: int) -> str | None:
    return None if n == width else f"{n} fields where the header has {width}"


def _without_swallowed_lines(
    records: list[_ReadRow], names: list[str], delimiter: str, escape: str, contract: SourceContract
) -> list[_ReadRow]:
    """The rows; one whose quoted text may hold other records is taken apart into its lines, of which none can be trusted."""
    several = [place for place, record in enumerate(records) if len(record.lines) > 1]
    inner = [
        (place, line)
        for place in several
        for line in records[place].lines[1:]
        if line.count(delimiter) >= max(n_named(names) - 1, 1)
    ]
    sound = [record.fields for record in records if len(record.fields) >= n_named(names)]
    places = places_with_a_shape(contract, names)
    samples = samples_of({place: pa.array([row[place] for row in sound], pa.string()) for place in places})
    is_record = look_like_records(pa.array([line for _, line in inner], pa.string()), delimiter, samples)
    reasons = {place: SWALLOWED for (place, _), is_one in zip(inner, is_record, strict=True) if is_one}
    reasons |= {
        place: BEHIND_A_QUOTE
        for place in several
        if has_text_behind_a_quote("".join(records[place].lines), delimiter, escape)
    }
    return [
        one
        for place, record in enumerate(records)
        for one in (_lines_of(record, reasons[place]) if place in reasons else [record])
    ]


def _lines_of(record: _ReadRow, reason: str) -> list[_ReadRow]:
    lines = f"{record.start} to {record.start + len(record.lines) - 1}"
    return [
        _ReadRow(record.start + place, [line], [], reason.format(lines))
        for place, line in enumerate(record.lines)
        if line.strip()
    ]


def _without_null_marks(line: str, delimiter: str) -> str:
    return re.sub(rf"(?:(?<=^)|(?<={re.escape(delimiter)}))\\N(?={re.escape(delimiter)}|\r|\n|$)", "", line)


def _n_empty_at_end(row: list[str]) -> int:
    return next((place for place, value in enumerate(reversed(row)) if value), len(row))


def _n_lines(row: list[str]) -> int:
    return 1 + sum(len(io.StringIO(value + ".", newline="").readlines()) - 1 for value in row)
