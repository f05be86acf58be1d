"""The text that was typed, from a field of HL7 v2 as it was sent: escape sequences undone (chapter 2.7), in any letter case."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.readers.hl7_segments import CONTINUATION

# what each escape sequence of one letter stands for; highlighting and its end stand for nothing
LETTERS = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", "H": "", "N": ""}
NAME = r"[FSTREHN]|X(?:[0-9A-F]{2})+|\.(?:br|sp|in|ti|fi|nf|ce|sk) ?[+-]?\d*"
_SEQUENCE = re.compile(rf"(?:\\X(?:[0-9A-F]{{2}})+\\)+|\\(?:{NAME})\\", re.IGNORECASE)
# what a program wrote for a line's end (\r\n, \n), where lower case does not end a highlighting instead
_LINE_END = r"(?:\\r)?\\n(?=\\n|\\r\\n|[^\\]|$)"
_SEQUENCE_OR_LINE_END = re.compile(rf"(?-i:{_LINE_END})|{_SEQUENCE.pattern}", re.IGNORECASE)
_MAY_BE_LINE_END = r"\\(?:r\\)?n"
# the name of a sequence between two others may be text: \S\F\S\ is ^F^
_MAY_BE_TEXT = rf"(?i)\\(?:{NAME})\\(?:{NAME})\\"


def typed_text(column: pa.Array, repetitions_are_lines: bool = True) -> pa.Array:
    """`column` (string) with its escape sequences undone; its repetitions as lines, if so asked."""
    value = pc.replace_substring(column, CONTINUATION.decode(), "")
    if repetitions_are_lines:
        value = pc.replace_substring(value, "~", "\n")
    if not pc.any(pc.match_substring(value, "\\")).as_py():
        return value
    one_by_one = pc.fill_null(
        pc.or_(
            pc.or_(pc.match_substring(value, "\\X", ignore_case=True), pc.match_substring_regex(value, _MAY_BE_TEXT)),
            pc.match_substring_regex(value, _MAY_BE_LINE_END),
        ),
        False,
    )
    if not pc.any(one_by_one).as_py():
        return _undone(value)
    places = pc.indices_nonzero(one_by_one)
    rare = pa.array([typed(line) for line in value.take(places).to_pylist()], pa.string())
    return pc.replace_with_mask(_undone(value), one_by_one, rare)


def _undone(value: pa.Array) -> pa.Array:
    """Texts in which no sequence can be mistaken for what stands between two others."""
    for letter, character in LETTERS.items():
        if letter != "E":
            value = pc.replace_substring_regex(value, rf"\\[{letter}{letter.lower()}]\\", character)
    value = pc.replace_substring_regex(value, r"(?i)\\\.(br|sp|in|ti|fi|nf|ce) ?[+-]?\d*\\", "\n")
    value = pc.replace_substring_regex(value, r"(?i)\\\.sk ?[+-]?\d*\\", " ")
    return pc.replace_substring_regex(value, r"\\[Ee]\\", r"\\")


def _meaning(match: re.Match) -> str:
    if match[0] in ("\\n", "\\r\\n"):
        return "\n"
    name = match[0][1:-1].upper()
    if name in LETTERS:
        return LETTERS[name]
    if name.startswith("."):
        return " " if name.startswith(".SK") else "\n"
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
    is_highlighted = "\\h\\" in value or "\\H\\" in value
    return (_SEQUENCE if is_highlighted else _SEQUENCE_OR_LINE_END).sub(_meaning, value)
