"""A row of units under the header: no record, and a check that the contract reads the numbers in the unit they are in."""

import re

from orchestration.ingestion.canonical_feeds import canonical_feeds, is_known_unit, plain_unit
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.landed_file import UnreadableFile

BRACKETS = "[](){} "
HAS_DIGIT = re.compile(r"\d")
# what such rows say of columns that have no unit, beside words without a digit
OTHER_WORDS = {"0/1"}


def units_row_notice(first_row: dict[str, str], contract: SourceContract, line: int) -> Notice | None:
    """That the first row (the contract's columns and their text) is one of units; None where it is a record.

    It is one where the contract says so (`units_row: true`), or where it names no patient, holds a unit and otherwise no number.

    Raises:
        UnreadableFile: it gives a column another unit than the contract.
    """
    texts = {name: text.strip(BRACKETS) for name, text in first_row.items() if text.strip(BRACKETS)}
    if contract.units_row is False or not (contract.units_row or _is_one_of_units(texts, contract)):
        return None
    columns = canonical_feeds()[contract.feed].columns
    for name, field in contract.fields.items():
        told = texts.get(field.column, "")
        meant = field.unit or columns[name].unit
        if meant and told and is_known_unit(told) and plain_unit(told) != plain_unit(meant):
            raise UnreadableFile(
                f"the row of units under the header says {told} where the contract reads '{name}' in {meant}: give it its `unit`"
            )
    return Notice("row of units", 1, "the row under the header holds units", line)


def _is_one_of_units(texts: dict[str, str], contract: SourceContract) -> bool:
    patient = contract.fields.get(contract.patient_column)
    names_a_patient = patient is not None and bool(texts.get(patient.column))
    return (
        bool(texts)
        and not names_a_patient
        and any(map(is_known_unit, texts.values()))
        and all(
            is_known_unit(text) or text.lower() in OTHER_WORDS or not HAS_DIGIT.search(text) for text in texts.values()
        )
    )
