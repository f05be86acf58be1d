"""A file's columns as its reader gives them, before there is a contract: the format found out, the values as text."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.readers.archive import archived_files, is_archive
from orchestration.ingestion.readers.landed_file import as_utf_8, unpacked

WORDS_FILE = Path(__file__).parent / "words.yml"
DELIMITERS = (",", ";", "\t", "|")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
REDCAP_MARKS = ("redcap_repeat_instrument", "redcap_event_name", "Repeat Instrument", "Event Name")
REPEAT_INSTRUMENT = ("redcap_repeat_instrument", "Repeat Instrument")
LINES_FOR_DELIMITER = 50


@cache
def words() -> dict[str, Any]:
    """words.yml."""
    return yaml.safe_load(WORDS_FILE.read_text(encoding="utf-8"))


@dataclass
class SourceTable:
    """`columns`: name as the contract will spell it -> values as text; `settings`: what the contract says of the file."""

    format: str
    columns: dict[str, list[str | None]]
    settings: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    """Canonical column -> column, where the format's own paths say it (HL7, FHIR)."""
    borrowed: set[str] = field(default_factory=set)
    """REDCap: columns that are empty in the instrument's rows; their values are those of the record's first row."""


def source_tables(path: Path, feed: str) -> list[SourceTable]:
    """The file's records as columns of text; of a REDCap export also those of each repeating instrument.

    Raises:
        UnreadableFile: of no known format, or damaged.
    """
    content = unpacked(path.read_bytes())
    name = path.name.removesuffix(".gz").lower()
    if is_archive(content, may_be_workbook=name.endswith(WORKBOOKS)):
        files, _ = archived_files(content, name.removesuffix(".zip"))
        name, content = files[0][0].lower(), unpacked(files[0][1])
    if content.startswith(b"PAR1"):
        header = pq.ParquetFile(pa.BufferReader(content)).schema_arrow.names
        return [_table(content, "parquet", feed, header, {})]
    if name.endswith(WORKBOOKS):
        return [_workbook(content, feed)]
    text = as_utf_8(content, "sniff").decode()
    start = text.lstrip("\x0b\r\n \ufeff")
    if start.startswith(("MSH|", "FHS|", "BHS|")):
        return [_by_paths(content, "hl7_v2", feed)]
    if start.startswith(("{", "[")):
        return [_by_paths(content, "fhir", feed)]
    return _delimited(content, text, feed)


def _table(
    content: bytes, kind: str, feed: str, header: list[str], settings: dict[str, Any], doubts: list[str] | None = None
) -> SourceTable:
    twice = sorted({name for name in header if header.count(name) > 1})
    names = [name for name in dict.fromkeys(header) if name and name not in twice]
    # one field that is made of all columns, so that the reader gives every one of them and asks nothing of its type
    patient = canonical_feeds()[feed].patient_column
    fields = {patient: FieldContract(columns=names)}
    contract = SourceContract(
        version="draft", feed=feed, file_pattern="*", format=kind, fields=fields, key=[patient], **settings
    )
    records = read_records(content, contract)
    columns = {name: records[contract.reader_column(name)].cast(pa.string()).to_pylist() for name in names}
    told = [f"column '{name}' stands in the header more than once and is left out" for name in twice]
    return SourceTable(kind, columns, settings, [*(doubts or []), *told])


def _workbook(content: bytes, feed: str) -> SourceTable:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = {
            name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names
        }
    except CalamineError as error:
        raise UnreadableFile("not readable as an Excel workbook: damaged, locked by a password, or cut off") from error
    filled = {name: rows for name, rows in sheets.items() if rows}
    if not filled:
        raise UnreadableFile("the workbook has no sheet with cells")
    name = max(filled, key=lambda sheet: len(filled[sheet]))
    doubts = [f"sheet '{name}' is the longest of: {', '.join(sheets)}"] if len(sheets) > 1 else []
    header = ["" if cell is None else str(cell).strip() for cell in filled[name][0]]
    return _table(content, "excel", feed, header, {"sheet": name}, doubts)


def _delimited(content: bytes, text: str, feed: str) -> list[SourceTable]:
    lines = io.StringIO(text, newline="").readlines()[:LINES_FOR_DELIMITER]
    rows_by = {one: [row for row in csv.reader(lines, delimiter=one) if row] for one in DELIMITERS}
    widths = {one: Counter(len(row) for row in rows).most_common(1)[0] for one, rows in rows_by.items() if rows}
    if not widths:
        raise UnreadableFile("the file is empty")
    # the delimiter by which most lines have the same number of fields, and the more fields the better
    delimiter = max(widths, key=lambda one: (widths[one][0] > 1, widths[one][1], widths[one][0]))
    # what stands above the header is of another width
    header = next(row for row in rows_by[delimiter] if len(row) == widths[delimiter][0])
    header = [name.strip() for name in header]
    settings: dict[str, Any] = {"delimiter": delimiter}
    encoding = _encoding(content)
    if encoding != "utf-8":
        settings["encoding"] = encoding
    if not text.endswith(("\n", "\r")):
        settings["ends_with_newline"] = False
    doubts = ["only one column: the delimiter may be another one"] if len(header) < 2 else []
    is_redcap = any(mark in header for mark in REDCAP_MARKS) or any("___" in name for name in header)
    if not is_redcap:
        return [_table(content, "delimited", feed, header, settings, doubts)]
    whole = _table(content, "delimited", feed, header, settings, doubts)
    whole.format = "redcap"
    if header[0] != "record_id":
        whole.settings = {**settings, "record_id": header[0]}
    return _by_instrument(whole, header[0])


def _by_instrument(whole: SourceTable, record_id: str) -> list[SourceTable]:
    """The records' first rows, then the rows of each repeating instrument."""
    marks = next((whole.columns[name] for name in REPEAT_INSTRUMENT if name in whole.columns), None)
    if marks is None:
        return [whole]
    instruments = sorted({(mark or "").strip() for mark in marks})
    first_rows = _rows_of(whole, marks, "")
    place = {one: number for number, one in reversed(list(enumerate(first_rows[record_id])))}
    tables = []
    for instrument in instruments:
        rows = _rows_of(whole, marks, instrument)
        empty = {
            name for name, values in rows.items() if instrument and not any(value and value.strip() for value in values)
        }
        firsts = [place.get(one) for one in rows[record_id]]
        for name in empty:
            rows[name] = [None if number is None else first_rows[name][number] for number in firsts]
        settings = whole.settings | ({"instrument": instrument} if instrument else {})
        tables.append(SourceTable(whole.format, rows, settings, whole.doubts, borrowed=empty))
    return tables


def _rows_of(table: SourceTable, marks: list[str | None], instrument: str) -> dict[str, list[str | None]]:
    chosen = [place for place, mark in enumerate(marks) if (mark or "").strip() == instrument]
    return {name: [values[place] for place in chosen] for name, values in table.columns.items()}


def _encoding(content: bytes) -> str:
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return "sniff"


def _by_paths(content: bytes, kind: str, feed: str) -> SourceTable:
    paths = words()["paths"][kind].get(feed)
    if paths is None:
        known = ", ".join(words()["paths"][kind])
        raise UnreadableFile(f"a contract of feed '{feed}' cannot be drafted from {kind} (can: {known})")
    settings: dict[str, Any] = {}
    if kind == "fhir":
        settings["resource"] = words()["resources"][feed]
    elif feed == "patient_merges":
        settings["message_type"] = "ADT"
    table = _table(content, kind, feed, list(dict.fromkeys(paths.values())), settings)
    table.paths = dict(paths)
    return table
