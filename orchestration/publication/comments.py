"""The published file explains itself: a comment on every table and column that dbt or the catalogue of results describes."""

import json
from pathlib import Path

import duckdb

from analysis.results.catalogue import CATALOGUE
from orchestration.warehouse import columns_by_table, published_tables

Words = dict[tuple[str, str], tuple[str, dict[str, str]]]


def words_of_tables(dbt_manifest: Path) -> Words:
    """Schema and name of each table -> its description and those of its columns."""
    return _of_dbt(dbt_manifest) | {
        ("results", table.name): (table.description, {column.name: column.comment for column in table.columns})
        for table in CATALOGUE
    }


def comment_published(connection: duckdb.DuckDBPyConnection, database: str, words: Words) -> None:
    """Write the comments into an attached file; what nobody describes, and what the file leaves out, has none."""
    present = columns_by_table(connection, database)
    # one transaction: each comment of its own would wait for the disk
    connection.execute("BEGIN")
    for table in published_tables():
        of_table, of_columns = words.get((table.source_schema, table.source_name), ("", {}))
        target = f'{database}."{table.schema}"."{table.name}"'
        columns = present.get((table.schema, table.name), {})
        if columns and of_table:
            connection.execute(f"COMMENT ON TABLE {target} IS '{_quoted(of_table)}'")
        for column in columns:
            if of_columns.get(column):
                connection.execute(f"""COMMENT ON COLUMN {target}."{column}" IS '{_quoted(of_columns[column])}'""")
    connection.execute("COMMIT")


def _of_dbt(manifest: Path) -> Words:
    """Of each model and seed; nothing where dbt has not run."""
    if not manifest.exists():
        return {}
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return {
        (node["schema"], node.get("alias") or node["name"]): (
            node.get("description") or "",
            {name: column.get("description") or "" for name, column in node.get("columns", {}).items()},
        )
        for node in nodes
        if node["resource_type"] in ("model", "seed")
    }


def _quoted(text: str) -> str:
    return " ".join(text.split()).replace("'", "''")
