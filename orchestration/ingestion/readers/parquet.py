"""Parquet by Arrow; values become text as DuckDB writes them, dates ISO text."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.model import WITHDRAWN
from orchestration.ingestion.readers.landed_file import (
    MAX_UNPACKING_RATIO,
    UNPACKED_ALWAYS_ALLOWED,
    UnreadableFile,
)
from orchestration.ingestion.readers.report_rows import records_of_table
from orchestration.ingestion.readers.tabular import Rows, check_header


def text_literal(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def read_parquet(content: bytes, contract: SourceContract) -> pa.Table:
    """One record a row; `source_line` is the row's number, `payload` the row as JSON.

    Raises:
        UnreadableFile: no Parquet file, cut off or damaged, beyond all proportion when unpacked, or a column missing.
    """
    records = _table(content)
    if contract.source and contract.source.vanished == "withdrawn" and WITHDRAWN not in records.column_names:
        # fetched before the contract said what a vanished row means
        records = records.append_column(WITHDRAWN, pa.array(["no"] * records.num_rows, pa.string()))
    header = records.column_names
    check_header(contract.column_choices, header)
    # DuckDB takes names that differ in capitals only for one
    numbered = records.rename_columns([f"c{place}" for place in range(len(header))])
    texts = ", ".join(f"{_as_text(f'c{place}', kind)} AS c{place}" for place, kind in enumerate(records.schema.types))
    named = ", ".join(f"{text_literal(name)}, c{place}" for place, name in enumerate(header))
    try:
        with duckdb.connect() as connection:
            connection.register("records", numbered)
            table = connection.execute(
                f"SELECT CAST(json_object({named}) AS VARCHAR) AS payload, {texts} FROM records"
            ).to_arrow_table()
    except duckdb.Error as error:
        raise UnreadableFile("the Parquet file holds values that cannot be written as text") from error
    lines = pa.array(range(1, table.num_rows + 1), pa.int64())
    problems = pa.nulls(table.num_rows, pa.string())
    return records_of_table(Rows(lines, table["payload"], problems, header, table.columns[1:]), contract)


def _as_text(column: str, kind: pa.DataType) -> str:
    """SQL for a value as a person writes it: whole numbers without '.0', midnight as the date."""
    text = f"CAST({column} AS VARCHAR)"
    if pa.types.is_floating(kind):
        is_whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        # what a data frame has in the place of a missing number
        return f"CASE WHEN isnan({column}) THEN NULL WHEN {is_whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE {text} END"
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return f"CASE WHEN {column} = date_trunc('day', {column}) THEN strftime({column}, '%Y-%m-%d') ELSE {text} END"
    return text


def _table(content: bytes) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        if unpacked > max(MAX_UNPACKING_RATIO * len(content), UNPACKED_ALWAYS_ALLOWED):
            raise UnreadableFile(f"the Parquet file unpacks to {unpacked // 2**20:,} MiB, beyond all proportion")
        table = file.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise UnreadableFile("not readable as a Parquet file: damaged or cut off") from error
    return table
