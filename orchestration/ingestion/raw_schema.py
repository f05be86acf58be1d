"""The raw schema: one table a canonical feed plus ledger, quarantine and the link from MRN to study id."""

from pathlib import Path

import duckdb

from orchestration.ingestion.source_contract import canonical_feeds

LINEAGE_COLUMNS = {
    "source_system": "VARCHAR",
    "source_file": "VARCHAR",
    "source_line": "BIGINT",
    "record_id": "VARCHAR",
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


def create_raw_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Make whatever is missing of the raw schema; what is there stays as it is."""
    connection.execute((Path(__file__).parent / "raw_schema.sql").read_text(encoding="utf-8"))
    for name, feed in canonical_feeds().items():
        columns = {
            column: OBSERVATIONS_TYPE if definition.type == "observations" else "VARCHAR"
            for column, definition in feed.columns.items()
        }
        listing = ", ".join(f"{column} {kind}" for column, kind in {**columns, **LINEAGE_COLUMNS}.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS raw.{name} ({listing})")
