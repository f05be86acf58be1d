"""The results schema: frames out of the marts, through `analysis`, into tables anyone can query; made from its catalogue."""

from collections.abc import Callable, Iterator

import dagster as dg
import duckdb
import pandas as pd

from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from analysis.results.catalogue import CATALOGUE, checked_frame, table_named
from analysis.results.families import FAMILIES, NOT_DONE, Family, compute_family
from orchestration.nights.steps import night_step
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file, read_table, table_exists, write_table

# what each family could not do; gathered into results.analyses_not_done
REASONS_SCHEMA = "results_reasons"
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


def _input(connection: duckdb.DuckDBPyConnection, needed: str) -> pd.DataFrame:
    if needed in QUERIES:
        return QUERIES[needed](connection)
    ((schema, table),) = sources_of(needed)
    return read_table(connection, schema, table)


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan of the analysis from the build file's seeds."""
    return plan_from_frames({name: read_table(connection, "seeds", name) for name in PLAN_TABLES})


def read_inputs(connection: duckdb.DuckDBPyConnection, family: Family) -> dict[str, pd.DataFrame]:
    """What a family needs, by name, from the build file."""
    return {name: _input(connection, name) for name in family.needs}


def _family_asset(family: Family) -> dg.AssetsDefinition:
    """The tables of a family, computed together from the build file; those selected are written."""
    sources = [list(source) for needed in family.needs for source in sources_of(needed)]

    @dg.multi_asset(
        name=f"results_{family.name}",
        can_subset=True,
        specs=[
            dg.AssetSpec(
                key=["results", table.name],
                group_name="results",
                kinds={"python", "duckdb"},
                description=table.description,
                skippable=True,
                deps=[["quality", "marts_gate"], *(["seeds", name] for name in PLAN_TABLES), *sources],
                metadata={
                    "dagster/column_schema": dg.TableSchema(
                        columns=[dg.TableColumn(c.name, c.type, c.comment) for c in table.columns]
                    )
                },
            )
            for table in family.tables
        ],
    )
    @night_step
    def results(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        selected = sorted(context.selected_asset_keys)
        with open_build_file(load_settings().build_file) as connection:
            tables, reasons = compute_family(family, read_inputs(connection, family), read_plan(connection))
            for key in selected:
                write_result(connection, key.path[-1], tables[key.path[-1]])
            write_table(connection, REASONS_SCHEMA, family.name, reasons)
        for key in selected:
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": len(tables[key.path[-1]])})

    return results


def write_result(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """Replace a table of results, with the catalogue's words as the comments of the table and its columns."""
    table = table_named(name)
    write_table(connection, "results", name, frame)
    connection.execute(f"COMMENT ON TABLE results.{name} IS '{_quoted(table.description)}'")
    for column in table.columns:
        connection.execute(f"""COMMENT ON COLUMN results.{name}."{column.name}" IS '{_quoted(column.comment)}'""")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


@dg.asset(
    key=["results", NOT_DONE],
    group_name="results",
    kinds={"python", "duckdb"},
    description=table_named(NOT_DONE).description,
    deps=[["results", table.name] for family in FAMILIES for table in family.tables],
)
@night_step
def analyses_not_done(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    with open_build_file(load_settings().build_file) as connection:
        frames = [
            read_table(connection, REASONS_SCHEMA, family.name)
            for family in FAMILIES
            if table_exists(connection, REASONS_SCHEMA, family.name)
        ]
        reasons = pd.concat(frames, ignore_index=True).drop_duplicates()
        write_result(connection, NOT_DONE, checked_frame(NOT_DONE, reasons))
    return dg.MaterializeResult(metadata={"dagster/row_count": len(reasons)})


result_assets = [*(_family_asset(family) for family in FAMILIES), analyses_not_done]
