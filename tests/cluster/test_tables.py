"""What a night brings back from the engine: all rows or none. What it leaves there: nothing that the catalogue knows."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.engines.spark.session import EngineRefused
from orchestration.engines.spark.tables import MadeTable, drop, fetch, take


def test_what_was_given_and_what_dbt_made_is_dropped_and_other_tables_stay(spark, tmp_path):
    models = [
        ("marts", "made", "table"),
        ("marts", "looked_at", "view"),
        ("marts", "of_rows", "incremental"),
        ("marts", "inlined", "ephemeral"),
    ]
    nodes = {
        name: {"resource_type": "model", "schema": schema, "alias": name, "config": {"materialized": kind}}
        for schema, name, kind in models
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    for schema in ("raw", "marts", "intermediate"):
        spark.sql(f"CREATE DATABASE IF NOT EXISTS {schema}").collect()
    for name in ("raw.given", "marts.made", "marts.of_rows", "marts.of_rows__tonight", "marts.of_others"):
        spark.sql(f"CREATE TABLE {name} USING parquet AS SELECT 1 AS n")
    spark.sql("CREATE VIEW marts.looked_at AS SELECT 1 AS n")

    assert drop(spark, ["raw.given"], tmp_path / "manifest.json") == []

    listed = [row for schema in ("raw", "marts") for row in spark.sql(f"SHOW TABLES IN {schema}").collect()]
    # a session's own views are shown in every schema
    assert {row.tableName for row in listed if not row.isTemporary} == {"of_others"}


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    """A build file with yesterday's table."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.rows_of_three AS SELECT 0 AS n")
        yield connection


ROWS_OF_THREE = MadeTable("marts", "rows_of_three", {})


def test_tables_come_back_whether_they_were_made_in_the_nights_folder_or_not_and_without_rows_too(
    spark, build: duckdb.DuckDBPyConnection, tmp_path: Path
):
    tables = [ROWS_OF_THREE, *(MadeTable("marts", name, {}) for name in ("of_none", "of_none_elsewhere", "elsewhere"))]
    spark.sql("CREATE DATABASE IF NOT EXISTS marts").collect()
    for table, place, query in zip(
        tables,
        (f"LOCATION '{tmp_path}/made/marts.rows_of_three'", f"LOCATION '{tmp_path}/made/marts.of_none'", "", ""),
        ("VALUES (1), (2), (3)", "SELECT 1 AS n WHERE 1 = 0", "SELECT 1 AS n WHERE 1 = 0", "VALUES (4)"),
        strict=True,
    ):
        spark.sql(f"DROP TABLE IF EXISTS {table.full_name}").collect()
        spark.sql(f"CREATE TABLE {table.full_name} USING parquet {place} AS SELECT * FROM ({query}) AS t (n)")
    there = fetch(spark, tables, tmp_path, "sc://host")
    assert there == {
        "marts.rows_of_three": 3, "marts.of_none": 0, "marts.of_none_elsewhere": 0, "marts.elsewhere": 1
    }  # fmt: skip
    # what lies there already is not written again
    assert {path.name for path in (tmp_path / "back").iterdir()} >= {"marts.elsewhere"}
    assert not (tmp_path / "back" / "marts.rows_of_three").exists()
    take(build, tables, tmp_path, there)
    assert build.execute("SELECT n FROM marts.rows_of_three ORDER BY n").fetchall() == [(1,), (2,), (3,)]
    assert build.execute("FROM marts.elsewhere").fetchall() == [(4,)]
    assert build.execute("SELECT count(*) FROM marts.of_none").fetchall() == [(0,)]
    assert build.execute("SELECT count(*) FROM marts.of_none_elsewhere").fetchall() == [(0,)]


def test_where_a_row_did_not_come_back_nothing_is_taken(build: duckdb.DuckDBPyConnection, tmp_path: Path):
    """A file that this machine does not see yet, or that the engine did not write."""
    files = ROWS_OF_THREE.files(tmp_path)
    files.mkdir(parents=True)
    for number, rows in enumerate(([1, 2], [3])):
        pq.write_table(pa.table({"n": rows}), files / f"{number}.parquet")
    take(build, [ROWS_OF_THREE], tmp_path, {"marts.rows_of_three": 3})
    (files / "1.parquet").unlink()
    with pytest.raises(EngineRefused, match=r"2 of 3 rows of marts\.rows_of_three came back"):
        take(build, [ROWS_OF_THREE], tmp_path, {"marts.rows_of_three": 3})
    assert build.execute("SELECT count(*) FROM marts.rows_of_three").fetchall() == [(3,)]


class WritesNothing:
    """An engine that has three rows, and writes them where this machine does not see them."""

    def sql(self, statement: str) -> SimpleNamespace:
        return SimpleNamespace(collect=lambda: [SimpleNamespace(name="marts.rows_of_three", n=3)])

    def table(self, name: str) -> SimpleNamespace:
        rows = pa.table({"n": [1, 2, 3]})
        return SimpleNamespace(
            write=SimpleNamespace(mode=lambda how: SimpleNamespace(parquet=lambda path: None)),
            limit=lambda n: SimpleNamespace(toArrow=lambda: rows.slice(0, n)),
            toArrow=lambda: rows,
        )


def test_a_table_whose_files_are_nowhere_is_not_taken_for_one_without_rows(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
):
    there = fetch(WritesNothing(), [ROWS_OF_THREE], tmp_path, "sc://host")
    with pytest.raises(EngineRefused, match=r"0 of 3 rows of marts\.rows_of_three came back"):
        take(build, [ROWS_OF_THREE], tmp_path, there)
    assert build.execute("FROM marts.rows_of_three").fetchall() == [(0,)]
