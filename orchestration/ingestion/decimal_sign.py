"""Whether a file writes 1.5 or 1,5, where its contract leaves it to be found out."""

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.field_checks import present_value
from orchestration.ingestion.readers.landed_file import UnreadableFile

# '1,234' may be a thousand or a little over one
LOOKS_LIKE_A_NUMBER = r"([<>≤≥]=?\s*)?[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?"
MAYBE_THOUSANDS = r"([<>≤≥]=?\s*)?[+-]?\d{1,3}(,\d{3})+"


def decimal_sign_of(connection: duckdb.DuckDBPyConnection, contract: SourceContract, source: str) -> str:
    """The decimal sign of the relation `source`: as declared, or for `sniff` the one that its numbers use.

    Raises:
        UnreadableFile: the numbers use both signs, or only a comma that may as well separate thousands.
    """
    columns = canonical_feeds()[contract.feed].columns
    numbers = [
        field
        for name, field in contract.fields.items()
        if field.source_columns and (columns[name].type == "decimal" or (columns[name].type == "date" and field.unit))
    ]
    if contract.decimal_sign != "sniff" or not numbers:
        return "." if contract.decimal_sign == "sniff" else contract.decimal_sign
    values = " UNION ALL ".join(f"SELECT {present_value(field, contract)} AS value FROM {source}" for field in numbers)
    points, commas, sure_commas = connection.execute(
        f"""SELECT count(*) FILTER (value LIKE '%.%'), count(*) FILTER (value LIKE '%,%'),
                   count(*) FILTER (value LIKE '%,%' AND NOT regexp_full_match(value, '{MAYBE_THOUSANDS}'))
            FROM ({values}) WHERE regexp_full_match(value, '{LOOKS_LIKE_A_NUMBER}')"""
    ).fetchall()[0]
    if points and commas:
        raise UnreadableFile(
            "numbers with a decimal point and numbers with a comma: declare the contract's `decimal_sign`"
        )
    if commas and not sure_commas:
        raise UnreadableFile("a comma in numbers that may separate thousands: declare the contract's `decimal_sign`")
    return "," if commas else "."
