"""The records that a reader found, into raw, each loaded, rejected or a duplicate, and the account of what it did not take."""

import functools
import hashlib
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import COLUMNS_FILLED_BY_READER, canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.decimal_sign import decimal_sign_of
from orchestration.ingestion.doubtful_values import notices_of_bounds, notices_of_doubtful_dates
from orchestration.ingestion.field_checks import BLANKS, checked_records_query, text_literal
from orchestration.ingestion.known_keys import KnownKeys
from orchestration.ingestion.readers.account import Account, account_of
from orchestration.ingestion.record_versions import (
    mark_duplicates,
    note_keys_of_two_patients,
    notices_of_untold_order,
    supersede_earlier_readings_of_its_records,
    version_columns,
)
from orchestration.ingestion.withdrawals import LINEAGE as LINEAGE_OF_WITHDRAWAL
from orchestration.ingestion.withdrawals import apply_waiting_withdrawals, withdraw

# DuckDB reads Arrow batches side by side, so one great batch would keep one core idle
ROWS_A_BATCH = 10_000
# both sides are in the file's order, so that they meet by position, many times faster than by a hash table; were one ever
# not, no record would meet and the account would not add up
SAME_RECORD = "reader_records.record_number = checked.record_number"
# what a reader may tell of a record beside the contract's columns; NULL where it does not
TOLD_BY_SOURCE = {
    "source_reference": pa.string(),
    "source_patient": pa.string(),
    "source_version": pa.int64(),
    "source_updated_at": pa.string(),
    "key_within_format": pa.string(),
}


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
    n_notices: int = 0
    """Notices of what was not read, and of keys that are another patient's too."""
    used_companions: bool = False


# the patient of records whose key is theirs alone, whoever they turn out to be about
WHOEVER = "whoever"
NOTICE_LINEAGE = ("source_system", "feed", "system", "source_file", "file_hash", "load_number", "run_id")


def store_records(
    connection: duckdb.DuckDBPyConnection, origin: "Origin", records: pa.Table, known: KnownKeys | None = None
) -> FileLoad:
    """Into the feed's raw table, raw.rejected_records and raw.load_notices; returns the account. `known`: the keys that raw holds,
    where they were looked up before."""
    contract, account = origin.contract, account_of(records)
    wanted = _wanted_records(records, contract)
    columns = {"record_number": pa.array(range(wanted.num_rows), pa.int64())}
    for name, kind in TOLD_BY_SOURCE.items():
        if name not in wanted.column_names:
            columns[name] = pa.nulls(wanted.num_rows, kind)
    for name, column in columns.items():
        wanted = wanted.append_column(name, column)
    wanted = _without_blanks(_with_patient_of_identity(wanted, contract), contract)
    connection.register("reader_records", pa.Table.from_batches(wanted.to_batches(ROWS_A_BATCH), wanted.schema))
    try:
        _check_records(connection, contract, wanted.column_names)
        if origin.superseding_load is not None:
            # also of rows that are now left to other contracts
            standing = (connection, contract, origin.source_file, origin.superseding_load, records.select(["payload"]))
            supersede_earlier_readings_of_its_records(*standing)
        may_share_keys = not (known and known.takes(connection)) and mark_duplicates(
            connection, contract, origin.load_number
        )
        doubtful = notices_of_doubtful_dates(connection, contract, "reader_records")
        account = replace(account, notices=[*account.notices, *doubtful, *notices_of_bounds(connection, contract)])
        n_collisions = 0
        if may_share_keys:
            untold = notices_of_untold_order(
                connection, contract, origin.source_file, origin.run_id, origin.load_number
            )
            account = replace(account, notices=[*account.notices, *untold])
            n_collisions = note_keys_of_two_patients(connection, contract, origin.columns(*NOTICE_LINEAGE))
        written = _insert_loaded(connection, origin, wanted.column_names)
        _insert_rejected(connection, origin)
        read, loaded, rejected, duplicate, fields_rejected = connection.execute(
            """SELECT count(*), count(*) FILTER (NOT is_rejected AND NOT is_duplicate), count(*) FILTER (is_rejected),
                      count(*) FILTER (is_duplicate),
                      coalesce(sum(len(problems)) FILTER (NOT is_rejected AND NOT is_duplicate), 0)
               FROM checked_records"""
        ).fetchall()[0]
        if written != loaded:
            raise RuntimeError(f"{origin.source_file}: {loaded} records are sound, {written} were written")
        connection.execute("DROP TABLE checked_records")
    finally:
        connection.unregister("reader_records")
    lineage = origin.columns(*LINEAGE_OF_WITHDRAWAL)
    of_waiting = apply_waiting_withdrawals(connection, contract, origin.load_number, lineage)
    entries = [one for one in account.withdrawals if one.is_entry]
    n_withdrawn, of_early = withdraw(connection, contract, entries, lineage)
    _, of_replaced = withdraw(connection, contract, [one for one in account.withdrawals if not one.is_entry], lineage)
    account = replace(account, notices=[*account.notices, *of_waiting, *of_early, *of_replaced])
    _insert_notices(connection, origin, account)
    n_withdrawals = len(entries)
    return FileLoad(
        contract.source_system,
        contract.feed,
        origin.source_file,
        "loaded",
        read + n_withdrawals,
        loaded + n_withdrawn,
        rejected,
        duplicate + n_withdrawals - n_withdrawn,
        fields_rejected,
        records.num_rows - read + account.passed_over,
        n_collisions + len(account.notices),
        account.used_companions,
    )


def _without_blanks(records: pa.Table, contract: SourceContract) -> pa.Table:
    """The contract's columns without blanks around their values; a column that has none stays as it is, and is not copied."""
    for name in dict.fromkeys(map(contract.reader_column, contract.source_columns)):
        text = records[name].cast(pa.string())
        trimmed = pc.utf8_trim(text, characters=BLANKS)
        if pc.sum(pc.binary_length(trimmed)) != pc.sum(pc.binary_length(text)):
            records = records.set_column(records.column_names.index(name), name, trimmed)
    return records


def _with_patient_of_identity(records: pa.Table, contract: SourceContract) -> pa.Table:
    """The source's own name of the patient, as far as it tells one record from another that has the same key."""
    if contract.patient_may_be_corrected:
        patient = pa.array([WHOEVER] * records.num_rows, pa.string())
    elif contract.patient_column in contract.key:
        patient = pa.nulls(records.num_rows, pa.string())
    else:
        return records
    return records.set_column(records.column_names.index("source_patient"), "source_patient", patient)


def _insert_notices(connection: duckdb.DuckDBPyConnection, origin: "Origin", account: Account) -> None:
    for notice in account.notices:
        connection.execute(
            f"""INSERT INTO raw.load_notices BY NAME
                SELECT {origin.columns(*NOTICE_LINEAGE)}, $kind AS kind, $what AS what, $n AS n,
                       $line::BIGINT AS source_line, $reason AS reason, now()::TIMESTAMP AS noticed_at""",
            {
                "kind": notice.kind,
                "what": notice.what,
                "n": notice.n,
                "line": notice.first_line,
                "reason": notice.reason,
            },
        )


def _check_records(connection: duckdb.DuckDBPyConnection, contract: SourceContract, read: list[str]) -> None:
    """Every record judged, into a temporary table in the file's order; the payload stays where the reader put it."""
    decimal_sign = decimal_sign_of(connection, contract, "reader_records")
    query = checked_records_query(contract, "reader_records", decimal_sign, _filled_by_reader(contract, read))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE checked_records AS
            SELECT *, structure_problem IS NOT NULL
                       OR coalesce(len(list_filter(problems, x -> x.rejects_record)) > 0, FALSE) AS is_rejected,
                   FALSE AS is_duplicate, {version_columns(contract)}
            FROM ({query})
            ORDER BY record_number"""
    )


def _filled_by_reader(contract: SourceContract, read: list[str]) -> frozenset[str]:
    """The canonical columns that the reader gave and the contract leaves to it."""
    columns = canonical_feeds()[contract.feed].columns
    return frozenset((COLUMNS_FILLED_BY_READER & set(read) & columns.keys()) - contract.fields.keys())


def _wanted_records(records: pa.Table, contract: SourceContract) -> pa.Table:
    """The records that are this contract's; one whose shape cannot be read is, so that it is not lost."""
    if not contract.only_rows:
        return records
    is_wanted = [
        pc.is_in(
            pc.fill_null(pc.utf8_trim_whitespace(records[contract.reader_column(column)].cast(pa.string())), ""),
            pa.array(values),
        )
        for column, values in contract.only_rows.items()
    ]
    is_kept = pc.or_(pc.is_valid(records["structure_problem"]), functools.reduce(pc.and_, is_wanted))
    # Arrow cannot yet filter columns that point into the file's bytes
    schema = pa.schema([pa.field(one.name, _with_text_of_its_own(one.type)) for one in records.schema])
    return records.cast(schema).filter(is_kept)


def _with_text_of_its_own(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_with_text_of_its_own(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _with_text_of_its_own(one.type)) for one in kind])
    return kind


@dataclass(frozen=True)
class Origin:
    """Where the records of one load come from; as SQL, the lineage columns that all of them share."""

    contract: SourceContract
    source_file: str
    file_hash: str
    run_id: str
    load_number: int
    """The place in history."""
    superseding_load: int | None = None
    """This load, where an earlier contract read the file, whatever its bytes were then."""

    def columns(self, *names: str) -> str:
        values = {
            "source_system": self.contract.source_system,
            "system": self.contract.system,
            "feed": self.contract.feed,
            "source_file": self.source_file,
            "file_hash": self.file_hash,
            "run_id": self.run_id,
            "contract_version": self.contract.reading_version,
        }
        return ", ".join(
            f"{self.load_number}::BIGINT AS {name}"
            if name == "load_number"
            else f"{text_literal(values[name])} AS {name}"
            for name in names
        )

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


def _insert_loaded(connection: duckdb.DuckDBPyConnection, origin: Origin, read_columns: list[str]) -> int:
    """The sound records with their lineage into the feed's raw table; returns how many."""
    feed = origin.contract.feed
    columns = canonical_feeds()[feed].columns
    read = ", ".join(f'checked."{name}"' for name in columns if name in origin.contract.fields)
    filled = _filled_by_reader(origin.contract, read_columns)
    as_read = "".join(f', reader_records."{name}"' for name in columns if name in filled)
    lineage = origin.columns(
        "source_system", "system", "source_file", "file_hash", "contract_version", "run_id", "load_number"
    )
    rows = connection.execute(
        f"""INSERT INTO raw.{feed} BY NAME
            SELECT {read}{as_read}, {lineage}, checked.source_line, checked.record_number,
                   '{origin.record_id_prefix}-' || checked.record_number AS record_id, checked.record_key, checked.record_hash,
                   checked.source_reference, checked.source_patient, checked.source_version, checked.updated_at AS source_updated_at,
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
