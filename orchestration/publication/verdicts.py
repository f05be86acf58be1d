"""The gates' verdicts, kept in the build file beside what they judged. Publication asks here, whoever starts it.

A verdict holds what a table was when it was judged (a fingerprint), by which code, in which run. Results hold which judged
marts they were computed from. So a table that was made anew after the gate looked, or statistics of one night beside the marts
of another, are told apart from a whole night, and are not published.
"""

import hashlib
from collections.abc import Iterable

import duckdb

from orchestration.warehouse import columns_of, published_tables, table_exists

WRITTEN_BY_GATES = ("check_results", "violations", "gate_verdicts", "accepted_changes")
STAGES = ("landing", "staging", "marts", "results")
STAGE_OF_SCHEMA = {"marts": "marts", "quality": "marts", "meta": "marts", "results": "results"}
STAGING_TABLES = (("staging", "stg_registry_operations"),)
LANDING_TABLES = (("raw", "ingest_ledger"), ("raw", "rejected_records"))
"""Whatever lands has a row in the ledger: what was loaded after the landing gate looked is told apart."""
MOST_NAMED = 6

MAKE_TABLES = """
CREATE SCHEMA IF NOT EXISTS quality;
CREATE TABLE IF NOT EXISTS quality.gate_verdicts (
    stage VARCHAR, is_open BOOLEAN, closed_by VARCHAR, judged_at TIMESTAMP, run_id VARCHAR, code_version VARCHAR, digest VARCHAR
);
CREATE TABLE IF NOT EXISTS quality.judged_tables (stage VARCHAR, table_name VARCHAR, fingerprint VARCHAR);
"""


class PublicationRefused(Exception):
    """What stands in the build file may not be published; the message gives each reason and what to do."""


def judged_tables(stage: str) -> list[tuple[str, str]]:
    """Schema and name, in the build file, of the tables whose publication hangs on a stage's verdict."""
    if stage in ("landing", "staging"):
        return list(LANDING_TABLES if stage == "landing" else STAGING_TABLES)
    return [
        (table.source_schema, table.source_name)
        for table in published_tables()
        if STAGE_OF_SCHEMA[table.schema] == stage and table.name not in WRITTEN_BY_GATES
    ]


def fingerprint(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """One for a table's columns and rows, whatever the order of the rows; 'missing' for a table that is not there."""
    columns = columns_of(connection, schema, table)
    if columns is None:
        return "missing"
    rows = connection.execute(
        f'SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t)) FROM "{schema}"."{table}" AS t'
    ).fetchall()[0]
    return hashlib.sha256(f"{list(columns.items())}|{rows}".encode()).hexdigest()[:16]


def record_verdict(
    connection: duckdb.DuckDBPyConnection,
    stage: str,
    is_open: bool,
    closed_by: Iterable[str],
    run_id: str,
    code_version: str,
) -> None:
    """Keep a stage's verdict and the fingerprints of what it judged, in place of the stage's last one.

    Args:
        stage: 'staging', 'marts' or 'results'.
        closed_by: names of the checks that closed the gate; empty where it is open.
        run_id: Dagster's run, or whoever judged.
        code_version: of the code that made and judged the tables.
    """
    prints = {f"{schema}.{table}": fingerprint(connection, schema, table) for schema, table in judged_tables(stage)}
    digest = hashlib.sha256(f"{code_digest(code_version)}|{sorted(prints.items())}".encode()).hexdigest()[:16]
    connection.execute(MAKE_TABLES)
    connection.execute("BEGIN")
    try:
        for table in ("gate_verdicts", "judged_tables"):
            connection.execute(f"DELETE FROM quality.{table} WHERE stage = ?", [stage])
        connection.execute(
            "INSERT INTO quality.gate_verdicts VALUES (?, ?, ?, (now() AT TIME ZONE 'UTC')::TIMESTAMP, ?, ?, ?)",
            [stage, is_open, ", ".join(closed_by) or None, run_id, code_version, digest],
        )
        connection.executemany(
            "INSERT INTO quality.judged_tables VALUES (?, ?, ?)", [[stage, *item] for item in prints.items()]
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def code_digest(code_version: str) -> str:
    """The part of a code version that changes with the code, and the study where it is named; a commit that touches documents only
    is no other code."""
    commit, _, rest = code_version.partition("+")
    return rest or commit


def objections(connection: duckdb.DuckDBPyConnection, code_version: str) -> list[str]:
    """Why what stands in the build file may not be published; empty where nothing speaks against it."""
    if not table_exists(connection, "quality", "gate_verdicts"):
        return [f"the {stage} gate has not judged" for stage in STAGES]
    found = []
    for stage in STAGES:
        found += _objections_of_stage(connection, stage, code_version)
    return found or _results_of_other_marts(connection)


def verdict_runs(connection: duckdb.DuckDBPyConnection) -> str:
    """The runs in which the gates judged, joined by commas: one where a whole night was judged in one go."""
    rows = connection.execute("SELECT DISTINCT run_id FROM quality.gate_verdicts ORDER BY ALL").fetchall()
    return ",".join(run for (run,) in rows)


def _objections_of_stage(connection: duckdb.DuckDBPyConnection, stage: str, code_version: str) -> list[str]:
    rows = connection.execute(
        "SELECT is_open, closed_by, code_version FROM quality.gate_verdicts WHERE stage = ?", [stage]
    ).fetchall()
    if not rows:
        return [f"the {stage} gate has not judged"]
    is_open, closed_by, judging_code = rows[0]
    if not is_open:
        return [f"the {stage} gate is closed ({closed_by})"]
    if code_digest(judging_code) != code_digest(code_version):
        return [f"the {stage} gate judged with other code"]
    kept = dict(
        connection.execute(
            "SELECT table_name, fingerprint FROM quality.judged_tables WHERE stage = ?", [stage]
        ).fetchall()
    )
    changed = [
        f"{schema}.{table}"
        for schema, table in judged_tables(stage)
        if kept.get(f"{schema}.{table}") != fingerprint(connection, schema, table)
    ]
    return [f"changed since the {stage} gate judged: {_some(changed)}"] if changed else []


def _results_of_other_marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Statistics that were computed from other marts than those that are judged now."""
    if not table_exists(connection, "quality", "result_origins"):
        return ["it is not known which marts the results were computed from"]
    digest = connection.execute("SELECT digest FROM quality.gate_verdicts WHERE stage = 'marts'").fetchall()[0][0]
    origins = dict(connection.execute("SELECT table_name, marts_digest FROM quality.result_origins").fetchall())
    others = [f"results.{name}" for schema, name in judged_tables("results") if origins.get(name) != digest]
    return [f"computed from other marts than those that the marts gate judged: {_some(others)}"] if others else []


def _some(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
