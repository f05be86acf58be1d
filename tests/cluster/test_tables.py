"""What a night leaves with the engine: nothing that its catalogue knows."""

import json

from orchestration.engines.spark.tables import drop


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
    for name in ("raw.given", "marts.made", "marts.of_rows", "marts.of_others"):
        spark.sql(f"CREATE TABLE {name} USING parquet AS SELECT 1 AS n")
    spark.sql("CREATE VIEW marts.looked_at AS SELECT 1 AS n")

    assert drop(spark, ["raw.given"], tmp_path / "manifest.json") == []

    listed = [row for schema in ("raw", "marts") for row in spark.sql(f"SHOW TABLES IN {schema}").collect()]
    # a session's own views are shown in every schema
    assert {row.tableName for row in listed if not row.isTemporary} == {"of_others"}
