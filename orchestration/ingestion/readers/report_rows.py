"""Reports that are rows of a table: their columns become the lines of a report, as an HL7 message's OBX segments do.

A report may have several rows (a row a specimen, a lesion or a statement): rows that agree in the contract's key, patient, status
and times are one report, whose lines stand in the order of the rows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.report_lines import ReportLine
from orchestration.ingestion.contract.wide_form import NUMBER, is_numbered, numbered_pattern
from orchestration.ingestion.raw_schema import OBSERVATION_FIELDS
from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.attachments import DOCUMENT_IN_TEXT, UnreadableAttachment, text_of_document
from orchestration.ingestion.readers.tabular import Rows, in_long_form, trimmed, without_units_row

ONE_REPORT = ("mrn", "accession_number", "report_status", "reported_datetime", "message_datetime")
"""Beside the key, what rows of one report have in common; where they differ they are versions of it."""
NUMBER_ALONE = r"[+-]?\d+([.,]\d+)?"
COMPARATORS = {
    "": "", "=": "", "eq": "", "equal": "", "equal to": "", "exactly": "", "<": "<", "lt": "<", "less than": "<", "below": "<",
    ">": ">", "gt": ">", "greater than": ">", "more than": ">", "above": ">", "<=": "<=", "=<": "<=", "≤": "<=", "le": "<=",
    "lte": "<=", "at most": "<=", "up to": "<=", ">=": ">=", "=>": ">=", "≥": ">=", "ge": ">=", "gte": ">=", "at least": ">=",
}  # fmt: skip
UNKNOWN_CODE = "a code in a line of the report that the contract does not map"
UNKNOWN_COMPARATOR = "a comparator of a number in the report that is not known"


@dataclass(frozen=True)
class _Line:
    """A line's fields for each row, the reasons not to take a row (None where there is none at all), and what was not read."""

    fields: dict[str, pa.Array | pa.ChunkedArray]
    problem: np.ndarray | None
    notices: list[Notice]


def records_of_table(rows: Rows, contract: SourceContract) -> pa.Table:
    """The records of a table's rows: one a row, one a number of its wide form, or one a report."""
    rows = without_units_row(rows, contract)
    return records_of_reports(rows, contract) if contract.lines else in_long_form(rows, contract).records(contract)


def records_of_reports(rows: Rows, contract: SourceContract) -> pa.Table:
    """One record a report, with its lines as `observations`."""
    made = [part for line in contract.lines for part in _texts_of(rows, line, contract)]
    strange = [line.problem for line in made if line.problem is not None]
    rows = rows.with_problems(strange).noticed(notice for line in made for notice in line.notices)
    first_of_report, report_of_row = _reports(rows, contract)
    observations = _observations([line.fields for line in made], report_of_row, len(first_of_report))
    payload = _joined(rows.payload, first_of_report, report_of_row)
    problem = _first_problem(rows.structure_problem, first_of_report, report_of_row)
    reports = rows.taken(first_of_report).with_own(payload=payload, structure_problem=problem)
    return reports.records(contract).append_column("observations", observations)


def _texts_of(rows: Rows, line: ReportLine, contract: SourceContract) -> list["_Line"]:
    """The line once, or for each number that stands for `{n}`."""
    numbers: Sequence[str] = [""]
    if is_numbered(line.column):
        pattern = numbered_pattern(line.column)
        found = {match[1] for name in rows.header if (match := pattern.fullmatch(name))}
        numbers = sorted(found, key=lambda number: (int(number), number))
    return [_text_of(rows, line, contract, number) for number in numbers]


def _text_of(rows: Rows, line: ReportLine, contract: SourceContract, number: str) -> "_Line":
    def column(name: str) -> pa.Array | pa.ChunkedArray:
        return trimmed(rows.column_or_nothing(name.replace(NUMBER, number)))

    nothing = pa.array(contract.spellings_of_missing(line.missing_values))
    value = column(line.column)
    is_missing = pc.is_in(value, nothing)
    problem = None
    if line.codes:
        place = pc.index_in(value, pa.array(list(line.codes)))
        problem = np.where(np.asarray(pc.and_not(pc.is_null(place), is_missing)), UNKNOWN_CODE, None)
        value = pa.array(list(line.codes.values()), pa.string()).take(_flat(place))
    is_number = pc.match_substring_regex(pc.fill_null(value, ""), f"^{NUMBER_ALONE}$")
    if line.comparator_column:
        told = pc.utf8_lower(column(line.comparator_column))
        place = pc.index_in(told, pa.array(list(COMPARATORS)))
        is_strange = np.asarray(pc.and_not(pc.is_null(place), is_missing))
        problem = np.where(is_strange, UNKNOWN_COMPARATOR, None if problem is None else problem)
        sign = pc.fill_null(pa.array(list(COMPARATORS.values())).take(_flat(place)), "")
        value = pc.if_else(is_number, pc.binary_join_element_wise(sign, value, ""), value)
    value = pc.if_else(is_missing, None, value)
    kind = "statement" if line.label or line.label_column else "text"
    kinds, value, notices = _with_documents_read(_constant(kind, len(rows)), _flat(value))
    is_measured = pc.match_substring_regex(pc.fill_null(value, ""), f"^[<>]?=?\\s*{NUMBER_ALONE}$")
    unit = column(line.unit_column) if line.unit_column else _constant(line.unit, len(rows))
    label = column(line.label_column) if line.label_column else _constant(line.label.replace(NUMBER, number), len(rows))
    specimen = column(line.specimen_column) if line.specimen_column else _constant(line.specimen, len(rows))
    fields = {
        "section": _constant(line.section, len(rows)),
        "specimen": _or_null(specimen),
        "label": _or_null(label),
        "value": value,
        "unit": pc.if_else(is_measured, _or_null(unit), None),
        "kind": kinds,
    }
    return _Line(fields, problem, notices)


def _with_documents_read(kinds: pa.Array, value: pa.Array) -> tuple[pa.Array, pa.Array, list[Notice]]:
    """RTF, HTML and PDF in a column of text, as their words; what cannot be read says so in its place."""
    is_document = np.asarray(
        pc.match_substring_regex(pc.fill_null(value, ""), f"^(?:{DOCUMENT_IN_TEXT})", ignore_case=True)
    )
    if not is_document.any():
        return kinds, value, []
    texts, unread = [], Counter()
    for text in value.filter(pa.array(is_document)).to_pylist():
        try:
            texts.append((text_of_document(text), None))
        except UnreadableAttachment as reason:
            unread[str(reason)] += 1
            texts.append((f"[a document in a column was not read: {reason}]", "not read"))
    told = pa.array(is_document)
    kind_of_text = pa.array([kind or "text" for _, kind in texts], pa.string())
    return (
        pc.replace_with_mask(kinds, told, kind_of_text),
        pc.replace_with_mask(value, told, pa.array([text for text, _ in texts], pa.string())),
        [Notice("document in a column of text", n, reason) for reason, n in unread.items()],
    )


def _constant(text: str, n: int) -> pa.Array:
    return pa.array([text], pa.string()).take(pa.array(np.zeros(n, np.int64)))


def _or_null(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.if_else(pc.equal(text, ""), None, text)


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _reports(rows: Rows, contract: SourceContract) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each report in the file's order, and each row's report; a broken row is a report of its own."""
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    names = [name for name in contract.fields if name in {*contract.key, *ONE_REPORT}]
    columns = list(dict.fromkeys(name for field in names for name in contract.fields[field].source_columns))
    texts = [trimmed(rows.column_or_nothing(name)) for name in columns]
    same = pc.binary_join_element_wise(*texts, "\x1f") if texts else _constant("", len(rows))
    own = pc.binary_join_element_wise("broken", pa.array(np.arange(len(rows))).cast(pa.string()), "\x1e")
    same = pc.if_else(pc.is_valid(rows.structure_problem), own, same)
    codes = np.asarray(_flat(pc.dictionary_encode(same)).indices)
    _, first = np.unique(codes, return_index=True)
    return first, codes


def _observations(lines: list[dict], report_of_row: np.ndarray, n_reports: int) -> pa.Array:
    """The lines that have a value, row by row within each report, numbered from 1."""
    n_rows = len(report_of_row)
    stacked = {
        name: pa.chunked_array([_flat(line[name]).cast(pa.string()) for line in lines], pa.string()).combine_chunks()
        for name in ("section", "specimen", "label", "value", "unit", "kind")
    }
    has_value = np.asarray(pc.is_valid(stacked["value"])).reshape(len(lines), n_rows).T
    row, line = np.nonzero(has_value)
    order = np.argsort(report_of_row[row], kind="stable")
    row, line = row[order], line[order]
    place = pa.array(line * n_rows + row)
    counts = np.bincount(report_of_row[row], minlength=n_reports)
    offsets = np.append(0, np.cumsum(counts))
    sequence = pa.array((np.arange(len(row)) - np.repeat(offsets[:-1], counts) + 1).astype(np.int32))
    given = {name: column.take(place) for name, column in stacked.items()}
    given |= {"sequence": sequence, "set_id": sequence.cast(pa.string()), "status": _constant("F", len(row))}
    fields = [given.get(name, pa.nulls(len(row), pa.string())) for name in OBSERVATION_FIELDS]
    struct = pa.StructArray.from_arrays(fields, names=list(OBSERVATION_FIELDS))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct)


def _joined(payload: pa.Array | pa.ChunkedArray, first: np.ndarray, report_of_row: np.ndarray) -> pa.Array:
    """Each report's rows as they stand in the file, one under the other."""
    text = _flat(payload.cast(pa.string()))
    if len(first) == len(report_of_row):
        return text
    order = np.argsort(report_of_row, kind="stable")
    counts = np.bincount(report_of_row, minlength=len(first))
    lists = pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(counts)), pa.int32()), text.take(pa.array(order)))
    return pc.binary_join(lists, "\n")


def _first_problem(problems: pa.Array | pa.ChunkedArray, first: np.ndarray, report_of_row: np.ndarray) -> pa.Array:
    """A report of which one row cannot be taken is not taken."""
    texts = _flat(problems)
    has_one = np.flatnonzero(np.asarray(pc.is_valid(texts)))
    found = np.full(len(first), None, object)
    for row in has_one[::-1]:
        found[report_of_row[row]] = texts[int(row)].as_py()
    return pa.array(found, pa.string())
