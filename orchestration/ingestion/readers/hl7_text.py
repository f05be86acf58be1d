"""The text that was typed, from a field of HL7 v2 as it was sent: escape sequences undone (chapter 2.7), in any letter case."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.hl7_segments import CONTINUATION

# what each escape sequence of one letter stands for; highlighting and shifts of it stand for nothing
LETTERS = (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~"), ("H", ""), ("N", ""))
_HEXADECIMAL = re.compile(r"(?:\\[Xx](?:[0-9A-Fa-f]{2})+\\)+")


def typed_text(column: pa.Array, repetitions_are_lines: bool = True) -> pa.Array:
    """`column` (string) with its escape sequences undone; its repetitions as lines, if so asked."""
    value = pc.replace_substring(column, CONTINUATION.decode(), "")
    if repetitions_are_lines:
        value = pc.replace_substring(value, "~", "\n")
    if not pc.any(pc.match_substring(value, "\\")).as_py():
        return value
    # the escaped escape character waits behind a control character, or the text \E\F\E\ would be undone twice
    value = pc.replace_substring_regex(value, r"\\[Ee]\\", "\x01")
    for letter, character in LETTERS:
        value = pc.replace_substring_regex(value, rf"\\[{letter}{letter.lower()}]\\", character)
    value = pc.replace_substring_regex(value, r"(?i)\\\.br[+-]?\d*\\", "\n")
    value = pc.replace_substring_regex(value, r"(?i)\\\.(sp|in|ti|fi|nf|ce)[+-]?\d*\\", "\n")
    value = pc.replace_substring_regex(value, r"(?i)\\\.sk[ +-]?\d*\\", " ")
    if pc.any(pc.match_substring(value, "\\X", ignore_case=True)).as_py():
        value = pa.array(
            [None if line is None else _HEXADECIMAL.sub(_characters, line) for line in value.to_pylist()], pa.string()
        )
    return pc.replace_substring(value, "\x01", "\\")


def _characters(match: re.Match) -> str:
    # `hl7_characters` has rewritten them to UTF-8 where the message's character set is another one
    data = bytes.fromhex(re.sub(r"\\[Xx]?", "", match[0]))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\0", "")


def typed(value: str) -> str:
    """`typed_text` of one value whose repetitions are no lines."""
    if "\\" not in value:
        return value
    return typed_text(pa.array([value], pa.string()), repetitions_are_lines=False)[0].as_py()
