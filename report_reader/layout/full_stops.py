"""Full stops, semicolons and bars inside a line: which of them ends a statement."""

from __future__ import annotations

import re

from report_reader.layout.words import Words, first_word, last_words

FULL_STOP = r"[.!?]+[\"')\]]*(?=\s)"
SEMICOLON = r";\.?(?=\s|$)(?!\s+(?:[A-H]|#?\d{1,2})?[ :]*[\d.,]+\s*(?:[;.]|$))"
"""Not the one before a bare number: 'A 4; B 6 mm'."""
ITEM_BEFORE = re.compile(r"[A-Za-z][ :]{1,2}[<>=]{0,2} ?[\d.,]*\d$")
ITEM_BEHIND = re.compile(r"\s+(?:[A-Za-z]+[ :]+){1,3}[<>=]{0,2} ?[\d.,]*\d\s*(?:[;.]|$)")
"""'superior 6; inferior 9; medial 0.5': numbers without units are a list."""
BARS = r"\s//\s|\s\|\s|\s[-/]\s(?=[A-Z][A-Za-z ]{2,60}:\s)"
FIELD = re.compile(r" - [A-Z][A-Za-z ]{2,60}:\s")
"""Of a list in one line: 'Margin: 4 mm - Capsule: clear - Background liver: steatosis'."""
FEWEST_FIELDS = 2
NUMBERED_ITEM = re.compile(r"(?:^|\s)(?:[A-Z]|#?\d+|[IVX]+)\s?[:.)]|\b[A-Za-z]+ #?\d+\b[^:]*:")
STOP = re.compile(f"{FULL_STOP}|{SEMICOLON}|{BARS}")
STRAY = re.compile(r"[^\W\d_]\.\s+[^\W\d_]")
"""A full stop between two words; where it ends nothing it is taken out."""
ANSWER = re.compile(r"[:?]\s*\w+\.?$")
NUMBER_OF_A_THING = re.compile(r"\s+(?:[A-H]\s+[a-z(]|(?:\d{1,2}|[A-H])\s*[-:,(])")
ENUMERATION = re.compile(r"(?:^|[.;:]\s)\W*(?:[A-Za-z]+\s)?[A-Z]$|^\W*(?:[ivx]{1,4}|\d{1,2})$")
ROW_OF_NUMBERS = re.compile(r"(?:[^|:\n]{1,60}:)?\s*[\d.,]*\d(?:\s*\|\s*[\d.,]*\d)+\s*\|?\s*")
"""'19 | 10 | 25' below or behind 'Margin (mm):' is one list."""
WHOLE_NUMBER = re.compile(r"(?:^|[\s(<>=~:-])\d{1,3}$")
ONLY_A_NUMBER = re.compile(r"[ \t]*\d{1,2}$")
PART_OF_A_NUMBER = re.compile(r"(?:(?:^|[\s(<>=~:,|-])[oOQlI|]\s*|[\s(<>=~:|])$")
"""What stands before a full stop that may be a decimal point, as scans have it: 'O. 8 mm', 'is . 8 mm'."""
DIGITS_BEHIND = re.compile(r"[ \t]{1,3}\d")


def ends_statement(line: str, stop: re.Match[str], words: Words) -> bool:
    """Whether the stop ends a statement of the line."""
    if (
        stop.group().startswith(";")
        and ITEM_BEFORE.search(line[: stop.start()])
        and ITEM_BEHIND.match(line, stop.end())
    ):
        return False
    if stop.group().startswith(";") and _is_in_brackets(line, stop):
        return False
    if stop.group().strip() == "-":
        before = line[: stop.start()]
        return ":" in before and len(FIELD.findall(line)) >= FEWEST_FIELDS and not NUMBERED_ITEM.search(line)
    if not stop.group().startswith("."):
        return not ROW_OF_NUMBERS.fullmatch(line)
    if line[: stop.start()].endswith((",", ";", ":", "<", ">", "=")):
        return False
    return not is_spurious(line[: stop.start()], line[stop.end() :], words)


def _is_in_brackets(line: str, stop: re.Match[str]) -> bool:
    """Whether a bracket is open before it and closed behind it or on another line: 'S2 (9 mm; margin 10 mm)', but not around the line."""
    opened = line.rfind("(", 0, stop.start())
    if opened <= line.rfind(")", 0, stop.start()) or not line[:opened].strip():
        return False
    closed = line.find(")", stop.end())
    return "(" not in line[stop.end() : closed if closed >= 0 else None]


def is_spurious(before: str, after: str, words: Words) -> bool:
    """Whether a full stop between them ends no sentence."""
    if ENUMERATION.search(before):
        return True
    ending, following = last_words(before), first_word(after)
    word = ending[-1] if ending else ""
    is_no_beginning = following != "" and (following[0].islower() or not following[0].isalpha() or len(following) == 1)
    if word and is_no_beginning and words.abbreviation(word):
        return True
    if following[:1].isdigit() and WHOLE_NUMBER.search(before) and DIGITS_BEHIND.match(after):
        return not ONLY_A_NUMBER.match(before)
    if PART_OF_A_NUMBER.search(before) and DIGITS_BEHIND.match(after):
        return True
    if word and words.numbered(word) and NUMBER_OF_A_THING.match(after):
        return True
    if not following:
        return False
    if ending and words.never_ends(ending) and not ANSWER.search(before):
        return True
    if ending and words.belong_together(word, following.lower()):
        return True
    return following[0].isalpha() and words.goes_on_with(following)
