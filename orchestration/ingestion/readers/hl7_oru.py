"""HL7 v2 ORU^R01 result messages, split and taken apart by DuckDB on Arrow columns, not message by message in Python.

Read as the standard's chapters 2 and 7 describe them: segments end in CR (LF and CRLF are taken too), MLLP framing bytes
and batch envelopes are passed over, delimiters are the usual |^~\\& ones, escape sequences are undone in OBX-5.
"""

import re
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.ingestion.readers.unreadable import UnreadableFile, decoded_text
from orchestration.ingestion.source_contract import SourceContract

MLLP_FRAMING = ("\x0b", "\x1c")
MESSAGE_START = re.compile("\r(?=MSH)")
ENVELOPE_SEGMENTS = ("FHS", "BHS", "BTS", "FTS")
# HL7 table 0085; anything else in OBX-11 means that the fields have shifted
OBSERVATION_STATUSES = ("C", "D", "F", "I", "N", "O", "P", "R", "S", "U", "W", "X")
BROKEN_OBX = f"len(f) < 12 OR f[4] = '' OR f[12] NOT IN {OBSERVATION_STATUSES}"
FIELD_PATH = re.compile(r"^(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>\d+)(?:\.(?P<component>\d+))?$")


def read_hl7_oru(path: Path, contract: SourceContract) -> pa.Table:
    """One row a message: the contract's `SEGMENT-field.component` columns and its OBX segments as `observations`.

    `source_line` is the message's MSH segment, counting segments from 1. Text before the first MSH is a record with a
    structure problem, like a message without PID, OBR or OBX, with several OBR, or with a cut-off OBX.
    """
    text = decoded_text(path, contract.encoding, contract.fallback_encoding)
    for found, meant in (("\r\n", "\r"), ("\n", "\r"), *((byte, "") for byte in MLLP_FRAMING)):
        text = text.replace(found, meant)
    messages = MESSAGE_START.split(text)
    if not any(message.startswith("MSH") for message in messages[:2]):
        raise UnreadableFile("no MSH segment: the file holds no HL7 v2 message")
    numbered = pa.table(
        {"number": pa.array(range(len(messages)), pa.int64()), "message": pa.array(messages, pa.string())}
    )
    with duckdb.connect() as connection:
        # DuckDB reads Arrow batches side by side, so one great batch would keep one core idle
        connection.register("messages", pa.Table.from_batches(numbered.to_batches(max_chunksize=2048)))
        return connection.execute(_message_query(contract)).to_arrow_table()


def _message_query(contract: SourceContract) -> str:
    columns = {field.column: _field_expression(field.column) for field in contract.fields.values()}
    picked = ",\n".join(f'{expression} AS "{column}"' for column, expression in columns.items())
    kinds = sorted({FIELD_PATH.match(column)["segment"] for column in columns} | {"MSH", "PID", "OBR", "OBX"})
    by_kind = ",\n".join(
        f"list_transform(list_filter(segments, s -> s[1:3] = '{kind}'), s -> string_split(s, '|')) AS {kind.lower()}"
        for kind in kinds
    )
    return f"""
    WITH split AS (
        SELECT number, string_split(message, chr(13)) AS lines FROM messages
    ),
    kept AS (
        SELECT number, list_filter(lines, s -> s <> '' AND s[1:3] NOT IN {ENVELOPE_SEGMENTS}) AS segments,
               1 + coalesce(sum(len(lines)) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                   AS source_line
        FROM split
    ),
    fields AS (SELECT number, source_line, segments, {by_kind} FROM kept WHERE len(segments) > 0)
    SELECT source_line::BIGINT AS source_line, array_to_string(segments, chr(13)) AS payload, {picked},
        list_transform(obx, f -> {{
            'sequence': try_cast(f[2] AS INTEGER), 'loinc_code': string_split(f[4], '^')[1],
            'specimen': nullif(f[5], ''), 'value': {_unescaped("f[6]")}, 'status': f[12]
        }}) AS observations,
        CASE WHEN len(msh) = 0 THEN 'segments before the first MSH'
             WHEN string_split(msh[1][9], '^')[1] IS DISTINCT FROM 'ORU' THEN 'MSH-9 is not ORU'
             WHEN len(pid) <> 1 THEN 'a message must have one PID segment, this has ' || len(pid)
             WHEN len(obr) <> 1 THEN 'a message must have one OBR segment, this has ' || len(obr)
             WHEN len(obx) = 0 THEN 'no OBX segment: the message is cut off'
             WHEN len(list_filter(obx, f -> {BROKEN_OBX})) > 0
             THEN len(list_filter(obx, f -> {BROKEN_OBX})) || ' OBX segment(s) cut off or without OBX-3'
        END AS structure_problem
    FROM fields ORDER BY number
    """


def _field_expression(column: str) -> str:
    match = FIELD_PATH.match(column)
    if not match:
        raise UnreadableFile(f"the contract's column '{column}' is not of the form PID-3.1")
    # MSH-1 is the separator itself, so MSH fields stand one place earlier than those of other segments
    position = int(match["field"]) + (0 if match["segment"] == "MSH" else 1)
    value = f"{match['segment'].lower()}[1][{position}]"
    if match["component"]:
        value = f"string_split(string_split({value}, '~')[1], '^')[{match['component']}]"
    return value


def _unescaped(value: str) -> str:
    # the escaped escape character waits behind a control character, or the text \\E\\F\\E\\ would be undone twice
    text = f"replace({value}, '\\E\\', chr(1))"
    for code, character in (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~"), (".br", "\n")):
        text = f"replace({text}, '\\{code}\\', '{character}')"
    return f"replace({text}, chr(1), '\\')"
