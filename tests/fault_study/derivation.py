"""The derivation of a night without dbt's own time: the SQL that dbt compiled in the night before, run anew in its order.

The rules of a fault's night are those of the night before, and only its records differ; so the models and tests that dbt wrote
out then give what it would give now, in a tenth of the time. (dbt's parsing and bookkeeping take a minute a night at any size.)
"""

import json
from graphlib import TopologicalSorter
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.reading.report_reading import FUNCTION
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file
from report_reader.batches import SQL_TYPE, STATEMENTS, read_texts
from report_reader.margins import margin_reader

Node = dict[str, Any]
READINGS: dict[str, list[dict[str, Any]]] = {}
"""What each text of this process's nights reads as."""


def derive_again(settings: Settings, *, with_tests: bool = True) -> list[str]:
    """Fill every model's table anew from raw, then run the data tests; returns the names of the tests that failed.

    Args:
        with_tests: else no test is run: where only the numbers are wanted.
    Raises:
        duckdb.Error: a model's SQL fails on tonight's records.
    """
    nodes = json.loads((settings.dbt_target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter(
        {key: [at for at in node["depends_on"]["nodes"] if at in models] for key, node in models.items()}
    )
    with open_build_file(settings.build_file) as connection:
        connection.create_function(
            FUNCTION, _read_here, ["VARCHAR"], duckdb.type(SQL_TYPE), type="arrow", null_handling="special"
        )
        for key in order.static_order():
            if models[key]["config"]["materialized"] != "view":
                _fill(connection, models[key], _compiled(settings, models[key]))
        if not with_tests:
            return []
        tests = [node for node in nodes.values() if node["resource_type"] == "test"]
        return sorted(node["name"] for node in tests if _has_rows(connection, _compiled(settings, node)))


def _read_here(column: pa.ChunkedArray) -> pa.Array:
    """Without the other processes that a night starts for many texts: a study has its own. Each text is read once: a fault's
    process starts with what the night before has read."""
    texts = column.to_pylist()
    if new := list(dict.fromkeys(text for text in texts if text is not None and text not in READINGS)):
        READINGS.update(zip(new, read_texts(new, margin_reader).to_pylist(), strict=True))
    return pa.array([None if text is None else READINGS[text] for text in texts], type=STATEMENTS)


def _compiled(settings: Settings, node: Node) -> str:
    """The SQL of a node; dbt notes its path from the target folder of the night in which it was written."""
    inside = node["compiled_path"].split("/compiled/", 1)[1]
    return (settings.dbt_target / "compiled" / inside).read_text(encoding="utf-8")


def _fill(connection: duckdb.DuckDBPyConnection, model: Node, sql: str) -> None:
    # the table keeps the types of its contract
    connection.execute(f"DELETE FROM {model['relation_name']}")
    connection.execute(f"INSERT INTO {model['relation_name']} BY NAME {sql}")


def _has_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    return connection.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0] > 0
