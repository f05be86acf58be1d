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

SEGMENT_END = re.compile("\r\n|\r|\n")
ENVELOPE_SEGMENTS = ("FHS", "BHS", "BTS", "FTS")
# HL7 table 0085; anything else in OBX-11 means that the fields have shifted
OBSERVATION_STATUSES = ("C", "D", "F", "I", "N", "O", "P", "R", "S", "U", "W", "X")
FIELD_PATH = re.compile(r"^(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>\d+)(?:\.(?P<component>\d+))?$")


def read_hl7_oru(path: Path, contract: SourceContract) -> pa.Table:
    """One row a message: the contract's `SEGMENT-field.component` columns and its OBX segments as `observations`.

    `source_line` is the message's MSH segment, counting segments from 1. Text before the first MSH is a record with a
    structure problem, like a message without PID, OBR or OBX, with several OBR, or with a cut-off OBX.
    """
    text = decoded_text(path, contract.encoding, contract.fallback_encoding)
    segments = [segment.strip("\x0b\x1c") for segment in SEGMENT_END.split(text)]
    if not any(segment.startswith("MSH") for segment in segments):
        raise UnreadableFile("no MSH segment: the file holds no HL7 v2 message")
    lines = pa.table(
        {
            "line": pa.array(range(1, len(segments) + 1), pa.int64()),
            "segment": pa.array(segments, pa.string()),
        }
    )
    with duckdb.connect() as connection:
        connection.register("lines", lines)
        return connection.execute(_message_query(contract)).to_arrow_table()


def _message_query(contract: SourceContract) -> str:
    columns = {field.column: _field_expression(field.column) for field in contract.fields.values()}
    picked = ",\n".join(f'{expression} AS "{column}"' for column, expression in columns.items())
    return f"""
    WITH segments AS (
        SELECT line, segment, segment[1:3] AS kind, string_split(segment, '|') AS fields,
               sum((segment[1:3] = 'MSH')::INTEGER) OVER (ORDER BY line) AS message_number
        FROM lines
        WHERE segment <> '' AND segment[1:3] NOT IN {ENVELOPE_SEGMENTS}
    ),
    messages AS (
        SELECT min(line) AS source_line,
               string_agg(segment, chr(13) ORDER BY line) AS payload,
               count(*) FILTER (kind = 'MSH') AS n_msh, count(*) FILTER (kind = 'PID') AS n_pid,
               count(*) FILTER (kind = 'OBR') AS n_obr, count(*) FILTER (kind = 'OBX') AS n_obx,
               count(*) FILTER (
                   kind = 'OBX' AND (len(fields) < 12 OR fields[4] = '' OR fields[12] NOT IN {OBSERVATION_STATUSES})
               ) AS n_broken_obx,
               first(string_split(fields[9], '^')[1] ORDER BY line) FILTER (kind = 'MSH') AS message_type,
               {picked},
               list({{
                   'sequence': try_cast(fields[2] AS INTEGER),
                   'loinc_code': string_split(fields[4], '^')[1],
                   'specimen': nullif(fields[5], ''),
                   'value': {_unescaped("fields[6]")},
                   'status': fields[12]
               }} ORDER BY line) FILTER (kind = 'OBX') AS observations
        FROM segments GROUP BY message_number
    )
    SELECT * EXCLUDE (n_msh, n_pid, n_obr, n_obx, n_broken_obx, message_type),
        CASE WHEN n_msh = 0 THEN 'segments before the first MSH'
             WHEN message_type IS DISTINCT FROM 'ORU' THEN 'MSH-9 is not ORU'
             WHEN n_pid <> 1 THEN 'a message must have one PID segment, this has ' || n_pid
             WHEN n_obr <> 1 THEN 'a message must have one OBR segment, this has ' || n_obr
             WHEN n_obx = 0 THEN 'no OBX segment: the message is cut off'
             WHEN n_broken_obx > 0 THEN n_broken_obx || ' OBX segment(s) cut off or without OBX-3'
        END AS structure_problem
    FROM messages ORDER BY source_line
    """


def _field_expression(column: str) -> str:
    match = FIELD_PATH.match(column)
    if not match:
        raise UnreadableFile(f"the contract's column '{column}' is not of the form PID-3.1")
    # MSH-1 is the separator itself, so MSH fields stand one place earlier than those of other segments
    position = int(match["field"]) + (0 if match["segment"] == "MSH" else 1)
    value = f"fields[{position}]"
    if match["component"]:
        value = f"string_split(string_split({value}, '~')[1], '^')[{match['component']}]"
    return f"first({value} ORDER BY line) FILTER (kind = '{match['segment']}')"


def _unescaped(value: str) -> str:
    # the escaped escape character waits behind a control character, or the text \\E\\F\\E\\ would be undone twice
    text = f"replace({value}, '\\E\\', chr(1))"
    for code, character in (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~"), (".br", "\n")):
        text = f"replace({text}, '\\{code}\\', '{character}')"
    return f"replace({text}, chr(1), '\\')"
