"""Every published table as a Parquet file, one folder a schema, with a data dictionary that a person and a program can read."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.exports.dictionary import data_dictionary
from orchestration.exports.folders import ExportRefused, whole_folder
from orchestration.warehouse import connect_read_only, read_publication

DICTIONARY_FILE = "data_dictionary.csv"
Progress = Callable[[str], None]


def export_parquet(published_file: Path, target: Path, progress: Progress = lambda text: None) -> int:
    """Write the folder and return how many tables it holds. A table's and its columns' descriptions are in the dictionary and in
    the file's own metadata (key `description`, and `column.<name>` of each column).

    Raises:
        ExportRefused: nothing is published, or the target holds something else.
    """
    stamp = read_publication(published_file)
    if stamp is None:
        raise ExportRefused("nothing is published yet: run `crlm refresh` first")
    with connect_read_only(published_file) as connection, whole_folder(target, stamp, "parquet") as folder:
        dictionary = data_dictionary(connection)
        tables = list(dictionary.groupby(["schema", "table"], sort=False))
        for (schema, table), rows in tables:
            progress(f"{schema}.{table}")
            (folder / schema).mkdir(exist_ok=True)
            _write(connection, schema, table, rows, folder / schema / f"{table}.parquet")
        dictionary.to_csv(folder / DICTIONARY_FILE, index=False)
    return len(tables)


def _write(connection: duckdb.DuckDBPyConnection, schema: str, table: str, rows: pd.DataFrame, file: Path) -> None:
    words = {"description": rows["table_description"].iloc[0]}
    words |= {f"column.{name}": text for name, text in zip(rows["column"], rows["description"], strict=True)}
    metadata = ", ".join(f"{_text(name)}: {_text(text)}" for name, text in words.items() if text)
    options = f", KV_METADATA {{{metadata}}}" if metadata else ""
    connection.execute(
        f'COPY (FROM "{schema}"."{table}" ORDER BY ALL) TO {_text(str(file))} (FORMAT parquet, COMPRESSION zstd{options})'
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
