"""What the records of a feed say, field by field: tonight's new ones beside those that an accepted night knew, and all of them."""

import duckdb

from orchestration.night_profile.records import Feed

NUMBERS = ("integer", "decimal")
# the names of records and people have no usual value
WITHOUT_USUAL_VALUE = ("mrn", "last_name", "first_name", "accession_number")

MARKS = {
    "cm": "regexp_matches({text}, '(?i)\\d\\s*cm\\b')",
    "mm": "regexp_matches({text}, '(?i)\\d\\s*mm\\b')",
    "a sign <": "contains({text}, '<') OR contains({text}, '&lt;')",
    "a decimal point": "regexp_matches({text}, '\\d\\.\\d')",
    "a decimal comma": "regexp_matches({text}, '\\d,\\d')",
    "a number": "regexp_matches({text}, '\\d')",
    "small letters": "regexp_matches({text}, '[a-z]')",
    "a question mark in a word": "contains({text}, '?') AND regexp_matches({text}, '[a-z]\\?[a-z]')",
}
"""What most of a laboratory's reports have, or hardly any: name -> SQL condition."""


def profile_contents(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Measures of every field: `code_share`, `median`, `first_of_january`, `commonest_day`, `commonest_text`, `missing`, each also
    with `new_` before it, of the new records, with those that were there as the reference.

    Reads what `stage_feed` made.
    """
    for field, type_ in feed.fields.items():
        if type_ in ("code", "code_list"):
            _codes(connection, feed.name, field, type_)
        elif type_ in NUMBERS and not field.endswith("_number"):
            _median(connection, feed.name, field)
        elif type_ in ("date", "timestamp"):
            _dates(connection, feed.name, field)
        elif type_ == "observations":
            _texts(connection, feed.name, field)
        if type_ not in ("code", "code_list") and field not in WITHOUT_USUAL_VALUE:
            _shares(connection, feed.name, field, "missing", f"{field} IS NULL OR trim({field}) = ''", "TRUE")


def _codes(connection: duckdb.DuckDBPyConnection, feed: str, field: str, type_: str) -> None:
    values = (
        f"unnest(string_split(coalesce({field}, '(missing)'), ';'))"
        if type_ == "code_list"
        else f"coalesce({field}, '(missing)')"
    )
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH words AS (SELECT source_system AS hospital, is_new, {values} AS value FROM records_now),
            counts AS (
                SELECT hospital, value, count(*) AS n_all, count(*) FILTER (WHERE is_new) AS n_new,
                       count(*) FILTER (WHERE NOT is_new) AS n_old
                FROM words GROUP BY ALL
            ),
            totals AS (
                SELECT *, sum(n_all) OVER h AS d_all, sum(n_new) OVER h AS d_new, sum(n_old) OVER h AS d_old
                FROM counts WINDOW h AS (PARTITION BY hospital)
            )
            SELECT 'code_share' AS measure, hospital, $feed AS feed, $field AS field, value, n_all AS n, d_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM totals
            UNION ALL
            SELECT 'new_code_share', hospital, $feed, $field, value, n_new, d_new, n_old, d_old FROM totals
            WHERE d_new > 0 AND d_old > 0""",
        {"feed": feed, "field": field},
    )


def _median(connection: duckdb.DuckDBPyConnection, feed: str, field: str) -> None:
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH numbers AS (SELECT source_system AS hospital, is_new, TRY_CAST({field} AS DOUBLE) AS x FROM records_now),
            levels AS (
                SELECT hospital, median(x) AS m_all, count(x) AS n_all,
                       median(x) FILTER (WHERE is_new) AS m_new, count(x) FILTER (WHERE is_new) AS n_new,
                       median(x) FILTER (WHERE NOT is_new) AS m_old, count(x) FILTER (WHERE NOT is_new) AS n_old
                FROM numbers GROUP BY ALL
            )
            SELECT 'median' AS measure, hospital, $feed AS feed, $field AS field, m_all AS n, n_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM levels WHERE n_all > 0
            UNION ALL
            SELECT 'new_median', hospital, $feed, $field, m_new, n_new, m_old, n_old FROM levels WHERE n_new > 0 AND n_old > 0""",
        {"feed": feed, "field": field},
    )
    _shares(connection, feed, field, "zero", f"TRY_CAST({field} AS DOUBLE) = 0", f"{field} IS NOT NULL")


def _dates(connection: duckdb.DuckDBPyConnection, feed: str, field: str) -> None:
    _shares(connection, feed, field, "first_of_january", f"{field}[6:10] = '01-01'", f"{field} IS NOT NULL")
    _commonest(connection, feed, field, "commonest_day", f"{field}[:10]")


def _texts(connection: duckdb.DuckDBPyConnection, feed: str, field: str) -> None:
    _commonest(connection, feed, field, "commonest_text", f"hash({field})")
    _marks(connection, feed, field)


def _marks(connection: duckdb.DuckDBPyConnection, feed: str, field: str) -> None:
    """How many reports have each of the marks that a change of form or unit takes away or brings."""
    marks = ", ".join(
        f"{{'value': '{mark}', 'has_it': {condition.format(text=field)}}}" for mark, condition in MARKS.items()
    )
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH marks AS (
                SELECT source_system AS hospital, is_new, unnest([{marks}], recursive := TRUE) FROM records_now WHERE {field} IS NOT NULL
            ),
            counts AS (
                SELECT hospital, value, count(*) FILTER (WHERE has_it) AS n_all, count(*) AS d_all,
                       count(*) FILTER (WHERE has_it AND is_new) AS n_new, count(*) FILTER (WHERE is_new) AS d_new,
                       count(*) FILTER (WHERE has_it AND NOT is_new) AS n_old, count(*) FILTER (WHERE NOT is_new) AS d_old
                FROM marks GROUP BY ALL
            )
            SELECT 'text_mark' AS measure, hospital, $feed AS feed, $field AS field, value, n_all AS n, d_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM counts
            UNION ALL
            SELECT 'new_text_mark', hospital, $feed, $field, value, n_new, d_new, n_old, d_old FROM counts WHERE d_new > 0 AND d_old > 0""",
        {"feed": feed, "field": field},
    )


def _shares(connection: duckdb.DuckDBPyConnection, feed: str, field: str, measure: str, what: str, of: str) -> None:
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH counts AS (
                SELECT source_system AS hospital, count(*) FILTER (WHERE {what}) AS n_all, count(*) AS d_all,
                       count(*) FILTER (WHERE is_new AND ({what})) AS n_new, count(*) FILTER (WHERE is_new) AS d_new,
                       count(*) FILTER (WHERE NOT is_new AND ({what})) AS n_old, count(*) FILTER (WHERE NOT is_new) AS d_old
                FROM records_now WHERE {of} GROUP BY ALL
            )
            SELECT $measure AS measure, hospital, $feed AS feed, $field AS field, n_all AS n, d_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM counts
            UNION ALL
            SELECT 'new_' || $measure, hospital, $feed, $field, n_new, d_new, n_old, d_old FROM counts
            WHERE d_new > 0 AND d_old > 0""",
        {"feed": feed, "field": field, "measure": measure},
    )


def _commonest(connection: duckdb.DuckDBPyConnection, feed: str, field: str, measure: str, value: str) -> None:
    """How many records have the one commonest value; no value is kept."""
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH counts AS (
                SELECT source_system AS hospital, {value} AS value, count(*) AS n_all, count(*) FILTER (WHERE is_new) AS n_new,
                       count(*) FILTER (WHERE NOT is_new) AS n_old
                FROM records_now WHERE {field} IS NOT NULL GROUP BY ALL
            ),
            commonest AS (
                SELECT hospital, max(n_all) AS n_all, sum(n_all) AS d_all, max(n_new) AS n_new, sum(n_new) AS d_new,
                       max(n_old) AS n_old, sum(n_old) AS d_old FROM counts GROUP BY ALL
            )
            SELECT $measure AS measure, hospital, $feed AS feed, $field AS field, n_all AS n, d_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM commonest
            UNION ALL
            SELECT 'new_' || $measure, hospital, $feed, $field, n_new, d_new, n_old, d_old FROM commonest
            WHERE d_new > 0 AND d_old > 0""",
        {"feed": feed, "field": field, "measure": measure},
    )
