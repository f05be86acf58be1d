"""Excel workbooks by calamine (a compiled reader); cells become text, dates ISO text."""

import io
import json
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.landed_file import (
    MAX_UNPACKING_RATIO,
    UNPACKED_ALWAYS_ALLOWED,
    UnreadableFile,
)
from orchestration.ingestion.readers.tabular import check_header, rows_of_lists

ZIP_MAGIC = b"PK"


def read_excel(content: bytes, contract: SourceContract) -> pa.Table:
    """Records of the contract's sheet (the first one if it names none); `source_line` is the sheet's row number.

    Raises:
        UnreadableFile: no workbook, cut off, beyond all proportion when unpacked, or without the contract's sheet or columns.
    """
    name, rows = _sheet(content, contract.sheet)
    if not rows:
        raise UnreadableFile(f"sheet '{name}' is empty")
    header = [(_as_text(cell) or "") for cell in rows[0]]
    check_header(contract.source_columns, header)
    numbered = [
        (number, [_as_text(cell) for cell in row])
        for number, row in enumerate(rows[1:], start=2)
        if any(cell != "" for cell in row)
    ]
    # a workbook may have two columns of one name; only pairs then keep both
    shape = dict if len(set(header)) == len(header) else list
    payloads = [json.dumps(shape(zip(header, cells, strict=True)), ensure_ascii=False) for _, cells in numbered]
    numbers, cells = [number for number, _ in numbered], [cells for _, cells in numbered]
    return rows_of_lists(numbers, payloads, [None] * len(numbers), header, cells).records(contract)


def _sheet(content: bytes, wanted: str | None) -> tuple[str, list[list[Any]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    _check_proportion(content)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if not workbook.sheet_names:
            raise UnreadableFile("the workbook has no sheet")
        name = wanted or workbook.sheet_names[0]
        if name not in workbook.sheet_names:
            raise UnreadableFile(f"the workbook has no sheet '{name}'")
        return name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except UnreadableFile:
        raise
    # calamine is compiled: damaged workbooks also come out as panics, which are no Exception
    except (CalamineError, Exception) as error:
        raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error
        raise


def _check_proportion(content: bytes) -> None:
    if not content.startswith(ZIP_MAGIC):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise UnreadableFile("not readable as an Excel workbook: damaged or cut off") from error
    if unpacked > max(MAX_UNPACKING_RATIO * len(content), UNPACKED_ALWAYS_ALLOWED):
        raise UnreadableFile(f"the workbook unpacks to {unpacked // 2**20:,} MiB, beyond all proportion to its size")


def _as_text(cell: Any) -> str | None:
    """A cell as a person sees it: whole numbers without '.0', dates as ISO text."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip().replace("\0", "")
