"""Rows and cells: of a table with titles each row becomes 'row, title: cell.', of other rows two cells become 'label: value'."""

from __future__ import annotations

import re

from report_reader.layout.labels import LABEL_AND_VALUE
from report_reader.traced import Edit, Traced

CELL = re.compile(r"[ \t]*\|[ \t]*|[ \t]*\t[ \t]*|(?<=\S) {3,}(?=\S)")
BETWEEN_CELLS = re.compile(r"[|\t]|(?<=\S) {3}")
NARROW_CELL = re.compile(r"(?<=\S) {2,}(?=\S)")
"""Between the titles of a table whose rows stand farther apart."""
BULLETS = frozenset("*+>\u2022")
SLASHED = re.compile(r" / ")
FEWEST_SLASHES = 2
"""So many divide a line into cells."""
OPTIONS_BEGIN = re.compile(r":[ \t]*[A-Za-z]+$")
"""'Margin: involved', before '| uninvolved | not assessable'."""
NUMBER_OF_A_ROW = re.compile(r"#?\s?(?:\d{1,2}[a-z]?|[A-Z]|[IVX]{1,4})")
ONE_WORD, SOME_WORDS = re.compile(r"[A-Za-z]{3,12}"), re.compile(r"[A-Za-z ]{3,30}")
LONGEST_LABEL = 90
Span = tuple[int, int]


def with_table_rows(page: Traced) -> Traced:
    """Rows of a table with a header become 'row, title: cell.'; rows of two cells 'label: value'."""
    if page.text.count(" / ") < FEWEST_SLASHES and not BETWEEN_CELLS.search(page.text):
        return page
    lines = [match.span() for match in re.finditer(r"[^\n]+", page.text)]
    rows = [_cells(page.text, start, end) for start, end in lines]
    edits: list[Edit] = []
    at = 0
    while at < len(rows):
        last = at
        if at + 1 < len(rows) and len(rows[at]) < len(rows[at + 1]) > 2:
            narrow = _cells(page.text, *lines[at], NARROW_CELL)
            rows[at] = narrow if len(narrow) == len(rows[at + 1]) else rows[at]
        while last + 1 < len(rows) and len(rows[last + 1]) == len(rows[at]) > 1:
            last += 1
        if len(rows[at]) > 1 or rows[at] not in ([], [lines[at]]):
            edits.extend(_table_edits(page.text, lines[at : last + 1], rows[at : last + 1]))
        at = last + 1
    return page.edited(edits)


def _cells(text: str, start: int, end: int, between: re.Pattern[str] = CELL) -> list[Span]:
    cells, begin = [], start
    for match in between.finditer(text, start, end):
        cells.append((begin, match.start()))
        begin = match.end()
    cells.append((begin, end))
    if len(cells) == 1:
        slashes = list(SLASHED.finditer(text, start, end))
        if len(slashes) < FEWEST_SLASHES:
            return cells
        edges = [start, *(edge for match in slashes for edge in match.span()), end]
        return list(zip(edges[::2], edges[1::2], strict=True))
    if not text[slice(*cells[0])].strip():
        cells = cells[1:]
    if cells and not text[slice(*cells[-1])].strip() and "|" in text[start:end]:
        cells = cells[:-1]
    if len(cells) > 1 and text[slice(*cells[0])].strip() in BULLETS:
        cells = [(cells[0][0], cells[1][1]), *cells[2:]]
    return cells


def _table_edits(text: str, lines: list[Span], rows: list[list[Span]]) -> list[Edit]:
    titles = [text[a:b].strip(" :") for a, b in rows[0]]
    body = [[text[a:b].strip() for a, b in row] for row in rows[1:]]
    has_header = (
        len(rows) > 1 and not any(re.search(r"\d", title) for title in titles) and len(titles) > 2 and all(titles[1:])
    )
    if not has_header:
        return [edit for line, row in zip(lines, rows, strict=True) for edit in _row_edits(text, line, row)]
    edits = [Edit(lines[0][0], lines[0][1], "")]
    for (start, end), cells in zip(lines[1:], body, strict=True):
        said = [f"{title}: {cell}" for title, cell in zip(titles[1:], cells[1:], strict=True) if cell.strip("- ")]
        edits.append(Edit(start, end, ", ".join([_row_name(titles[0], cells[0]), *said]) + "."))
    return edits


def _row_edits(text: str, line: Span, row: list[Span]) -> list[Edit]:
    """Bars before and behind a row leave; what stands between its cells becomes what it means."""
    gaps = _gaps(text, row)
    if not gaps and len(row) > 1:
        return []
    ends = [((line[0], row[0][0]), ""), *gaps, ((row[-1][1], line[1]), "")]
    return [Edit(*gap, becomes) for gap, becomes in ends if gap[0] < gap[1]]


def _gaps(text: str, row: list[Span]) -> list[tuple[Span, str]]:
    """What stands between the cells of a row without titles: a label and its value, or one label with its value beside another."""
    if len(row) > 1 and all(LABEL_AND_VALUE.match(text, *cell) for cell in row if text[slice(*cell)].strip()):
        return [((left[1], right[0]), "\n") for left, right in zip(row, row[1:], strict=False)]
    label = text[slice(*row[0])].strip()
    if (
        len(row) > 2
        and OPTIONS_BEGIN.search(label)
        and not any(re.search(r"[:\d]", text[slice(*cell)]) for cell in row[1:])
    ):
        return [((left[1], right[0]), " / ") for left, right in zip(row, row[1:], strict=False)]
    return [((row[0][1], row[1][0]), " " if label.endswith(":") else ": ")] if _is_pair(text, row) else []


def _row_name(title: str, cell: str) -> str:
    """'Lesion' and '2' are 'Lesion 2', 'Margin' and 'Parenchymal' are 'Parenchymal Margin'."""
    if NUMBER_OF_A_ROW.fullmatch(cell) and title:
        return f"{title[:1].upper()}{title[1:]} {cell}"
    is_adjective = ONE_WORD.fullmatch(title) and SOME_WORDS.fullmatch(cell)
    return f"{cell} {title}" if is_adjective and title.lower() not in cell.lower() else cell


def _is_pair(text: str, row: list[Span]) -> bool:
    label = text[row[0][0] : row[0][1]].strip()
    return (
        len(row) == 2
        and bool(label)
        and label[-1] not in ".;,"
        and len(label) < LONGEST_LABEL
        and bool(text[row[1][0] : row[1][1]].strip())
    )
