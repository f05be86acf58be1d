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

    def latest(self, where: str) -> str:
        """SQL of the latest versions among those that fulfil a condition. A source that says when it changed a record is
        believed, as in dbt's macro of the same purpose. Reads `records_of_several_versions`."""
        changed_at = "record_updated_at DESC NULLS LAST, " if "record_updated_at" in self.definition.columns else ""
        columns = f"source_system, system, coalesce(record_key, record_id) AS record_key, {self.columns}"
        several = "SELECT record FROM records_of_several_versions"
        return f"""SELECT {columns} FROM raw.{self.name} WHERE {where} AND hash({RECORD}) NOT IN ({several})
                   UNION ALL
                   SELECT {columns} FROM raw.{self.name} WHERE {where} AND hash({RECORD}) IN ({several})
                   QUALIFY row_number() OVER (
                       PARTITION BY {RECORD} ORDER BY {changed_at}loaded_at DESC, source_file DESC, source_line DESC
                   ) = 1"""

    def find_several_versions(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The temporary table records_of_several_versions: most records have one version, and only the others are put in order, which is
        what takes time and memory."""
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE records_of_several_versions AS
                SELECT hash({RECORD}) AS record FROM raw.{self.name} GROUP BY ALL HAVING count(*) > 1"""
        )


WRITTEN_WHEN = {"message_datetime", "record_updated_at", "decided_at", "note", "comment"}
"""Neither the clock of the sender nor free notes are derived from: that they change is no news."""


def feeds() -> list[Feed]:
    """All feeds of patients' records."""
    return [Feed(name, definition) for name, definition in canonical_feeds().items()]


def create_night_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of the nights' history, where they are not there yet."""
    connection.execute(HISTORY_SQL.read_text(encoding="utf-8"))


def let_go_of_feed(connection: duckdb.DuckDBPyConnection) -> None:
    """The temporary tables of a feed leave before the next one's are made: those of pathology hold all texts."""
    for table in ("records_now", "records_before", "records_after", "touched", "records_of_several_versions"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def stage_feed(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Temporary tables: records_now, with `is_new` for keys that the last accepted night did not know; and of the keys that it
    knew and a new run touched, records_before and records_after."""
    accepted = f"NOT ({NEW_RUNS})"
    key = "source_system, system, coalesce(record_key, record_id) AS record_key"
    feed.find_several_versions(connection)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE touched AS
            WITH sent AS (SELECT DISTINCT {key} FROM raw.{feed.name} WHERE {NEW_RUNS}),
            known AS (
                SELECT DISTINCT {key} FROM raw.{feed.name}
                WHERE {accepted} AND ({RECORD}) IN (SELECT (source_system, system, record_key) FROM sent)
            )
            SELECT sent.*, known.record_key IS NOT NULL AS was_there
            FROM sent LEFT JOIN known USING (source_system, system, record_key)"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE records_now AS
            SELECT latest.*, coalesce(NOT was_there, FALSE) AS is_new
            FROM ({feed.latest("TRUE")}) AS latest LEFT JOIN touched USING (source_system, system, record_key)"""
    )
    was_there = (
        f"{accepted} AND ({RECORD}) IN (SELECT (source_system, system, record_key) FROM touched WHERE was_there)"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE records_before AS {feed.latest(was_there)}")
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE records_after AS
           SELECT records_now.* FROM records_now
           INNER JOIN (SELECT * FROM touched WHERE was_there) AS known USING (source_system, system, record_key)"""
    )
