"""The OBX and NTE segments of HL7 v2 result messages as the lines of a report (chapters 2.7, 2.A and 7 of the standard)."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.account import Notice
from orchestration.ingestion.readers.attachments import (
    UnreadableAttachment,
    from_base64,
    is_document,
    text_of_attachment,
    text_of_document,
)
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_segments import CONTINUATION, Segments, code_of, component_range, field_range
from orchestration.ingestion.readers.hl7_text import typed, typed_text
from orchestration.ingestion.told_names import told_name

# HL7 table 0085, as of v2.9; anything else in OBX-11 means that the fields have shifted
OBSERVATION_STATUSES = b"ABCDFINOPRSUVWX"
# OBR-25 (table 0123) says some things otherwise than OBX-11: some results, no order, no record of this patient
ORDER_STATUSES = {"A": "S", "Y": "X", "Z": "X"}
OBX, NTE = code_of(b"OBX"), code_of(b"NTE")
# OBX-2: long text; short text, which may be the answer to a question; what has a label and a value; what has a document in it
LONG_TEXT, SHORT_TEXT = ("TX", "FT", ""), ("ST",)
STATEMENTS = ("NM", "SN", "CE", "CWE", "CNE", "CF", "CQ", "IS", "ID", "SI", "NR", "DR", "DT", "TM", "TS", "DTM", "NA")
DOCUMENTS = ("ED", "RP")
NO_TYPE = "no type"
KINDS = ("text", "short text", "statement", "not read")
TEXT, SHORT, STATEMENT, NOT_READ = range(4)
# text that may be a document of its own: RTF, HTML, a PDF in base64
_CONTINUED = CONTINUATION.decode()
_START_OF_DOCUMENT = np.frombuffer(b"{<J\\", np.uint8)


@dataclass(frozen=True)
class Lines:
    """The lines of each group of segments, and how many of its OBX are cut off or shifted."""

    observations: pa.Array
    n_broken: np.ndarray
    n_lines: np.ndarray
    notices: list[Notice]


@dataclass(frozen=True)
class _Rows:
    """The OBX and NTE segments inside groups, in order; `heads` is each one's OBX (an NTE's is the OBX before it), or -1."""

    rows: np.ndarray
    group: np.ndarray
    is_note: np.ndarray
    heads: np.ndarray
    offsets: np.ndarray


def lines_of(
    segments: Segments,
    first: np.ndarray,
    last: np.ndarray,
    status_field: int,
    sections: dict[str, str],
    is_addendum: np.ndarray | None = None,
) -> Lines:
    """Each group's lines; a line without a status of its own has that of field `status_field` of the group's own segment. The
    lines of a group that `is_addendum` are those of an addendum, whatever their codes say."""
    lines = _rows_in_groups(segments, first, last)
    obx = np.maximum(lines.heads, 0)
    no_head = lines.heads < 0
    code_start, code_end, no_code = field_range(segments, obx, 3)
    is_empty_code = no_code | (code_end == code_start)
    status_start, status_end, has_own_status, is_odd = _statuses(segments, lines, obx, first, status_field)
    is_continued = is_empty_code & ~no_code & ~no_head
    is_broken = ~lines.is_note & (no_code | is_odd)
    if is_continued.any():
        obx_of_code = _last_with_a_code(lines, is_empty_code)
        is_broken |= ~lines.is_note & is_continued & (obx_of_code < 0)
        obx = np.where(is_continued, np.maximum(obx_of_code, 0), obx)
        code_start, code_end, no_code = field_range(segments, obx, 3)
    text = segments.text
    asked = text.column(code_start, code_end, no_code | no_head | (code_end == code_start))
    codes, sections_told, labels = _asked(asked, sections)
    if is_addendum is not None and is_addendum.any():
        sections_told = pc.if_else(pa.array(is_addendum[lines.group]), "addendum", sections_told)
    kinds, values, notices = _values(segments, lines)
    specimen_start, specimen_end, no_specimen = field_range(segments, obx, 4)
    set_start, set_end, no_set = field_range(segments, lines.rows, 1)
    has_label = ~lines.is_note & (kinds != TEXT)
    labels = (
        pc.if_else(pa.array(has_label), labels.cast(pa.string()), None)
        if has_label.any()
        else pa.nulls(len(lines.rows))
    )
    n_before = lines.offsets[:-1][lines.group]
    names = ["sequence", "set_id", "loinc_code", "section", "specimen", "label", "value", "unit", "status", "kind"]
    struct = pa.StructArray.from_arrays(
        [
            pa.array((np.arange(len(lines.rows)) - n_before + 1).astype(np.int32)),
            text.column(set_start, set_end, no_set | lines.is_note | (set_end == set_start)),
            codes,
            sections_told,
            text.column(specimen_start, specimen_end, no_specimen | no_head | (specimen_end == specimen_start)),
            labels.cast(pa.string_view()),
            values,
            _units(segments, lines.rows, has_label),
            _status_column(segments, status_start, status_end, has_own_status),
            pc.take(pa.array(KINDS), pa.array(kinds)),
        ],
        names=names,
    )
    broken_so_far = np.append(0, np.cumsum(is_broken))
    return Lines(
        pa.ListArray.from_arrays(pa.array(lines.offsets, pa.int32()), struct),
        np.diff(broken_so_far[lines.offsets]),
        np.diff(lines.offsets),
        notices,
    )


def _rows_in_groups(segments: Segments, first: np.ndarray, last: np.ndarray) -> _Rows:
    rows = np.flatnonzero((segments.kinds == OBX) | (segments.kinds == NTE))
    counts = count_between(rows, first, last + 1)
    is_inside = np.zeros(len(segments.kinds) + 1, np.int64)
    np.add.at(is_inside, first, 1)
    np.add.at(is_inside, last + 1, -1)
    rows = rows[np.cumsum(is_inside)[rows] > 0]
    offsets = np.append(0, np.cumsum(counts))
    group = np.repeat(np.arange(len(first)), counts)
    is_note = segments.kinds[rows] == NTE
    if not is_note.any():
        return _Rows(rows, group, is_note, rows, offsets)
    place = np.maximum.accumulate(np.where(is_note, -1, np.arange(len(rows))))
    has_head = place >= offsets[:-1][group]
    return _Rows(rows, group, is_note, np.where(has_head, rows[np.maximum(place, 0)], -1), offsets)


def _statuses(
    segments: Segments, lines: _Rows, obx: np.ndarray, first: np.ndarray, status_field: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where each line's status stands, whether it is the line's own, and which OBX is cut off or shifted."""
    start, end, is_absent = field_range(segments, obx, 11)
    is_empty = is_absent | (end == start) | (lines.heads < 0)
    letter = np.where(is_empty | (end - start != 1), 0, segments.text.codes_at(start, 0))
    is_odd = ~is_empty & ~np.isin(letter, np.frombuffer(OBSERVATION_STATUSES, np.uint8))
    if is_empty.any():
        places = np.flatnonzero(is_empty & ~lines.is_note)
        is_odd[places] |= _is_shifted(segments, obx[places])
        order_start, order_end, no_order = field_range(segments, first[lines.group], status_field)
        start = np.where(is_empty, order_start, start)
        end = np.where(is_empty, np.where(no_order, order_start, order_end), end)
    return start, end, ~is_empty, is_odd


def _is_shifted(segments: Segments, obx: np.ndarray) -> np.ndarray:
    """Without a status: cut off before the value, or a bar in the text has moved what follows it."""
    _, _, has_no_value = field_range(segments, obx, 5)
    is_long_text = pc.is_in(_types(segments, obx), pa.array(LONG_TEXT)).to_numpy(zero_copy_only=False)
    moved = np.zeros(len(obx), bool)
    for number in range(6, 11):
        start, end, _ = field_range(segments, obx, number)
        moved |= end > start
    start, end, _ = field_range(segments, obx, 12)
    letter = segments.text.codes_at(start, 0)
    is_status = (end - start == 1) & np.isin(letter, np.frombuffer(OBSERVATION_STATUSES, np.uint8))
    return has_no_value | (is_long_text & moved) | is_status


def _status_column(segments: Segments, start: np.ndarray, end: np.ndarray, is_own: np.ndarray) -> pa.Array:
    column = segments.text.column(start, end, end - start != 1)
    if is_own.all():
        return column
    told = column.cast(pa.string())
    for order_status, meant in ORDER_STATUSES.items():
        told = pc.if_else(pc.and_(pa.array(~is_own), pc.equal(told, order_status)), meant, told)
    known = pc.is_in(told, pa.array([chr(letter) for letter in OBSERVATION_STATUSES]))
    return pc.if_else(known, told, None).cast(pa.string_view())


def _last_with_a_code(lines: _Rows, is_empty_code: np.ndarray) -> np.ndarray:
    """For each line the last OBX with a code before it in its group, or -1."""
    place = np.maximum.accumulate(np.where(is_empty_code, -1, np.arange(len(lines.rows))))
    return np.where(place >= lines.offsets[:-1][lines.group], lines.heads[np.maximum(place, 0)], -1)


def _asked(codes: pa.Array, sections: dict[str, str]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Of each line's OBX-3 its code, the section that the contract gives it (null where none) and its text.

    A file has few different ones, so that each is taken apart once.
    """
    told = pc.dictionary_encode(codes.cast(pa.string()))
    asked = [_asked_once(field, sections) for field in told.dictionary.to_pylist()]
    columns = [pa.array([one[place] for one in asked], pa.string()).take(told.indices) for place in range(3)]
    return columns[0].cast(pa.string_view()), columns[1], columns[2].cast(pa.string_view())


def _asked_once(field: str, sections: dict[str, str]) -> tuple[str | None, str | None, str | None]:
    """The LOINC code where OBX-3 or its alternate triplet has one, else the laboratory's own; section; text."""
    own, text, system, other, other_text, other_system = (field.split("^") + [""] * 5)[:6]
    is_other = system != "LN" and (other_system == "LN" or (not own and bool(other)))
    # a code that is not given is known by its text
    code = (other if is_other else own) or typed(text or other_text)
    label = text or other_text or own
    return code or None, sections.get(own) or sections.get(code), typed(label).replace(_CONTINUED, "") or None


def _units(segments: Segments, rows: np.ndarray, has_label: np.ndarray) -> pa.Array:
    """In which unit a statement was answered, of the lines that are no long text."""
    if not has_label.any():
        return pa.nulls(len(rows), pa.string_view())
    start, end, no_unit = field_range(segments, rows, 6)
    start, end, _ = component_range(segments.text, start, end, 1)
    return segments.text.column(start, end, no_unit | ~has_label | (end == start))


def _types(segments: Segments, obx: np.ndarray) -> pa.Array:
    """OBX-2 in capitals."""
    start, end, is_absent = field_range(segments, obx, 2)
    return pc.utf8_upper(pc.fill_null(segments.text.column(start, end, is_absent).cast(pa.string()), ""))


def _is_long_text(segments: Segments, lines: _Rows) -> np.ndarray:
    """Whether OBX-2 is TX or FT, as nearly all are; an NTE is text."""
    start, end, _ = field_range(segments, lines.rows, 2)
    first, second = segments.text.codes_at(start, 0), segments.text.codes_at(start + 1, 0)
    is_long = ((first == ord("T")) & (second == ord("X"))) | ((first == ord("F")) & (second == ord("T")))
    return lines.is_note | (is_long & (end - start == 2))


def _values(segments: Segments, lines: _Rows) -> tuple[np.ndarray, pa.Array, list[Notice]]:
    """The kind of each line, and its value as text."""
    start, end, is_absent = field_range(segments, lines.rows, 5)
    if lines.is_note.any():
        note_start, note_end, no_note = field_range(segments, lines.rows, 3)
        start, end = np.where(lines.is_note, note_start, start), np.where(lines.is_note, note_end, end)
        is_absent = np.where(lines.is_note, no_note, is_absent)
    is_absent = is_absent | _is_null(segments, start, end)
    kinds, types = np.zeros(len(lines.rows), np.int8), {}
    others = np.flatnonzero(~_is_long_text(segments, lines))
    is_special = np.zeros(len(lines.rows), bool)
    if len(others):
        told = _types(segments, lines.rows[others]).to_numpy(zero_copy_only=False)
        types = dict(zip(others.tolist(), told, strict=True))
        kinds[others] = [_kind_of(name) for name in told]
        is_special[others] = (kinds[others] != TEXT) & (kinds[others] != SHORT)
        is_special[others] &= ~_is_plain_number(segments, told, start[others], end[others])
    values = _typed_range(segments, start, end, is_absent)
    starts_a_document = np.isin(segments.text.codes_at(start, 0), _START_OF_DOCUMENT) & (end - start > 8)
    rows = np.flatnonzero(~is_absent & (is_special | starts_a_document))
    if not len(rows):
        return kinds, values, []
    written = values.to_pylist() if len(rows) * 4 > len(values) else None
    unread: Counter[tuple[str, str | None]] = Counter()
    replaced = []
    for row in rows.tolist():
        raw = segments.text.content[start[row] : end[row]].decode().replace(CONTINUATION.decode(), "")
        as_typed = written[row] if written else values[row].as_py()
        kinds[row], value = _special_value(types.get(row, "TX"), kinds[row], raw, as_typed, unread)
        replaced.append(value)
    mask = np.zeros(len(values), bool)
    mask[rows] = True
    values = pc.replace_with_mask(values.cast(pa.string()), pa.array(mask), pa.array(replaced, pa.string()))
    notices = [Notice(what, n, reason) for (what, reason), n in unread.items()]
    return kinds, values.cast(pa.string_view()), notices


def _is_null(segments: Segments, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Two double quotes: there is no value any more (chapter 2.5.3.2)."""
    quote, text = ord('"'), segments.text
    return (end - start == 2) & (text.codes_at(start, 0) == quote) & (text.codes_at(start + 1, 0) == quote)


def _kind_of(name: str) -> int:
    if name in LONG_TEXT:
        return TEXT
    if name in SHORT_TEXT:
        return SHORT
    return STATEMENT if name in STATEMENTS else NOT_READ


def _is_plain_number(segments: Segments, types: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether a statement's value is the whole field, as a number's is."""
    is_plain = np.isin(types.astype(str), ["NM", "SI", "DT", "TM", "DTM", "ID"])
    text = segments.text
    return (
        is_plain
        & (count_between(text.positions(b"^"), start, end) == 0)
        & (count_between(text.positions(b"~"), start, end) == 0)
    )


def _special_value(
    type_name: str, kind: int, raw: str, as_typed: str | None, unread: Counter
) -> tuple[int, str | None]:
    if type_name in DOCUMENTS:
        return _document(type_name, raw, unread)
    if kind == STATEMENT:
        return STATEMENT, "; ".join(filter(None, (_statement(type_name, one) for one in raw.split("~")))) or None
    if kind == NOT_READ:
        unread[told_name("OBX", type_name, f"OBX of type {type_name}"), "of this type no text is made"] += 1
        return NOT_READ, None
    if as_typed is None or not is_document(as_typed):
        return kind, as_typed
    try:
        return TEXT, text_of_document(as_typed)
    except UnreadableAttachment as reason:
        return _not_read(f"document in an OBX of type {type_name or 'none'}", str(reason), unread)


def _statement(type_name: str, repetition: str) -> str:
    parts = [typed(part.split("&")[0]).strip() for part in repetition.split("^")]
    parts += [""] * (9 - len(parts))
    if type_name == "SN":
        comparator, first, separator, second = parts[:4]
        return f"{comparator}{first}{separator}{second}"
    if type_name == "NA":
        return "; ".join(filter(None, parts))
    if type_name in ("NR", "DR"):
        return " - ".join(filter(None, parts[:2]))
    if type_name in ("CE", "CWE", "CNE", "CF"):
        # the text that was shown, the alternate code's text, what was typed, the code
        return parts[1] or parts[4] or parts[8] or parts[0] or parts[3]
    return " ".join(filter(None, parts)) if type_name == "CQ" else parts[0]


def _document(type_name: str, raw: str, unread: Counter) -> tuple[int, str | None]:
    texts = []
    for repetition in raw.split("~"):
        parts = repetition.split("^")
        # some interfaces put the data alone where its description should stand before it
        parts = ["", "", "", "", parts[0]] if len(parts) == 1 else parts + [""] * (5 - len(parts))
        content_type = (
            "/".join(typed(part).strip().lower() for part in (parts[2:4] if type_name == "RP" else parts[1:3]) if part)
            or NO_TYPE
        )
        content_type = {"text": "text/plain"}.get(content_type, content_type)
        what = "attachment no type" if content_type == NO_TYPE else told_name("attachment", content_type)
        if type_name == "RP":
            return _not_read(what, "it is a pointer to a document elsewhere", unread)
        try:
            content = _content_of(
                typed("^".join(parts[4:])) if parts[3].upper() in ("A", "") else "^".join(parts[4:]), parts[3]
            )
            subtype = content_type.split("/")[-1]
            texts.append(text_of_attachment(content, "" if subtype in ("octet-stream", NO_TYPE) else content_type))
        except UnreadableAttachment as reason:
            return _not_read(what, str(reason), unread)
    return TEXT, "\n".join(texts)


def _content_of(data: str, encoding: str) -> bytes:
    way = encoding.strip().upper()
    if way == "BASE64":
        return from_base64(data)
    if way == "HEX":
        try:
            return bytes.fromhex(data)
        except ValueError as error:
            raise UnreadableAttachment("its hexadecimal digits cannot be decoded") from error
    if not way and re.fullmatch(r"[A-Za-z0-9+/=\s]{24,}", data):
        return from_base64(data)
    return data.encode()


def _not_read(what: str, reason: str, unread: Counter) -> tuple[int, str]:
    unread[what, reason] += 1
    # a person who looks at the report is to see that there is more of it
    return NOT_READ, f"[{what} was not read: {reason}]"


def _typed_range(segments: Segments, starts: np.ndarray, ends: np.ndarray, is_absent: np.ndarray) -> pa.Array:
    """Text with line breaks for repetitions and with its escape sequences undone."""
    plain = segments.text.column(starts, ends, is_absent)
    marks = (b"\\", b"~", CONTINUATION)
    has_escape = np.any([count_between(segments.text.positions(mark), starts, ends) > 0 for mark in marks], axis=0)
    if not has_escape.any():
        return plain
    value = segments.text.column(starts[has_escape], ends[has_escape], is_absent[has_escape]).cast(pa.string())
    return pc.replace_with_mask(plain.cast(pa.string()), pa.array(has_escape), typed_text(value)).cast(pa.string_view())
