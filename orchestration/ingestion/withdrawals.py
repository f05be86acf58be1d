"""What a source took back: records that are here are withdrawn, and one that comes after its withdrawal when it comes."""

import contextlib
from collections.abc import Iterator, Sequence

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
    if not withdrawals:
        return 0, []
    told = [(one.reference, one.updated_at, one.line) for one in withdrawals]
    with _told_withdrawals(connection, contract, told):
        n_withdrawn = _withdraw_records(connection, contract, lineage)
        early = _keep_for_later(connection, contract, lineage)
    if not early:
        return n_withdrawn, []
    reason = "it waits, and is applied when the record comes, if both say when they were made"
    return n_withdrawn, [Notice("withdrawal of a record that is not here", len(early), reason, min(early), WARNING)]


def apply_waiting_withdrawals(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, load_number: int, lineage: str
) -> list[Notice]:
    """Records of this load that were taken back before they came are withdrawn; told of each where that cannot be decided."""
    waiting = _waiting(connection, contract, load_number)
    if not waiting:
        return []
    timed = [(reference, updated_at, None) for reference, updated_at, has_times in waiting if has_times]
    n_withdrawn, n_open = 0, len(waiting) - len(timed)
    if timed:
        with _told_withdrawals(connection, contract, timed):
            n_withdrawn = _withdraw_records(connection, contract, lineage)
    connection.execute(
        f"DELETE FROM raw.waiting_withdrawals WHERE {_of_contract(contract)} AND reference IN (SELECT unnest(?::VARCHAR[]))",
        [[reference for reference, *_ in waiting]],
    )
    told = [
        ("record that was taken back before it came", n_withdrawn, "it is withdrawn"),
        ("record taken back before it came, without a time", n_open, "it stays: which of the two is newer is not told"),
    ]
    return [Notice(what, n, reason, None, WARNING) for what, n, reason in told if n]


@contextlib.contextmanager
def _told_withdrawals(
    connection: duckdb.DuckDBPyConnection,
    contract: SourceContract,
    told: Sequence[tuple[str, str | None, int | None]],
) -> Iterator[None]:
    """Within it `told_withdrawals` has them (reference, time, line) by their place in the file, and `told_versions` every version in raw
    of what they name: raw is looked through once for a whole file of them."""
    references, times, lines = (list(column) for column in zip(*told, strict=True))
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE told_withdrawals AS
           SELECT unnest(range(len($references))) AS place, unnest($references::VARCHAR[]) AS reference,
                  unnest($times::VARCHAR[]) AS withdrawn_at, unnest($lines::BIGINT[]) AS line""",
        {"references": references, "times": times, "lines": lines},
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE told_versions AS
            SELECT * FROM raw.{contract.feed}
            WHERE rowid IN (
                SELECT versions.rowid FROM raw.{contract.feed} AS versions
                WHERE {of_system(contract)} AND source_reference IN (SELECT reference FROM told_withdrawals)
            )"""
    )
    yield
    # after an error the transaction is taken back, and they with it
    connection.execute("DROP TABLE told_versions; DROP TABLE told_withdrawals")


def _withdraw_records(connection: duckdb.DuckDBPyConnection, contract: SourceContract, lineage: str) -> int:
    """A last version, withdrawn, of every record that one of the told withdrawals may take back: by the first that may. Returns how
    many of the withdrawals took one back."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE taken_back AS
            WITH latest AS (
                SELECT *, {identity_patient(contract)} AS told_patient FROM told_versions
                QUALIFY row_number() OVER (
                    PARTITION BY source_reference, record_key, told_patient
                    ORDER BY source_version DESC NULLS LAST, source_updated_at DESC NULLS LAST, load_number DESC, record_number DESC
                ) = 1
            )
            SELECT latest.*, told.place, told.withdrawn_at
            FROM latest INNER JOIN told_withdrawals AS told ON latest.source_reference = told.reference
            WHERE NOT coalesce(is_withdrawn, FALSE) AND (told.withdrawn_at IS NULL OR source_updated_at IS NULL
                OR told.withdrawn_at >= source_updated_at)
            QUALIFY row_number() OVER (PARTITION BY source_reference, record_key, told_patient ORDER BY told.place) = 1"""
    )
    connection.execute(
        f"""INSERT INTO raw.{contract.feed} BY NAME
            SELECT * EXCLUDE (told_patient, place, withdrawn_at, {", ".join(LINEAGE)}) REPLACE (
                TRUE AS is_withdrawn, md5(record_hash || 'withdrawn') AS record_hash, now()::TIMESTAMP AS loaded_at,
                coalesce(withdrawn_at, source_updated_at) AS source_updated_at, record_id || '-withdrawn' AS record_id
            ), {lineage}
            FROM taken_back ORDER BY place"""
    )
    n_applied = connection.execute("SELECT count(DISTINCT place) FROM taken_back").fetchall()[0][0]
    connection.execute("DROP TABLE taken_back")
    return n_applied


def _keep_for_later(connection: duckdb.DuckDBPyConnection, contract: SourceContract, lineage: str) -> list[int]:
    """The told withdrawals whose record is not in raw wait for it; returns their lines."""
    is_early = "reference NOT IN (SELECT source_reference FROM told_versions)"
    connection.execute(
        f"""INSERT INTO raw.waiting_withdrawals BY NAME
            SELECT {text_literal(contract.source_system)} AS source_system, {text_literal(contract.feed)} AS feed,
                   {text_literal(contract.system)} AS system, line AS source_line, reference, withdrawn_at AS updated_at, {lineage}
            FROM told_withdrawals WHERE {is_early} ORDER BY place"""
    )
    return [line for (line,) in connection.execute(f"SELECT line FROM told_withdrawals WHERE {is_early}").fetchall()]


def _waiting(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, load_number: int
) -> list[tuple[str, str | None, bool]]:
    """Reference and time of the withdrawals that waited for a record of this load, and whether both have a time."""
    is_waiting = f"FROM raw.waiting_withdrawals WHERE {_of_contract(contract)}"
    if not connection.execute(f"SELECT EXISTS ({is_waiting})").fetchall()[0][0]:
        return []
    return connection.execute(
        f"""SELECT reference, max(waiting.updated_at),
                   bool_and(waiting.updated_at IS NOT NULL AND records.source_updated_at IS NOT NULL)
            FROM (SELECT reference, updated_at {is_waiting}) AS waiting
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
