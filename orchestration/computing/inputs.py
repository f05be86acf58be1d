"""What the statistics read: frames out of the build file, each in one order, since sums of floats depend on it."""

from collections.abc import Callable

import duckdb
import pandas as pd

from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from analysis.results.catalogue import CATALOGUE
from analysis.results.families import Family
from orchestration.warehouse import read_table

RESULT_NAMES = {table.name for table in CATALOGUE}
OTHER_SOURCES = {
    "operations": [("marts", "index_operations"), ("marts", "resection_margins"), ("intermediate", "text_margins")],
    "ingest_ledger": [("raw", "ingest_ledger")],
    "margin_definitions": [("seeds", "margin_definitions")],
    "chosen_study": [("intermediate", "chosen_study")],
}


def operations(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """marts.index_operations beside what is known of each margin: its width where that is exact, else its bounds (mm)."""
    return connection.execute(
        """SELECT operations.*, margins.margin_mm, margins.unresolved_reason, texts.low_mm AS margin_low_mm, texts.high_mm AS margin_high_mm
           FROM marts.index_operations AS operations
           LEFT JOIN marts.resection_margins AS margins USING (study_id)
           LEFT JOIN intermediate.text_margins AS texts ON operations.study_id = texts.text_id
           ORDER BY study_id"""
    ).df()


def _times(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute(
        "SELECT study_id, endpoint, time_days, event_code FROM marts.time_to_event ORDER BY endpoint, study_id"
    ).df()


def _times_by_window(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute(
        """SELECT study_id, endpoint, time_days, event_code, synchronous_window_days FROM marts.time_to_event_by_window
           ORDER BY endpoint, synchronous_window_days, study_id"""
    ).df()


QUERIES: dict[str, Callable[[duckdb.DuckDBPyConnection], pd.DataFrame]] = {
    "operations": operations,
    "time_to_event": _times,
    "time_to_event_by_window": _times_by_window,
}


def sources_of(needed: str) -> list[tuple[str, str]]:
    """The tables of the build file that an input of a family is read from."""
    if needed in OTHER_SOURCES:
        return OTHER_SOURCES[needed]
    return [("results" if needed in RESULT_NAMES else "marts", needed)]


def read_input(connection: duckdb.DuckDBPyConnection, needed: str) -> pd.DataFrame:
    if needed in QUERIES:
        return QUERIES[needed](connection)
    ((schema, table),) = sources_of(needed)
    return read_table(connection, schema, table)


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan of the analysis from the build file's seeds."""
    return plan_from_frames({name: read_table(connection, "seeds", name) for name in PLAN_TABLES})


def read_inputs(connection: duckdb.DuckDBPyConnection, family: Family) -> dict[str, pd.DataFrame]:
    """What a family needs, by name, from the build file."""
    return {name: read_input(connection, name) for name in family.needs}
