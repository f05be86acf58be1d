"""The results schema: frames out of the marts, through `analysis`, into tables anyone can query; made from its catalogue."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pandas as pd

from analysis.patients.plan import PLAN_TABLES
from analysis.results.catalogue import checked_frame, table_named
from analysis.results.families import FAMILIES, NOT_DONE, Family
from orchestration.computing.inputs import REASONS_SCHEMA, sources_of
from orchestration.computing.night import STEP, computed
from orchestration.computing.unchanged import remember_inputs
from orchestration.nights.steps import night_step
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file, read_table, table_exists, write_table


def _family_asset(family: Family) -> dg.AssetsDefinition:
    """The tables of a family, computed together from the build file (beside this process); those selected are written."""
    sources = [list(source) for needed in family.needs for source in sources_of(needed)]

    @dg.multi_asset(
        name=STEP.format(family.name),
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
        made = computed(family, context)
        with open_build_file(load_settings().build_file) as connection:
            if made.tables is not None:
                for key in selected:
                    write_result(connection, key.path[-1], made.tables[key.path[-1]])
                write_table(connection, REASONS_SCHEMA, family.name, made.reasons)
            if made.of_inputs is not None and len(selected) == len(family.tables):
                remember_inputs(connection, family, made.of_inputs)
            n_rows = {key: _n_rows(connection, key.path[-1]) for key in selected}
        for key in selected:
            # a table that stays is tonight's all the same: from the same inputs it would be made alike
            metadata = {"dagster/row_count": n_rows[key], "computed_tonight": made.tables is not None}
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return results


def write_result(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """Replace a table of results, with the catalogue's words as the comments of the table and its columns."""
    table = table_named(name)
    write_table(connection, "results", name, frame)
    # one transaction: each comment of its own would wait for the disk
    connection.execute("BEGIN")
    connection.execute(f"COMMENT ON TABLE results.{name} IS '{_quoted(table.description)}'")
    for column in table.columns:
        connection.execute(f"""COMMENT ON COLUMN results.{name}."{column.name}" IS '{_quoted(column.comment)}'""")
    connection.execute("COMMIT")


def _n_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return connection.execute(f"SELECT count(*) FROM results.{name}").fetchall()[0][0]


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
