"""Many texts at once: Arrow in, Arrow out, on every core where there is enough to read. What SQL calls on DuckDB; on Spark the same
function reads the batches of a pandas or Arrow function.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import pyarrow as pa

from report_reader.reader import Reader

FEW = 400
"""So few texts are read in this process: another one takes longer to start."""
A_TASK = 256
STATEMENT = pa.struct(
    [
        ("clause", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("found_start", pa.int32()),
        ("found_end", pa.int32()),
        ("language", pa.string()),
        ("rule", pa.string()),
        ("reading", pa.string()),
        ("certainty", pa.string()),
        ("subject", pa.string()),
        ("previous_subject", pa.string()),
        ("label", pa.string()),
        ("clause_label", pa.string()),
        ("comparator", pa.string()),
        ("mm", pa.float64()),
        ("up_to_mm", pa.float64()),
        ("part", pa.string()),
        ("organ", pa.string()),
        ("site", pa.string()),
        ("section", pa.string()),
        ("clause_section", pa.string()),
        ("starts_part", pa.bool_()),
        ("marks", pa.list_(pa.string())),
    ]
)
STATEMENTS = pa.list_(STATEMENT)
SQL_TYPE = (
    'STRUCT(clause INTEGER, start INTEGER, "end" INTEGER, text VARCHAR, found_start INTEGER, found_end INTEGER, language VARCHAR, '
    "rule VARCHAR, reading VARCHAR, certainty VARCHAR, subject VARCHAR, previous_subject VARCHAR, label VARCHAR, clause_label VARCHAR, "
    "comparator VARCHAR, mm DOUBLE, up_to_mm DOUBLE, part VARCHAR, organ VARCHAR, site VARCHAR, section VARCHAR, "
    "clause_section VARCHAR, starts_part BOOLEAN, marks VARCHAR[])[]"
)
ReaderMaker = Callable[[], Reader]


def read_texts(texts: Sequence[str | None], make_reader: ReaderMaker) -> pa.Array:
    """The statements of each text, in this process; NULL for NULL."""
    reader = make_reader()
    rows = [None if text is None else [statement.as_dict() for statement in reader.read(text)] for text in texts]
    return pa.array(rows, type=STATEMENTS)


def read_batch(column: pa.Array | pa.ChunkedArray, make_reader: ReaderMaker) -> pa.Array:
    """The statements of each text of a column.

    Args:
        column: VARCHAR; one text a row.
        make_reader: a function of a module's top level, which other processes can import.
    """
    texts = column.to_pylist()
    if len(texts) < FEW or (os.cpu_count() or 1) < 2:
        return read_texts(texts, make_reader)
    tasks = [texts[at : at + A_TASK] for at in range(0, len(texts), A_TASK)]
    done = _pool().map(read_texts, tasks, [make_reader] * len(tasks))
    return pa.concat_arrays(list(done))


@cache
def _pool() -> ProcessPoolExecutor:
    """One process a core, kept for as long as this process lives; spawned, for a fork would copy the caller's locks."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn"))
