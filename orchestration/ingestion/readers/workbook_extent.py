"""How far a workbook's sheets reach, looked up before a reader lays them out: it makes a cell of every place in the rectangle."""

import io
import re
import zipfile

from orchestration.ingestion.readers.landed_file import DAMAGED_ZIP, UnreadableFile

CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
PLACES_ALWAYS_ALLOWED = 2_000_000
PLACES_A_CELL = 200
"""A sheet of records is a filled rectangle; one that is emptier than one cell in 200 has a cell far from the others."""
STEP_BYTES = 4 * 2**20
LONGEST_CELL_TAG = 512


def check_extent(content: bytes) -> None:
    """Refuse a workbook of which one far cell would make a reader lay out a sheet of thousands of millions of places.

    Args:
        content: the workbook's bytes; only zipped ones (.xlsx, .xlsm) are looked at, the older ones cannot reach that far.
    Raises:
        UnreadableFile: a sheet reaches far beyond its cells; the reason names the last cell, not what stands in it.
    """
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                if "worksheets/" in member.filename and member.filename.endswith(".xml"):
                    with archive.open(member) as sheet:
                        _check_sheet(sheet)
    except DAMAGED_ZIP as error:
        raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error


def _check_sheet(sheet) -> None:
    n_cells, last_row, last_column, rest = 0, 0, b"", b""
    while part := sheet.read(STEP_BYTES):
        text = rest + part
        end = text.rfind(b">") + 1
        text, rest = text[:end], text[end:][-LONGEST_CELL_TAG:]
        cells = CELL.findall(text)
        n_cells += len(cells)
        last_row = max([last_row, *(int(row) for _, row in cells)])
        last_column = max([last_column, *(column for column, _ in cells)], key=_column_number)
    n_places = last_row * _column_number(last_column)
    if n_places > max(PLACES_ALWAYS_ALLOWED, PLACES_A_CELL * n_cells):
        raise UnreadableFile(
            f"a cell far from all others: the sheet reaches to {last_column.decode()}{last_row}, {n_places:,} places for"
            f" {n_cells:,} cells; delete what stands there (or the empty rows and columns up to it) and save again"
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
