"""Excel workbooks by calamine (a compiled reader); cells become text as a person sees them, dates ISO text."""

import io
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.cell_marks import cell_without_marks
from orchestration.ingestion.readers.error_cells import error_cells
from orchestration.ingestion.readers.landed_file import (
    UnreadableFile,
    check_proportion_of_zip,
)
from orchestration.ingestion.readers.padded_cells import padded_cells
from orchestration.ingestion.readers.report_rows import records_of_table
from orchestration.ingestion.readers.tabular import (
    Rows,
    check_above_header,
    check_header,
    header_names,
    holds_columns,
    notices_above_header,
    rows_of_lists,
)
from orchestration.ingestion.readers.workbook_extent import check_extent
from orchestration.ingestion.readers.workbook_kind import ZIP_MAGIC, check_is_workbook
from orchestration.ingestion.readers.xlsx_cells import special_cells

EVERY_SHEET = "*"
HEADER_SEARCH_ROWS = 50
# Excel keeps a time as a fraction of a day, so that midnight may come out some thousandths of a second off
CLOCK_NOISE = timedelta(seconds=0.5)
SIGNIFICANT_DIGITS = 15
"""As many as Excel shows and keeps."""


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells, and where its header stands (None where no row has the contract's columns)."""

    name: str
    cells: list[list[Any]]
    header_at: int | None


def read_excel(content: bytes, contract: SourceContract) -> pa.Table:
    """Records of the contract's sheet; without one, of the only visible sheet that has its columns.

    `source_line` is the sheet's row number. The header is the first row that has the contract's columns, or `header_row`.
    Errors of the spreadsheet and formulas that were never calculated come out as what they are, so that they are listed.

    Raises:
        UnreadableFile: no workbook (the reason says what it is instead), protected by a password, cut off, beyond all proportion
            when unpacked, without the contract's sheet or columns, or with several sheets that have them and no `sheet` to say which.
    """
    check_is_workbook(content)
    if content.startswith(ZIP_MAGIC):
        check_proportion_of_zip(content, "workbook", "not readable as an Excel workbook: damaged or cut off")
        check_extent(content)
    sheets, notices = _wanted_sheets(content, contract)
    parts = [_rows_of_sheet(content, sheet, contract) for sheet in sheets]
    return records_of_table(Rows.joined(parts).noticed(notices), contract)


def _rows_of_sheet(content: bytes, sheet: Sheet, contract: SourceContract) -> Rows:
    if not sheet.cells:
        raise UnreadableFile(_empty(sheet, contract))
    at = sheet.header_at or 0
    header = header_names([_as_text(cell) or "" for cell in sheet.cells[at]], contract.column_choices)
    check_header(contract.column_choices, header)
    special = special_cells(content, sheet.name) | error_cells(content, sheet.name) | padded_cells(content, sheet.name)
    numbered = [
        (number, _texts_of_row(row, number - 1, special))
        for number, row in enumerate(sheet.cells[at + 1 :], start=at + 2)
    ]
    numbered = [(number, cells) for number, cells in numbered if any(cell is not None for cell in cells)]
    # a workbook may have two columns of one name; only pairs then keep both
    shape = dict if len(set(header)) == len(header) else list
    payloads = [json.dumps(shape(zip(header, cells, strict=True)), ensure_ascii=False) for _, cells in numbered]
    numbers, cells = [number for number, _ in numbered], [cells for _, cells in numbered]
    texts_above = [[_as_text(cell) or "" for cell in row] for row in sheet.cells[:at]]
    check_above_header(texts_above, header, contract)
    rows = rows_of_lists(numbers, payloads, [None] * len(numbers), header, cells)
    return rows.noticed(notices_above_header(sum(any(row) for row in texts_above)))


def _empty(sheet: Sheet, contract: SourceContract) -> str:
    """Only the contract's own name of a sheet is told: another may be a patient's."""
    if sheet.name == contract.sheet:
        return f"sheet '{contract.sheet}' is empty"
    return "the first visible sheet is empty, and no other has the contract's columns"


def _texts_of_row(row: list[Any], number: int, special: dict[tuple[int, int], str]) -> list[str | None]:
    if not special:
        return [_as_text(cell) for cell in row]
    return [special.get((number, place)) or _as_text(cell) for place, cell in enumerate(row)]


def _wanted_sheets(content: bytes, contract: SourceContract) -> tuple[list[Sheet], list[Notice]]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        if not names:
            raise UnreadableFile("the workbook has no sheet")
        visible = [
            s.name for s in workbook.sheets_metadata if s.visible == SheetVisibleEnum.Visible and s.name in names
        ]

        def sheet_of(name: str) -> Sheet:
            cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            return Sheet(name, cells, _header_at(cells, contract))

        if contract.sheet and contract.sheet != EVERY_SHEET:
            if contract.sheet not in names:
                raise UnreadableFile(f"the workbook has no sheet '{contract.sheet}'")
            return [sheet_of(contract.sheet)], []
        return _chosen([sheet_of(name) for name in names], set(visible), contract)
    except UnreadableFile:
        raise
    # calamine is compiled: damaged workbooks also come out as panics, which are no Exception
    except (CalamineError, Exception) as error:
        raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error
        raise


def _chosen(sheets: list[Sheet], visible: set[str], contract: SourceContract) -> tuple[list[Sheet], list[Notice]]:
    """The visible sheets with the contract's columns, and what is said of the others."""
    shown = [sheet for sheet in sheets if sheet.name in visible]
    found = [sheet for sheet in shown if sheet.header_at is not None]
    if len(found) > 1 and contract.sheet != EVERY_SHEET:
        raise UnreadableFile(
            f'{len(found)} sheets of the workbook have the contract\'s columns: name one with `sheet`, or take all with `sheet: "*"`'
        )
    notices = []
    for sheet in sheets:
        if sheet in found or not any(any(cell != "" for cell in row) for row in sheet.cells):
            continue
        kind = "sheet" if sheet.name in visible else "hidden sheet"
        has = "has" if sheet.header_at is not None else "has not"
        notices.append(Notice(kind, 1, f"a {kind} that {has} the contract's columns"))
    # the refusal of the first one says which columns are missing
    chosen = found or shown[:1]
    if not chosen:
        raise UnreadableFile("every sheet of the workbook is hidden: name the one to read with `sheet`")
    return chosen, notices


def _header_at(cells: list[list[Any]], contract: SourceContract) -> int | None:
    if contract.header_row:
        return contract.header_row - 1 if contract.header_row <= len(cells) else None
    for number, row in enumerate(cells[:HEADER_SEARCH_ROWS]):
        if holds_columns([_as_text(cell) or "" for cell in row], contract.column_choices):
            return number
    return None


def _as_text(cell: Any) -> str | None:
    """A cell as a person sees it: whole numbers without '.0', no more digits than Excel shows, dates as ISO text."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        return cell_without_marks(cell).replace("\0", "") or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        shown = (cell + CLOCK_NOISE).replace(microsecond=0)
        return shown.date().isoformat() if shown.time() == time.min else shown.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.{SIGNIFICANT_DIGITS}g}"
    return str(cell)
