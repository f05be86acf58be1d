"""Rows that have a field more than the header, and nothing in it: a delimiter at the line ends, or an unquoted decimal comma?"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.contract.wide_form import is_numbered, numbered_pattern
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.tabular import Rows, trimmed

DIGITS = "^[0-9]+$"
A_DAY = "(?:[0-9][^0-9]*){4}"
A_NUMBER = "^[<>≤≥=~ ]*[+-]?[0-9]+(?:[.,][0-9]+)?$"
FIRST_ROWS = 1_000
MOST_PLACES = 3
"""A record with more decimal commas than these is not looked for."""


def refuse_decimal_commas(rows: Rows, n_named: int, contract: SourceContract) -> None:
    """Raises UnreadableFile where the fields behind the header's `n_named` may as well be the decimals of numbers before them.

    With the comma as delimiter `3,5,` is the numbers 3 and 5 and a delimiter at the line's end, or the number 3,5 and nothing
    behind it. What else the contract knows of the columns decides; where it leaves both open, nobody is to guess.
    """
    n_more, header = len(rows.header) - n_named, rows.header[:n_named]
    if not 0 < n_more <= MOST_PLACES or not len(rows):
        return
    may_be = _places_of_decimals(header, rows.columns, contract)
    if len(may_be) < n_more:
        return
    sound = np.flatnonzero(np.asarray(pc.is_null(rows.structure_problem)))
    cells = [trimmed(column.take(pa.array(sound))) for column in rows.columns]
    as_named = _n_that_fit(header, cells, contract)
    for places in combinations(may_be, n_more):
        if any(after - before < 2 for before, after in zip(places, places[1:], strict=False)):
            continue
        if _n_that_fit(header, _joined(cells, places), contract) >= as_named:
            where = ", ".join(f"{place + 1} and {place + 2}" for place in places)
            raise UnreadableFile(
                f"each row has {n_more} field(s) more than the header and ends in a delimiter: numbers with a decimal comma that are not"
                f" quoted (fields {where}?), or a delimiter at the line ends; quote such numbers, or end the header with a delimiter too",
                header,
            )


def _places_of_decimals(header: Sequence[str], columns: list, contract: SourceContract) -> list[int]:
    """Where all rows have digits in two columns side by side, the first of which may hold a number with decimals."""
    return [
        place
        for place in range(len(header))
        if _may_have_decimals(header, place, contract) and all(map(_are_digits, columns[place : place + 2]))
    ]


def _are_digits(column: pa.ChunkedArray) -> bool:
    # most columns are none, which their first rows tell
    return all(
        bool(pc.all(pc.match_substring_regex(pc.utf8_trim_whitespace(rows), DIGITS)).as_py())
        for rows in (column[:FIRST_ROWS], column)
    )


def _may_have_decimals(header: Sequence[str], place: int, contract: SourceContract) -> bool:
    """A decimal number or a line of a report; a column that nobody reads, if the next one is read."""
    types = canonical_feeds()[contract.feed].columns
    kinds = {types[name].type for name, _ in _fields_of(header[place], contract)}
    if kinds or _is_a_line(header[place], contract):
        return "decimal" in kinds or _is_a_line(header[place], contract)
    following = {name for name, _ in _fields_of(header[place + 1], contract)} if place + 1 < len(header) else set()
    return bool(following - {*contract.key, contract.patient_column})


def _joined(cells: list, places: Sequence[int]) -> list:
    """The columns as they are where the comma behind each of these places is a decimal one."""
    return [
        pc.binary_join_element_wise(cell, cells[place + 1], ",") if place in places else cell
        for place, cell in enumerate(cells)
        if place - 1 not in places
    ]


def _n_that_fit(header: Sequence[str], cells: list, contract: SourceContract) -> int:
    """How many values are what the contract says of their columns."""
    return sum(
        int(pc.sum(_fits(cell, name, field, contract)).as_py() or 0)
        for column, cell in zip(header, cells, strict=False)
        for name, field in _fields_of(column, contract)
    )


def _fits(cell: pa.ChunkedArray, name: str, field: FieldContract, contract: SourceContract) -> pa.ChunkedArray:
    kind = canonical_feeds()[contract.feed].columns[name].type
    is_missing = pc.is_in(cell, pa.array(contract.spellings_of_missing(field.missing_values)))
    if field.codes and kind == "code":
        is_known = pc.is_in(cell, pa.array(list(field.codes)))
    elif field.pattern:
        is_known = pc.match_substring_regex(cell, f"^(?:{field.pattern})$")
    elif kind in ("date", "timestamp") and field.formats:
        is_known = pc.match_substring_regex(cell, A_DAY)
    elif kind in ("decimal", "integer"):
        is_known = pc.match_substring_regex(cell, A_NUMBER)
    else:
        is_known = pc.invert(is_missing)
        return is_known if field.required else pc.or_(is_known, is_missing)
    is_known = pc.and_(is_known, pc.invert(is_missing))
    return is_known if field.required else pc.or_(is_known, is_missing)


def _fields_of(column: str, contract: SourceContract) -> list[tuple[str, FieldContract]]:
    return [
        (name, field)
        for name, field in contract.fields.items()
        if any(_is_named(column, one) for one in field.source_columns)
    ]


def _is_a_line(column: str, contract: SourceContract) -> bool:
    return any(_is_named(column, line.column) for line in contract.lines)


def _is_named(column: str, name: str) -> bool:
    return bool(numbered_pattern(name).fullmatch(column)) if is_numbered(name) else column == name
