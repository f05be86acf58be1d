"""The dbt project on a Spark Connect engine (Spark, Databricks, Sail): its SQL, which is DuckDB's, is translated on the way."""
