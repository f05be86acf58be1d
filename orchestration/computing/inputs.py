"""What the statistics read: frames out of the build file, each in one order, since sums of floats depend on it.

The rows of a country's patients are some sixty million: patients are numbers, texts are codes, and truths a byte.
"""

from collections.abc import Callable

import duckdb
import pandas as pd
import pyarrow as pa

from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from analysis.results.catalogue import CATALOGUE
from analysis.results.families import FAMILIES, Family
from orchestration.warehouse import read_table, table_exists

# what each family could not do; gathered into results.analyses_not_done
REASONS_SCHEMA = "results_reasons"
RESULT_NAMES = {table.name for table in CATALOGUE}
OTHER_SOURCES = {
    "operations": [("marts", "index_operations"), ("marts", "resection_margins"), ("intermediate", "text_margins")],
    "ingest_ledger": [("raw", "ingest_ledger")],
    "margin_definitions": [("seeds", "margin_definitions")],
    "published_figures": [("seeds", "published_figures")],
    "chosen_study": [("intermediate", "chosen_study")],
}
NUMBERS = "patient_numbers"
"""A temporary table: the number of each patient, in the order of study_id."""
NOT_READ = ("source_record_id", "source_table", "evidence")
"""Where a row came from: as many texts as rows, of which no statistic is made."""
ROWS_AT_ONCE = 100_000


def _operations(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """marts.index_operations beside what is known of each margin: its width where that is exact, else its bounds (mm)."""
    numbers = _numbered(connection)
    return read_as_codes(
        connection,
        f"""SELECT operations.* REPLACE ({numbers}.number AS study_id),
                margins.margin_mm, margins.unresolved_reason, texts.low_mm AS margin_low_mm, texts.high_mm AS margin_high_mm
            FROM marts.index_operations AS operations
            LEFT JOIN marts.resection_margins AS margins USING (study_id)
            LEFT JOIN intermediate.text_margins AS texts ON operations.study_id = texts.text_id
            LEFT JOIN {numbers} ON operations.study_id = {numbers}.study_id""",
        "study_id",
    )


def _times(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    numbers = _numbered(connection)
    return read_as_codes(
        connection,
        f"""SELECT number AS study_id, endpoint, time_days, event_code::TINYINT AS event_code
            FROM marts.time_to_event LEFT JOIN {numbers} USING (study_id)""",
        "endpoint, study_id",
    )


def _times_by_window(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    numbers = _numbered(connection)
    return read_as_codes(
        connection,
        f"""SELECT number AS study_id, endpoint, time_days, event_code::TINYINT AS event_code,
                synchronous_window_days::SMALLINT AS synchronous_window_days
            FROM marts.time_to_event_by_window LEFT JOIN {numbers} USING (study_id)""",
        "endpoint, synchronous_window_days, study_id",
    )


QUERIES: dict[str, Callable[[duckdb.DuckDBPyConnection], pd.DataFrame]] = {
    "operations": _operations,
    "time_to_event": _times,
    "time_to_event_by_window": _times_by_window,
}


def sources_of(needed: str) -> list[tuple[str, str]]:
    """The tables of the build file that an input of a family is read from."""
    if needed in OTHER_SOURCES:
        return OTHER_SOURCES[needed]
    return [("results" if needed in RESULT_NAMES else "marts", needed)]


def read_input(connection: duckdb.DuckDBPyConnection, needed: str) -> pd.DataFrame:
    """An input of a family: of patients' rows `study_id` is the patient's number in the order of study_id, the same in all of them."""
    if needed in QUERIES:
        return QUERIES[needed](connection)
    ((schema, table),) = sources_of(needed)
    columns = _columns(connection, f'FROM "{schema}"."{table}"')
    if schema != "marts" or "study_id" not in columns:
        return read_table(connection, schema, table)
    numbers = _numbered(connection)
    excluded = ", ".join(name for name in NOT_READ if name in columns)
    exclude = f"EXCLUDE ({excluded})" if excluded else ""
    return read_as_codes(
        connection,
        f"""SELECT rows.* {exclude} REPLACE ({numbers}.number AS study_id)
            FROM marts."{table}" AS rows LEFT JOIN {numbers} ON rows.study_id = {numbers}.study_id""",
        "ALL",
    )


def read_as_codes(connection: duckdb.DuckDBPyConnection, query: str, order: str) -> pd.DataFrame:
    """A query's rows as a frame in an order, some at a time: texts as categories in the order of the alphabet, truths that may be
    missing as masked ones."""
    wide = [name for name, kind in _columns(connection, query).items() if kind.startswith(("DECIMAL", "HUGEINT"))]
    doubles = ", ".join(f'"{name}"::DOUBLE AS "{name}"' for name in wide)
    replaced = f"REPLACE ({doubles})" if doubles else ""
    found = connection.execute(f"SELECT * {replaced} FROM ({query}) ORDER BY {order}").to_arrow_reader(ROWS_AT_ONCE)
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [pa.field(field.name, text if field.type == pa.string() else field.type) for field in found.schema]
    )
    batches = [batch.cast(schema) for batch in found]
    frame = (
        pa.Table.from_batches(batches, schema)
        .unify_dictionaries()
        .to_pandas(date_as_object=False, types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    )
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            named = column.cat.rename_categories(column.cat.categories.astype("str"))
            frame[name] = named.cat.reorder_categories(sorted(named.cat.categories))
        elif column.dtype == "boolean" and not column.isna().any():
            frame[name] = column.astype(bool)
    return frame


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """The type of each column of a query."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()}


def _numbered(connection: duckdb.DuckDBPyConnection) -> str:
    """The name of the table of patients' numbers, which is made where there is none yet: of all that a family reads."""
    needs = {source for family in FAMILIES for need in family.needs for source in sources_of(need)}
    tables = sorted(table for schema, table in needs if schema == "marts" and table_exists(connection, schema, table))
    every = " UNION ".join(
        f'SELECT study_id FROM marts."{table}"'
        for table in tables
        if "study_id" in _columns(connection, f'FROM marts."{table}"')
    )
    connection.execute(
        f"""CREATE TEMP TABLE IF NOT EXISTS {NUMBERS} AS
            SELECT study_id, (row_number() OVER (ORDER BY study_id) - 1)::INTEGER AS number FROM ({every})"""
    )
    return NUMBERS


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan of the analysis from the build file's seeds."""
    return plan_from_frames({name: read_table(connection, "seeds", name) for name in PLAN_TABLES})


def read_inputs(connection: duckdb.DuckDBPyConnection, family: Family) -> dict[str, pd.DataFrame]:
    """What a family needs, by name, from the build file."""
    return {name: read_input(connection, name) for name in family.needs}
