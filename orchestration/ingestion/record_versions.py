"""Which records of a file are new versions, which say nothing new, and which share a key with another patient's.

A record is its key and its patient: the patient as the source itself calls her where a reader tells so (a REDCap record, a
FHIR Patient), else her MRN. Its version is what was read from it by which contract, at the place in its history that the source
gives it (version number, time of update, time of the message).
"""

import duckdb
import pyarrow as pa

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.field_checks import quoted_name, text_literal
from orchestration.ingestion.landed_names import order_is_told
from orchestration.ingestion.readers.account import WARNING, Notice

# the first of these that a feed has and a contract maps is when the source changed or sent the record
TIMES_OF_CHANGE = ("record_updated_at", "message_datetime", "merged_at")
KEY_OF_TWO_PATIENTS = "key of two patients"
SEVERAL_FILES = "record in several files of one night"
ORDER_OF_NAMES = (
    "only the order of the files' names says which of their contents is the later: a time of change (`record_updated_at`), or names by"
    " year, month and day, would"
)
PLACE_IN_HISTORY = "concat_ws('|', coalesce(source_version::VARCHAR, ''), coalesce(source_updated_at, ''))"
"""SQL over raw: where in its record's history the source itself puts a version."""


def version_columns(contract: SourceContract) -> str:
    """SQL over `checked_records_query`: key, patient, place in the source's history, and the version as one hash."""
    columns = canonical_feeds()[contract.feed].columns
    key = ", ".join(quoted_name(name) for name in contract.key)
    patient = quoted_name(contract.patient_column) if contract.patient_column in contract.fields else "NULL"
    times = [quoted_name(name) for name in TIMES_OF_CHANGE if name in contract.fields]
    told_by_contract = times[:1] if times and times[0] == '"record_updated_at"' else []
    updated_at = ", ".join([*told_by_contract, "source_updated_at", *times])
    values = ", ".join(f"coalesce({quoted_name(name)}, chr(0))" for name in columns if name in contract.fields)
    return f"""concat_ws('|', {key}, nullif(key_within_format, '')) AS record_key,
               coalesce(source_patient, {patient}, '') AS identity_patient,
               concat_ws('|', coalesce(source_version::VARCHAR, ''), coalesce({updated_at}, '')) AS place_in_history,
               coalesce({updated_at}) AS updated_at,
               md5(concat_ws(chr(31), {text_literal(contract.reading_version)}, content_hash, {values},
                             CASE WHEN problems IS NOT NULL THEN problems::VARCHAR END)) AS record_hash"""


def of_system(contract: SourceContract) -> str:
    """SQL: rows of raw that the contract's system sent and that no later reading of the same file has replaced."""
    return (
        f"source_system = {text_literal(contract.source_system)} AND system = {text_literal(contract.system)}"
        " AND superseded_by IS NULL"
    )


def identity_patient(contract: SourceContract) -> str:
    """SQL: whose a row of raw is, as its source tells one patient's record from another's."""
    return f"coalesce(source_patient, {quoted_name(contract.patient_column)}, '')"


def mark_duplicates(connection: duckdb.DuckDBPyConnection, contract: SourceContract, load_number: int) -> bool:
    """Marks in the checked records what says nothing new; returns whether a key may be that of two patients.

    A record is a duplicate when it equals the version just before it of the same record at the same place in its history; what
    was loaded after `load_number` is not before it, where a file is only read again.

    Comparing with the last version only (not with any) lets a record return to an earlier state: A, B, A are three versions.
    """
    in_raw = f"""SELECT record_key, {identity_patient(contract)} AS identity_patient,
                        {PLACE_IN_HISTORY} AS place_in_history,
                        record_hash, load_number, loaded_at, record_number
                 FROM raw.{contract.feed} WHERE {of_system(contract)}
                 AND record_key IN (SELECT record_key FROM checked_records WHERE NOT is_rejected)"""
    repeats, earlier_versions = connection.execute(
        f"""SELECT count(*) - count(DISTINCT record_key), (SELECT count(*) FROM ({in_raw}))
            FROM checked_records WHERE NOT is_rejected"""
    ).fetchall()[0]
    if not repeats and not earlier_versions:
        return False
    connection.execute(
        f"""UPDATE checked_records SET is_duplicate = TRUE
            FROM (
                WITH sound AS (
                    SELECT record_key, identity_patient, place_in_history, record_number, record_hash
                    FROM checked_records WHERE NOT is_rejected
                ),
                latest AS (
                    SELECT record_key, identity_patient, place_in_history,
                           arg_max(record_hash, (load_number, loaded_at, record_number)) AS latest_hash
                    FROM ({in_raw}) WHERE load_number <= {load_number} GROUP BY ALL
                ),
                versions AS (
                    SELECT record_number, record_hash,
                           coalesce(lag(record_hash) OVER (
                               PARTITION BY record_key, identity_patient, place_in_history ORDER BY record_number
                           ), latest_hash) AS hash_before
                    FROM sound LEFT JOIN latest USING (record_key, identity_patient, place_in_history)
                )
                SELECT record_number FROM versions WHERE record_hash = hash_before
            ) AS unchanged
            WHERE checked_records.record_number = unchanged.record_number"""
    )
    return True


def notices_of_untold_order(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source_file: str, run_id: str, load_number: int
) -> list[Notice]:
    """Records of which another file of the same night says otherwise, at the same place in their history, where the names of the two
    files tell no order: which is the later was decided by how they sort."""
    loads = f"""SELECT load_number FROM raw.ingest_ledger
                WHERE run_id = $run AND source_system = {text_literal(contract.source_system)}
                AND feed = {text_literal(contract.feed)} AND system = {text_literal(contract.system)}
                AND status = 'loaded' AND source_file <> $file AND load_number < $load"""
    parameters = {"run": run_id, "file": source_file, "load": load_number}
    if not connection.execute(f"SELECT count(*) FROM ({loads})", parameters).fetchall()[0][0]:
        return []
    doubtful = connection.execute(
        f"""WITH changed AS (
                SELECT record_key, identity_patient, place_in_history, min(source_line) AS source_line
                FROM checked_records WHERE NOT is_rejected AND NOT is_duplicate GROUP BY ALL
            ),
            versions AS (
                SELECT record_key, {identity_patient(contract)} AS identity_patient, {PLACE_IN_HISTORY} AS place_in_history,
                       source_file, load_number, loaded_at, record_number
                FROM raw.{contract.feed}
                WHERE {of_system(contract)} AND record_key IN (SELECT record_key FROM changed)
            ),
            latest AS (
                SELECT record_key, identity_patient, place_in_history,
                       arg_max(source_file, (load_number, loaded_at, record_number)) AS source_file,
                       max(load_number) AS load_number
                FROM versions GROUP BY ALL
            )
            SELECT latest.source_file, count(*), min(changed.source_line)
            FROM changed INNER JOIN latest USING (record_key, identity_patient, place_in_history)
            WHERE latest.load_number IN ({loads}) GROUP BY ALL""",
        parameters,
    ).fetchall()
    untold = [(n, line) for name, n, line in doubtful if not order_is_told(name, source_file)]
    if not untold:
        return []
    n, first_line = sum(n for n, _ in untold), min(line for _, line in untold)
    return [Notice(SEVERAL_FILES, n, ORDER_OF_NAMES, first_line, WARNING)]


def supersede_earlier_readings(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source_file: str, file_hash: str, load_number: int
) -> None:
    """What an earlier contract read from the very same bytes of this file is no longer in force; it stays in raw."""
    connection.execute(
        f"""UPDATE raw.{contract.feed} SET superseded_by = {load_number}
            WHERE {_earlier_readings(contract, source_file)} AND file_hash = ?""",
        [file_hash],
    )


def supersede_earlier_readings_of_its_records(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    source_file: str,
    load_number: int,
    payloads: pa.Table,
) -> None:
    """Of what stands in the file now, neither is in force what an earlier contract read from other bytes of this file: an unchanged
    row was not loaded again by each delivery. What stands there no more stays as it was read.

    A row stands in the file if one of `payloads` is its text, or a checked record, sound or rejected, has its key and patient.
    """
    earlier = f"raw.{contract.feed} WHERE {_earlier_readings(contract, source_file)}"
    if not connection.execute(f"SELECT EXISTS (FROM {earlier})").fetchall()[0][0]:
        return
    patient = quoted_name(contract.patient_column)
    key = list(map(quoted_name, contract.key))
    told_patient = patient if contract.patient_column in contract.fields else "NULL"
    connection.register("payloads_of_file", payloads)
    connection.execute(
        f"""UPDATE raw.{contract.feed} SET superseded_by = {load_number}
            WHERE rowid IN (
                WITH earlier AS (
                    -- the key as it was, and as today's contract would make it: NULL where a part of it was not read
                    SELECT rowid AS place, payload, unnest([record_key, {" || '|' || ".join(key)}]) AS record_key,
                           {identity_patient(contract)} AS identity_patient, {patient} AS patient
                    FROM {earlier}
                )
                -- the texts themselves, of a million reports, would fill the memory
                SELECT place FROM earlier WHERE md5_number(payload) IN (SELECT md5_number(payload) FROM payloads_of_file)
                UNION ALL
                SELECT place FROM earlier INNER JOIN (
                    SELECT record_key, identity_patient, {told_patient} AS patient
                    FROM checked_records WHERE {" AND ".join(f"{part} IS NOT NULL" for part in key)}
                ) AS standing ON earlier.record_key = standing.record_key
                    AND (earlier.identity_patient = standing.identity_patient OR earlier.patient = standing.patient)
            )"""
    )
    connection.unregister("payloads_of_file")


def _earlier_readings(contract: SourceContract, source_file: str) -> str:
    """SQL: rows of raw in force that another version of the contract read from whatever bytes of the file."""
    return (
        f"{of_system(contract)} AND source_file = {text_literal(source_file)}"
        f" AND contract_version <> {text_literal(contract.reading_version)}"
    )


def note_keys_of_two_patients(connection: duckdb.DuckDBPyConnection, contract: SourceContract, lineage: str) -> int:
    """A notice for each sound record whose key is another patient's too, in this file or in raw; returns how many.

    Both patients' records stay in force.
    """
    if contract.patient_may_be_corrected or contract.patient_column in contract.key:
        return 0
    rows = connection.execute(
        f"""INSERT INTO raw.load_notices BY NAME
            WITH patients AS (
                SELECT record_key, identity_patient FROM checked_records WHERE NOT is_rejected
                UNION
                SELECT record_key, {identity_patient(contract)} FROM raw.{contract.feed}
                WHERE {of_system(contract)} AND record_key IN (SELECT record_key FROM checked_records WHERE NOT is_rejected)
            ),
            shared AS (SELECT record_key FROM patients GROUP BY record_key HAVING count(*) > 1)
            SELECT {lineage}, source_line, {text_literal(KEY_OF_TWO_PATIENTS)} AS kind,
                   {text_literal(", ".join(contract.key))} AS what, 1 AS n, record_key AS value,
                   'the same key is another patient''s record: both patients'' records are kept apart' AS reason,
                   now()::TIMESTAMP AS noticed_at
            FROM checked_records SEMI JOIN shared USING (record_key)
            WHERE NOT is_rejected AND NOT is_duplicate ORDER BY record_number"""
    ).fetchall()
    return rows[0][0]
