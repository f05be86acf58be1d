"""How many records of a kind are such as are counted: all of them, and tonight's new ones beside those that were there.

Every measure of contents and of people has these two rows; `new_` stands before the name of the second, whose reference are the
records that an accepted night knew. Both come of counts by hospital and by whether a record is new.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Share:
    """A share of a field's records: which of them are counted (`what`) among which (`among`), conditions in SQL."""

    measure: str
    field: str
    what: str
    among: str = "TRUE"
    value: str | None = None


ALL_AND_NEW = """
    SELECT measure, hospital, $feed AS feed, field, value, n_all AS n, d_all AS denominator,
           NULL AS n_reference, NULL AS denominator_reference FROM counts WHERE d_all > 0
    UNION ALL
    SELECT 'new_' || measure, hospital, $feed, field, value, n_new, d_new, n_old, d_old FROM counts
    WHERE d_new > 0 AND d_old > 0"""
"""SQL of both rows; `counts` gives measure, hospital, field and value, with n of d records: all, new and old ones."""


def write_shares(connection: duckdb.DuckDBPyConnection, feed: str, shares: Sequence[Share], source: str) -> None:
    """Every share of a feed in one scan; `source` is SQL of hospital, is_new and what the conditions read."""
    counted = ", ".join(f"count(*) FILTER (WHERE ({share.among}) AND ({share.what}))" for share in shares)
    looked_at = ", ".join(f"count(*) FILTER (WHERE {share.among})" for share in shares)
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH counted AS (SELECT hospital, is_new, [{counted}] AS n, [{looked_at}] AS d FROM ({source}) GROUP BY ALL),
            shares AS (
                SELECT hospital, is_new, unnest($measures) AS measure, unnest($fields) AS field, unnest($values) AS value,
                       unnest(n) AS n, unnest(d) AS d
                FROM counted
            ),
            counts AS (
                SELECT measure, hospital, field, value, sum(n) AS n_all, sum(d) AS d_all,
                       sum(n) FILTER (WHERE is_new) AS n_new, sum(d) FILTER (WHERE is_new) AS d_new,
                       sum(n) FILTER (WHERE NOT is_new) AS n_old, sum(d) FILTER (WHERE NOT is_new) AS d_old
                FROM shares GROUP BY ALL
            )
            {ALL_AND_NEW}""",
        {
            "feed": feed,
            "measures": [share.measure for share in shares],
            "fields": [share.field for share in shares],
            "values": [share.value for share in shares],
        },
    )
