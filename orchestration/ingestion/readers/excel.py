"""Excel workbooks by calamine (a compiled reader); cells become text, dates ISO text."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.ingestion.readers.unreadable import UnreadableFile, missing_columns
from orchestration.ingestion.source_contract import SourceContract


def read_excel(path: Path, contract: SourceContract) -> pa.Table:
    """Records of the contract's sheet (the first one if it names none); `source_line` is the sheet's row number."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        name = contract.sheet or workbook.sheet_names[0]
        if name not in workbook.sheet_names:
            raise UnreadableFile(f"the workbook has no sheet '{name}'")
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise UnreadableFile("not readable as an Excel workbook") from error
    if not rows:
        raise UnreadableFile(f"sheet '{name}' is empty")
    header = [_as_text(cell) or "" for cell in rows[0]]
    missing_columns([field.column for field in contract.fields.values()], header)
    numbered = [
        (number, [_as_text(cell) for cell in row])
        for number, row in enumerate(rows[1:], start=2)
        if any(cell != "" for cell in row)
    ]
    columns = list(zip(*(cells for _, cells in numbered), strict=True)) if numbered else [[] for _ in header]
    payloads = [json.dumps(dict(zip(header, cells, strict=True)), ensure_ascii=False) for _, cells in numbered]
    return pa.table(
        {
            "source_line": pa.array([number for number, _ in numbered], pa.int64()),
            "payload": pa.array(payloads, pa.string()),
            "structure_problem": pa.nulls(len(numbered), pa.string()),
            **{column: pa.array(values, pa.string()) for column, values in zip(header, columns, strict=True)},
        }
    )


def _as_text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
