"""What an .xlsx workbook says of its cells beside their values: errors, formulas never calculated, numbers shown with zeros.

calamine gives values only: an error and a formula without a result come out as empty cells, and a number that the sheet shows as
000451 as 451. Of a sheet only the cells of these kinds are looked at here; a workbook without any costs one search of its text.
Source: ECMA-376, 18.3.1.4 (c), 18.8.30 (numFmt), 18.8.45 (xf).
"""

import html
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from orchestration.ingestion.readers.landed_file import DAMAGED_ZIP
from orchestration.ingestion.readers.zero_padding import ZeroPadding, zero_padding

NEVER_CALCULATED = "#NOT CALCULATED!"
"""Stands before a formula for which its workbook holds no result."""
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
ATTRIBUTE = re.compile(rb'\b([rst])="([^"]*)"')
VALUE = re.compile(rb"<(?:\w+:)?v[^>/]*>(.*?)</(?:\w+:)?v>", re.DOTALL)
FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)


def special_cells(content: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """(row, column), both from 0 -> the text of a cell that is an error, was never calculated, or is shown with zeros before it.

    Empty for workbooks of another kind (.xls, .xlsb, .ods: error_cells.py, padded_cells.py), and for what a damaged workbook lacks.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            part = _part_of_sheet(archive, sheet)
            if part is None:
                return {}
            shapes = _zero_padded_styles(archive)
            return dict(_special(archive.read(part), shapes))
    except (*DAMAGED_ZIP, KeyError, ElementTree.ParseError):
        return {}


def _special(sheet: bytes, shapes: dict[bytes, ZeroPadding]) -> Iterator[tuple[tuple[int, int], str]]:
    has_padded = any(b's="' + style + b'"' in sheet for style in shapes)
    if not has_padded and b't="e"' not in sheet and not re.search(rb"<(?:\w+:)?f[ >]", sheet):
        return
    for cell in CELL.finditer(sheet):
        text = _text_of(dict(ATTRIBUTE.findall(cell[1])), cell[2], shapes)
        if text is not None:
            yield _place(dict(ATTRIBUTE.findall(cell[1]))[b"r"].decode()), text


def _text_of(attributes: dict[bytes, bytes], inside: bytes, shapes: dict[bytes, ZeroPadding]) -> str | None:
    kind = attributes.get(b"t", b"n")
    found = VALUE.search(inside)
    value = found[1].decode() if found else ""
    if b"r" not in attributes:
        return None
    if kind == b"e":
        return value or "#N/A"
    if not value and kind != b"str" and (formula := FORMULA.search(inside)):
        return f"{NEVER_CALCULATED} ={html.unescape((formula[1] or b'').decode())}"
    if kind == b"n" and value.isdecimal() and attributes.get(b"s", b"") in shapes:
        return shapes[attributes[b"s"]].shown(value)
    return None


def _place(reference: str) -> tuple[int, int]:
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(reference[len(letters) :]) - 1, column - 1


def _elements(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The elements of a part in their order, without namespaces: name and attributes."""
    for element in ElementTree.fromstring(archive.read(part)).iter():
        yield element.tag.rpartition("}")[2], {name.rpartition("}")[2]: text for name, text in element.attrib.items()}


def _part_of_sheet(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The worksheet's file within the workbook."""
    if "xl/workbook.xml" not in archive.namelist():
        return None
    ids = [at["id"] for name, at in _elements(archive, "xl/workbook.xml") if name == "sheet" and at["name"] == sheet]
    relations = {
        at["Id"]: at["Target"] for name, at in _elements(archive, "xl/_rels/workbook.xml.rels") if "Target" in at
    }
    if not ids or ids[0] not in relations:
        return None
    return posixpath.normpath(posixpath.join("/xl", relations[ids[0]])).lstrip("/")


def _zero_padded_styles(archive: zipfile.ZipFile) -> dict[bytes, ZeroPadding]:
    """Style number -> how it shows whole numbers."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    formats: dict[str, str] = {}
    styles: list[str] = []
    is_inside = False
    for name, attributes in _elements(archive, "xl/styles.xml"):
        if name == "numFmt":
            formats.setdefault(attributes["numFmtId"], attributes["formatCode"])
        if name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            is_inside = name == "cellXfs"
        if name == "xf" and is_inside:
            styles.append(attributes.get("numFmtId", "0"))
    shapes = {}
    for number, code in enumerate(styles):
        if shape := zero_padding(formats.get(code, "")):
            shapes[str(number).encode()] = shape
    return shapes
