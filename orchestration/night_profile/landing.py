"""The profile of what landed: all of raw, before anything is derived from it."""

from collections.abc import Iterable

import duckdb

from orchestration.night_profile.contents import profile_contents
from orchestration.night_profile.corrections import stage_and_count
from orchestration.night_profile.deliveries import (
    Landed,
    profile_deliveries,
    profile_feed_delivery,
    profile_rhythm,
    stage_deliveries,
)
from orchestration.night_profile.people import profile_people, stage_people
from orchestration.night_profile.records import create_night_tables, feeds, let_go_of_feed


def profile_landing(connection: duckdb.DuckDBPyConnection, landed: Iterable[Landed]) -> None:
    """Replace the rows of stage `landing` in quality.night_profile."""
    create_night_tables(connection)
    connection.execute("DELETE FROM quality.night_profile WHERE stage = 'landing' OR stage IS NULL")
    stage_deliveries(connection, list(landed))
    profile_deliveries(connection)
    profile_rhythm(connection)
    connection.execute("DROP TABLE IF EXISTS night_changes")
    for feed in feeds():
        feed.find_versions(connection)
    stage_people(connection)
    for feed in feeds():
        stage_and_count(connection, feed)
        profile_feed_delivery(connection, feed)
        profile_contents(connection, feed)
        profile_people(connection, feed)
        let_go_of_feed(connection, feed)
    connection.execute("UPDATE quality.night_profile SET stage = 'landing' WHERE stage IS NULL")
