"""Whether a contract agrees with the warehouse's own feeds, columns, words and units, and with its file format."""

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from pathlib import PurePath

import duckdb

from orchestration.ingestion.canonical_feeds import (
    COLUMNS_FILLED_BY_READER,
    CanonicalColumn,
    canonical_feeds,
    conversion,
)
from orchestration.ingestion.contract.database import problems_of_source
from orchestration.ingestion.contract.date_formats import problems_of_format
from orchestration.ingestion.contract.formats import CHECKS_OF_FORMAT
from orchestration.ingestion.contract.model import FieldContract, HospitalIdentity, SourceContract
from orchestration.ingestion.contract.problems import Problem
from orchestration.ingestion.contract.report_lines import problems_of_report_lines

CODED = ("code", "code_list")
NUMERIC = ("integer", "decimal")
DATED = ("date", "timestamp")


def problems_of(contract: SourceContract) -> Iterator[Problem]:
    """Every reason not to use the contract; none when it can be used."""
    feeds = canonical_feeds()
    if contract.feed not in feeds:
        yield Problem(("feed",), f"'{contract.feed}' is none of: {', '.join(feeds)}")
        return
    columns = feeds[contract.feed].columns
    for name, field in contract.fields.items():
        if name not in columns or name in COLUMNS_FILLED_BY_READER:
            known = ", ".join(column for column in columns if column not in COLUMNS_FILLED_BY_READER)
            yield Problem(("fields", name), f"'{name}' is no column of feed '{contract.feed}' (columns: {known})")
            continue
        yield from _problems_of_field(name, field, columns[name])
    if contract.patient_column not in contract.fields:
        yield Problem(
            ("fields",), f"the feed needs '{contract.patient_column}', or nobody knows whose records they are"
        )
    for place, name in enumerate(contract.key):
        if name not in contract.fields or not contract.fields[name].required:
            yield Problem(("key", place), f"key '{name}' must be a field with `required: true`")
    yield from problems_of_report_lines(contract)
    yield from _problems_of_file_pattern(contract.file_pattern)
    yield from _problems_of_encoding(contract)
    yield from problems_of_source(contract)
    if contract.format in CHECKS_OF_FORMAT:
        yield from CHECKS_OF_FORMAT[contract.format](contract)


def problems_of_hospital(identity: HospitalIdentity, known_endpoints: Collection[str]) -> Iterator[Problem]:
    """An endpoint that does not exist would be honoured by leaving out nobody; a misspelt one likewise."""
    for name in identity.not_derivable:
        if name not in known_endpoints:
            yield Problem(("not_derivable", name), f"'{name}' is no endpoint (known: {', '.join(known_endpoints)})")


def _problems_of_file_pattern(pattern: str) -> Iterator[Problem]:
    parts = PurePath(pattern).parts
    if not parts or PurePath(pattern).is_absolute() or ".." in parts:
        yield Problem(("file_pattern",), f"'{pattern}' must name files below the hospital's landing folder")
    elif any("**" in part and part != "**" for part in parts):
        yield Problem(("file_pattern",), f"'{pattern}': ** stands for whole folders, as in **/*.csv")


def _problems_of_encoding(contract: SourceContract) -> Iterator[Problem]:
    try:
        "".encode("utf-8" if contract.encoding == "sniff" else contract.encoding)
    except (LookupError, UnicodeError):
        yield Problem(
            ("encoding",), f"'{contract.encoding}' is not known (such as utf-8, cp1252, latin-1, utf-16; or sniff)"
        )


def _problems_of_field(name: str, field: FieldContract, column: CanonicalColumn) -> Iterator[Problem]:
    where = ("fields", name)
    if field.constant is not None:
        yield from _problems_of_constant(where, field.constant, column)
        return
    if field.is_time_zero:
        if column.type != "date":
            yield Problem((*where, "is_time_zero"), f"'{name}' is no date, so it cannot be time zero")
        return
    if column.type in DATED:
        if not field.formats and not (column.type == "date" and field.unit):
            yield Problem(
                where,
                f"'{name}' is a {column.type}: give its `formats`, such as [\"%Y-%m-%d\"],"
                " or the `unit` of a duration from the operation",
            )
        for place, text in enumerate(field.formats):
            for reason in problems_of_format(text, column.type, field.two_digit_years_from):
                yield Problem((*where, "formats", place), f"'{name}': {reason}")
    yield from _problems_of_identifier(name, field, column)
    if field.unit:
        yield from _problems_of_unit(name, field.unit, column)
    if column.type in CODED:
        unknown = sorted(set(field.codes.values()) - set(column.words))
        if not field.codes or unknown:
            reason = f"`codes` must map onto {', '.join(column.words)}; not {', '.join(unknown) or 'empty'}"
            yield Problem((*where, "codes"), reason)
    if field.pattern is not None:
        yield from _problems_of_pattern((*where, "pattern"), field.pattern)
    if not field.separator:
        yield Problem((*where, "separator"), "must be at least one character")
    yield from _settings_of_other_types(where, field, column)


def _settings_of_other_types(
    where: tuple[str, ...], field: FieldContract, column: CanonicalColumn
) -> Iterator[Problem]:
    """Settings that would be passed over in silence, or stop the night, because the column is of another type."""
    is_day = column.type in DATED
    for setting, is_given, fits, what in (
        ("codes", bool(field.codes), column.type in CODED, "coded columns"),
        ("formats", bool(field.formats), is_day, "dates and times"),
        ("minimum", field.minimum is not None, column.type in NUMERIC, "numbers"),
        ("maximum", field.maximum is not None, column.type in NUMERIC, "numbers"),
        ("not_before", field.not_before is not None, is_day, "dates and times"),
        ("not_after", field.not_after is not None, is_day, "dates and times"),
    ):
        if is_given and not fits:
            yield Problem((*where, setting), f"`{setting}` is for {what}, but '{where[-1]}' is of type {column.type}")


def _problems_of_constant(where: tuple[str, ...], constant: str, column: CanonicalColumn) -> Iterator[Problem]:
    if column.words and constant not in column.words:
        yield Problem((*where, "constant"), f"'{constant}' is none of {', '.join(column.words)}")
        return
    reads = {"date": date.fromisoformat, "timestamp": datetime.fromisoformat, "integer": int, "decimal": float}
    try:
        reads.get(column.type, str)(constant)
    except ValueError:
        yield Problem((*where, "constant"), f"'{constant}' is no {column.type}")


def _problems_of_pattern(where: tuple[str, ...], pattern: str) -> Iterator[Problem]:
    try:
        re.compile(pattern)
        # the engine that will use it knows no lookahead and no references
        duckdb.execute("SELECT regexp_full_match('', ?)", [pattern]).fetchall()
    except (re.error, duckdb.Error) as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
        yield Problem(where, f"'{pattern}' is no regular expression: {reason}")


def _problems_of_identifier(name: str, field: FieldContract, column: CanonicalColumn) -> Iterator[Problem]:
    changes = [setting for setting in ("pad_zeros_to", "strip_zeros", "strip_prefix") if getattr(field, setting)]
    if changes and column.type != "text":
        yield Problem(("fields", name, changes[0]), f"'{name}' is no identifier but a {column.type}")
    if field.pad_zeros_to and field.strip_zeros:
        yield Problem(("fields", name, "strip_zeros"), "an identifier cannot be padded and stripped at once")


def _problems_of_unit(name: str, unit: str, column: CanonicalColumn) -> Iterator[Problem]:
    where = ("fields", name, "unit")
    canonical_unit = "days" if column.type == "date" else column.unit
    if not canonical_unit:
        yield Problem(where, f"'{name}' has no unit in the warehouse, so the contract cannot give one")
        return
    try:
        conversion(unit, canonical_unit)
    except KeyError:
        yield Problem(where, f"no conversion from {unit} to {canonical_unit} in units.yml")
