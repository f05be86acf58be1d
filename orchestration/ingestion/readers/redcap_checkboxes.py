"""REDCap's checkbox groups: one column a choice, `name___code` in raw and `Name (choice=Label)` in label headers."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.tabular import Rows, trimmed

# a ticked box, in raw and in label exports
TICKED = ("1", "Checked")
UNTICKED = ("0", "Unchecked", "")


def with_checkbox_lists(rows: Rows, contract: SourceContract) -> Rows:
    """The rows with one list of ticked codes for each of the contract's checkbox groups.

    A ticked missing-data code (REDCap exports it as a choice of its own) makes no choice: alone it leaves the list empty.

    Raises:
        UnreadableFile: a group of which the header has no column.
    """
    for field in contract.fields.values():
        if field.is_checkbox:
            rows = rows.with_column(field.column, _list_of_ticked(rows, field, contract))
    return rows


def _list_of_ticked(rows: Rows, field: FieldContract, contract: SourceContract) -> pa.Array:
    columns = _choices_in_header(rows.header, field.column)
    if not columns:
        raise UnreadableFile(
            f"the header lacks the contract's checkbox column(s) {field.column}___... or {field.column} (choice=...)",
            rows.header,
        )
    missing = set(contract.spellings_of_missing(field.missing_values)) - {""}
    ticks = []
    for choice, name in columns.items():
        if _spelled_as_in_a_name(choice) not in map(_spelled_as_in_a_name, missing):
            ticks.append(_ticked_code(rows.column(name), _code_of(choice, field), missing))
    # the empty text keeps rows without a tick, which Arrow would leave out; its separator is cut off again
    listed = pc.binary_join_element_wise("", *ticks, field.separator, null_handling="skip")
    return pc.utf8_slice_codeunits(listed, len(field.separator))


def _choices_in_header(header: list[str], group: str) -> dict[str, str]:
    """Choice (code or label) -> its column."""
    of_codes = {name.split("___", 1)[1]: name for name in header if name.startswith(f"{group}___")}
    labelled = re.compile(rf"{re.escape(group)}\s*\(choice=(.*)\)", re.DOTALL)
    of_labels = {match[1].strip(): name for name in header if (match := labelled.fullmatch(name))}
    return of_codes | of_labels


def _spelled_as_in_a_name(code: str) -> str:
    """REDCap's columns are named in small letters, a minus as an underscore: code -999 is `name____999`."""
    return code.strip().lower().replace("-", "_")


def _code_of(choice: str, field: FieldContract) -> str:
    """The contract's code for a choice: the same, the same as columns are named, or the one of the word that the label is."""
    if choice in field.codes:
        return choice
    for code in field.codes:
        if _spelled_as_in_a_name(code) == _spelled_as_in_a_name(choice):
            return code
    for code, word in field.codes.items():
        if word.replace("_", " ") == choice.lower().replace("_", " "):
            return code
    return choice


def _ticked_code(column: pa.ChunkedArray, code: str, missing: set[str]) -> pa.Array:
    text = trimmed(column)
    is_ticked = pc.is_in(text, pa.array(TICKED))
    is_unticked = pc.is_in(text, pa.array([*UNTICKED, *missing]))
    # what is neither ticked nor unticked is passed on as it is, so that it is rejected as an unknown code
    strange = pc.if_else(is_unticked, None, pc.binary_join_element_wise(code, text, "="))
    return pc.if_else(is_ticked, code, strange)
