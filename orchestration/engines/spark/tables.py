"""What goes to the engine before dbt and comes back after it, as Parquet files in a folder that both see under one name.

To the engine: raw records and seeds. Back: every table that dbt made, with the types that the build file's tables have, in one
transaction: the gates, the statistics and publication go on as if DuckDB had made them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from orchestration.engines.spark.session import EngineLost, EngineRefused, kind_of, lost_or, shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GIVEN_SCHEMAS = ("raw", "seeds")
MADE_SCHEMAS = ("staging", "intermediate", "marts", "quality")
KEPT_BY_ENGINE = ("intermediate.built_patients", "intermediate.margin_statements")
"""What an engine with a catalogue of its own would keep of an earlier night."""
MADE, BROUGHT_BACK = "made", "back"
"""Of a night's folder: where the engine makes tables whose files this machine reads as they are, and where it writes those of others."""
TONIGHT = "__tonight"
"""Behind the name of a table that is kept: tonight's rows of it, while they are put in their place (macros/tables_of_engines.sql)."""


@dataclass(frozen=True)
class MadeTable:
    """A table that dbt makes, and what its contract says of its columns' types."""

    schema: str
    name: str
    contract: Mapping[str, str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def files(self, folder: Path) -> Path:
        """Where its files are: where it was made, else where they are brought back to."""
        made = folder / MADE / self.full_name
        return made if any(made.glob("*.parquet")) else folder / BROUGHT_BACK / self.full_name


def made_tables(manifest: Path) -> list[MadeTable]:
    """Every model of dbt's manifest that is a table."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return [
        MadeTable(
            node["schema"],
            node["alias"],
            {name: column["data_type"] for name, column in node["columns"].items() if column.get("data_type")},
        )
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["materialized"] in ("table", "incremental")
    ]


def given_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of the build file's raw records and seeds."""
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ? AND NOT temporary ORDER BY ALL",
        [GIVEN_SCHEMAS],
    ).fetchall()


def id_of_build_file(connection: duckdb.DuckDBPyConnection) -> str:
    """What tells a build file from one that was made anew in its place."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS restricted")
    connection.execute("CREATE TABLE IF NOT EXISTS restricted.build_file AS SELECT CAST(uuid() AS VARCHAR) AS id")
    return connection.execute("SELECT id FROM restricted.build_file").fetchall()[0][0]


def give(
    connection: duckdb.DuckDBPyConnection,
    session: "SparkSession",
    tables: Iterable[tuple[str, str]],
    folder: Path,
    address: str,
) -> None:
    """The build file's raw records and seeds, as tables of the engine; schemas of what dbt will make.

    Raises:
        EngineLost: the engine does not answer. EngineRefused: it lacks a right, or does not see the folder, whether it says so or finds
            no row in it.
    """
    for schema, name in tables:
        (folder / schema).mkdir(parents=True, exist_ok=True)
        connection.execute(f'COPY "{schema}"."{name}" TO \'{folder / schema / name}.parquet\' (FORMAT parquet)')
    try:
        for schema in (*GIVEN_SCHEMAS, *MADE_SCHEMAS):
            session.sql(f"CREATE DATABASE IF NOT EXISTS {schema}").collect()
        for name in (*(f"{schema}.{name}" for schema, name in tables), *KEPT_BY_ENGINE):
            session.sql(f"DROP TABLE IF EXISTS {name}").collect()
    except Exception as error:
        raise lost_or(error, address, "create schemas and tables") from None
    try:
        for schema, name in tables:
            session.sql(
                f"CREATE TABLE {schema}.{name} USING parquet LOCATION '{folder / schema / name}.parquet'"
            ).collect()
        there = counted(session, tables)
    except Exception as error:
        # its driver looks for a table's columns in the files, and its workers for the rows
        told = lost_or(error, address, "create schemas and tables")
        raise _not_seen(address, folder, kind_of(error)) if told is error else told from None
    unseen = [
        name for name, n in there.items() if n != connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
    ]
    if unseen:
        raise _not_seen(address, folder, ", ".join(unseen[:3]))


def _not_seen(address: str, folder: Path, what: str) -> EngineRefused:
    return EngineRefused(
        f"the engine at {shown(address)} does not see what this machine puts into {folder.parent} ({what}): CRLM_SPARK_FOLDER must name a"
        " folder that both see under the same name, and the engine's workers must be this machine's user"
    )


def counted(session: "SparkSession", tables: Iterable[tuple[str, str]]) -> dict[str, int]:
    """'schema.table' -> its rows, as the engine sees them."""
    counts = (f"SELECT '{schema}.{name}' AS name, count(*) AS n FROM {schema}.{name}" for schema, name in tables)
    return {row.name: row.n for row in session.sql(" UNION ALL ".join(counts)).collect()}


def fetch(session: "SparkSession", tables: Sequence[MadeTable], folder: Path, address: str) -> dict[str, int]:
    """Every table of the engine as files of the folder, those that were not made there; how many rows of each the engine has.

    Raises:
        EngineLost: the engine does not answer.
    """
    try:
        for table in tables:
            files = table.files(folder)
            if any(files.glob("*.parquet")):
                continue
            session.table(table.full_name).write.mode("overwrite").parquet(str(files))
            if not any(files.glob("*.parquet")):
                # a table without rows is without files on Sail
                files.mkdir(parents=True, exist_ok=True)
                pq.write_table(session.table(table.full_name).limit(0).toArrow(), files / "no_rows.parquet")
        return counted(session, [(table.schema, table.name) for table in tables])
    except Exception as error:
        raise lost_or(error, address) from None


def take(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[MadeTable], folder: Path, there: Mapping[str, int]
) -> None:
    """The folder's files in the place of the build file's tables, all or none. What the build file kept of earlier builds by patient is
    forgotten: the next night that DuckDB makes computes everybody.

    Args:
        there: how many rows of each table the engine has.
    Raises:
        EngineRefused: of a table others came back.
    """
    connection.execute("BEGIN")
    try:
        for table in tables:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            connection.execute(f"DROP TABLE IF EXISTS {table.full_name}")
            connection.execute(f"CREATE TABLE {table.full_name} AS {_typed(connection, table, folder)}")
            ((n_rows,),) = connection.execute(f"SELECT count(*) FROM {table.full_name}").fetchall()
            if n_rows != there[table.full_name]:
                raise EngineRefused(
                    f"{n_rows:,} of {there[table.full_name]:,} rows of {table.full_name} came back from the engine: none of its tables is"
                    " taken. CRLM_SPARK_FOLDER must name a folder in which both see at once what the other writes"
                )
        connection.execute("DROP TABLE IF EXISTS intermediate.built_patients")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _typed(connection: duckdb.DuckDBPyConnection, table: MadeTable, folder: Path) -> str:
    files = f"read_parquet('{table.files(folder)}/*.parquet')"
    columns = connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()
    listed = ", ".join(
        f'CAST("{name}" AS {table.contract.get(name) or BUILD_FILE_TYPES.get(told, told)}) AS "{name}"'
        for name, told, *_ in columns
    )
    return f"SELECT {listed} FROM {files}"


BUILD_FILE_TYPES = {"DECIMAL(38,0)": "HUGEINT", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP"}


def drop(session: "SparkSession | None", given: Iterable[str], manifest: Path) -> list[str]:
    """The engine's own tables and views of a night: what it was given, and what dbt made there of the manifest's models. Returns
    those that may still be there: an engine that does not answer, or has no session any more, keeps them all."""
    views, tables = [], [*given, *KEPT_BY_ENGINE]
    if manifest.exists():
        for node in json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values():
            if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral":
                kind = views if node["config"]["materialized"] == "view" else tables
                kind.append(f"{node['schema']}.{node['alias']}")
            if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental":
                tables.append(f"{node['schema']}.{node['alias']}{TONIGHT}")
    left = []
    statements = [(name, f"DROP VIEW IF EXISTS {name}") for name in views]
    statements += [(name, f"DROP TABLE IF EXISTS {name}") for name in dict.fromkeys(tables)]
    if session is None:
        return [name for name, _ in statements]
    for place, (name, statement) in enumerate(statements):
        try:
            session.sql(statement).collect()
        except Exception as error:
            if isinstance(lost_or(error, ""), EngineLost):
                return left + [each for each, _ in statements[place:]]
            left.append(name)
    return left
