"""REDCap exports: records' first rows and repeating instruments in one delimited file, raw codes or labels."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.delimited import read_delimited
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.source_contract import SourceContract

REPEAT_INSTRUMENT = ("redcap_repeat_instrument", "Repeat Instrument")
REPEAT_INSTANCE = ("redcap_repeat_instance", "Repeat Instance")
# a ticked box, in raw and in label exports
TICKED = ("1", "Checked")
UNTICKED = ("0", "Unchecked", "")


def read_redcap(content: bytes, contract: SourceContract) -> pa.Table:
    """The rows of the contract's `instrument`, or without one the first row of each record.

    A repeating instrument's row lacks what is asked once a record (such as the MRN): where it is empty, the value of the
    record's first row is filled in. Checkbox groups `name___code` become one list `name` of the ticked codes, joined by
    the field's separator. A row that is too short or too long is kept with its structure problem, whatever it belongs to.

    Raises:
        UnreadableFile: see `read_delimited`; also an `instrument` in a file without redcap_repeat_instrument.
    """
    groups = {field.column: field.separator for field in contract.fields.values() if field.is_checkbox}
    plain = [name for name in contract.source_columns if name not in groups]
    rows = read_delimited(content, contract.model_copy(update={"fields": _named(plain, contract), "only_rows": {}}))
    rows = _with_checkbox_lists(rows, groups)
    instrument_column = next((name for name in REPEAT_INSTRUMENT if name in rows.column_names), None)
    if instrument_column is None:
        if contract.instrument:
            raise UnreadableFile(
                f"the header lacks {REPEAT_INSTRUMENT[0]}, so instrument '{contract.instrument}' cannot be told"
            )
        return rows
    instrument = pc.fill_null(pc.utf8_trim_whitespace(rows[instrument_column]), "")
    is_ragged = pc.is_valid(rows["structure_problem"])
    is_first_row = pc.and_not(pc.equal(instrument, ""), is_ragged)
    if contract.instrument is None:
        return rows.filter(pc.or_(is_ragged, is_first_row))
    is_wanted = pc.equal(instrument, contract.instrument)
    return _filled_from_first_row(
        rows.filter(pc.or_(is_ragged, is_wanted)), rows.filter(is_first_row), contract.record_id, plain
    )


def _named(columns: list[str], contract: SourceContract) -> dict:
    """The contract's fields that are plain columns, and the record id, which every export has."""
    fields = {name: field for name, field in contract.fields.items() if field.column in columns or not field.column}
    if contract.instrument and contract.record_id not in columns:
        any_field = next(iter(contract.fields.values()))
        fields["record id"] = any_field.model_copy(update={"column": contract.record_id, "constant": None})
    return fields


def _with_checkbox_lists(rows: pa.Table, groups: dict[str, str]) -> pa.Table:
    for group, separator in groups.items():
        choices = {name.split("___", 1)[1]: name for name in rows.column_names if name.startswith(f"{group}___")}
        if not choices:
            raise UnreadableFile(f"the header lacks the contract's checkbox column(s) {group}___...")
        # what is neither ticked nor unticked is passed on as it is, so that it is rejected as an unknown code
        ticks = [_ticked_code(rows[name], code) for code, name in choices.items()]
        listed = pc.binary_join_element_wise(*ticks, separator, null_handling="skip")
        rows = rows.append_column(group, listed)
    return rows


def _ticked_code(column: pa.ChunkedArray, code: str) -> pa.Array:
    text = pc.fill_null(pc.utf8_trim_whitespace(column), "")
    is_ticked = pc.is_in(text, pa.array(TICKED))
    is_unticked = pc.is_in(text, pa.array(UNTICKED))
    strange = pc.if_else(is_unticked, None, pc.binary_join_element_wise(code, text, "="))
    return pc.if_else(is_ticked, code, strange)


def _filled_from_first_row(rows: pa.Table, first_rows: pa.Table, record_id: str, columns: list[str]) -> pa.Table:
    """Where a wanted row is empty, the value of its record's first row."""
    place = pc.index_in(rows[record_id], first_rows[record_id].combine_chunks())
    for name in columns:
        if name == record_id:
            continue
        text = rows[name]
        is_empty = pc.equal(pc.fill_null(pc.utf8_trim_whitespace(text), ""), "")
        filled = pc.if_else(is_empty, pc.take(first_rows[name], place), text)
        rows = rows.set_column(rows.column_names.index(name), name, filled)
    return rows
