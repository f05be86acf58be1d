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
    "source_reference": "VARCHAR",
    "source_patient": "VARCHAR",
    "source_version": "BIGINT",
    "source_updated_at": "VARCHAR",
    "is_withdrawn": "BOOLEAN",
    "load_number": "BIGINT",
    "superseded_by": "BIGINT",
    "file_hash": "VARCHAR",
    "contract_version": "VARCHAR",
    "loaded_at": "TIMESTAMP",
    "run_id": "VARCHAR",
    "payload": "VARCHAR",
}
# a line of a report: text, or a discrete statement (kind 'statement': label, value, unit), or a place where something could not
# be read; `section` where the contract says it, else it follows from the LOINC code
OBSERVATION_FIELDS = {
    "sequence": "INTEGER", "set_id": "VARCHAR", "loinc_code": "VARCHAR", "section": "VARCHAR", "specimen": "VARCHAR",
    "label": "VARCHAR", "value": "VARCHAR", "unit": "VARCHAR", "status": "VARCHAR", "kind": "VARCHAR",
}  # fmt: skip
_FIELDS = ", ".join(f'"{name}" {kind}' for name, kind in OBSERVATION_FIELDS.items())
OBSERVATIONS_TYPE = f"STRUCT({_FIELDS})[]"
EARLIER_OBSERVATION_FIELDS = ("sequence", "loinc_code", "specimen", "value", "status")


# columns that build files made before them lack, and what they hold for the records loaded until then
LATER_COLUMNS = {"system": "'main'", "load_number": "0"}


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
        "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw' AND table_name = ?", [table]
    ).fetchall()
    if "set_id" not in dict(rows).get("observations", "set_id"):
        told = ", ".join(
            # not `x.name`: in ALTER, DuckDB takes that for a column of the table
            f"'{name}': " + (f"struct_extract(x, '{name}')" if name in EARLIER_OBSERVATION_FIELDS else "NULL")
            for name in OBSERVATION_FIELDS
        )
        connection.execute(
            f"""ALTER TABLE raw.{table} ALTER observations SET DATA TYPE {OBSERVATIONS_TYPE}
                USING list_transform(observations, x -> {{{told}}})"""
        )
    for column in expected.keys() - {name for name, _ in rows}:
        default = LATER_COLUMNS.get(column, "NULL")
        connection.execute(f"ALTER TABLE raw.{table} ADD COLUMN {column} {expected[column]} DEFAULT {default}")
