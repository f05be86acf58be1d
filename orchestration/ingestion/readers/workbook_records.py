"""What workbooks that are no .xlsx are made of: the records of .xls and .xlsb, the cells of .ods.

Sources: MS-XLS 2.1 and 2.4.28 (BoundSheet8), MS-XLSB 2.1.4 and BrtBundleSh, OpenDocument 1.3 part 3, 9.1.4 (table-cell).
"""

import io
import posixpath
import struct
import zipfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from xml.etree import ElementTree

from orchestration.ingestion.readers.landed_file import DAMAGED_ZIP

Place = tuple[int, int]
"""Row and column, both from 0."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
BOUNDSHEET, END = 0x85, 0x0A
SHEET = 156


def workbook_stream(content: bytes) -> bytes:
    """The stream of records that an .xls file holds."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as container:
        name = next(one for one in ("Workbook", "Book") if container.exists(one))
        return container.openstream(name).read()


def records_of_xls(stream: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each record."""
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + size]
        start += 4 + size


def cells_of_workbook(
    content: bytes,
    of_xls: Callable[[bytes], Iterator[tuple[Place, str]]],
    of_xlsb: Callable[[zipfile.ZipFile], Iterator[tuple[Place, str]]],
    of_ods: Callable[[bytes], Iterator[tuple[Place, str]]],
) -> dict[Place, str]:
    """What one of three finds in a workbook, by its kind; empty for .xlsx, and for what a damaged workbook lacks."""
    try:
        if content.startswith(OLE_MAGIC):
            return dict(of_xls(workbook_stream(content)))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "xl/workbook.bin" in names:
                return dict(of_xlsb(archive))
            return dict(of_ods(archive.read("content.xml"))) if "content.xml" in names else {}
    except (*DAMAGED_ZIP, KeyError, ElementTree.ParseError, struct.error, IndexError):
        return {}


def sheet_of_xls(stream: bytes, sheet: str) -> Iterator[tuple[int, bytes]]:
    """The records of one sheet.

    Raises:
        KeyError: there is no such sheet.
    """
    starts = {}
    for kind, data in records_of_xls(stream):
        if kind == BOUNDSHEET:
            width = 2 if data[7] & 1 else 1
            name = data[8 : 8 + data[6] * width].decode("utf-16-le" if width == 2 else "latin-1")
            starts[name] = struct.unpack_from("<I", data)[0]
        if kind == END:
            break
    return takewhile(lambda record: record[0] != END, records_of_xls(stream, starts[sheet]))


def sheet_of_xlsb(archive: zipfile.ZipFile, sheet: str) -> bytes:
    """The part that holds one sheet's records.

    Raises:
        KeyError: there is no such sheet.
    """
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))
    targets = {one.attrib["Id"]: one.attrib["Target"] for one in relations}
    parts = {}
    for kind, data in records_of_xlsb(archive.read("xl/workbook.bin")):
        if kind == SHEET:
            relation, after = wide_text(data, 8)
            parts[wide_text(data, after)[0]] = relation
    return archive.read(posixpath.normpath(posixpath.join("/xl", targets[parts[sheet]])).lstrip("/"))


def records_of_xlsb(stream: bytes) -> Iterator[tuple[int, bytes]]:
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


def wide_text(data: bytes, at: int) -> tuple[str, int]:
    """A text of .xlsb, and where it ends."""
    end = at + 4 + 2 * struct.unpack_from("<I", data, at)[0]
    return data[at + 4 : end].decode("utf-16-le"), end


def tables_of_ods(content_xml: bytes, sheet: str) -> Iterator[ElementTree.Element]:
    """The table of that name (one, unless the file is odd)."""
    for table in ElementTree.fromstring(content_xml).iter():
        if name_of(table.tag) == "table" and attributes_of(table).get("name") == sheet:
            yield table


def cells_of_ods(table: ElementTree.Element) -> Iterator[tuple[Place, int, dict[str, str], str]]:
    """Of each cell that is written: its place, in how many columns it stands, its attributes and the words it shows."""
    row = 0
    for line in table.iter():
        if name_of(line.tag) != "table-row":
            continue
        column = 0
        for cell in line:
            if name_of(cell.tag) not in ("table-cell", "covered-table-cell"):
                continue
            told = attributes_of(cell)
            words = "".join("".join(part.itertext()) for part in cell if name_of(part.tag) == "p").strip()
            repeated = int(told.get("number-columns-repeated", "1"))
            yield (row, column), repeated, told, words
            column += repeated
        row += int(attributes_of(line).get("number-rows-repeated", "1"))


def name_of(tag: str) -> str:
    """Without its namespace."""
    return tag.rpartition("}")[2]


def attributes_of(element: ElementTree.Element) -> dict[str, str]:
    """Without their namespaces."""
    # the attribute `value-type` is there twice, OpenDocument's and LibreOffice's own, which tells of errors and comes last
    return {name_of(name): text for name, text in element.attrib.items()}
