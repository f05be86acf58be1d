"""The same dbt project on a Spark Connect engine: `make test-spark`."""
