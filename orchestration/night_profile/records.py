"""The records of a feed as they stand tonight and as they stood in the last accepted night, each in its latest version."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import CanonicalFeed, canonical_feeds

HISTORY_SQL = Path(__file__).with_name("history.sql")
RECORD = "source_system, system, coalesce(record_key, record_id)"
"""A record is known by its key alone: that it is now another patient's is a change of the field `mrn`."""
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
    def latest_first(self) -> str:
        """SQL of the order of a record's versions. A source that says when it changed a record is believed, as in dbt's macro of the
        same purpose."""
        changed_at = "record_updated_at DESC NULLS LAST, " if "record_updated_at" in self.definition.columns else ""
        return f"PARTITION BY {RECORD} ORDER BY {changed_at}loaded_at DESC, source_file DESC, source_line DESC"

    def read(self, where: str, also: str = "") -> str:
        """SQL of the rows of the raw table that fulfil a condition."""
        return f"""SELECT source_system, system, coalesce(record_key, record_id) AS record_key, {self.columns}{also}
                   FROM raw.{self.name} WHERE {where}"""

    def latest(self) -> str:
        """SQL of the latest versions of all records. Reads what `find_superseded` made."""
        return self.read(self.is_latest)

    @property
    def is_latest(self) -> str:
        """SQL of a row's being its record's latest version."""
        return f"rowid NOT IN (SELECT row FROM superseded_{self.name})"

    def find_superseded(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The temporary table superseded_FEED, rows of which the record has a later version: most records have one version, and only
        the others are put in order, which is what takes time and memory."""
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE superseded_{self.name} AS
                SELECT rowid AS row FROM raw.{self.name} WHERE hash({RECORD}) IN (
                    SELECT hash({RECORD}) FROM raw.{self.name} GROUP BY ALL HAVING count(*) > 1)
                QUALIFY row_number() OVER ({self.latest_first}) > 1"""
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
    for table in ("records_before", "records_after", "touched", "new_rows", f"superseded_{feed.name}"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def stage_feed(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """The temporary view records_now, with `is_new` for keys that the last accepted night did not know; and of the keys that it knew
    and a new run touched, the temporary tables records_before and records_after.

    Reads what `find_superseded` made. A country's records are read where they lie: a copy of them would not fit into memory.
    """
    is_new = _find_touched(connection, feed)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW records_now AS {feed.read(feed.is_latest, f', {is_new} AS is_new')}"
    )
    was_there = f"({RECORD}) IN (SELECT (source_system, system, record_key) FROM touched WHERE was_there)"
    last_known = f"""SELECT rowid FROM raw.{feed.name} WHERE NOT ({NEW_RUNS}) AND {was_there}
                     QUALIFY row_number() OVER ({feed.latest_first}) = 1"""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE records_before AS {feed.read(f"rowid IN ({last_known})")};
            CREATE OR REPLACE TEMP TABLE records_after AS {feed.read(f"{feed.is_latest} AND {was_there}")}"""
    )


def _find_touched(connection: duckdb.DuckDBPyConnection, feed: Feed) -> str:
    """The temporary table touched: the keys that a new run sent, and whether an accepted night knew them; empty where either all
    records are new or none is. Returns SQL of a row's record being new."""
    key = "source_system, system, coalesce(record_key, record_id) AS record_key"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE touched AS SELECT {key}, FALSE AS was_there FROM raw.{feed.name} LIMIT 0"""
    )
    found = connection.execute(f"SELECT DISTINCT {NEW_RUNS} FROM raw.{feed.name}").fetchall()
    if len(found) < 2:
        return "TRUE" if found == [(True,)] else "FALSE"
    connection.execute(
        f"""INSERT INTO touched
            WITH sent AS (SELECT DISTINCT {key} FROM raw.{feed.name} WHERE {NEW_RUNS}),
            known AS (
                SELECT DISTINCT {key} FROM raw.{feed.name}
                WHERE NOT ({NEW_RUNS}) AND ({RECORD}) IN (SELECT (source_system, system, record_key) FROM sent)
            )
            SELECT sent.*, known.record_key IS NOT NULL AS was_there
            FROM sent LEFT JOIN known USING (source_system, system, record_key);
            CREATE OR REPLACE TEMP TABLE new_rows AS
            SELECT rowid AS row FROM raw.{feed.name}
            WHERE {NEW_RUNS} AND ({RECORD}) IN (SELECT (source_system, system, record_key) FROM touched WHERE NOT was_there)"""
    )
    return "rowid IN (SELECT row FROM new_rows)"
