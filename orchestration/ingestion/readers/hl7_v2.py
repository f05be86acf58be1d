"""HL7 v2 messages (ORU results, MDM documents, ADT merges) by the positions of their separators, not message by message.

Read as the standard's chapters 2, 3, 7 and 9 describe them: segments end in CR (LF and CRLF are taken too), MLLP framing
bytes and batch envelopes are passed over, a batch's own count is checked, ADD segments continue the segment before them,
delimiters are the usual |^~\\& ones, each message is decoded as its MSH-18 says. docs/formats.md says what becomes of what.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate, repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.formats.hl7_v2 import FIELD_PATH, ORDER_NUMBER
from orchestration.ingestion.readers.account import Account, Notice, Withdrawal, account_of, summed, with_account
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_characters import decoded
from orchestration.ingestion.readers.hl7_checks import problems_of_lines, structure_problems
from orchestration.ingestion.readers.hl7_fields import field_column
from orchestration.ingestion.readers.hl7_groups import MSH, Groups, Messages, groups_of, messages_of
from orchestration.ingestion.readers.hl7_merges import read_merges
from orchestration.ingestion.readers.hl7_observations import lines_of
from orchestration.ingestion.readers.hl7_places import reach_of_groups, segment_of_group
from orchestration.ingestion.readers.hl7_segments import (
    CONTINUATION,
    Segments,
    code_of,
    field,
    parts_of,
    segments_of,
    with_plain_segment_ends,
)
from orchestration.ingestion.readers.hl7_times import as_written, in_utc, tells_distance
from orchestration.ingestion.readers.landed_file import UnreadableFile, ends_as_declared
from orchestration.ingestion.told_names import told_name

# what starts a record, what names it as a part of its report, and where its status stands
GROUP_SEGMENT = {"ORU": b"OBR", "MDM": b"TXA"}
PART_OF_REPORT = {"ORU": "OBR-4.1", "MDM": "TXA-2.1"}
STATUS_FIELD = {"ORU": 25, "MDM": 17}
# MDM events that only tell of a document and bring none; T11 takes one back and brings none either
MDM_WITHOUT_DOCUMENT = ["T01", "T03", "T05", "T07", "T09"]
WITHDRAWS = "T11"
# a document that adds to another, and one that takes its place; TXA-13 says which one
ADDENDUM, REPLACES = "T06", "T10"
# OBR-25 of orders that have no lines because there is nothing to tell, or not yet
STATUSES_WITHOUT_LINES = np.frombuffer(b"IOSXYZ", np.uint8)
ENVELOPE_OF_REPORTS = {code_of(name) for name in (b"MSH", b"OBR", b"OBX", b"TXA")}
NTE, PID = code_of(b"NTE"), code_of(b"PID")
NOT_TAKEN = "under no order, or not the first of its order: nothing was taken from it"
SENT_AT = "source_updated_at"
PLACE = ["source_line", SENT_AT, "structure_problem"]


def read_hl7_v2(content: bytes, contract: SourceContract) -> pa.Table:
    """One row an order group (OBR) of a result message, a document (TXA), or a merge (MRG) of a merge message.

    Columns beside the readers' usual ones: the contract's `SEGMENT-field[choice].component` columns (`PID-3[MR].1` is the
    first repetition whose fifth component is MR), `order_number` (1, 2, ... within the message); for reports their lines as
    `observations` and what was ordered as `report_part`; for merges `merge_event`; `source_updated_at` (MSH-7).
    `source_line` counts segments from 1: the message's MSH for its first group, the group's own segment for further ones.
    Text before the first MSH, and a message whose shape cannot be read, are records with a structure problem. Messages of
    the types in the contract's `passes_over` are left to other contracts.

    Raises:
        UnreadableFile: see `as_utf_8`; also no MSH at all, a last segment without end, or a batch that holds fewer
            messages than its trailer says.
    """
    text = decoded(content, contract)
    ends_as_declared(text, contract.ends_with_newline)
    text = with_plain_segment_ends(text)
    if not text.startswith(b"MSH") and b"\rMSH" not in text:
        raise UnreadableFile("no MSH segment: the file holds no HL7 v2 message")
    parts = parts_of(text)
    lines_before = accumulate((part.count(b"\r") + part.count(CONTINUATION) for part in parts[:-1]), initial=0)
    # numpy and Arrow let go of Python's lock, so that parts are read side by side
    with ThreadPoolExecutor(max_workers=2) as workers:
        tables = list(workers.map(_read_part, parts, lines_before, repeat(contract)))
    account = summed(map(account_of, tables))
    table = pa.concat_tables([one.replace_schema_metadata() for one in tables])
    table, account = _in_one_order(table, account, contract.time_zone)
    return with_account(_with_continuations(table) if CONTINUATION in text else table, account)


def _with_continuations(table: pa.Table) -> pa.Table:
    """The payload with its ADD segments as they stand in the file, the contract's columns without a trace of them."""
    mark = CONTINUATION.decode()
    for place, name in enumerate(table.column_names):
        if name == "payload" or pa.types.is_string_view(table.schema.field(name).type):
            meant = "\rADD|" if name == "payload" else ""
            text = pc.replace_substring(table[name].cast(pa.string()), mark, meant)
            table = table.set_column(place, name, text)
    return table


def _read_part(content: bytes, lines_before: int, contract: SourceContract) -> pa.Table:
    segments = segments_of(content)
    messages = messages_of(segments, with_events=contract.message_type != "ORU")
    is_left = np.isin(messages.types, contract.passes_over)
    wanted = messages.taken(~is_left) if is_left.any() else messages
    if contract.message_type == "ADT":
        table, n_passed_over, notices = read_merges(segments, wanted, contract)
        account = Account(n_passed_over, notices)
    else:
        table, account = _read_reports(segments, wanted, contract)
    lines = pc.add(table["source_line"], lines_before) if lines_before else table["source_line"]
    table = table.set_column(0, "source_line", lines)
    return with_account(table, replace(account, passed_over=account.passed_over + int(is_left.sum())))


def _read_reports(segments: Segments, messages: Messages, contract: SourceContract) -> tuple[pa.Table, Account]:
    kind = contract.message_type
    is_left = (messages.types == kind) & np.isin(messages.events, MDM_WITHOUT_DOCUMENT) & (kind == "MDM")
    wanted = messages.taken(~is_left) if is_left.any() else messages
    groups = groups_of(segments, wanted, code_of(GROUP_SEGMENT[kind]))
    columns = {
        contract.reader_column(path): _plain(field_column(segments, groups, path)) for path in contract.source_columns
    }
    is_addendum = groups.events == ADDENDUM if kind == "MDM" else None
    begins, ends = reach_of_groups(segments, groups)
    lines = lines_of(segments, groups.first, ends - 1, STATUS_FIELD[kind], contract.sections, is_addendum)
    problems = problems_of_lines(segments, groups, lines, _needs_no_line(segments, groups, STATUS_FIELD[kind]))
    table = pa.table(
        {
            "source_line": pa.array(groups.source_line, pa.int64()),
            "payload": segments.text.column(segments.starts[groups.message_first], segments.ends[groups.message_last]),
            "structure_problem": structure_problems(segments, groups, kind, problems),
            **columns,
            "observations": lines.observations,
            "report_part": field_column(segments, groups, PART_OF_REPORT[kind]).cast(pa.string()),
            SENT_AT: _sent_at(segments, groups),
        }
    )
    notices = [*lines.notices, *_unread_segments(segments, wanted, groups, contract, begins)]
    if is_left.any():
        notices.append(Notice("MDM message without a document", int(is_left.sum()), "it only tells of a document"))
    if kind == "MDM":
        table, withdrawals = _documents_by_number(segments, groups, table)
        return table, Account(int(is_left.sum()), notices, withdrawals)
    return table, Account(int(is_left.sum()), notices)


def _documents_by_number(segments: Segments, groups: Groups, table: pa.Table) -> tuple[pa.Table, list[Withdrawal]]:
    """The table with the documents' own numbers (TXA-12), and which documents others have taken the place of (TXA-13)."""
    own, parent = (
        pc.binary_join_element_wise("document", field_column(segments, groups, path).cast(pa.string()), " ")
        for path in ("TXA-12.1", "TXA-13.1")
    )
    rows = zip(groups.events, own.to_pylist(), parent.to_pylist(), table.select(PLACE).to_pylist(), strict=True)
    withdrawals = [
        Withdrawal(replaced, row[SENT_AT], row["source_line"], is_entry=False)
        for event, number, replaced, row in rows
        if event == REPLACES and replaced not in (None, "document ", number) and row["structure_problem"] is None
    ]
    return table.append_column("source_reference", own), withdrawals


def _plain(column: pa.Array) -> pa.Array:
    """Parts of a file may differ in whether their text had to be rewritten; their tables must not."""
    return column.cast(pa.string_view())


def _needs_no_line(segments: Segments, groups: Groups, status_field: int) -> np.ndarray:
    if status_field != STATUS_FIELD["ORU"]:
        return groups.events == WITHDRAWS
    status = field(segments, groups.first, status_field, ~groups.has_group).cast(pa.string())
    return pc.fill_null(pc.is_in(status, pa.array([chr(one) for one in STATUSES_WITHOUT_LINES])), False).to_numpy(
        zero_copy_only=False
    )


def _sent_at(segments: Segments, groups: Groups) -> pa.Array:
    """MSH-7, with its distance from UTC where one of this part of the file tells it."""
    is_headless = segments.kinds[groups.message_first] != MSH
    written = field(segments, groups.message_first, 6, is_headless).cast(pa.string())
    return written if tells_distance(written) else as_written(written)


def _in_one_order(table: pa.Table, account: Account, time_zone: str | None) -> tuple[pa.Table, Account]:
    """When messages were sent, by one rule for the whole file: in UTC where any of them tells its distance from it."""
    if SENT_AT not in table.column_names or not tells_distance(table[SENT_AT]):
        return table, account
    times = in_utc(table[SENT_AT].combine_chunks(), time_zone)
    table = table.set_column(table.column_names.index(SENT_AT), SENT_AT, times)
    withdrawn_at = in_utc(pa.array([one.updated_at for one in account.withdrawals], pa.string()), time_zone)
    withdrawals = [
        replace(one, updated_at=at) for one, at in zip(account.withdrawals, withdrawn_at.to_pylist(), strict=True)
    ]
    return table, replace(account, withdrawals=withdrawals)


def _unread_segments(
    segments: Segments, messages: Messages, groups: Groups, contract: SourceContract, begins: np.ndarray
) -> list[Notice]:
    """The kinds of segments that nothing was taken from, and notes that stand under no order or line."""
    named = {
        code_of(match["segment"].encode()) for path in contract.source_columns if (match := FIELD_PATH.match(path))
    }
    read = ENVELOPE_OF_REPORTS | named
    is_inside = _is_inside(segments, messages)
    kinds = segments.kinds[is_inside]
    found, counts = np.unique(kinds[~np.isin(kinds, list(read | {NTE}))], return_counts=True)
    notices = [
        Notice(_segment(kind), n)
        for kind, n in zip(found.tolist(), counts.tolist(), strict=True)
        if kind and _is_name(kind)
    ]
    notices += [
        Notice(f"segment {_name(kind)}", n, NOT_TAKEN)
        for kind in sorted(named - ENVELOPE_OF_REPORTS - {PID, NTE})
        if (n := _n_not_taken(segments, groups, kind, is_inside))
    ]
    notes = np.flatnonzero(segments.kinds == NTE)
    # before the first order, or between what leads up to an order and the order
    since = np.where(groups.order_number == 1, groups.message_first, begins)
    n_astray = int(count_between(notes, since, groups.first).sum()) if len(notes) else 0
    if n_astray:
        notices.append(Notice("segment NTE", n_astray, "a note under no order and no line of a report"))
    return notices


def _is_inside(segments: Segments, messages: Messages) -> np.ndarray:
    """Whether each segment is one of these messages'."""
    if not len(messages.first):
        return np.zeros(len(segments.kinds), bool)
    if len(messages.first) == segments.messages[-1] and segments.messages[0] != 0:
        return np.ones(len(segments.kinds), bool)
    places = np.arange(len(segments.kinds))
    message = np.searchsorted(messages.first, places, side="right") - 1
    return (message >= 0) & (places <= messages.last[np.maximum(message, 0)])


def _n_not_taken(segments: Segments, groups: Groups, kind: int, is_inside: np.ndarray) -> int:
    """How many segments of a kind that a column names gave no order a value."""
    rows, is_missing = segment_of_group(segments, groups, kind)
    return int(np.count_nonzero((segments.kinds == kind) & is_inside)) - len(np.unique(rows[~is_missing]))


def _is_name(kind: int) -> bool:
    return _name(kind).isalnum() and _name(kind).upper() == _name(kind)


def _name(kind: int) -> str:
    return kind.to_bytes(3, "big").decode("latin-1")


def _segment(kind: int) -> str:
    return told_name("segment", "Z.." if _name(kind).startswith("Z") else _name(kind))


__all__ = ["ORDER_NUMBER", "read_hl7_v2"]
