"""REDCap exports: records' first rows and repeating instruments in one delimited file, raw codes or labels."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.delimited import delimited_rows
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.tabular import Rows, trimmed

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
    always = [contract.record_id] if contract.instrument else []
    rows = _with_checkbox_lists(delimited_rows(content, contract, [*plain, *always]), groups)
    instrument_column = next((name for name in REPEAT_INSTRUMENT if name in rows.header), None)
    if instrument_column is None:
        if contract.instrument:
            raise UnreadableFile(
                f"the header lacks {REPEAT_INSTRUMENT[0]}, so instrument '{contract.instrument}' cannot be told"
            )
        return rows.records(contract)
    instrument = trimmed(rows.column(instrument_column))
    is_ragged = pc.is_valid(rows.structure_problem)
    is_first_row = pc.and_not(pc.equal(instrument, ""), is_ragged)
    if contract.instrument is None:
        return _with_record(rows.filtered(pc.or_(is_ragged, is_first_row)), contract)
    wanted = rows.filtered(pc.or_(is_ragged, pc.equal(instrument, contract.instrument)))
    return _with_record(
        _filled_from_first_row(wanted, rows.filtered(is_first_row), contract.record_id, plain), contract
    )


def _with_record(rows: Rows, contract: SourceContract) -> pa.Table:
    """The records, each with the REDCap record that it is part of: that is the patient, whatever MRN stands in it today."""
    records = rows.records(contract)
    if contract.record_id not in rows.header:
        return records
    record = pc.binary_join_element_wise("record", trimmed(rows.column(contract.record_id)), " ")
    return records.append_column("source_patient", record)


def _with_checkbox_lists(rows: Rows, groups: dict[str, str]) -> Rows:
    for group, separator in groups.items():
        choices = {name.split("___", 1)[1]: name for name in rows.header if name.startswith(f"{group}___")}
        if not choices:
            raise UnreadableFile(f"the header lacks the contract's checkbox column(s) {group}___...")
        # what is neither ticked nor unticked is passed on as it is, so that it is rejected as an unknown code
        ticks = [_ticked_code(rows.column(name), code) for code, name in choices.items()]
        # the empty text keeps rows without a tick, which Arrow would leave out; its separator is cut off again
        listed = pc.binary_join_element_wise("", *ticks, separator, null_handling="skip")
        rows = rows.with_column(group, pc.utf8_slice_codeunits(listed, len(separator)))
    return rows


def _ticked_code(column: pa.ChunkedArray, code: str) -> pa.Array:
    text = trimmed(column)
    is_ticked = pc.is_in(text, pa.array(TICKED))
    is_unticked = pc.is_in(text, pa.array(UNTICKED))
    strange = pc.if_else(is_unticked, None, pc.binary_join_element_wise(code, text, "="))
    return pc.if_else(is_ticked, code, strange)


def _filled_from_first_row(rows: Rows, first_rows: Rows, record_id: str, columns: list[str]) -> Rows:
    """Where a wanted row is empty, the value of its record's first row."""
    first_ids = first_rows.column(record_id)
    place = pc.index_in(rows.column(record_id), pa.chunked_array(first_ids.chunks, pa.string()).combine_chunks())
    for name in columns:
        if name != record_id:
            text = rows.column(name)
            filled = pc.if_else(pc.equal(trimmed(text), ""), pc.take(first_rows.column(name), place), text)
            rows = rows.with_column(name, filled)
    return rows
