"""Tonight's counts beside those of the last accepted night and of the nights before; and the acceptance of a night."""

import getpass
from collections.abc import Iterable

import duckdb
import pandas as pd

from orchestration.night_profile.deliveries import Landed
from orchestration.night_profile.records import NEW_RUNS, create_night_tables

NIGHTS_REMEMBERED = 60
GROUP = "stage, measure, hospital, feed, field"
COMPARED = """
    WITH tonight AS (SELECT * FROM quality.night_profile WHERE stage = $stage),
    nights AS (SELECT *, dense_rank() OVER (ORDER BY night DESC) AS ago FROM quality.night_history WHERE stage = $stage),
    last_night AS (SELECT * FROM nights WHERE ago = 1),
    keys AS (
        SELECT stage, measure, hospital, feed, field, value FROM tonight
        UNION
        -- a value that is gone altogether is a change as well
        SELECT before.stage, before.measure, before.hospital, before.feed, before.field, before.value FROM last_night AS before
        SEMI JOIN tonight USING (measure, hospital, feed) WHERE before.value IS NOT NULL
    ),
    totals AS (
        SELECT measure, hospital, feed, field, max(denominator) AS denominator FROM tonight GROUP BY ALL
    ),
    totals_before AS (
        SELECT measure, hospital, feed, field, max(denominator) AS denominator FROM last_night GROUP BY ALL
    ),
    usual AS (
        SELECT measure, hospital, feed, field, value, median(n / nullif(denominator, 0)) AS usual_share, count(*) AS n_present
        FROM nights GROUP BY ALL
    )
    SELECT keys.*, coalesce(tonight.n, 0) AS n, coalesce(tonight.denominator, totals.denominator, 0) AS denominator,
           coalesce(tonight.n_reference, CASE WHEN totals_before.denominator IS NOT NULL THEN coalesce(last_night.n, 0) END)
               AS n_before,
           coalesce(tonight.denominator_reference, last_night.denominator, totals_before.denominator) AS denominator_before,
           -- a count that most nights did not have is usually none
           CASE WHEN usual.n_present * 2 > n_nights.n THEN usual.usual_share ELSE 0 END AS usual_share,
           n_nights.n AS n_nights, tonight.told
    FROM keys
    LEFT JOIN tonight ON {same_value_of_tonight}
    LEFT JOIN last_night ON {same_value_of_last_night}
    LEFT JOIN totals ON {same_field_of_totals}
    LEFT JOIN totals_before ON {same_field_of_totals_before}
    LEFT JOIN usual ON {same_value_of_usual}
    CROSS JOIN (SELECT count(DISTINCT night) AS n FROM nights) AS n_nights
    ORDER BY ALL
"""


def _same(table: str, *columns: str) -> str:
    return " AND ".join(f"keys.{name} IS NOT DISTINCT FROM {table}.{name}" for name in columns)


FIELD = ("measure", "hospital", "feed", "field")


def compared_with_last_night(connection: duckdb.DuckDBPyConnection, stage: str) -> pd.DataFrame:
    """One row a count of tonight: stage, measure, hospital, feed, field, value, n, denominator, n_before, denominator_before
    (of the reference, or of the last accepted night; missing where there is neither), usual_share over n_nights accepted nights, told."""
    query = COMPARED.format(
        same_value_of_tonight=_same("tonight", *FIELD, "value"),
        same_value_of_last_night=_same("last_night", *FIELD, "value"),
        same_field_of_totals=_same("totals", *FIELD),
        same_field_of_totals_before=_same("totals_before", *FIELD),
        same_value_of_usual=_same("usual", *FIELD, "value"),
    )
    return connection.execute(query, {"stage": stage}).df()


def files_gone(connection: duckdb.DuckDBPyConnection, landed: Iterable[Landed]) -> list[str]:
    """Files that were in the landing folder in the last accepted night and are not among those that are there now."""
    create_night_tables(connection)
    known = connection.execute(
        "SELECT hospital, feed, source_file FROM quality.accepted_files WHERE is_there"
    ).fetchall()
    return sorted({file for _, _, file in set(known) - set(landed)})


def keep_accepted_changes(connection: duckdb.DuckDBPyConnection, changes: pd.DataFrame, run_id: str) -> None:
    """Record what a person said is right tonight: change, reason, n_checks and what_changed; who and when are added."""
    create_night_tables(connection)
    for row in changes.itertuples():
        connection.execute("DELETE FROM quality.accepted_changes WHERE change = ? AND run_id = ?", [row.change, run_id])
        connection.execute(
            "INSERT INTO quality.accepted_changes VALUES (?, ?, ?, ?, now()::TIMESTAMP, ?, ?)",
            [row.change, row.reason, user_name(), run_id, int(row.n_checks), row.what_changed],
        )


def table_is_there(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether schema quality has this table."""
    rows = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'quality' AND table_name = ?", [name]
    ).fetchall()
    return rows[0][0] > 0


def user_name() -> str:
    """Who runs the refresh, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def accept_night(connection: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """Make tonight the night that the next one is compared with; returns its number. In one transaction."""
    create_night_tables(connection)
    connection.execute("BEGIN")
    try:
        night = connection.execute("SELECT coalesce(max(night), 0) + 1 FROM quality.night_history").fetchall()[0][0]
        connection.execute(
            f"""INSERT INTO quality.accepted_runs
                SELECT DISTINCT run_id, now()::TIMESTAMP FROM raw.ingest_ledger WHERE run_id IS NOT NULL AND {NEW_RUNS}"""
        )
        connection.execute(
            """INSERT INTO quality.night_history BY NAME
               SELECT $night AS night, $run AS run_id, now()::TIMESTAMP AS accepted_at, * FROM quality.night_profile""",
            {"night": night, "run": run_id},
        )
        connection.execute("DELETE FROM quality.night_history WHERE night <= ?", [night - NIGHTS_REMEMBERED])
        if table_is_there(connection, "night_patients"):
            connection.execute("CREATE OR REPLACE TABLE quality.accepted_patients AS FROM quality.night_patients")
        connection.execute(
            """CREATE OR REPLACE TABLE quality.accepted_files AS
               SELECT hospital, feed, source_file, TRUE AS is_there FROM quality.night_files"""
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return night
