"""REDCap exports: records' first rows, events and repeating instruments in one delimited file, raw codes or labels; EAV."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import WARNING, Notice
from orchestration.ingestion.readers.delimited import delimited_rows
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.redcap_checkboxes import with_checkbox_lists
from orchestration.ingestion.readers.redcap_eav import EAV_COLUMNS, in_wide_form
from orchestration.ingestion.readers.report_rows import records_of_table
from orchestration.ingestion.readers.tabular import INTERNAL, KEY_WITHIN_FORMAT, Choices, Rows, trimmed

# the column's name in raw and in label exports
EVENT = ("redcap_event_name", "Event Name")
REPEAT_INSTRUMENT = ("redcap_repeat_instrument", "Repeat Instrument")
REPEAT_INSTANCE = ("redcap_repeat_instance", "Repeat Instance")
RECORD = ("record_id", "Record ID")


def read_redcap(content: bytes, contract: SourceContract) -> pa.Table:
    """The rows of the contract's `instrument`, or without one the rows that belong to none: a record's first row, in a
    longitudinal project one row an event (those of `events`, or all that hold something of the contract's own).

    A row lacks what is asked once a record, such as the MRN: where it is empty, the value of the record's first row is filled in;
    in a longitudinal project only the patient's number, from whichever row of the record has it, and fields with `from_event`.
    Checkbox groups `name___code` or `Name (choice=Label)` become one list `name` of the ticked codes, joined by the field's
    separator. A row that is too short or too long is kept with its structure problem, whatever it belongs to.
    The event and the instance belong to a record's key.

    Raises:
        UnreadableFile: see `read_delimited`; also an `instrument` or `events` in a file that does not tell them.
    """
    boxes = {field.column: field for field in contract.fields.values() if field.is_checkbox}
    plain = [_with_labels(choices) for choices in contract.column_choices if choices[0] not in boxes]
    needs_record = contract.instrument or contract.events or any(f.from_event for f in contract.fields.values())
    records = RECORD if contract.record_id in RECORD else (contract.record_id,)
    always = [records] if needs_record else []
    rows = _all_rows(content, contract, [*plain, *always])
    if contract.record_id not in rows.header and (label := _first_of(rows, records)):
        rows = rows.with_column(contract.record_id, rows.column(label))
    for name in contract.source_columns:
        if name not in rows.header and (label := _first_of(rows, _with_labels((name,)))):
            rows = rows.with_column(name, rows.column(label))
    event, instrument, instance = (_first_of(rows, names) for names in (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE))
    if contract.instrument and instrument is None:
        raise UnreadableFile(
            f"the header lacks {REPEAT_INSTRUMENT[0]}, so instrument '{contract.instrument}' cannot be told"
        )
    if contract.events and event is None:
        raise UnreadableFile(f"the header lacks {EVENT[0]}, so the contract's `events` cannot be told")
    own_columns = _own_columns(contract, boxes)
    rows = _filled(rows, contract, event, instrument, [name for choices in plain for name in choices])
    rows = _with_identity(rows, contract, [name for name in (event, instance) if name])
    is_wanted = _is_wanted(rows, contract, event, instrument, own_columns)
    return records_of_table(rows.leaving_to_others(is_wanted), contract)


def _all_rows(content: bytes, contract: SourceContract, wanted: Choices) -> Rows:
    rows = delimited_rows(content, contract, wanted, EAV_COLUMNS)
    if {name for (name,) in EAV_COLUMNS} <= set(rows.header) and not _has_all(wanted, rows.header):
        return in_wide_form(rows, contract)
    return with_checkbox_lists(rows, contract)


def _with_labels(choices: tuple[str, ...]) -> tuple[str, ...]:
    """REDCap's own columns have one name in raw exports and another in label exports; the contract may say either."""
    others = [
        name
        for names in (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, RECORD)
        if set(names) & set(choices)
        for name in names
    ]
    return tuple(dict.fromkeys([*choices, *others]))


def _has_all(wanted: Choices, header: list[str]) -> bool:
    return all(any(name in header for name in choices) for choices in wanted)


def _first_of(rows: Rows, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in rows.header), None)


def _own_columns(contract: SourceContract, boxes: dict) -> list[str]:
    """The contract's columns that a form holds: not REDCap's own, and not the patient's number, which is filled in."""
    patient = contract.fields.get(contract.patient_column)
    others = {
        contract.record_id,
        *EVENT,
        *REPEAT_INSTRUMENT,
        *REPEAT_INSTANCE,
        *contract.only_rows,
        *(patient.choices if patient else ()),
        *(name for field in contract.fields.values() if field.from_event for name in field.choices),
    }
    return [name for name in contract.source_columns if name not in others]


def _is_wanted(
    rows: Rows, contract: SourceContract, event: str | None, instrument: str | None, own_columns: list[str]
) -> pa.Array:
    """Broken rows, so that they are not lost, and the rows that are the contract's records."""
    wanted = np.ones(len(rows), bool)
    if instrument:
        wanted &= _is(rows, instrument, [contract.instrument or ""])
    if contract.events:
        wanted &= _is(rows, event, contract.events)
    elif event and not contract.instrument:
        # every event has a row, whether or not it has the form; `events` says it outright
        wanted &= _holds_something(rows, contract, own_columns)
    return pa.array(wanted | np.asarray(pc.is_valid(rows.structure_problem)))


def _is(rows: Rows, column: str, values: list[str]) -> np.ndarray:
    return np.asarray(pc.is_in(trimmed(rows.column(column)), pa.array(values)))


def _holds_something(rows: Rows, contract: SourceContract, own_columns: list[str]) -> np.ndarray:
    if not own_columns:
        return np.ones(len(rows), bool)
    nothing = pa.array(contract.spellings_of_missing())
    held = [~np.asarray(pc.is_in(trimmed(rows.column_or_nothing(name)), nothing)) for name in own_columns]
    return np.any(held, axis=0)


def _filled(
    rows: Rows, contract: SourceContract, event: str | None, instrument: str | None, columns: list[str]
) -> Rows:
    """Where a row is empty, what its record says elsewhere."""
    if contract.record_id not in rows.header:
        return rows
    record = trimmed(rows.column(contract.record_id))
    is_sound = np.asarray(pc.is_null(rows.structure_problem))
    for field in contract.fields.values():
        if field.from_event:
            of_event = is_sound & _is(rows, _required(event), [field.from_event])
            for name in field.choices:
                rows = rows.with_column(name, _told_once(rows, name, record, of_event))
    if event is None:
        if contract.instrument is None or instrument is None:
            return rows
        is_first = is_sound & _is(rows, instrument, [""])
        for name in columns:
            if name not in (contract.record_id, *contract.only_rows) and name in rows.header:
                rows = rows.with_column(name, _filled_where_empty(rows, name, record, is_first))
        return rows
    patient = contract.fields.get(contract.patient_column)
    for name in patient.choices if patient else ():
        if name != contract.record_id and name in rows.header and not patient.from_event:
            rows = rows.with_column(name, _filled_where_empty(rows, name, record, is_sound))
    return _noticed_where_two_patients(rows, contract, record)


def _required(event: str | None) -> str:
    if event is None:
        raise UnreadableFile(f"the header lacks {EVENT[0]}, so the contract's `from_event` cannot be told")
    return event


def _filled_where_empty(rows: Rows, name: str, record: pa.ChunkedArray, is_source: np.ndarray) -> pa.Array:
    text = rows.column(name)
    return pc.if_else(pc.equal(trimmed(text), ""), _told_once(rows, name, record, is_source), text)


def _told_once(rows: Rows, name: str, record: pa.ChunkedArray, is_source: np.ndarray) -> pa.Array:
    """For each row the value that the `is_source` rows of its record hold; nothing where they hold none, or several."""
    text = trimmed(rows.column(name))
    told = pa.table({"record": record, "value": text}).filter(pa.array(is_source & np.asarray(pc.not_equal(text, ""))))
    counted = told.group_by("record").aggregate([("value", "min"), ("value", "max")])
    counted = counted.filter(pc.equal(counted["value_min"], counted["value_max"]))
    return counted["value_min"].take(pc.index_in(record, counted["record"].combine_chunks()))


def _noticed_where_two_patients(rows: Rows, contract: SourceContract, record: pa.ChunkedArray) -> Rows:
    patient = contract.fields.get(contract.patient_column)
    if patient is None or patient.column not in rows.header or patient.column == contract.record_id:
        return rows
    text = trimmed(rows.column(patient.column))
    told = pa.table({"record": record, "value": text}).filter(pc.not_equal(text, ""))
    counted = told.group_by("record").aggregate([("value", "count_distinct")])
    n = pc.sum(pc.greater(counted["value_count_distinct"], 1)).as_py() or 0
    if not n:
        return rows
    reason = "REDCap records with more than one patient: rows that name none are not filled in"
    return rows.noticed([Notice(contract.patient_column, n, reason, kind=WARNING)])


def _with_identity(rows: Rows, contract: SourceContract, columns: list[str]) -> Rows:
    """The REDCap record (that is the patient, whatever MRN stands in it today), and what tells its rows apart beside the key."""
    if contract.record_id in rows.header:
        record = pc.binary_join_element_wise("record", trimmed(rows.column(contract.record_id)), " ")
        rows = rows.with_column(INTERNAL + "source_patient", record)
    texts = [trimmed(rows.column(name)) for name in columns]
    if not texts or canonical_feeds()[contract.feed].one_row_a_patient:
        return rows
    return rows.with_column(INTERNAL + KEY_WITHIN_FORMAT, pc.binary_join_element_wise(*texts, "|"))
