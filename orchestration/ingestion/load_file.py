"""One landed file into raw, in one transaction: rows read = loaded + rejected + duplicate."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import COLUMNS_FILLED_BY_READER, canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.decimal_sign import decimal_sign_of
from orchestration.ingestion.field_checks import checked_records_query, quoted_name, text_literal
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.readers.landed_file import take_landed_file

# DuckDB reads Arrow batches side by side, so one great batch would keep one core idle
ROWS_A_BATCH = 10_000
# both sides are in the file's order, so that they meet by position, many times faster than by a hash table; were one ever
# not, no record would meet and the account would not add up
SAME_RECORD = "reader_records.record_number = checked.record_number"


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
    rows_passed_over: int = 0
    """Rows of the file that the contract leaves to other contracts; not among the rows read."""


def hash_of_file(path: Path) -> str:
    """SHA-256 of the file's bytes, hex; empty for a file that is gone or cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def landed_files(landing_folder: Path, contract: SourceContract) -> list[Path]:
    """The files in the hospital's landing folder that the contract's pattern names, gzipped or not, by name.

    Hidden files and Excel's lock files are not yet, or never, what a hospital sends.
    """
    folder = landing_folder / contract.source_system
    found = {*folder.glob(contract.file_pattern), *folder.glob(f"{contract.file_pattern}.gz")}
    return sorted(path for path in found if path.is_file() and not path.name.startswith((".", "~$")))


def is_loaded(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source_file: str, file_hash: str
) -> bool:
    """Whether raw holds this file as it is now: same bytes, same contract version as when it was last loaded.

    Only the last load counts: a file that went from A to B and back to A is read again.
    """
    rows = connection.execute(
        """SELECT arg_max((file_hash, contract_version), loaded_at) = (?, ?) FROM raw.ingest_ledger
           WHERE source_system = ? AND feed = ? AND system = ? AND source_file = ? AND status = 'loaded'""",
        [file_hash, contract.version, contract.source_system, contract.feed, contract.system, source_file],
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
    file_hash, size_bytes = "", 0
    connection.execute("BEGIN")
    try:
        try:
            landed = take_landed_file(path)
            file_hash, size_bytes = landed.file_hash, landed.size_bytes
            records = read_records(landed.content, contract)
            load = _store(connection, contract, source_file, file_hash, run_id, records)
        except UnreadableFile as refusal:
            load = FileLoad(contract.source_system, contract.feed, source_file, f"refused: {refusal}")
        _write_ledger(connection, contract, load, file_hash, size_bytes, run_id)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return load


def _write_ledger(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    load: FileLoad,
    file_hash: str,
    size_bytes: int,
    run_id: str,
) -> None:
    account = {
        "source_system": contract.source_system, "feed": contract.feed, "system": contract.system,
        "source_file": load.source_file, "file_hash": file_hash, "size_bytes": size_bytes,
        "rows_read": load.rows_read, "rows_loaded": load.rows_loaded, "rows_rejected": load.rows_rejected,
        "rows_duplicate": load.rows_duplicate, "rows_passed_over": load.rows_passed_over,
        "fields_rejected": load.fields_rejected, "contract_version": contract.version, "run_id": run_id,
        "status": load.status, "is_simulated": contract.is_simulated,
    }  # fmt: skip
    values = ", ".join(f"${name} AS {name}" for name in account)
    connection.execute(f"INSERT INTO raw.ingest_ledger BY NAME SELECT {values}, now()::TIMESTAMP AS loaded_at", account)


def _store(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_file: str,
    file_hash: str,
    run_id: str,
    records: pa.Table,
) -> FileLoad:
    wanted = _wanted_records(records, contract)
    numbered = wanted.append_column("record_number", pa.array(range(wanted.num_rows), pa.int64()))
    connection.register("reader_records", pa.Table.from_batches(numbered.to_batches(ROWS_A_BATCH), numbered.schema))
    try:
        _check_records(connection, contract)
        _mark_duplicates(connection, contract)
        origin = Origin(contract, source_file, file_hash, run_id)
        written = _insert_loaded(connection, origin)
        _insert_rejected(connection, origin)
        read, loaded, rejected, duplicate, fields_rejected = connection.execute(
            """SELECT count(*), count(*) FILTER (NOT is_rejected AND NOT is_duplicate), count(*) FILTER (is_rejected),
                      count(*) FILTER (is_duplicate),
                      coalesce(sum(len(problems)) FILTER (NOT is_rejected AND NOT is_duplicate), 0)
               FROM checked_records"""
        ).fetchall()[0]
        if written != loaded:
            raise RuntimeError(f"{source_file}: {loaded} records are sound, {written} were written")
        connection.execute("DROP TABLE checked_records")
    finally:
        connection.unregister("reader_records")
    return FileLoad(
        contract.source_system, contract.feed, source_file, "loaded",
        read, loaded, rejected, duplicate, fields_rejected, records.num_rows - read,
    )  # fmt: skip


def _check_records(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> None:
    """Every record judged, into a temporary table in the file's order; the payload stays where the reader put it."""
    decimal_sign = decimal_sign_of(connection, contract, "reader_records")
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE checked_records AS
            SELECT *, structure_problem IS NOT NULL
                       OR coalesce(len(list_filter(problems, x -> x.rejects_record)) > 0, FALSE) AS is_rejected,
                   FALSE AS is_duplicate
            FROM ({checked_records_query(contract, "reader_records", decimal_sign)})
            ORDER BY record_number"""
    )


def _wanted_records(records: pa.Table, contract: SourceContract) -> pa.Table:
    """The records that are this contract's; one whose shape cannot be read is, so that it is not lost."""
    if not contract.only_rows:
        return records
    is_wanted = [
        pc.is_in(pc.fill_null(pc.utf8_trim_whitespace(records[contract.reader_column(column)].cast(pa.string())), ""),
                 pa.array(values))
        for column, values in contract.only_rows.items()
    ]  # fmt: skip
    is_kept = pc.or_(pc.is_valid(records["structure_problem"]), functools.reduce(pc.and_, is_wanted))
    # Arrow cannot yet filter columns that point into the file's bytes
    payload = records["payload"].cast(pa.string())
    return records.set_column(records.column_names.index("payload"), "payload", payload).filter(is_kept)


def _mark_duplicates(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> None:
    """A record is a duplicate when it equals the version of its key just before it, in raw or in the same file.

    Comparing with the last version only (not with any) lets a record return to an earlier state: A, B, A are three versions.
    """
    key = ", ".join(f'"{name}"' for name in contract.key)
    of_system = f"source_system = {text_literal(contract.source_system)} AND system = {text_literal(contract.system)}"
    repeats, earlier_versions = connection.execute(
        f"""SELECT count(*) - count(DISTINCT ({key})),
                   (SELECT count(*) FROM raw.{contract.feed}
                    WHERE {of_system} AND ({key}) IN (SELECT ({key}) FROM checked_records WHERE NOT is_rejected))
            FROM checked_records WHERE NOT is_rejected"""
    ).fetchall()[0]
    if not repeats and not earlier_versions:
        return
    connection.execute(
        f"""UPDATE checked_records SET is_duplicate = TRUE
            FROM (
                WITH sound AS (SELECT {key}, record_number, record_hash FROM checked_records WHERE NOT is_rejected),
                latest AS (
                    SELECT {key}, arg_max(record_hash, (loaded_at, source_file, record_number)) AS latest_hash
                    FROM raw.{contract.feed} WHERE {of_system} AND ({key}) IN (SELECT ({key}) FROM sound) GROUP BY {key}
                ),
                versions AS (
                    SELECT record_number, record_hash,
                           coalesce(lag(record_hash) OVER (PARTITION BY {key} ORDER BY record_number), latest_hash) AS hash_before
                    FROM sound LEFT JOIN latest USING ({key})
                )
                SELECT record_number FROM versions WHERE record_hash = hash_before
            ) AS unchanged
            WHERE checked_records.record_number = unchanged.record_number"""
    )


@dataclass(frozen=True)
class Origin:
    """Where the records of one load come from; as SQL, the lineage columns that all of them share."""

    contract: SourceContract
    source_file: str
    file_hash: str
    run_id: str

    def columns(self, *names: str) -> str:
        values = {
            "source_system": self.contract.source_system, "system": self.contract.system, "feed": self.contract.feed,
            "source_file": self.source_file, "file_hash": self.file_hash, "run_id": self.run_id,
            "contract_version": self.contract.version,
        }  # fmt: skip
        return ", ".join(f"{text_literal(values[name])} AS {name}" for name in names)

    @property
    def record_id_prefix(self) -> str:
        """The same for the same bytes under the same name, so that a rebuilt warehouse has the same record ids."""
        parts = (
            self.contract.source_system,
            self.contract.feed,
            self.contract.system,
            self.source_file,
            self.file_hash,
        )
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _insert_loaded(connection: duckdb.DuckDBPyConnection, origin: Origin) -> int:
    """The sound records with their lineage into the feed's raw table; returns how many."""
    feed = origin.contract.feed
    columns = canonical_feeds()[feed].columns
    read = ", ".join(f'checked."{name}"' for name in columns if name in origin.contract.fields)
    as_read = "".join(f', reader_records."{name}"' for name in columns if name in COLUMNS_FILLED_BY_READER)
    key = f"concat_ws('|', {', '.join(f'checked.{quoted_name(name)}' for name in origin.contract.key)})"
    lineage = origin.columns("source_system", "system", "source_file", "file_hash", "contract_version", "run_id")
    rows = connection.execute(
        f"""INSERT INTO raw.{feed} BY NAME
            SELECT {read}{as_read}, {lineage}, checked.source_line, checked.record_number,
                   '{origin.record_id_prefix}-' || checked.record_number AS record_id, {key} AS record_key, checked.record_hash,
                   now()::TIMESTAMP AS loaded_at, reader_records.payload
            FROM reader_records POSITIONAL JOIN checked_records AS checked
            WHERE {SAME_RECORD} AND NOT checked.is_rejected AND NOT checked.is_duplicate"""
    ).fetchall()
    return rows[0][0]


def _insert_rejected(connection: duckdb.DuckDBPyConnection, origin: Origin) -> None:
    """One row a rejected record (its first decisive problem) and one row a field that is loaded as missing."""
    mrn = "mrn" if "mrn" in origin.contract.fields else "NULL"
    connection.execute(
        f"""INSERT INTO raw.rejected_records BY NAME
            WITH reasons AS (
                SELECT source_line, record_number, {mrn} AS mrn, 'record' AS scope,
                       CASE WHEN structure_problem IS NOT NULL
                            THEN {{'field': NULL::VARCHAR, 'value': NULL::VARCHAR, 'reason': structure_problem}}
                            ELSE first_decisive_problem END AS why
                FROM (SELECT *, list_transform(list_filter(problems, x -> x.rejects_record),
                             x -> {{'field': x.field, 'value': x.value, 'reason': x.reason}})[1] AS first_decisive_problem
                      FROM checked_records WHERE is_rejected)
                UNION ALL
                SELECT source_line, record_number, {mrn}, 'field', unnest(list_transform(problems,
                       x -> {{'field': x.field, 'value': x.value, 'reason': x.reason}}))
                FROM checked_records WHERE NOT is_rejected AND NOT is_duplicate AND problems IS NOT NULL
            ),
            payloads AS (
                SELECT checked.record_number, reader_records.payload
                FROM reader_records POSITIONAL JOIN checked_records AS checked
                WHERE {SAME_RECORD} AND (checked.is_rejected OR checked.problems IS NOT NULL)
            )
            SELECT {origin.columns("source_system", "feed", "source_file", "file_hash", "run_id")},
                   reasons.source_line, reasons.mrn, reasons.scope, reasons.why.field AS field,
                   reasons.why.value AS value, reasons.why.reason AS reason, payloads.payload,
                   now()::TIMESTAMP AS rejected_at
            FROM reasons INNER JOIN payloads USING (record_number) ORDER BY reasons.record_number"""
    )
