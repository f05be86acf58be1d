"""The data dictionary of a published file: its comments, as a frame."""

import duckdb
import pandas as pd

SCHEMAS = ("marts", "results", "quality", "meta")
TABLES = """
    SELECT schema_name, table_name, estimated_size AS n_rows, coalesce(comment, '') AS description
    FROM duckdb_tables() WHERE database_name = current_database() AND list_contains(?, schema_name) ORDER BY ALL"""
COLUMNS = """
    SELECT columns.schema_name AS schema, columns.table_name AS "table", columns.column_name AS "column",
           columns.column_index AS position, columns.data_type AS type, coalesce(columns.comment, '') AS description,
           coalesce(tables.comment, '') AS table_description
    FROM duckdb_columns() AS columns INNER JOIN duckdb_tables() AS tables USING (database_name, schema_name, table_name)
    WHERE columns.database_name = current_database() AND list_contains(?, columns.schema_name) ORDER BY 1, 2, 4"""


def published_columns(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a column of a published file: schema, table, column, position (1-based), type, description, table_description."""
    return connection.execute(COLUMNS, [list(SCHEMAS)]).df()


def data_dictionary(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """`published_columns` with n_rows of the table and n_missing of the column."""
    frame = published_columns(connection)
    counted = []
    for (schema, table), rows in frame.groupby(["schema", "table"], sort=False):
        missing = ", ".join(f'count(*) - count("{name}")' for name in rows["column"])
        n_rows, *n_missing = connection.execute(f'SELECT count(*), {missing} FROM "{schema}"."{table}"').fetchall()[0]
        counted += [(n_rows, n) for n in n_missing]
    return frame.assign(n_rows=[n for n, _ in counted], n_missing=[n for _, n in counted])
