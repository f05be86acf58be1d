"""Two published warehouses compared: the cohort, every patient whose derived rows changed, every headline number that moved.

Everything is read from the two published files, so that any two of the history can be compared, and nothing restricted is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.files.encryption import attach
from orchestration.files.memory import limited

CHANGE_COLUMNS = ["study_id", "what", "before", "after", "record_before", "record_after", "due_to"]
NEW_RECORD, ANSWER, RULES, OTHER_ROWS = (
    "a new or corrected record",
    "a reviewer's answer",
    "other rules or definitions",
    "other rows of the patient",
)
"""What a change is due to, as far as the two publications tell."""


@dataclass(frozen=True)
class DerivedTable:
    """A published table of patients whose rows are compared, and how its values and records are called."""

    name: str
    what: str
    """SQL: what the row is about."""
    value: str
    """SQL: the row's value as text."""
    record: str = "source_record_id"


DERIVED = (
    DerivedTable("resection_margins", "'margin'", "concat_ws(', ', margin_group, margin_mm || ' mm', rule)"),
    DerivedTable(
        "first_recurrences",
        "'first recurrence'",
        "concat_ws(', ', 'day ' || recurrence_days, initial_pattern, CASE WHEN has_salvage THEN 'salvage on day ' || salvage_days END)",
    ),
    DerivedTable("time_to_event", "'endpoint: ' || endpoint", "concat_ws(', ', 'day ' || time_days, end_reason)"),
)


@contextmanager
def both(before: Path, after: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the two publications attached as `a` and `b`, read only.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    for path in (before, after):
        if not path.exists():
            raise FileNotFoundError(f"{path}: there is no such publication")
    with limited(duckdb.connect()) as connection:
        attach(connection, before, "a", read_only=True)
        attach(connection, after, "b", read_only=True)
        yield connection


def stamps(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The stamps of both: when, by which code, of which data, how many patients."""
    columns = "published_at, code_version, data_hash, n_patients, is_simulated"
    return connection.execute(
        f"""SELECT 'before' AS publication, {columns} FROM a.meta.publication
            UNION ALL SELECT 'after', {columns} FROM b.meta.publication"""
    ).df()


def cohort_changes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a patient who came into the cohort or left it: study_id, change, reason_before, reason_after."""
    return connection.execute(
        """SELECT study_id, CASE WHEN coalesce(b.is_in_cohort, FALSE) THEN 'in' ELSE 'out' END AS change,
                  CASE WHEN a.study_id IS NULL THEN 'not registered' ELSE coalesce(a.exclusion_reason, 'in the cohort') END AS before,
                  CASE WHEN b.study_id IS NULL THEN 'not registered' ELSE coalesce(b.exclusion_reason, 'in the cohort') END AS after
           FROM a.marts.patients AS a FULL JOIN b.marts.patients AS b USING (study_id)
           WHERE coalesce(a.is_in_cohort, FALSE) <> coalesce(b.is_in_cohort, FALSE)
           ORDER BY change, study_id"""
    ).df()


def patient_changes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row a changed value of a patient who is in both cohorts; the columns of CHANGE_COLUMNS.

    `due_to` is a reviewer's answer where one decides now or did before; a record where another one is behind the value; else other
    rules where the code is another, else other rows of the same patient.
    """
    is_other_code = "(SELECT code_version FROM a.meta.publication) <> (SELECT code_version FROM b.meta.publication)"
    parts = [_derived_changes(table) for table in DERIVED] + [_covariate_changes(connection)]
    return connection.execute(
        f"""SELECT study_id, what, before, after, record_before, record_after,
                   CASE WHEN concat(before, after) LIKE '%adjudicated%' THEN '{ANSWER.replace("'", "''")}'
                        WHEN record_before IS DISTINCT FROM record_after THEN '{NEW_RECORD}'
                        WHEN {is_other_code} THEN '{RULES}' ELSE '{OTHER_ROWS}' END AS due_to
            FROM ({" UNION ALL ".join(parts)})
            WHERE study_id IN (SELECT study_id FROM a.marts.patients WHERE is_in_cohort)
              AND study_id IN (SELECT study_id FROM b.marts.patients WHERE is_in_cohort)
            ORDER BY what, study_id"""
    ).df()


def _derived_changes(table: DerivedTable) -> str:
    side = "SELECT study_id, {what} AS what, {value} AS value, {record} AS record FROM {p}.marts.{name}"
    a, b = (side.format(p=p, what=table.what, value=table.value, record=table.record, name=table.name) for p in "ab")
    return f"""
        SELECT study_id, what, x.value AS before, y.value AS after, x.record AS record_before, y.record AS record_after
        FROM ({a}) AS x FULL JOIN ({b}) AS y USING (study_id, what) WHERE x.value IS DISTINCT FROM y.value"""


def _covariate_changes(connection: duckdb.DuckDBPyConnection) -> str:
    of_a, of_b = (_columns_of_operations(connection, p) for p in "ab")
    covariates = sorted((of_a & of_b) - {"study_id", "source_record_id", "margin_group"})
    sides = [
        f"""SELECT study_id, unnest([{", ".join(f"'covariate: {name}'" for name in covariates)}]) AS what,
                   unnest([{", ".join(f'"{name}"::VARCHAR' for name in covariates)}]) AS value, source_record_id AS record
            FROM {p}.marts.index_operations"""
        for p in "ab"
    ]
    return f"""
        SELECT study_id, what, x.value, y.value, x.record, y.record
        FROM ({sides[0]}) AS x INNER JOIN ({sides[1]}) AS y USING (study_id, what) WHERE x.value IS DISTINCT FROM y.value"""


def _columns_of_operations(connection: duckdb.DuckDBPyConnection, publication: str) -> set[str]:
    rows = connection.execute(
        """SELECT column_name FROM duckdb_columns()
           WHERE database_name = ? AND schema_name = 'marts' AND table_name = 'index_operations'""",
        [publication],
    ).fetchall()
    return {name for (name,) in rows}


def headline_changes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Each headline number of the two: number, endpoint, margin_group, before, after, difference."""
    side = """
        SELECT 'patients' AS number, '' AS endpoint, margin_group, count(*)::DOUBLE AS value
        FROM {p}.marts.resection_margins GROUP BY ALL
        UNION ALL
        SELECT figure, endpoint, stratum, estimate FROM {p}.results.published_comparison WHERE estimate IS NOT NULL"""
    return connection.execute(
        f"""SELECT number, endpoint, margin_group, a.value AS before, b.value AS after, b.value - a.value AS difference
            FROM ({side.format(p="a")}) AS a FULL JOIN ({side.format(p="b")}) AS b USING (number, endpoint, margin_group)
            ORDER BY ALL"""
    ).df()
