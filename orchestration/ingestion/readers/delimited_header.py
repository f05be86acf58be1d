"""Where the table of a delimited file begins, and by which delimiter: Excel's `sep=` line, lines above the header, sniffing."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.tabular import (
    Choices,
    check_above_header,
    header_names,
    holds_columns,
    notices_above_header,
)

SNIFFED_DELIMITERS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?[,;\t|]*\r?(?:\n|$)', re.IGNORECASE)
HEADER_SEARCH_LINES = 50


@dataclass(frozen=True)
class Layout:
    """Where a file's table begins."""

    delimiter: str
    start: int
    """Byte offset of the header in the UTF-8 text."""
    lines_before: int
    names: list[str] | None
    """The header's names, stripped; None where it does not stand in one line, so that csv must read it."""
    notices: list[Notice]


def layout_of(text: bytes, contract: SourceContract, wanted: Sequence[Choices]) -> Layout:
    """The header is the first row that has all columns of one of the sets `wanted`, by the contract's delimiter or by that of a
    `sep=` line; where there is none, the first line is taken for it, and what it lacks is said of it.

    Raises:
        UnreadableFile: no sniffed delimiter gives the contract's columns, or the file has no line `header_row`.
    """
    said = SEPARATOR_LINE.match(text)
    first = said.end() if said else 0
    delimiters = list(SNIFFED_DELIMITERS) if contract.delimiter == "sniff" else [contract.delimiter]
    if said:
        delimiters = list(dict.fromkeys([*delimiters, said[1].decode("utf-8", "replace")]))
    lines_said = 1 if said else 0
    for delimiter in delimiters:
        for start, line, names in _candidates(text, first, lines_said, delimiter, contract):
            if any(holds_columns(names, choices) for choices in wanted):
                return _layout(text, start, line, delimiter, wanted, first, contract)
    if contract.delimiter == "sniff":
        found = " ".join(map(repr, SNIFFED_DELIMITERS))
        line = text[first : text.find(b"\n", first) + 1 or len(text)].decode("utf-8", "replace").strip()
        names = max((cells_of(line, one) for one in delimiters), key=len)
        raise UnreadableFile(f"the header lacks the contract's column(s) by any of the delimiters {found}", names)
    if contract.header_row:
        start, line = _line_start(text, contract.header_row)
        return _layout(text, start, line, contract.delimiter, wanted, first, contract)
    return _layout(text, first, lines_said, contract.delimiter, wanted, first, contract)


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line; none of a line that is no row, such as one with a bare carriage return outside quotes."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _layout(
    text: bytes,
    start: int,
    lines_before: int,
    delimiter: str,
    wanted: Sequence[Choices],
    first: int,
    contract: SourceContract,
) -> Layout:
    end = text.find(b"\n", start) + 1 or len(text)
    line = io.StringIO(text[start:end].decode("utf-8", "replace"), newline="").readline()
    names = None
    if line.count('"') % 2 == 0:
        cells = cells_of(line, delimiter)
        names = header_names(cells, [choice for choices in wanted for choice in choices])
    above = [part.strip("\r\n") for part in text[first:start].decode("utf-8", "replace").split("\n")]
    above = [part for part in above if part.strip()]
    check_above_header(csv.reader(above, delimiter=delimiter), names or [], contract)
    return Layout(delimiter, start, lines_before, names, notices_above_header(len(above)))


def _line_start(text: bytes, number: int) -> tuple[int, int]:
    start = 0
    for _ in range(number - 1):
        start = text.find(b"\n", start) + 1
        if not start or start >= len(text):
            raise UnreadableFile(
                f"the file has no line {number}, where the contract's `header_row` says that the header is"
            )
    return start, number - 1


def _candidates(
    text: bytes, first: int, lines_said: int, delimiter: str, contract: SourceContract
) -> Iterator[tuple[int, int, list[str]]]:
    """Where a header may be: byte offset, lines before it, its cells."""
    if contract.header_row:
        first, lines_said = _line_start(text, contract.header_row)
    start, n_lines = first, lines_said
    for _ in range(1 if contract.header_row else HEADER_SEARCH_LINES):
        end = text.find(b"\n", start) + 1 or len(text)
        if start >= len(text):
            return
        # a lone carriage return may end lines too
        line = io.StringIO(text[start:end].decode("utf-8", "replace"), newline="").readline()
        yield start, n_lines, cells_of(line, delimiter)
        start, n_lines = end, n_lines + 1
