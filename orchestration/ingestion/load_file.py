"""One landed file into raw, in one transaction: rows read = loaded + rejected + duplicate."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.ingestion.field_checks import checked_records_query
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.source_contract import SourceContract, canonical_feeds


@dataclass(frozen=True)
class FileLoad:
    """What became of one file."""

    source_system: str
    feed: str
    source_file: str
    status: str
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    fields_rejected: int = 0


def hash_of_file(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def landed_files(landing_folder: Path, contract: SourceContract) -> list[Path]:
    """The files in the hospital's landing folder that the contract's pattern names, by name."""
    return sorted(
        path for path in (landing_folder / contract.source_system).glob(contract.file_pattern) if path.is_file()
    )


def is_loaded(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source_file: str, file_hash: str
) -> bool:
    """Whether raw holds this file as it is now: same bytes, same contract version as when it was last loaded.

    Only the last load counts: a file that went from A to B and back to A is read again.
    """
    rows = connection.execute(
        """SELECT arg_max((file_hash, contract_version), loaded_at) = (?, ?) FROM raw.ingest_ledger
           WHERE source_system = ? AND feed = ? AND source_file = ? AND status = 'loaded'""",
        [file_hash, contract.version, contract.source_system, contract.feed, source_file],
    ).fetchall()
    return bool(rows[0][0])


def load_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    landing_folder: Path,
    contract: SourceContract,
    run_id: str,
) -> FileLoad:
    """Load one file: sound records into the feed's raw table, the others into raw.rejected_records, both into the ledger.

    A file that cannot be read at all is refused: a ledger row says why, and it is tried again next time.
    """
    source_file = path.relative_to(landing_folder).as_posix()
    file_hash = hash_of_file(path)
    identity = [contract.source_system, contract.feed, source_file, file_hash]
    connection.execute("BEGIN")
    try:
        try:
            records = read_records(path, contract)
        except UnreadableFile as refusal:
            load = FileLoad(contract.source_system, contract.feed, source_file, f"refused: {refusal}")
        else:
            # DuckDB reads Arrow batches side by side, so one great batch would keep one core idle
            connection.register("reader_records", pa.Table.from_batches(records.to_batches(10_000), records.schema))
            load = _store(connection, contract, source_file, file_hash, run_id, records.num_rows)
            connection.unregister("reader_records")
        connection.execute(
            """INSERT INTO raw.ingest_ledger
               SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now()::TIMESTAMP, ?, ?""",
            [
                *identity, path.stat().st_size, load.rows_read, load.rows_loaded, load.rows_rejected,
                load.rows_duplicate, load.fields_rejected, contract.version, run_id, load.status, contract.is_simulated,
            ],
        )  # fmt: skip
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return load


def _store(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_file: str,
    file_hash: str,
    run_id: str,
    rows_read: int,
) -> FileLoad:
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE checked_records AS
            SELECT *, md5(payload) AS record_hash,
                   structure_problem IS NOT NULL
                       OR len(list_filter(problems, x -> x.rejects_record)) > 0 AS is_rejected
            FROM ({checked_records_query(contract, "reader_records")})"""
    )
    _mark_duplicates(connection, contract)
    parameters = [contract.source_system, source_file, file_hash, run_id]
    _insert_loaded(connection, contract, *parameters)
    _insert_rejected(connection, contract, *parameters)
    loaded, rejected, duplicate, fields_rejected = connection.execute(
        """SELECT count(*) FILTER (NOT is_rejected AND NOT is_duplicate), count(*) FILTER (is_rejected),
                  count(*) FILTER (is_duplicate),
                  coalesce(sum(len(problems)) FILTER (NOT is_rejected AND NOT is_duplicate), 0)
           FROM marked_records"""
    ).fetchall()[0]
    connection.execute("DROP TABLE checked_records; DROP TABLE marked_records;")
    return FileLoad(
        contract.source_system,
        contract.feed,
        source_file,
        "loaded",
        rows_read,
        loaded,
        rejected,
        duplicate,
        fields_rejected,
    )


def _mark_duplicates(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> None:
    """A record is a duplicate when it equals the version of its key just before it, in raw or in the same file.

    Comparing with the last version only (not with any) lets a record return to an earlier state: A, B, A are three versions.
    """
    key = ", ".join(f'"{name}"' for name in contract.key)
    joined = " AND ".join(f'latest."{name}" = checked_records."{name}"' for name in contract.key)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE marked_records AS
            WITH latest AS (
                SELECT {key}, arg_max(record_hash, (loaded_at, source_file, source_line)) AS latest_hash
                FROM raw.{contract.feed} WHERE source_system = ? GROUP BY {key}
            ),
            sound AS (
                SELECT checked_records.source_line, checked_records.record_hash,
                       coalesce(lag(checked_records.record_hash) OVER (PARTITION BY {_qualified(contract.key)}
                                ORDER BY checked_records.source_line), latest.latest_hash) AS version_before
                FROM checked_records LEFT JOIN latest ON {joined}
                WHERE NOT is_rejected
            )
            SELECT checked_records.*, coalesce(sound.record_hash = sound.version_before, FALSE) AS is_duplicate
            FROM checked_records LEFT JOIN sound USING (source_line)""",
        [contract.source_system],
    )


def _qualified(key: list[str]) -> str:
    return ", ".join(f'checked_records."{name}"' for name in key)


def _insert_loaded(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_system: str,
    source_file: str,
    file_hash: str,
    run_id: str,
) -> None:
    columns = canonical_feeds()[contract.feed].columns
    read = {*contract.fields, "observations"} & set(columns)
    values = ", ".join(f'"{name}"' if name in read else f'NULL AS "{name}"' for name in columns)
    connection.execute(
        f"""INSERT INTO raw.{contract.feed} BY NAME
            SELECT {values}, $source_system AS source_system, $source_file AS source_file, source_line,
                   md5(concat_ws('|', $source_system, '{contract.feed}', $source_file, source_line, $file_hash))[1:16] AS record_id,
                   record_hash, $file_hash AS file_hash, $version AS contract_version, now()::TIMESTAMP AS loaded_at,
                   $run_id AS run_id, payload
            FROM marked_records WHERE NOT is_rejected AND NOT is_duplicate ORDER BY source_line""",
        {
            "source_system": source_system, "source_file": source_file, "file_hash": file_hash,
            "version": contract.version, "run_id": run_id,
        },
    )  # fmt: skip


def _insert_rejected(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_system: str,
    source_file: str,
    file_hash: str,
    run_id: str,
) -> None:
    """One row a rejected record (its first decisive problem) and one row a field that is loaded as missing."""
    connection.execute(
        f"""INSERT INTO raw.rejected_records BY NAME
            WITH reasons AS (
                SELECT source_line, payload, 'record' AS scope,
                       CASE WHEN structure_problem IS NOT NULL
                            THEN {{'field': NULL::VARCHAR, 'value': NULL::VARCHAR, 'reason': structure_problem}}
                            ELSE first_decisive_problem END AS why
                FROM (SELECT *, list_transform(list_filter(problems, x -> x.rejects_record),
                             x -> {{'field': x.field, 'value': x.value, 'reason': x.reason}})[1] AS first_decisive_problem
                      FROM marked_records WHERE is_rejected)
                UNION ALL
                SELECT source_line, payload, 'field', unnest(list_transform(problems,
                       x -> {{'field': x.field, 'value': x.value, 'reason': x.reason}}))
                FROM marked_records WHERE NOT is_rejected AND NOT is_duplicate
            )
            SELECT $source_system AS source_system, '{contract.feed}' AS feed, $source_file AS source_file, source_line,
                   scope, why.field AS field, why.value AS value, why.reason AS reason, payload,
                   $file_hash AS file_hash, $run_id AS run_id, now()::TIMESTAMP AS rejected_at
            FROM reasons ORDER BY source_line""",
        {
            "source_system": source_system,
            "source_file": source_file,
            "file_hash": file_hash,
            "run_id": run_id,
        },
    )
