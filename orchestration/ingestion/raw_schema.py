"""The raw schema: one table a canonical feed plus ledger, quarantine and the link from MRN to study id."""

from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds

LINEAGE_COLUMNS = {
    "source_system": "VARCHAR",
    "system": "VARCHAR",
    "source_file": "VARCHAR",
    "source_line": "BIGINT",
    "record_number": "BIGINT",
    "record_id": "VARCHAR",
    "record_key": "VARCHAR",
    "record_hash": "VARCHAR",
    "file_hash": "VARCHAR",
    "contract_version": "VARCHAR",
    "loaded_at": "TIMESTAMP",
    "run_id": "VARCHAR",
    "payload": "VARCHAR",
}
OBSERVATIONS_TYPE = (
    'STRUCT("sequence" INTEGER, loinc_code VARCHAR, specimen VARCHAR, "value" VARCHAR, "status" VARCHAR)[]'
)


# columns that build files made before them lack, and what they hold for the records loaded until then
LATER_COLUMNS = {"system": "'main'", "record_number": "NULL"}


def create_raw_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Make whatever is missing of the raw schema; what is there stays as it is."""
    connection.execute((Path(__file__).parent / "raw_schema.sql").read_text(encoding="utf-8"))
    for name, feed in canonical_feeds().items():
        columns = {
            column: OBSERVATIONS_TYPE if definition.type == "observations" else "VARCHAR"
            for column, definition in feed.columns.items()
        }
        expected = {**columns, **LINEAGE_COLUMNS}
        listing = ", ".join(f"{column} {kind}" for column, kind in expected.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS raw.{name} ({listing})")
        _add_later_columns(connection, name, expected)


def _add_later_columns(connection: duckdb.DuckDBPyConnection, table: str, expected: dict[str, str]) -> None:
    rows = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'raw' AND table_name = ?", [table]
    ).fetchall()
    for column in expected.keys() - {name for (name,) in rows}:
        default = LATER_COLUMNS.get(column, "NULL")
        connection.execute(f"ALTER TABLE raw.{table} ADD COLUMN {column} {expected[column]} DEFAULT {default}")
