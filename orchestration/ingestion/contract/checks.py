"""Whether a contract agrees with the warehouse's own feeds, columns, words and units, and with its file format."""

import re
from collections.abc import Iterator

from orchestration.ingestion.canonical_feeds import CanonicalColumn, canonical_feeds, conversion
from orchestration.ingestion.contract.date_formats import problems_of_format
from orchestration.ingestion.contract.formats import CHECKS_OF_FORMAT
from orchestration.ingestion.contract.model import FieldContract, SourceContract
from orchestration.ingestion.contract.problems import Problem
from orchestration.ingestion.contract.report_lines import problems_of_report_lines


def problems_of(contract: SourceContract) -> Iterator[Problem]:
    """Every reason not to use the contract; none when it can be used."""
    feeds = canonical_feeds()
    if contract.feed not in feeds:
        yield Problem(("feed",), f"'{contract.feed}' is none of: {', '.join(feeds)}")
        return
    columns = feeds[contract.feed].columns
    for name, field in contract.fields.items():
        if name not in columns:
            reason = f"'{name}' is no column of feed '{contract.feed}' (columns: {', '.join(columns)})"
            yield Problem(("fields", name), reason)
            continue
        yield from _problems_of_field(name, field, columns[name])
    for place, name in enumerate(contract.key):
        if name not in contract.fields or not contract.fields[name].required:
            yield Problem(("key", place), f"key '{name}' must be a field with `required: true`")
    yield from problems_of_report_lines(contract)
    yield from _problems_of_encoding(contract)
    if contract.format in CHECKS_OF_FORMAT:
        yield from CHECKS_OF_FORMAT[contract.format](contract)


def _problems_of_encoding(contract: SourceContract) -> Iterator[Problem]:
    try:
        "".encode("utf-8" if contract.encoding == "sniff" else contract.encoding)
    except LookupError:
        yield Problem(("encoding",), f"'{contract.encoding}' is not known")


def _problems_of_field(name: str, field: FieldContract, column: CanonicalColumn) -> Iterator[Problem]:
    where = ("fields", name)
    if field.constant is not None:
        if column.words and field.constant not in column.words:
            yield Problem((*where, "constant"), f"'{field.constant}' is none of {', '.join(column.words)}")
        return
    if field.is_time_zero:
        if column.type != "date":
            yield Problem((*where, "is_time_zero"), f"'{name}' is no date, so it cannot be time zero")
        return
    if column.type in ("date", "timestamp") and not field.formats and not (column.type == "date" and field.unit):
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
    if column.type in ("code", "code_list"):
        unknown = sorted(set(field.codes.values()) - set(column.words))
        if not field.codes or unknown:
            reason = f"`codes` must map onto {', '.join(column.words)}; not {', '.join(unknown) or 'empty'}"
            yield Problem((*where, "codes"), reason)
    if field.pattern:
        try:
            re.compile(field.pattern)
        except re.error as error:
            yield Problem((*where, "pattern"), f"'{field.pattern}' is no regular expression: {error}")


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
