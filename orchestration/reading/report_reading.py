"""The report reader as a function of SQL: dbt-duckdb loads this module as a plugin (dbt_project/profiles.yml)."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin

FUNCTION = "read_margin_statements"


def read_margin_statements(column: pa.ChunkedArray) -> pa.Array:
    """The statements on margins in each text of the column."""
    from report_reader.batches import read_batch
    from report_reader.margins import margin_reader

    return read_batch(column, margin_reader)


def register_report_reader(connection: Any) -> None:
    """Make read_margin_statements(text) known to a DuckDB connection."""
    import duckdb

    from report_reader.batches import SQL_TYPE

    connection.create_function(
        FUNCTION, read_margin_statements, ["VARCHAR"], duckdb.type(SQL_TYPE), type="arrow", null_handling="special"
    )


class Plugin(BasePlugin):
    """What dbt-duckdb calls for each connection it opens."""

    def configure_connection(self, conn: Any) -> None:
        """Called once a database handle."""
        from orchestration.files.memory import limited, memory_limit_of_models

        limited(conn, memory_limit_of_models(Path(os.environ.get("CRLM_BUILD_PATH", ""))))
        register_report_reader(conn)
