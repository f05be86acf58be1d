"""Who can read which file: the build file is this DuckDB's own, what is published is for older ones too."""

from pathlib import Path

import duckdb

from orchestration.files.encryption import attach
from orchestration.warehouse import open_build_file


def storage_of(connection: duckdb.DuckDBPyConnection, database: str) -> str:
    query = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?"
    return connection.execute(query, [database]).fetchall()[0][0]


def test_the_build_file_is_made_in_todays_storage_and_stays_in_it_and_a_publication_in_that_which_all_read(
    tmp_path: Path,
):
    with open_build_file(tmp_path / "build.duckdb"):
        pass
    with open_build_file(tmp_path / "build.duckdb") as connection:
        connection.execute("CREATE TABLE reports AS SELECT 'Liver, wedge.' AS report")
        assert storage_of(connection, "build") == "v1.5.0+"
        attach(connection, tmp_path / "published.duckdb", "published")
        connection.execute("CREATE TABLE published.reports AS FROM reports")
        assert storage_of(connection, "published") == "v1.0.0+"
