"""Which feeds have stopped coming: none of their files is in the landing folder any more, or they are later than they ever were."""

from pathlib import Path

import duckdb

from orchestration.ingestion.landing_folder import is_landed

FEWEST_TIMES = 5
"""So many times between two days with news make a rhythm."""
LATE_AFTER_TIMES = 2.0
"""A feed is late when it has brought nothing for more than so many times the longest it ever took; the rule
feed_keeps_its_rhythm of the gate has the same limit."""
LATE_FROM_DAYS = 2
RHYTHM = """
    WITH days AS (
        SELECT DISTINCT source_system AS hospital, feed, system, CAST(loaded_at AS DATE) AS day
        FROM raw.ingest_ledger WHERE status = 'loaded' AND rows_loaded > 0 AND feed IS NOT NULL
    ),
    gaps AS (SELECT *, day - lag(day) OVER (PARTITION BY hospital, feed, system ORDER BY day) AS gap FROM days)
    SELECT hospital, feed, system, now()::TIMESTAMP::DATE - max(day) AS days_since, max(gap) AS longest_gap, count(gap) AS n_gaps
    FROM gaps GROUP BY ALL
"""
"""By hospital, feed and system: days since the last new record, the longest time it took before, how many such times there were."""
LATE = f"""
    SELECT hospital, feed, system,
           format('nothing new for {{:,}} days, at most {{:,}} before: the feed is late', days_since, longest_gap) AS reason
    FROM ({RHYTHM})
    WHERE n_gaps >= {FEWEST_TIMES} AND days_since >= {LATE_FROM_DAYS} AND days_since > {LATE_AFTER_TIMES} * longest_gap
"""
LOADED_FILES = """
    SELECT source_system, feed, system, source_file FROM raw.ingest_ledger
    WHERE status = 'loaded' AND feed IS NOT NULL AND source_file NOT LIKE '%/fetched/%' AND source_file NOT LIKE '%/'
    GROUP BY ALL
"""
"""What has a slash at its end is a folder that could be read again."""
GONE = "none of its files is in the landing folder: it is missing"


def feeds_that_stopped(connection: duckdb.DuckDBPyConnection, landing_folder: Path) -> list[tuple[str, str, str, str]]:
    """Hospital, feed, system and reason of each; the records that were taken in stay in force, and get older."""
    is_there: dict[tuple[str, str, str], bool] = {}
    for hospital, feed, system, file in connection.execute(LOADED_FILES).fetchall():
        key = (hospital, feed, system)
        is_there[key] = is_there.get(key, False) or is_landed(landing_folder, file)
    gone = [(*feed, GONE) for feed, has_files in is_there.items() if not has_files]
    return sorted([*gone, *connection.execute(LATE).fetchall()])
