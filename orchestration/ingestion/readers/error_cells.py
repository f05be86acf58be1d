"""Where a workbook that is no .xlsx holds errors (#N/A, #REF!, ...): of such cells calamine gives nothing, as of empty ones.

Of each format only the records of these cells are looked at. Sources: MS-XLS 2.4.24 (BoolErr) and 2.4.127 (Formula), MS-XLSB 2.4.308
(BrtCellError) and 2.4.664 (BrtFmlaError), OpenDocument 1.3 part 3, 9.1.4 (table-cell).
"""

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

Place = tuple[int, int]
"""Row and column, both from 0."""

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
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
BOUNDSHEET, BOOLERR, FORMULA, END = 0x85, 0x205, 0x06, 0x0A
SHEET, ROW, CELL_ERROR, FORMULA_ERROR = 156, 0, 3, 11
# as the error of a cell stands in .xls: a BoolErr, or a formula's result that is an error
_MAY_HOLD_ERRORS = re.compile(rb"\x05\x02\x08\x00|\x02.[\x00\x07\x0f\x17\x1d\x24\x2a\x2b]...\xff\xff", re.DOTALL)
_ERROR_IN_WORDS = re.compile(r"#[A-Z0-9/_]+[!?]?|#N/A|Err:\d+")


def error_cells(content: bytes, sheet: str) -> dict[Place, str]:
    """Place -> the error, of the sheet's cells; empty for .xlsx, and for what a damaged workbook lacks."""
    try:
        if content.startswith(OLE_MAGIC):
            return dict(errors_of_xls(_workbook_stream(content), sheet))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "xl/workbook.bin" in names:
                return dict(_of_xlsb(archive, sheet))
            return dict(_of_ods(archive, sheet)) if "content.xml" in names else {}
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, ValueError, struct.error, IndexError, OSError):
        return {}


def _workbook_stream(content: bytes) -> bytes:
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as container:
        name = next(one for one in ("Workbook", "Book") if container.exists(one))
        return container.openstream(name).read()


def _records(stream: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + size]
        start += 4 + size


def errors_of_xls(stream: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    """The errors of one sheet in the stream of records that an .xls file holds."""
    if not _MAY_HOLD_ERRORS.search(stream):
        return
    starts = {}
    for kind, data in _records(stream):
        if kind == BOUNDSHEET:
            width = 2 if data[7] & 1 else 1
            name = data[8 : 8 + data[6] * width].decode("utf-16-le" if width == 2 else "latin-1")
            starts[name] = struct.unpack_from("<I", data)[0]
        if kind == END:
            break
    for kind, data in _records(stream, starts[sheet]):
        if kind == BOOLERR and data[7]:
            yield struct.unpack_from("<HH", data), _named(data[6])
        elif kind == FORMULA and data[6] == 2 and data[12:14] == b"\xff\xff":
            yield struct.unpack_from("<HH", data), _named(data[8])
        elif kind == END:
            return


def _of_xlsb(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[Place, str]]:
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))
    targets = {one.attrib["Id"]: one.attrib["Target"] for one in relations}
    parts = {}
    for kind, data in _binary_records(archive.read("xl/workbook.bin")):
        if kind == SHEET:
            relation, after = _wide_text(data, 8)
            parts[_wide_text(data, after)[0]] = relation
    part = posixpath.normpath(posixpath.join("/xl", targets[parts[sheet]])).lstrip("/")
    row = 0
    for kind, data in _binary_records(archive.read(part)):
        if kind == ROW:
            row = struct.unpack_from("<I", data)[0]
        elif kind in (CELL_ERROR, FORMULA_ERROR):
            yield (row, struct.unpack_from("<I", data)[0]), _named(data[8])


def _binary_records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each record; both number and size are written in bytes of seven bits."""
    at = 0
    while at < len(stream):
        kind = stream[at]
        at += 1
        if kind & 128:
            kind = kind & 127 | (stream[at] & 127) << 7
            at += 1
        size = 0
        for place in range(4):
            byte = stream[at]
            at += 1
            size |= (byte & 127) << 7 * place
            if byte < 128:
                break
        yield kind, stream[at : at + size]
        at += size


def _wide_text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 4 + 2 * struct.unpack_from("<I", data, at)[0]
    return data[at + 4 : end].decode("utf-16-le"), end


def _of_ods(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[Place, str]]:
    text = archive.read("content.xml")
    if b'"error"' not in text and b"Err:" not in text and b">#" not in text:
        return
    for table in ElementTree.fromstring(text).iter():
        if _name(table.tag) == "table" and _attributes(table).get("name") == sheet:
            yield from _of_ods_table(table)


def _of_ods_table(table: ElementTree.Element) -> Iterator[tuple[Place, str]]:
    row = 0
    for line in table.iter():
        if _name(line.tag) != "table-row":
            continue
        column = 0
        for cell in line:
            if _name(cell.tag) not in ("table-cell", "covered-table-cell"):
                continue
            told = _attributes(cell)
            words = "".join("".join(part.itertext()) for part in cell if _name(part.tag) == "p").strip()
            is_error = "error" in told.values() or ("formula" in told and bool(_ERROR_IN_WORDS.fullmatch(words)))
            repeated = int(told.get("number-columns-repeated", "1"))
            if is_error:
                for place in range(repeated):
                    yield (row, column + place), words if words.startswith("#") else "#VALUE!"
            column += repeated
        row += int(_attributes(line).get("number-rows-repeated", "1"))


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    # the attribute `value-type` is there twice, OpenDocument's and LibreOffice's own, which tells of errors and comes last
    return {_name(name): text for name, text in element.attrib.items()}


def _named(code: int) -> str:
    return ERRORS.get(code, "#N/A")
