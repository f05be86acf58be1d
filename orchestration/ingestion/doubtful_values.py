"""What is loaded and should be known of: dates that read both ways round (3/4/2005), and numbers that are bounds (<0.5).

Nothing in a file tells day and month apart there but the contract's word. A bound is kept as what it is; as a number it is missing.
"""

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.contract.date_formats import day_and_month_in_numbers
from orchestration.ingestion.field_checks import moment, present_value, text_literal
from orchestration.ingestion.readers.account import BOUND, WARNING, Notice

# what a workbook's or a Parquet file's real dates come out as
REAL_DATE = "regexp_matches(value, '^[0-9]{4}-')"
FORMATS_WITH_REAL_DATES = ("excel", "parquet")


def notices_of_doubtful_dates(
    connection: duckdb.DuckDBPyConnection, contract: SourceContract, source: str
) -> list[Notice]:
    """A warning for each date field of which all values in the relation `source` could have day and month exchanged.

    A field that was seen with a day after the 12th in an earlier file of the same system and contract is sure.
    """
    columns = canonical_feeds()[contract.feed].columns
    notices = []
    for name, field in contract.fields.items():
        if columns[name].type not in ("date", "timestamp") or not any(map(day_and_month_in_numbers, field.formats)):
            continue
        read = f"(SELECT {moment('value', field)} AS day, value FROM (SELECT {present_value(field, contract)} AS value FROM {source}))"
        if _exists(connection, f"FROM {read} WHERE day(day) > 12 AND NOT {REAL_DATE}"):
            if contract.format in FORMATS_WITH_REAL_DATES:
                notices += _exchanged_by_a_spreadsheet(connection, name, field, contract, source)
            continue
        n, could_differ = connection.execute(
            f"SELECT count(day), coalesce(bool_or(day(day) <> month(day)), FALSE) FROM {read} WHERE NOT {REAL_DATE}"
        ).fetchall()[0]
        if n and could_differ and not _seen_before(connection, contract, name):
            reason = f"every date of {name} reads both ways round; day and month are taken as {' or '.join(field.formats)} says"
            notices.append(Notice(name, n, reason, kind=WARNING))
    return notices


def notices_of_bounds(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> list[Notice]:
    """How many values of each field are bounds, told from the temporary table of checked records."""
    columns = canonical_feeds()[contract.feed].columns
    names = [name for name, field in contract.fields.items() if columns[name].may_be_bound and field.source_columns]
    if not names:
        return []
    counted = ", ".join(f"""count(*) FILTER (left("{name}", 1) IN ('<', '>'))""" for name in names)
    counts = connection.execute(f"SELECT {counted} FROM checked_records WHERE NOT is_rejected").fetchall()[0]
    reason = "values below or above a limit: kept with their comparator, missing as numbers"
    return [Notice(name, n, f"{name}: {reason}", kind=BOUND) for name, n in zip(names, counts, strict=True) if n]


def _exists(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return bool(connection.execute(f"SELECT 1 {query} LIMIT 1").fetchall())


def _seen_before(connection: duckdb.DuckDBPyConnection, contract: SourceContract, name: str) -> bool:
    return _exists(
        connection,
        f"""FROM raw.{contract.feed} WHERE source_system = {text_literal(contract.source_system)}
            AND system = {text_literal(contract.system)} AND contract_version = {text_literal(contract.reading_version)}
            AND substr("{name}", 9, 2) > '12'""",
    )


def _exchanged_by_a_spreadsheet(
    connection: duckdb.DuckDBPyConnection, name: str, field: FieldContract, contract: SourceContract, source: str
) -> list[Notice]:
    """A program that read 3/4/2005 the other way round made real dates of what it could, and left 13/4/2005 as text."""
    value = f"(SELECT {present_value(field, contract)} AS value FROM {source})"
    n_real, n_late, n_typed_early = connection.execute(
        f"""SELECT count(*) FILTER ({REAL_DATE}), count(*) FILTER ({REAL_DATE} AND substr(value, 9, 2) > '12'),
                   count(*) FILTER (NOT {REAL_DATE} AND day({moment("value", field)}) <= 12)
            FROM {value}"""
    ).fetchall()[0]
    if not n_real or n_late or n_typed_early:
        return []
    reason = f"real dates of {name} all lie in the first 12 days of a month, typed ones after: day and month may be exchanged"
    return [Notice(name, n_real, reason, kind=WARNING)]
