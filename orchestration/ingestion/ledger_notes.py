"""Rows of the ledger for what is no load of a file: nothing was read, loaded or rejected."""

import duckdb


def note_without_rows(
    connection: duckdb.DuckDBPyConnection,
    hospital: str,
    feed: str | None,
    system: str | None,
    name: str,
    status: str,
    run_id: str,
    is_simulated: bool,
    file_hash: str = "",
    size_bytes: int = 0,
) -> None:
    """One row; without a feed where nobody knows whose the file is."""
    connection.execute(
        """INSERT INTO raw.ingest_ledger BY NAME
           SELECT $hospital AS source_system, CAST($feed AS VARCHAR) AS feed, CAST($system AS VARCHAR) AS system,
                  $name AS source_file, $hash AS file_hash, $size AS size_bytes, 0 AS rows_read, 0 AS rows_loaded,
                  0 AS rows_rejected, 0 AS rows_duplicate, 0 AS rows_passed_over, 0 AS fields_rejected, $run AS run_id,
                  now()::TIMESTAMP AS loaded_at, $status AS status, $is_simulated AS is_simulated""",
        {
            "hospital": hospital,
            "feed": feed,
            "system": system,
            "name": name,
            "hash": file_hash,
            "size": size_bytes,
            "run": run_id,
            "status": status,
            "is_simulated": is_simulated,
        },
    )
