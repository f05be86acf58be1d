"""Literal raw records of one hospital, and what the real dbt project derives from them."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.dbt_build.arguments import DEFAULT_STUDY, dbt_variables
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import Settings
from tests.dbt_process import run_forked_dbt

OPERATION = date(2000, 6, 1)
KEYS = {
    "registry": "registry_record_id", "follow_up": "event_id", "treatments": "treatment_id", "vital_status": "mrn",
    "patient_merges": "message_control_id",
}  # fmt: skip
Records = dict[str, list[dict]]
"""Raw records by feed, the hospital's own columns only; `system` where it is not 'main'."""


def day(offset: int) -> str:
    """A date so many days after the operation."""
    return str(OPERATION + timedelta(days=offset))


def operation_record(mrn: str, **other: str) -> dict:
    """A registry record of a patient who fulfils every criterion of the cohort but for follow-up."""
    return {
        "registry_record_id": mrn, "mrn": mrn, "birth_date": "1940-01-01", "operation_date": str(OPERATION),
        "operative_intent": "curative", "residual_disease": "R0", "diagnosis": "colorectal_liver_metastasis", **other,
    }  # fmt: skip


def write_raw(connection: duckdb.DuckDBPyConnection, records: Records) -> None:
    """The raw tables, as ingestion leaves them; the study id of MRN M1 is SM1."""
    create_raw_schema(connection)
    for table, rows in records.items():
        frame = pd.DataFrame(rows)
        if frame.empty:
            continue
        frame = frame.assign(
            source_system=frame.get("source_system", "h"),
            system=frame["system"].fillna("main") if "system" in frame else "main",
            source_file=table,
            source_line=range(2, len(frame) + 2),
            record_id=[f"{table}:{n}" for n in range(len(frame))],
            record_key=frame[KEYS[table]],
            loaded_at=pd.Timestamp("2020-01-01"),
        )
        connection.register("records", frame)
        connection.execute(f"INSERT INTO raw.{table} BY NAME SELECT * FROM records")
        connection.unregister("records")
    every = " UNION ".join(f"SELECT source_system, mrn FROM raw.{table}" for table in KEYS)
    connection.execute(f"INSERT INTO raw.patient_identifiers SELECT source_system, mrn, 'S' || mrn FROM ({every})")


def derived(records: Records, tables: list[str]) -> dict[str, pd.DataFrame]:
    """The tables ('schema.name') that dbt derives from such records, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        build_file = Path(scratch) / "build.duckdb"
        with duckdb.connect(str(build_file)) as connection:
            write_raw(connection, records)
        arguments = ["--quiet", "build", "--resource-type", "seed", "--resource-type", "model"]
        completed = run_forked_dbt(build_file, arguments, dbt_variables(Settings(), DEFAULT_STUDY))
        assert completed.returncode == 0, completed.stdout[-3000:]
        with duckdb.connect(str(build_file), read_only=True) as connection:
            return {table.split(".")[1]: connection.table(table).df() for table in tables}
