"""What the layout asks about words, and the words at the end and the beginning of a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

FIRST_WORD = re.compile(r"[ \t]*[(\"'\[]?([A-Za-z]+|[<>=~]*\s?[\d.,]*\d|[<>=~]+|[+-]ve)")
LAST_WORDS = re.compile(r"(?:[^\W\d_]+[ \t]+){0,3}(?:[^\W\d_]+|[<>=]+)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Words:
    """What the layout asks about words (lower case)."""

    never_ends: Callable[[list[str]], bool]
    """A sentence cannot end with these: 'of', 'less than'."""
    never_begins: Callable[[str], bool]
    """A sentence cannot begin with it: 'from'."""
    belong_together: Callable[[str, str], bool]
    """Two words that are one term: 'royal', 'college'."""
    numbered: Callable[[str], bool]
    """A number or a letter belongs to it: 'lesion'."""
    answer: Callable[[list[str]], bool]
    """The words are one of the answers of a form: 'cannot be assessed'."""
    abbreviation: Callable[[str], bool]
    """A full stop behind it ends no sentence: 'approx'."""
    known_number: Callable[[str], bool]
    """A number that stands in a term: 'version 2'."""
    case_tells: bool = True
    """The text has capitals: a small letter begins no sentence."""

    def without_case(self) -> Words:
        """The same of a text that has no capitals."""
        return replace(self, case_tells=False)

    def goes_on_with(self, word: str) -> bool:
        """Whether no sentence begins with the word, as it is written ('mCRC' and 'ypT3' may begin one)."""
        return self.never_begins(word.lower()) or (self.case_tells and word.islower())


def last_words(before: str) -> list[str]:
    """The last words of a line, four at most, in lower case."""
    found = LAST_WORDS.search(before)
    return found.group().lower().split() if found else []


def first_word(after: str) -> str:
    """The first word, number or sign of a line, as it is written; '' where it begins with none."""
    found = FIRST_WORD.match(after)
    return found.group(1) if found else ""
