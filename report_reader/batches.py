"""Many texts at once: Arrow in, Arrow out, on every core where there is enough to read. What SQL calls on DuckDB; on Spark the same
function reads the batches of a pandas or Arrow function.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any, Protocol, TypeVar, get_type_hints

import pyarrow as pa

from report_reader.reader import Reader
from report_reader.statements import Statement

FEW = 400
"""So few texts are read in this process: another one takes longer to start."""
A_TASK = 256
TYPES: dict[Any, tuple[pa.DataType, str]] = {
    int: (pa.int32(), "INTEGER"),
    str: (pa.string(), "VARCHAR"),
    float | None: (pa.float64(), "DOUBLE"),
    bool: (pa.bool_(), "BOOLEAN"),
    tuple[str, ...]: (pa.list_(pa.string()), "VARCHAR[]"),
}
"""Of each type of a statement's field that of Arrow and of SQL."""
COLUMNS = [pa.field(name, TYPES[kind][0]) for name, kind in get_type_hints(Statement).items()]
STATEMENTS = pa.list_(pa.struct(COLUMNS))
SQL_COLUMNS = [f'"{name}" {TYPES[kind][1]}' for name, kind in get_type_hints(Statement).items()]
SQL_TYPE = f"STRUCT({', '.join(SQL_COLUMNS)})[]"
ReaderMaker = Callable[[], Reader]
Read = list[Statement] | None
"""What comes of a text: a struct for each statement."""
Value = TypeVar("Value")


class Column(Protocol[Value]):
    """What is asked of Arrow's arrays, whose library declares no types."""

    def to_pylist(self) -> list[Value]:
        """The values, None for NULL."""
        ...


def read_texts(texts: Sequence[str | None], make_reader: ReaderMaker) -> Column[Read]:
    """The statements of each text, in this process; NULL for NULL."""
    reader = make_reader()
    statements: list[Statement] = []
    ends: list[int | None] = []
    for text in texts:
        ends.append(None if text is None else len(statements))
        if text is not None:
            statements.extend(reader.read(text))
    ends.append(len(statements))
    # by columns: rows as dictionaries took longer than the reading
    columns = zip(*statements, strict=True) if statements else [[] for _ in COLUMNS]
    arrays = [pa.array(values, type=column.type) for values, column in zip(columns, COLUMNS, strict=True)]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.StructArray.from_arrays(arrays, fields=COLUMNS))


def read_batch(column: Column[str | None], make_reader: ReaderMaker) -> Column[Read]:
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


def end_workers() -> None:
    """The other processes, if there are any; a process that is no child of multiprocessing's ends them by itself."""
    if _pool.cache_info().currsize:
        _pool().shutdown()
        _pool.cache_clear()
