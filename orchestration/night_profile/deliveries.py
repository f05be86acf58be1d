"""What arrived tonight against what each feed sends: files, rows, records that are no longer sent, rejections, rhythm."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from orchestration.ingestion.feed_rhythm import FEWEST_TIMES, RHYTHM
from orchestration.night_profile.records import KEY, NEW_RUNS, Feed

Landed = tuple[str, str, str]
"""Hospital, canonical feed and file as the ledger names it."""


def stage_deliveries(connection: duckdb.DuckDBPyConnection, landed: Sequence[Landed]) -> None:
    """Keep the files that are in the landing folder in quality.night_files; make the temporary tables `known_files`, the ledger's
    last word on each file, and `replaced_files`, those loaded in an accepted night that have other contents tonight."""
    columns = [pa.array([file[place] for file in landed], pa.string()) for place in range(3)]
    listing = pa.table(columns, names=["hospital", "feed", "source_file"])
    connection.register("landing_listing", listing)
    connection.execute("CREATE OR REPLACE TABLE quality.night_files AS SELECT DISTINCT * FROM landing_listing")
    connection.unregister("landing_listing")
    last_word = "QUALIFY row_number() OVER (PARTITION BY hospital, feed, source_file ORDER BY loaded_at DESC) = 1"
    ledger = f"""SELECT source_system AS hospital, * EXCLUDE (source_system), {NEW_RUNS} AS is_new
                 FROM raw.ingest_ledger WHERE feed IS NOT NULL"""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE ledger AS {ledger};
            CREATE OR REPLACE TEMP TABLE known_files AS SELECT * FROM ledger WHERE status = 'loaded' {last_word};
            CREATE OR REPLACE TEMP TABLE replaced_files AS
            SELECT hospital, feed, source_file, now.rows_loaded, now.rows_duplicate,
                   greatest(now.rows_rejected - before.rows_rejected, 0) AS rows_newly_rejected,
                   before.rows_loaded + before.rows_duplicate AS rows_before
            FROM (SELECT * FROM known_files WHERE is_new) AS now
            INNER JOIN (SELECT * FROM ledger WHERE status = 'loaded' AND NOT is_new {last_word}) AS before
            USING (hospital, feed, source_file)"""
    )


def profile_deliveries(connection: duckdb.DuckDBPyConnection) -> None:
    """Measures of files: missing, feeds without any, not sent again; and what was rejected, by reason."""
    connection.execute(
        """INSERT INTO quality.night_profile BY NAME
           WITH missing AS (
               SELECT hospital, feed, source_file FROM known_files AS known
               ANTI JOIN quality.night_files USING (hospital, feed, source_file)
               -- a file of the hospital's of the same bytes under another name is not missing
               WHERE NOT EXISTS (
                   SELECT 1 FROM quality.night_files INNER JOIN known_files AS there USING (hospital, feed, source_file)
                   WHERE there.file_hash = known.file_hash AND there.feed = known.feed AND there.hospital = known.hospital)
           ),
           newly_missing AS (
               SELECT * FROM missing INNER JOIN quality.accepted_files AS files USING (hospital, feed, source_file) WHERE is_there
           )
           SELECT 'files_missing' AS measure, hospital, feed, NULL AS field, NULL AS value, NULL AS told,
                  count(newly_missing.source_file) AS n, count(*) AS denominator
           FROM known_files LEFT JOIN newly_missing USING (hospital, feed, source_file) GROUP BY ALL
           UNION ALL
           SELECT 'feed_is_gone', hospital, feed, NULL, NULL, NULL, CAST(count(there.source_file) = 0 AS INTEGER), 1
           FROM known_files LEFT JOIN quality.night_files AS there USING (hospital, feed, source_file) GROUP BY ALL
           UNION ALL
           SELECT 'files_refused', hospital, feed, NULL, NULL,
                  any_value(status) FILTER (WHERE is_refused), count(*) FILTER (WHERE is_refused), count(*)
           FROM (
               -- a refused file that was taken away is refused no more; a contract, source or folder is no file of the folder
               SELECT hospital, feed, status, status <> 'loaded' AND (
                   there.source_file IS NOT NULL OR source_file LIKE '%/contracts/%.yml' OR source_file LIKE '%/fetched/%'
                   OR source_file LIKE '%/') AS is_refused
               FROM (FROM ledger QUALIFY row_number() OVER (PARTITION BY hospital, feed, source_file ORDER BY loaded_at DESC) = 1)
               LEFT JOIN quality.night_files AS there USING (hospital, feed, source_file))
           GROUP BY ALL"""
    )
    connection.execute(
        """INSERT INTO quality.night_profile BY NAME
           WITH files AS (SELECT hospital, feed, source_file, file_hash, run_id, rows_read FROM known_files),
           read AS (SELECT hospital, feed, sum(rows_read) AS denominator FROM files GROUP BY ALL),
           before AS (
               SELECT hospital, feed, field, value, n FROM quality.night_history WHERE stage = 'landing' AND measure = 'rejected'
               QUALIFY night = max(night) OVER ()
           ),
           -- a feed that the last accepted night knew had none for a reason that it does not list
           read_before AS (
               SELECT hospital, feed, max(denominator) AS denominator FROM (
                   SELECT * FROM quality.night_history WHERE stage = 'landing' AND measure = 'rejected'
                   QUALIFY night = max(night) OVER ()) GROUP BY ALL
           ),
           tonight AS (
               SELECT read.hospital, read.feed, rejected.field, rejected.reason AS value, count(rejected.reason) AS n, read.denominator
               FROM read
               LEFT JOIN (
                   SELECT records.source_system AS hospital, records.feed, records.field,
                          records.scope || ': ' || records.reason AS reason
                   FROM raw.rejected_records AS records
                   INNER JOIN files ON records.source_system = files.hospital AND records.feed = files.feed
                       AND records.source_file = files.source_file AND records.run_id = files.run_id
               ) AS rejected USING (hospital, feed)
               GROUP BY ALL
           )
           SELECT 'rejected' AS measure, tonight.*,
                  CASE WHEN read_before.denominator IS NOT NULL THEN coalesce(before.n, 0) END AS n_reference,
                  read_before.denominator AS denominator_reference
           FROM tonight LEFT JOIN read_before USING (hospital, feed)
           LEFT JOIN before ON before.hospital = tonight.hospital AND before.feed = tonight.feed
               AND before.field IS NOT DISTINCT FROM tonight.field AND before.value IS NOT DISTINCT FROM tonight.value"""
    )


def profile_feed_delivery(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Measures of the feed's records, of which `stage_and_count` made the temporary tables."""
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
           WITH records AS MATERIALIZED (
               SELECT source_system AS hospital, count(*) FILTER (WHERE is_new) AS n_new,
                      count(*) FILTER (WHERE NOT is_new) AS n_existing
               FROM records_now GROUP BY ALL
           ),
           -- those that an accepted night knew: all of tonight's but the new ones
           existing AS (SELECT hospital, n_existing AS n FROM records WHERE n_existing > 0),
           again AS (
               -- a row of a replaced file that was there before is a duplicate, a correction of a known record, or rejected
               SELECT hospital, sum(rows_before) AS n_before, sum(rows_newly_rejected) AS n_rejected
               FROM replaced_files WHERE feed = $feed GROUP BY ALL
           ),
           repeated AS (
               SELECT hospital, sum(rows_duplicate) AS n FROM known_files WHERE feed = $feed AND is_new GROUP BY ALL
           ),
           corrected AS (
               SELECT source_system AS hospital, count(*) AS n FROM records_before GROUP BY ALL
           ),
           withdrawn AS (
               SELECT source_system AS hospital, count(*) AS n, count(*) FILTER (WHERE is_gone) AS n_gone
               FROM ({_withdrawn(feed)}) GROUP BY ALL
           )
           SELECT 'records_new' AS measure, hospital, $feed AS feed, NULL AS field, NULL AS value, NULL AS told,
                  n_new AS n, n_existing AS denominator
           FROM records
           UNION ALL
           SELECT 'records_no_longer_sent', hospital, $feed, NULL, NULL, NULL,
                  greatest(again.n_before - coalesce(repeated.n, 0) - coalesce(corrected.n, 0) - n_rejected, 0), again.n_before
           FROM again LEFT JOIN repeated USING (hospital) LEFT JOIN corrected USING (hospital)
           UNION ALL
           SELECT 'withdrawn', hospital, $feed, NULL, NULL, NULL, withdrawn.n, coalesce(existing.n, 0) + n_gone
           FROM withdrawn LEFT JOIN existing USING (hospital)
           UNION ALL
           SELECT kind, hospital, feed, field, NULL, ways, changes.n, existing.n
           FROM night_changes AS changes INNER JOIN existing USING (hospital) WHERE feed = $feed
           UNION ALL
           SELECT 'moved_by_one_step', hospital, feed, field, NULL, ways, n_commonest_step, existing.n
           FROM night_changes AS changes INNER JOIN existing USING (hospital) WHERE feed = $feed AND n_commonest_step > 0""",
        {"feed": feed.name},
    )


def _withdrawn(feed: Feed) -> str:
    """SQL of the records of the last accepted night that their source takes back tonight; `is_gone`: not among records_now. One whose
    status changes from a word to another is a correction of that field; no status is the word for active."""
    withdrawn = f"""SELECT source_system, TRUE AS is_gone FROM records_before
                    SEMI JOIN (FROM versions_{feed.name} WHERE is_latest AND is_withdrawn) USING ({KEY})"""
    if "record_status" not in feed.fields:
        return withdrawn
    return f"""{withdrawn} UNION ALL
               SELECT source_system, FALSE FROM records_before AS b INNER JOIN records_after AS a USING ({KEY})
               WHERE b.record_status IS NULL AND a.record_status = 'cancelled'"""


def profile_rhythm(connection: duckdb.DuckDBPyConnection) -> None:
    """The measure `days_without_news`: days since a feed's last new record over the longest it ever took before."""
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            SELECT 'days_without_news' AS measure, hospital, feed, NULL AS field, system AS value,
                   format('{{:,}} days, at most {{:,}} before', days_since, longest_gap) AS told,
                   days_since AS n, longest_gap AS denominator
            FROM ({RHYTHM}) WHERE n_gaps >= {FEWEST_TIMES}"""
    )
