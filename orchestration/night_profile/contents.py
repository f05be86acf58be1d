"""What the records of a feed say, field by field: tonight's new ones beside those that an accepted night knew, and all of them."""

from collections.abc import Iterator

import duckdb

from orchestration.night_profile.records import Feed
from orchestration.night_profile.shares import ALL_AND_NEW, Share, write_shares

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
    # few texts have one, and only in these is it looked for between letters
    "a question mark in a word": "CASE WHEN contains({text}, '?') THEN regexp_matches({text}, '[a-z]\\?[a-z]') END",
}
"""What most of a laboratory's reports have, or hardly any: name -> SQL condition."""

COMMONEST = {
    "date": ("commonest_day", "{}[:10]"),
    "timestamp": ("commonest_day", "{}[:10]"),
    "observations": ("commonest_text", "hash({})"),
}
"""Type of a field -> measure, and SQL of the value that is counted."""


def profile_contents(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Measures of every field: `code_share`, `median`, `first_of_january`, `commonest_day`, `commonest_text`, `missing`, each also
    with `new_` before it, of the new records, with those that were there as the reference.

    Reads what `stage_feed` made, once for all shares, once for all values.
    """
    shares = [share for field, type_ in feed.fields.items() for share in _shares_of(field, type_)]
    write_shares(connection, feed.name, shares, "SELECT source_system AS hospital, * FROM records_now")
    _count_values(connection, feed)
    _medians(connection, feed)


def _shares_of(field: str, type_: str) -> Iterator[Share]:
    if _is_measured(field, type_):
        yield Share("zero", field, f"TRY_CAST({field} AS DOUBLE) = 0", f"{field} IS NOT NULL")
    elif type_ in ("date", "timestamp"):
        yield Share("first_of_january", field, f"{field}[6:10] = '01-01'", f"{field} IS NOT NULL")
    elif type_ == "observations":
        for mark, condition in MARKS.items():
            yield Share("text_mark", field, condition.format(text=field), f"{field} IS NOT NULL", mark)
    if type_ not in ("code", "code_list") and field not in WITHOUT_USUAL_VALUE:
        # of a text only the blanks are copied, not all of it
        is_blank = f"CASE WHEN trim({field}[:1]) = '' THEN trim({field}) = '' END"
        yield Share("missing", field, f"{field} IS NULL OR {is_blank}")


def _is_measured(field: str, type_: str) -> bool:
    return type_ in NUMBERS and not field.endswith("_number")


def _count_values(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """`code_share` of every code, and how many records have the one commonest day or text; of these no value is kept."""
    counted = {"code": _code_shares, "code_list": _code_shares, **dict.fromkeys(COMMONEST, _commonest)}
    counts = [counted[type_](field, type_) for field, type_ in feed.fields.items() if type_ in counted]
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH counts(measure, hospital, field, value, n_all, n_new, n_old, d_all, d_new, d_old) AS MATERIALIZED (
                {" UNION ALL ".join(counts)}
            )
            {ALL_AND_NEW}""",
        {"feed": feed.name},
    )


def _code_shares(field: str, type_: str) -> str:
    value = f"coalesce({field}, '(missing)')"
    totals = ", ".join(f"sum(n_{of}) OVER (PARTITION BY hospital) AS d_{of}" for of in ("all", "new", "old"))
    values = _by_value(f"unnest(string_split({value}, ';'))" if type_ == "code_list" else value)
    return f"SELECT 'code_share', hospital, '{field}', value, n_all, n_new, n_old, {totals} FROM ({values})"


def _commonest(field: str, type_: str) -> str:
    measure, value = COMMONEST[type_]
    return f"""SELECT '{measure}', hospital, '{field}', NULL, max(n_all), max(n_new), max(n_old), sum(n_all), sum(n_new), sum(n_old)
               FROM ({_by_value(value.format(field), f"{field} IS NOT NULL")}) GROUP BY ALL"""


def _by_value(value: str, where: str = "TRUE") -> str:
    return f"""SELECT hospital, value, count(*) AS n_all, count(*) FILTER (WHERE is_new) AS n_new,
                      count(*) FILTER (WHERE NOT is_new) AS n_old
               FROM (SELECT source_system AS hospital, is_new, {value} AS value FROM records_now WHERE {where}) GROUP BY ALL"""


def _medians(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    fields = [field for field, type_ in feed.fields.items() if _is_measured(field, type_)]
    if not fields:
        return
    levels = ", ".join(
        f"[{', '.join(f'{level}({field}) {of_whom}' for field in fields)}] AS {name}_{group}"
        for name, level in (("n", "median"), ("d", "count"))
        for group, of_whom in (
            ("all", ""),
            ("new", "FILTER (WHERE is_new)"),
            ("old", "FILTER (WHERE NOT is_new)"),
        )
    )
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH levels AS (
                SELECT hospital, {levels} FROM (
                    SELECT source_system AS hospital, is_new, {", ".join(f"TRY_CAST({field} AS DOUBLE) AS {field}" for field in fields)}
                    FROM records_now)
                GROUP BY ALL
            ),
            counts AS (
                SELECT 'median' AS measure, hospital, unnest($fields) AS field, NULL AS value, unnest(n_all) AS n_all,
                       unnest(d_all) AS d_all, unnest(n_new) AS n_new, unnest(d_new) AS d_new,
                       unnest(n_old) AS n_old, unnest(d_old) AS d_old
                FROM levels
            )
            {ALL_AND_NEW}""",
        {"feed": feed.name, "fields": fields},
    )
