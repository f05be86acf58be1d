"""Numbers that a workbook which is no .xlsx shows with zeros before them (000451); calamine gives their value (451).

A workbook without such a format costs one look at its formats. Sources: MS-XLS 2.4.126 (Format), 2.4.353 (XF), 2.4.180 (Number),
2.4.220 (RK), 2.4.175 (MulRk), 2.5.217 (RkNumber); MS-XLSB (BrtFmt, BrtXF, BrtCellRk, BrtCellReal); OpenDocument (office:value): the words
of an .ods cell are what it shows.
"""

import re
import struct
import zipfile
from collections.abc import Iterator

from orchestration.ingestion.readers.workbook_records import (
    END,
    Place,
    cells_of_ods,
    cells_of_workbook,
    records_of_xls,
    records_of_xlsb,
    sheet_of_xls,
    sheet_of_xlsb,
    tables_of_ods,
    wide_text,
)
from orchestration.ingestion.readers.zero_padding import ZeroPadding, zero_padding

# records of .xls
FORMAT, XF, NUMBER, RK, MULRK = 0x41E, 0xE0, 0x203, 0x27E, 0xBD
# and of .xlsb
ROW, CELL_RK, CELL_REAL, FMT, BEGIN_XFS, END_XFS, XF_OF_XLSB = 0, 2, 5, 44, 617, 618, 47
_SHOWN_WITH_ZEROS = re.compile(rb":p[^>]*>[^<\d]{0,40}0\d")


def padded_cells(content: bytes, sheet: str) -> dict[Place, str]:
    """Place -> the number as it is shown; empty for .xlsx, and for what a damaged workbook lacks."""
    return cells_of_workbook(
        content,
        lambda stream: padded_of_xls(stream, sheet),
        lambda archive: _of_xlsb(archive, sheet),
        lambda content_xml: _of_ods(content_xml, sheet),
    )


def padded_of_xls(stream: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    """The same of one sheet in the stream of records that an .xls file holds."""
    codes: dict[int, str] = {}
    styles = []
    for kind, data in records_of_xls(stream):
        if kind == FORMAT:
            number, length, is_wide = struct.unpack_from("<HHB", data)
            text = data[5 : 5 + length * (2 if is_wide & 1 else 1)]
            codes[number] = text.decode("utf-16-le" if is_wide & 1 else "latin-1")
        elif kind == XF:
            styles.append(struct.unpack_from("<H", data, 2)[0])
        elif kind == END:
            break
    shapes = _shapes(styles, codes)
    if not shapes:
        return
    for kind, data in sheet_of_xls(stream, sheet):
        for place, style, value in _numbers_of_xls(kind, data):
            if style in shapes and (digits := _whole(value)):
                yield place, shapes[style].shown(digits)


def _numbers_of_xls(kind: int, data: bytes) -> Iterator[tuple[Place, int, float]]:
    if kind == NUMBER:
        row, column, style, value = struct.unpack_from("<HHHd", data)
        yield (row, column), style, value
    elif kind == RK:
        row, column, style, coded = struct.unpack_from("<HHHI", data)
        yield (row, column), style, _of_rk(coded)
    elif kind == MULRK:
        row, first = struct.unpack_from("<HH", data)
        for offset, (style, coded) in enumerate(struct.iter_unpack("<HI", data[4:-2])):
            yield (row, first + offset), style, _of_rk(coded)


def _of_xlsb(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[Place, str]]:
    codes: dict[int, str] = {}
    styles, is_inside = [], False
    for kind, data in records_of_xlsb(archive.read("xl/styles.bin")):
        if kind == FMT:
            codes[struct.unpack_from("<H", data)[0]] = wide_text(data, 2)[0]
        elif kind in (BEGIN_XFS, END_XFS):
            is_inside = kind == BEGIN_XFS
        elif kind == XF_OF_XLSB and is_inside:
            styles.append(struct.unpack_from("<H", data, 2)[0])
    shapes = _shapes(styles, codes)
    if not shapes:
        return
    row = 0
    for kind, data in records_of_xlsb(sheet_of_xlsb(archive, sheet)):
        if kind == ROW:
            row = struct.unpack_from("<I", data)[0]
        elif kind in (CELL_RK, CELL_REAL):
            column, style = struct.unpack_from("<II", data)
            value = (
                _of_rk(struct.unpack_from("<I", data, 8)[0])
                if kind == CELL_RK
                else struct.unpack_from("<d", data, 8)[0]
            )
            if (style := style & 0xFFFFFF) in shapes and (digits := _whole(value)):
                yield (row, column), shapes[style].shown(digits)


def _of_ods(content_xml: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    if not _SHOWN_WITH_ZEROS.search(content_xml):
        return
    for table in tables_of_ods(content_xml, sheet):
        for (row, column), repeated, told, words in cells_of_ods(table):
            digits, shown = told.get("value", ""), re.sub(r"\D", "", words)
            # the same number with zeros before it; a decimal place or a percentage is another one
            if (
                told.get("value-type") == "float"
                and digits.isdecimal()
                and shown.startswith("0")
                and shown == digits.zfill(len(shown))
            ):
                for place in range(repeated if len(shown) > len(digits) else 0):
                    yield (row, column + place), words


def _shapes(styles: list[int], codes: dict[int, str]) -> dict[int, ZeroPadding]:
    """Number of a cell's style -> how it shows whole numbers."""
    told = {style: zero_padding(codes.get(code, "")) for style, code in enumerate(styles)}
    return {style: shape for style, shape in told.items() if shape is not None}


def _of_rk(coded: int) -> float:
    """A number that is kept in 30 bits, in hundredths or not (2.5.217)."""
    if coded & 2:
        value = float((coded ^ 0x80000000) - 0x80000000 >> 2)
    else:
        value = struct.unpack("<d", struct.pack("<Q", (coded & 0xFFFFFFFC) << 32))[0]
    return value / 100 if coded & 1 else value


def _whole(value: float) -> str:
    return str(int(value)) if value >= 0 and value.is_integer() else ""
