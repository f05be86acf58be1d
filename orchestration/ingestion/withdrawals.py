"""What a source took back: records that are here are withdrawn, and one that comes after its withdrawal when it comes."""

import duckdb

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.field_checks import text_literal
from orchestration.ingestion.readers.account import WARNING, Notice, Withdrawal
from orchestration.ingestion.record_versions import identity_patient, of_system

# the lineage that a withdrawn version has from the file that withdraws it
LINEAGE = ("source_file", "file_hash", "contract_version", "run_id", "load_number")


def withdraw(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, withdrawals: list[Withdrawal], lineage: str
) -> tuple[int, list[Notice]]:
    """How many of the withdrawals took a record out of force, and what is said of those whose record is not here.

    These wait for it. One that finds only newer records, or withdrawn ones, changes nothing. `lineage` is SQL for LINEAGE.
    """
    n_withdrawn, early = 0, []
    for one in withdrawals:
        if _withdraw_record(connection, contract, one.reference, one.updated_at, lineage):
            n_withdrawn += 1
        elif _keep_for_later(connection, contract, one, lineage):
            early.append(one.line)
    if not early:
        return n_withdrawn, []
    reason = "it waits, and is applied when the record comes, if both say when they were made"
    return n_withdrawn, [Notice("withdrawal of a record that is not here", len(early), reason, min(early), WARNING)]


def apply_waiting_withdrawals(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, load_number: int, lineage: str
) -> list[Notice]:
    """Records of this load that were taken back before they came are withdrawn; told of each where that cannot be decided."""
    n_withdrawn, n_open = 0, 0
    for reference, updated_at, has_times in _waiting(connection, contract, load_number):
        if has_times:
            n_withdrawn += _withdraw_record(connection, contract, reference, updated_at, lineage) > 0
        else:
            n_open += 1
        connection.execute(
            f"DELETE FROM raw.waiting_withdrawals WHERE {_of_contract(contract)} AND reference = ?", [reference]
        )
    told = [
        ("record that was taken back before it came", n_withdrawn, "it is withdrawn"),
        ("record taken back before it came, without a time", n_open, "it stays: which of the two is newer is not told"),
    ]
    return [Notice(what, n, reason, None, WARNING) for what, n, reason in told if n]


def _withdraw_record(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    reference: str,
    updated_at: str | None,
    lineage: str,
) -> int:
    """A last version, withdrawn, of every record in raw that the source calls `reference`; 0 where there is none to withdraw."""
    rows = connection.execute(
        f"""INSERT INTO raw.{contract.feed} BY NAME
            WITH latest AS (
                SELECT * FROM raw.{contract.feed} WHERE {of_system(contract)} AND source_reference = $reference
                QUALIFY row_number() OVER (
                    PARTITION BY record_key, {identity_patient(contract)}
                    ORDER BY source_version DESC NULLS LAST, source_updated_at DESC NULLS LAST, load_number DESC, record_number DESC
                ) = 1
            )
            SELECT latest.* EXCLUDE ({", ".join(LINEAGE)}) REPLACE (
                TRUE AS is_withdrawn, md5(record_hash || 'withdrawn') AS record_hash, now()::TIMESTAMP AS loaded_at,
                coalesce($updated_at, source_updated_at) AS source_updated_at, record_id || '-withdrawn' AS record_id
            ), {lineage}
            FROM latest
            WHERE NOT coalesce(is_withdrawn, FALSE) AND ($updated_at IS NULL OR source_updated_at IS NULL
                OR $updated_at >= source_updated_at)""",
        {"reference": reference, "updated_at": updated_at},
    ).fetchall()
    return rows[0][0]


def _keep_for_later(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, withdrawal: Withdrawal, lineage: str
) -> bool:
    """Whether no record of raw is called so; then the withdrawal waits for it."""
    rows = connection.execute(
        f"""INSERT INTO raw.waiting_withdrawals BY NAME
            SELECT {text_literal(contract.source_system)} AS source_system, {text_literal(contract.feed)} AS feed,
                   {text_literal(contract.system)} AS system, $line::BIGINT AS source_line, $reference AS reference,
                   $updated_at AS updated_at, {lineage}
            WHERE NOT EXISTS (
                SELECT 1 FROM raw.{contract.feed} WHERE {of_system(contract)} AND source_reference = $reference)""",
        {"line": withdrawal.line, "reference": withdrawal.reference, "updated_at": withdrawal.updated_at},
    ).fetchall()
    return rows[0][0] > 0


def _waiting(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, load_number: int
) -> list[tuple[str, str | None, bool]]:
    """Reference and time of the withdrawals that waited for a record of this load, and whether both have a time."""
    return connection.execute(
        f"""SELECT reference, max(waiting.updated_at),
                   bool_and(waiting.updated_at IS NOT NULL AND records.source_updated_at IS NOT NULL)
            FROM (SELECT reference, updated_at FROM raw.waiting_withdrawals WHERE {_of_contract(contract)}) AS waiting
            INNER JOIN (
                SELECT source_reference, source_updated_at FROM raw.{contract.feed}
                WHERE load_number = {load_number} AND {of_system(contract)}
            ) AS records ON waiting.reference = records.source_reference
            GROUP BY reference ORDER BY reference"""
    ).fetchall()


def _of_contract(contract: SourceContract) -> str:
    return (
        f"source_system = {text_literal(contract.source_system)} AND system = {text_literal(contract.system)}"
        f" AND feed = {text_literal(contract.feed)}"
    )
