"""Where a workbook that is no .xlsx holds errors (#N/A, #REF!, ...): of such cells calamine gives nothing, as of empty ones.

Of each format only the records of these cells are looked at. Sources: MS-XLS 2.4.24 (BoolErr) and 2.4.127 (Formula), MS-XLSB 2.4.308
(BrtCellError) and 2.4.664 (BrtFmlaError), OpenDocument 1.3 part 3, 9.1.4 (table-cell).
"""

import re
import struct
import zipfile
from collections.abc import Iterator

from orchestration.ingestion.readers.workbook_records import (
    Place,
    cells_of_ods,
    cells_of_workbook,
    records_of_xlsb,
    sheet_of_xls,
    sheet_of_xlsb,
    tables_of_ods,
)

ERRORS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
    43: "#GETTING_DATA",
}
# records of .xls and .xlsb
BOOLERR, FORMULA = 0x205, 0x06
ROW, CELL_ERROR, FORMULA_ERROR = 0, 3, 11
# as the error of a cell stands in .xls: a BoolErr, or a formula's result that is an error
_MAY_HOLD_ERRORS = re.compile(rb"\x05\x02\x08\x00|\x02.[\x00\x07\x0f\x17\x1d\x24\x2a\x2b]...\xff\xff", re.DOTALL)
_ERROR_IN_WORDS = re.compile(r"#[A-Z0-9/_]+[!?]?|#N/A|Err:\d+")


def error_cells(content: bytes, sheet: str) -> dict[Place, str]:
    """Place -> the error, of the sheet's cells; empty for .xlsx, and for what a damaged workbook lacks."""
    return cells_of_workbook(
        content,
        lambda stream: errors_of_xls(stream, sheet),
        lambda archive: _of_xlsb(archive, sheet),
        lambda content_xml: _of_ods(content_xml, sheet),
    )


def errors_of_xls(stream: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    """The errors of one sheet in the stream of records that an .xls file holds."""
    if not _MAY_HOLD_ERRORS.search(stream):
        return
    for kind, data in sheet_of_xls(stream, sheet):
        if kind == BOOLERR and data[7]:
            yield struct.unpack_from("<HH", data), _named(data[6])
        elif kind == FORMULA and data[6] == 2 and data[12:14] == b"\xff\xff":
            yield struct.unpack_from("<HH", data), _named(data[8])


def _of_xlsb(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[Place, str]]:
    row = 0
    for kind, data in records_of_xlsb(sheet_of_xlsb(archive, sheet)):
        if kind == ROW:
            row = struct.unpack_from("<I", data)[0]
        elif kind in (CELL_ERROR, FORMULA_ERROR):
            yield (row, struct.unpack_from("<I", data)[0]), _named(data[8])


def _of_ods(text: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    if b'"error"' not in text and b"Err:" not in text and b">#" not in text:
        return
    for table in tables_of_ods(text, sheet):
        for (row, column), repeated, told, words in cells_of_ods(table):
            if "error" in told.values() or ("formula" in told and _ERROR_IN_WORDS.fullmatch(words)):
                for place in range(repeated):
                    yield (row, column + place), words if words.startswith("#") else "#VALUE!"


def _named(code: int) -> str:
    return ERRORS.get(code, "#N/A")
