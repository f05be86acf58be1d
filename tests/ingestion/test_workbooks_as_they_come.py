"""Workbooks in the shapes that people really keep: hidden and several sheets, shown zeros, errors, formulas, noise at midnight."""

import io
import struct
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from orchestration.ingestion.readers.error_cells import errors_of_xls
from orchestration.ingestion.readers.padded_cells import padded_of_xls
from tests.ingestion.test_formats_binary import workbook
from tests.ingestion.test_formats_text import rejected, status_of_one_load, write_contract
from tests.ingestion.test_tables_as_they_come import notices

VITAL = """
version: "1"
feed: vital_status
file_pattern: "vital/*"
format: excel
SETTINGS
key: [mrn]
fields:
  mrn: {column: mrn, required: true}
  vital_status: {column: st, codes: {A: alive, D: dead}, required: true}
  last_contact_date: {column: lc, formats: ["%Y-%m-%d"], required: true}
  death_date: {column: dd, formats: ["%d.%m.%Y"]}
  record_updated_at: {column: changed, formats: ["%Y-%m-%d %H:%M:%S"]}
"""
HEADER = ["mrn", "st", "lc", "dd", "changed"]
SEEN = date(2009, 4, 3)


def vital_contract(warehouse, settings: str = "") -> None:
    write_contract(warehouse, "vital", VITAL.replace("SETTINGS", settings))


def vital(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT mrn, vital_status, last_contact_date, death_date FROM raw.vital_status ORDER BY ALL")


def book_of(**sheets: list[list]) -> tuple[openpyxl.Workbook, bytes]:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    return book, saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


# sheets


def test_a_hidden_sheet_is_not_read_and_is_listed(warehouse):
    vital_contract(warehouse)
    book, _ = book_of(Old=[HEADER, ["900009", "A", date(1999, 1, 1)]], Data=[HEADER, ["900001", "A", SEEN]])
    book["Old"].sheet_state = "hidden"
    warehouse.land("vital/a.xlsx", saved(book))
    assert status_of_one_load(warehouse, "vital_status") == "loaded"
    assert vital(warehouse) == [("900001", "alive", "2009-04-03", None)]
    assert [(what, reason) for _, what, _, _, reason in notices(warehouse)] == [
        ("hidden sheet", "a hidden sheet that has the contract's columns")
    ]


def test_a_hidden_sheet_is_read_where_the_contract_names_it(warehouse):
    vital_contract(warehouse, "sheet: Old")
    book, _ = book_of(Old=[HEADER, ["900009", "A", SEEN]], Data=[HEADER, ["900001", "A", SEEN]])
    book["Old"].sheet_state = "hidden"
    warehouse.land("vital/a.xlsx", saved(book))
    warehouse.load("vital_status")
    assert vital(warehouse) == [("900009", "alive", "2009-04-03", None)]


def test_a_workbook_of_which_all_sheets_are_hidden_is_refused(warehouse):
    vital_contract(warehouse)
    book, _ = book_of(Cover=[["x"]], Old=[HEADER, ["900009", "A", SEEN]])
    book["Old"].sheet_state = "veryHidden"
    book["Cover"].sheet_state = "visible"
    warehouse.land("vital/a.xlsx", saved(book))
    assert status_of_one_load(warehouse, "vital_status").startswith(
        "refused: the header lacks the contract's column(s)"
    )


def test_several_sheets_with_the_columns_are_refused_until_the_contract_says_which(warehouse):
    sheets = {
        "2008": [HEADER, ["900001", "A", SEEN]],
        "Notes": [["by hand"]],
        "2009": [["a title"], HEADER, ["900002", "A", SEEN]],
    }
    _, content = book_of(**sheets)
    vital_contract(warehouse)
    warehouse.land("vital/a.xlsx", content)
    assert status_of_one_load(warehouse, "vital_status") == (
        'refused: 2 sheets of the workbook have the contract\'s columns: name one with `sheet`, or take all with `sheet: "*"`'
    )
    vital_contract(warehouse, 'sheet: "*"')
    (load,) = warehouse.load("vital_status")
    assert (load.rows_read, load.rows_loaded) == (2, 2)
    assert warehouse.rows("SELECT mrn, source_line FROM raw.vital_status ORDER BY ALL") == [
        ("900001", 2),
        ("900002", 3),
    ]
    assert [what for _, what, *_ in notices(warehouse)] == ["lines above the header", "sheet"]


def test_the_header_of_a_sheet_is_found_below_its_titles(warehouse):
    vital_contract(warehouse)
    rows = [
        ["Liver registry 2009"],
        [],
        ["Patient", None, "Follow-up"],
        ["mrn ", "st", "lc", "dd", "changed"],
        ["900001", "A", SEEN],
    ]
    warehouse.land("vital/a.xlsx", workbook(rows))
    warehouse.load("vital_status")
    assert vital(warehouse) == [("900001", "alive", "2009-04-03", None)]
    assert warehouse.rows("SELECT source_line FROM raw.vital_status") == [(5,)]

    vital_contract(warehouse, "header_row: 2")
    warehouse.land("vital/a.xlsx", workbook([HEADER, HEADER, ["900002", "A", SEEN]]))
    warehouse.load("vital_status")
    assert ("900002", "alive", "2009-04-03", None) in vital(warehouse)


# cells as a person sees them


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (datetime(2009, 4, 3, 0, 0, 0, 86_000), "2009-04-03"),
        (datetime(2009, 4, 2, 23, 59, 59, 700_000), "2009-04-03"),
        (datetime(2009, 4, 3), "2009-04-03"),
    ],
)
def test_midnight_with_noise_is_the_day_that_the_sheet_shows(warehouse, cell, day):
    vital_contract(warehouse)
    warehouse.land("vital/a.xlsx", workbook([HEADER, ["900001", "A", cell]]))
    warehouse.load("vital_status")
    assert vital(warehouse) == [("900001", "alive", day, None)]


def test_a_real_date_is_a_date_whatever_form_the_contract_gives_for_typed_ones(warehouse):
    vital_contract(warehouse)
    rows = [HEADER, ["900001", "D", SEEN, date(2009, 4, 3)], ["900002", "D", SEEN, "14.04.2009", datetime(2009, 5, 1)]]
    warehouse.land("vital/a.xlsx", workbook(rows))
    (load,) = warehouse.load("vital_status")
    assert load.fields_rejected == 0
    assert [row[3] for row in vital(warehouse)] == ["2009-04-03", "2009-04-14"]
    assert warehouse.rows("SELECT record_updated_at FROM raw.vital_status ORDER BY mrn") == [
        (None,),
        ("2009-05-01 00:00:00",),
    ]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ("000000", "000451"),
        ('"MRN "000000', "MRN 000451"),
        ('000"-A"', "451-A"),
        ("0", "451"),
        ("General", "451"),
        ("[$-409]000000;-000000", "000451"),
        ("000-000", "000-451"),
        ("00-00", "04-51"),
    ],
)
def test_a_number_is_what_the_sheet_shows_with_its_leading_zeros(warehouse, shape, shown):
    vital_contract(warehouse)
    book, _ = book_of(Data=[HEADER, [451, "A", SEEN]])
    book["Data"]["A2"].number_format = shape
    warehouse.land("vital/a.xlsx", saved(book))
    warehouse.load("vital_status")
    assert [mrn for mrn, *_ in vital(warehouse)] == [shown]


def test_errors_and_formulas_never_calculated_are_listed_and_no_values(warehouse):
    vital_contract(warehouse)
    book, _ = book_of(
        Data=[
            HEADER,
            ["900001", "D", SEEN, "x"],
            ["=B2", "A", SEEN],
            ["900003", "A", SEEN, '=IF(B4="A","",C4)'],
            ["900004", "A", "x"],
        ]
    )
    for place in ("D2", "C5"):
        book["Data"][place].value, book["Data"][place].data_type = "#N/A", "e"
    warehouse.land("vital/a.xlsx", saved(book))
    (load,) = warehouse.load("vital_status")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected, load.fields_rejected) == (4, 2, 2, 2)
    assert rejected(warehouse) == [
        (2, "death_date", "#N/A", "an error of a spreadsheet"),
        (3, "mrn", "#NOT CALCULATED! =B2", "a formula that was never calculated"),
        (4, "death_date", '#NOT CALCULATED! =IF(B4="A","",C4)', "a formula that was never calculated"),
        (5, "last_contact_date", "#N/A", "an error of a spreadsheet"),
    ]


def test_a_formula_that_gives_nothing_is_an_empty_cell_and_one_with_a_result_is_its_result(warehouse):
    vital_contract(warehouse)
    _, content = book_of(Data=[HEADER, ["900001", "A", SEEN, "EMPTY", None], ["RESULT", "A", SEEN]])
    read = zipfile.ZipFile(io.BytesIO(content))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in read.namelist():
            text = read.read(name)
            if name == "xl/worksheets/sheet1.xml":
                text = text.replace(
                    b'<c r="D2" t="inlineStr"><is><t>EMPTY</t></is></c>', b'<c r="D2" t="str"><f>X()</f><v></v></c>'
                )
                text = text.replace(
                    b'<c r="A3" t="inlineStr"><is><t>RESULT</t></is></c>',
                    b'<c r="A3" t="n"><f>900001+1</f><v>900002</v></c>',
                )
            archive.writestr(name, text)
    assert b"X()" in zipfile.ZipFile(io.BytesIO(written.getvalue())).read("xl/worksheets/sheet1.xml")
    warehouse.land("vital/a.xlsx", written.getvalue())
    (load,) = warehouse.load("vital_status")
    assert (load.rows_loaded, load.fields_rejected) == (2, 0)
    assert [mrn for mrn, *_ in vital(warehouse)] == ["900001", "900002"]


def test_no_more_digits_than_excel_shows(warehouse):
    write_contract(
        warehouse,
        "operations",
        VITAL.split("key:")[0].replace("vital_status", "registry").replace("SETTINGS", "")
        + """key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: id, required: true}
  cea_ng_ml: {column: cea}
""",
    )
    warehouse.land("vital/a.xlsx", workbook([["id", "cea"], [17, 0.1 + 0.2], [18.0, 1234.5]]))
    warehouse.load("registry")
    assert warehouse.rows("SELECT registry_record_id, cea_ng_ml FROM raw.registry ORDER BY ALL") == [
        ("17", "0.3"),
        ("18", "1234.5"),
    ]


ODS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
  xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
  xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0" office:version="1.3"><office:body>
  <office:spreadsheet><table:table table:name="Sheet1">ROWS</table:table></office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry
  manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"""


def ods(*rows: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.replace("ROWS", "".join(rows)))
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    return written.getvalue()


def test_errors_in_a_workbook_of_libreoffice_are_listed_and_not_missing(warehouse):
    def row(*texts: str, repeated: int = 1) -> str:
        cells = "".join(
            f'<table:table-cell office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>{text}</text:p>'
            "</table:table-cell>"
            if text.startswith("#")
            else f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
            for text in texts
        )
        return f'<table:table-row table:number-rows-repeated="{repeated}">{cells}</table:table-row>'

    vital_contract(warehouse)
    content = ods(
        row(*HEADER),
        row("900001", "A", "2009-04-03", repeated=2),
        row("900002", "A", "#REF!"),
        row("900003", "D", "2009-04-03", "#N/A"),
    )
    warehouse.land("vital/a.ods", content)
    warehouse.load("vital_status")
    assert rejected(warehouse) == [
        (4, "last_contact_date", "#REF!", "an error of a spreadsheet"),
        (5, "death_date", "#N/A", "an error of a spreadsheet"),
    ]


def test_errors_in_a_workbook_of_excel_97_are_found_by_their_place():
    """A stream of records as MS-XLS has them: where the sheets are, then of the second one an error and two formulas."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def sheet_of(name: bytes, at: int) -> bytes:
        return record(0x85, struct.pack("<IBBBB", at, 0, 0, len(name), 0) + name)

    at = struct.pack("<HHH", 2, 1, 0)
    cells = (
        record(0x809, b"")
        + record(0x205, at + bytes([0x2A, 1]))
        + record(0x205, struct.pack("<HHH", 3, 0, 0) + bytes([1, 0]))
    )
    cells += record(6, struct.pack("<HHH", 4, 5, 0) + bytes([2, 0, 0x17, 0, 0, 0, 0xFF, 0xFF]) + b"rest")
    cells += record(6, struct.pack("<HHHd", 5, 5, 0, 1.0) + b"rest") + record(0x0A, b"")
    start = len(sheet_of(b"Notes", 0) + sheet_of(b"Data", 0) + record(0x0A, b""))
    stream = sheet_of(b"Notes", 0) + sheet_of(b"Data", start) + record(0x0A, b"") + cells
    assert dict(errors_of_xls(stream, "Data")) == {(2, 1): "#N/A", (4, 5): "#REF!"}


def test_a_number_that_libreoffice_shows_with_zeros_is_read_with_them(warehouse):
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def text(words: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{words}</text:p></table:table-cell>'

    def number(value: str, words: str) -> str:
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{words}</text:p></table:table-cell>'

    vital_contract(warehouse)
    seen = (text("A"), text("2009-04-03"))
    warehouse.land(
        "vital/a.ods",
        ods(row(*map(text, HEADER)), row(number("451", "000451"), *seen), row(number("900002", "900002"), *seen)),
    )
    warehouse.load("vital_status")
    assert warehouse.rows("SELECT mrn FROM raw.vital_status ORDER BY ALL") == [("000451",), ("900002",)]


def test_a_number_that_excel_97_shows_with_zeros_is_found_by_its_format():
    """Formats, styles and three ways to keep a number: as a double, in 30 bits, and several of these in a row."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def rk(value: int) -> int:
        return value << 2 | 2

    styles = b"".join(record(0xE0, struct.pack("<HH", 0, code) + bytes(16)) for code in (0, 164, 165))
    formats = record(0x41E, struct.pack("<HHB", 164, 6, 0) + b"000000")
    formats += record(0x41E, struct.pack("<HHB", 165, 8, 1) + '"M-"0000'.encode("utf-16-le"))
    cells = (
        record(0x809, b"")
        + record(0x203, struct.pack("<HHHd", 1, 0, 1, 451.0))
        + record(0x27E, struct.pack("<HHHI", 2, 0, 2, rk(7)))
    )
    cells += record(
        0xBD,
        struct.pack("<HH", 3, 0) + struct.pack("<HIHIHI", 1, rk(12), 0, rk(13), 1, rk(1250) | 1) + struct.pack("<H", 2),
    )
    cells += record(0x0A, b"")
    sheet = record(0x85, struct.pack("<IBBBB", len(formats) + len(styles) + 20, 0, 0, 4, 0) + b"Data")
    stream = formats + styles + sheet + record(0x0A, b"") + cells
    stream = stream.replace(
        struct.pack("<I", len(formats) + len(styles) + 20), struct.pack("<I", stream.index(cells)), 1
    )
    # 12.5 is no whole number, and a plain 13 is shown as it is
    assert dict(padded_of_xls(stream, "Data")) == {(1, 0): "000451", (2, 0): "M-0007", (3, 0): "000012"}


# what is called a workbook and is none


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbf<html><body><table><tr><td>mrn</td></tr></table></body></html>", "an HTML page"),
        ("<table><tr><td>mrn</td></tr></table>".encode("utf-16"), "an HTML page"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "an HTML page"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook/>', "a workbook as XML of 2003"),
        (b"mrn\tst\tlc\n900001\tA\t2009-04-03\n", "this is text"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
    ],
    ids=["HTML", "HTML in UTF-16", "web archive", "XML of 2003", "text", "PDF"],
)
def test_what_is_called_xls_and_is_something_else_is_named_as_that(warehouse, content, reason):
    vital_contract(warehouse)
    warehouse.land("vital/a.xls", content)
    status = status_of_one_load(warehouse, "vital_status")
    assert status.startswith("refused: ")
    assert reason in status


def test_a_workbook_with_a_password_is_named_as_that(warehouse):
    from msoffcrypto.format.ooxml import OOXMLFile

    vital_contract(warehouse)
    plain, locked = io.BytesIO(workbook([HEADER, ["900001", "A", SEEN]])), io.BytesIO()
    OOXMLFile(plain).encrypt("secret", locked)
    warehouse.land("vital/a.xlsx", locked.getvalue())
    assert status_of_one_load(warehouse, "vital_status") == (
        "refused: the workbook is protected by a password: save it without one"
    )


def test_a_workbook_in_a_zip_archive_is_read(warehouse):
    vital_contract(warehouse)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("export/a.xlsx", workbook([HEADER, ["900001", "A", SEEN]]))
        archive.writestr("__MACOSX/._a.xlsx", b"nothing")
    warehouse.land("vital/a.zip", written.getvalue())
    assert status_of_one_load(warehouse, "vital_status") == "loaded"
    assert vital(warehouse) == [("900001", "alive", "2009-04-03", None)]
