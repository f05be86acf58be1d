"""What runs, when and in which order: Dagster assets, the DuckDB files and the `crlm` command line. No clinical or statistical rule."""
