"""The records of a feed as they stand tonight and as they stood in the last accepted night, each in its latest version."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import CanonicalFeed, canonical_feeds

HISTORY_SQL = Path(__file__).with_name("history.sql")
RECORD = "source_system, system, coalesce(record_key, record_id)"
"""A record is known by its key alone: that it is now another patient's is a change of the field `mrn`."""
KEY = "source_system, system, record_key"
"""The same where the key was made before."""
NEW_RUNS = "coalesce(run_id, '') NOT IN (SELECT run_id FROM quality.accepted_runs)"
# the words of a report and what each is, without the places of its parts
WORDS_OF_REPORT = """array_to_string(list_transform(
    list_filter(observations, x -> coalesce(x.status, '') NOT IN ('D', 'X')), x -> x.value), chr(10))"""


@dataclass(frozen=True)
class Feed:
    """A canonical feed and how its raw table is read."""

    name: str
    definition: CanonicalFeed

    @property
    def fields(self) -> dict[str, str]:
        """Type by field, without what only says when a record was written."""
        return {name: column.type for name, column in self.definition.columns.items() if name not in WRITTEN_WHEN}

    @property
    def columns(self) -> str:
        """SQL of the fields; the lines of a report as one text."""
        return ", ".join(
            f"{WORDS_OF_REPORT} AS {name}" if type_ == "observations" else name for name, type_ in self.fields.items()
        )

    @property
    def _time(self) -> str:
        return ", record_updated_at" if "record_updated_at" in self.definition.columns else ""

    @property
    def latest_first(self) -> str:
        """SQL of the order of a record's versions, as dbt's macro `only_the_latest` puts them: the source's own (its version number, its
        time of update) whatever the order in which its files arrived, else the order of loading."""
        changed_at = f"coalesce(source_updated_at{self._time})"
        return f"""source_version DESC NULLS LAST, {changed_at} DESC NULLS LAST, load_number DESC NULLS LAST, loaded_at DESC,
                   record_number DESC NULLS LAST, source_file DESC, source_line DESC"""

    def read(self, where: str, also: str = "") -> str:
        """SQL of the rows of the raw table that fulfil a condition."""
        return f"""SELECT source_system, system, coalesce(record_key, record_id) AS record_key, {self.columns}{also}
                   FROM raw.{self.name} WHERE {where}"""

    def latest(self) -> str:
        """SQL of the latest versions of all records. Reads what `find_versions` made."""
        return self.read(self.is_latest)

    @property
    def is_latest(self) -> str:
        """SQL of a row's being its record's latest version, and in force."""
        return f"rowid NOT IN (SELECT row FROM out_of_force_{self.name})"

    def find_versions(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The temporary tables versions_FEED, the rows of records that may have several, and out_of_force_FEED, rows of raw that say
        nothing tonight: an earlier version, what an earlier contract read from the same file, a record that its source withdrew.

        Of each version: is_latest, or was_latest in the last accepted night; of its record whether that night knew it (is_known) and
        whether a new run sent it (is_touched). Most records have one version, and only the others are put in order, which is what takes
        time and memory.
        """
        tonights_loads = f"SELECT load_number FROM raw.ingest_ledger WHERE {NEW_RUNS} AND load_number IS NOT NULL"
        # what only tonight's reading of a file replaced stood in the last accepted night
        was_superseded = f"superseded_by IS NOT NULL AND superseded_by NOT IN ({tonights_loads})"
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE versions_{self.name} AS
                WITH several AS (
                    SELECT rowid AS row, source_system, system, coalesce(record_key, record_id) AS record_key,
                           coalesce(is_withdrawn, FALSE) AS is_withdrawn, {NEW_RUNS} AS is_tonights,
                           superseded_by IS NOT NULL AS is_superseded, {was_superseded} AS was_superseded,
                           source_version, source_updated_at, load_number, loaded_at, record_number, source_file, source_line{self._time}
                    FROM raw.{self.name} WHERE hash({RECORD}) IN (
                        SELECT hash({RECORD}) FROM raw.{self.name} GROUP BY ALL HAVING count(*) > 1)
                ),
                ordered AS (
                    SELECT row, source_system, system, record_key, is_withdrawn, is_tonights,
                           NOT is_superseded
                               AND row_number() OVER (PARTITION BY {KEY} ORDER BY is_superseded, {self.latest_first}) = 1 AS is_latest,
                           NOT is_tonights AND NOT was_superseded AND row_number() OVER (
                               PARTITION BY {KEY}, is_tonights ORDER BY was_superseded, {self.latest_first}) = 1 AS was_latest
                    FROM several
                )
                SELECT *, bool_or(was_latest) OVER (PARTITION BY {KEY}) AS is_known,
                       bool_or(is_tonights) OVER (PARTITION BY {KEY}) AS is_touched
                FROM ordered;
                CREATE OR REPLACE TEMP TABLE out_of_force_{self.name} AS
                SELECT row FROM versions_{self.name} WHERE NOT is_latest
                UNION ALL
                SELECT rowid FROM raw.{self.name} WHERE superseded_by IS NOT NULL OR is_withdrawn"""
        )


WRITTEN_WHEN = {"message_datetime", "record_updated_at", "decided_at", "note", "comment"}
"""Neither the clock of the sender nor free notes are derived from: that they change is no news."""


def feeds() -> list[Feed]:
    """All feeds of patients' records."""
    return [Feed(name, definition) for name, definition in canonical_feeds().items()]


def create_night_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of the nights' history, where they are not there yet."""
    connection.execute(HISTORY_SQL.read_text(encoding="utf-8"))


def let_go_of_feed(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """The temporary tables of a feed leave before the next one's are made: those of pathology hold texts."""
    connection.execute("DROP VIEW IF EXISTS temp.records_now")
    for table in ("records_before", "records_after", "new_rows", f"versions_{feed.name}", f"out_of_force_{feed.name}"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def stage_feed(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """The temporary view records_now, with `is_new` for keys that the last accepted night did not know; and of the records that it
    knew and a new run touched the temporary tables records_before and records_after, as they were and are in force.

    Reads what `find_versions` made. A country's records are read where they lie: a copy of them would not fit into memory.
    """
    is_new = _is_new(connection, feed)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW records_now AS {feed.read(feed.is_latest, f', {is_new} AS is_new')}"
    )
    in_force = (
        f"rowid IN (SELECT row FROM versions_{feed.name} WHERE is_known AND is_touched AND NOT is_withdrawn AND {{}})"
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE records_before AS {feed.read(in_force.format("was_latest"))};
            CREATE OR REPLACE TEMP TABLE records_after AS {feed.read(in_force.format("is_latest"))}"""
    )


def _is_new(connection: duckdb.DuckDBPyConnection, feed: Feed) -> str:
    """SQL of a row's record being new. Where some are and some are not, the new rows are found once, in the temporary table new_rows."""
    found = connection.execute(
        f"SELECT DISTINCT {NEW_RUNS} FROM (SELECT DISTINCT run_id FROM raw.{feed.name})"
    ).fetchall()
    if len(found) < 2:
        return "TRUE" if found == [(True,)] else "FALSE"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE new_rows AS
            SELECT rowid AS row FROM raw.{feed.name}
            WHERE {NEW_RUNS} AND rowid NOT IN (SELECT row FROM versions_{feed.name} WHERE is_known)"""
    )
    return "rowid IN (SELECT row FROM new_rows)"
