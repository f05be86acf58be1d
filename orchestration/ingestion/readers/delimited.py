"""Delimited text (CSV and its dialects) by Python's csv module, which keeps ragged and blank lines visible."""

import csv
import io
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from orchestration.ingestion.readers.unreadable import UnreadableFile, decoded_text, missing_columns
from orchestration.ingestion.source_contract import SourceContract


def read_delimited(path: Path, contract: SourceContract) -> pa.Table:
    """Records of a delimited file; a row with too few or too many fields carries a structure problem.

    Blank lines are no records. `source_line` is the physical line on which the record starts.
    """
    # not str.splitlines, which would also break a line at characters such as Latin-1's 0x85
    lines = list(io.StringIO(decoded_text(path, contract.encoding, contract.fallback_encoding), newline=""))
    try:
        rows = list(csv.reader(lines, delimiter=contract.delimiter))
    except csv.Error as error:
        raise UnreadableFile(f"not readable as delimited text: {error}") from error
    header = [name.strip() for name in rows[0]]
    missing_columns([field.column for field in contract.fields.values()], header)
    # a quoted field may hold line breaks, so a record's first line is the running sum of the lines before it
    spans = [1 + sum(value.count("\n") for value in row) for row in rows] if len(rows) < len(lines) else [1] * len(rows)
    starts = list(accumulate(spans, initial=1))[:-1]
    records = [(start, span, row) for start, span, row in zip(starts[1:], spans[1:], rows[1:], strict=True) if row]
    return _as_table(records, header, lines)


def _as_table(records: list[tuple[int, int, list[str]]], header: list[str], lines: list[str]) -> pa.Table:
    width = len(header)
    problems = [
        None if len(row) == width else f"{len(row)} fields where the header has {width}" for _, _, row in records
    ]
    padded = [row if len(row) == width else (row + [""] * width)[:width] for _, _, row in records]
    columns = list(zip(*padded, strict=True)) if padded else [[] for _ in header]
    payloads = ["".join(lines[start - 1 : start - 1 + span]).rstrip("\r\n") for start, span, _ in records]
    return pa.table(
        {
            "source_line": pa.array([start for start, _, _ in records], pa.int64()),
            "payload": pa.array(payloads, pa.string()),
            "structure_problem": pa.array(problems, pa.string()),
            **{name: pa.array(values, pa.string()) for name, values in zip(header, columns, strict=True)},
        }
    )
