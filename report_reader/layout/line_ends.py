"""Line ends: whether a statement goes on in the line below."""

from __future__ import annotations

import re

from report_reader.layout.check_boxes import BOX
from report_reader.layout.full_stops import ANSWER, is_spurious
from report_reader.layout.labels import (
    BULLET,
    LABEL_AND_VALUE,
    LABEL_LINE,
    LETTERED_LINE,
    NUMBERED_LABEL,
    NUMBERED_LINE,
)
from report_reader.layout.words import Words, first_word, last_words

LOWER_LABEL = re.compile(r"[ \t]*[a-z]")
SENTENCE_ENDS = re.compile(r"[.;]\s")
LETTER_OF_A_THING = re.compile(r"[B-H][ ,)]|A(?:[,)]| is )")
LONG_LINE = 20
"""A line in capitals goes on in the next one where it is longer than this."""


def goes_on_behind_blank_lines(line: str, following: str, words: Words) -> bool:
    """Whether a statement that a page's end or an empty line tore goes on: its end is none, or what follows is no beginning."""
    before, after = line.rstrip(), following.strip()
    if before.endswith((".", ":", ";", "!", "?")) or LABEL_LINE.match(line):
        return False
    if any(own.match(following) for own in (BULLET, LABEL_LINE, LABEL_AND_VALUE)):
        return False
    if before.endswith((",", "<", ">", "=")):
        return True
    ending, next_word = last_words(before), first_word(after)
    if ending and (words.never_ends(ending) or (words.numbered(ending[-1]) and after[0].isdigit())):
        return True
    return next_word[:1].isalpha() and words.goes_on_with(next_word)


def goes_on(line: str, following: str, words: Words) -> bool:
    """Whether a statement goes on in the following line."""
    before, after = line.rstrip(), following.strip()
    if not before or not after:
        return False
    if before.endswith(":"):
        return not any(own.match(following) for own in (LABEL_LINE, LABEL_AND_VALUE, LETTERED_LINE))
    if _closes_bracket(before, after):
        return True
    if BULLET.match(following) and not after[0].isdigit():
        return False
    if after.startswith("(") and not before.endswith((".", ";", "!", "?")) and not BOX.match(after):
        return True
    if NUMBERED_LINE.match(following) or (NUMBERED_LABEL.match(following) and not before.endswith((",", ":"))):
        return False
    if before.endswith((".", "!")):
        return not after[0].isupper() and is_spurious(before.rstrip("."), " " + after, words)
    return not before.endswith(";") and _goes_on_in_words(line, following, words)


def _closes_bracket(before: str, after: str) -> bool:
    """Whether the line above opens a bracket that the line below closes."""
    is_open = before.rfind("(") > before.rfind(")")
    return is_open and 0 <= after.find(")") < (after.find("(") % (len(after) + 1))


def _goes_on_in_words(line: str, following: str, words: Words) -> bool:
    """The same, by the words at the end and the beginning: no sign tells."""
    before, after = line.rstrip(), following.strip()
    next_word = first_word(after) or after[:1]
    ending = [] if ANSWER.search(before) else last_words(before)
    is_unfinished = bool(ending) and words.never_ends(ending)
    if ending and words.belong_together(ending[-1], next_word.lower()):
        return True
    if ending and words.numbered(ending[-1]) and LETTER_OF_A_THING.match(after):
        return True
    if LABEL_AND_VALUE.match(following) and not is_unfinished:
        return bool(LOWER_LABEL.match(following)) and ":" not in SENTENCE_ENDS.split(before)[-1]
    if before.endswith(",") or is_unfinished or words.never_begins(next_word.lower()):
        return True
    if next_word.islower() and not LABEL_LINE.match(line):
        return True
    return not next_word[:1].isalpha() or (before.isupper() and after.isupper() and len(before) > LONG_LINE)
