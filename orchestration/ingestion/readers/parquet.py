"""Parquet by Arrow; values become text as DuckDB writes them, dates ISO text."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingestion.readers.landed_file import (
    MAX_UNPACKING_RATIO,
    UNPACKED_ALWAYS_ALLOWED,
    UnreadableFile,
    missing_columns,
)
from orchestration.ingestion.source_contract import SourceContract


def read_parquet(content: bytes, contract: SourceContract) -> pa.Table:
    """One record a row; `source_line` is the row's number, `payload` the row as JSON.

    Raises:
        UnreadableFile: no Parquet file, cut off or damaged, beyond all proportion when unpacked, or a column missing.
    """
    records = _table(content)
    names = records.column_names
    missing_columns(contract.source_columns, names)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in quoted)
    try:
        with duckdb.connect() as connection:
            connection.register("records", records)
            return connection.execute(
                f"""SELECT row_number() OVER () AS source_line, CAST(to_json(records) AS VARCHAR) AS payload,
                           CAST(NULL AS VARCHAR) AS structure_problem, {texts} FROM records"""
            ).to_arrow_table()
    except duckdb.Error as error:
        raise UnreadableFile("the Parquet file holds values that cannot be written as text") from error


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
