"""Floor 4, the lexicon: what a word or a row of words stands for; the longest entry wins."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

CODED = r"(?P<CODE>(?!(?<=\d)[xX]\d)[^\W\d_]{1,4}+\d{1,3}[a-z]?(?![^\W_]|[.,]\d))"
"""'A4', 'S8'; not the 'x30' of '45x30 mm'."""
NUMBERED = r"(?P<NUMBER>\d+(?:[.,]\d+)*)"
SIGNED = r"(?P<SIGN>[<>]=?|=[<>]|\+/-|->|[^\w\s])"
REFERENCE = r"(?P<REFERENCE>(?<![\w.,/-])[^\W\d_]{1,4}+-?\d{0,4}[-/]\d{4,8}(?![\w%]|[.,]\d|-\d))"
"""The number of a report: 'S19-12345', 'H-4093'."""
PIECE = re.compile(f"{REFERENCE}|{CODED}|{NUMBERED}|(?P<WORD>[^\\W\\d_]+)|{SIGNED}")
MOST_REMEMBERED = 200_000


@dataclass(slots=True)
class Entry:
    """What a term stands for (kind '': only longer ones begin so), and what may follow."""

    kind: str = ""
    value: str = ""
    language: str = ""
    next: dict[str, Entry] = field(default_factory=dict)


class UnreadableLexicon(ValueError):
    """A row of the lexicon cannot be used; the message names file and row."""


class Lexicon:
    """Terms, each of one or more words; a word that ends in * stands for every word that begins so."""

    def __init__(self) -> None:
        self._root = Entry()
        self._stems: set[str] = set()
        self._stems_in_digits: list[str] = []
        self._words: set[str] = set()
        self._known: dict[str, tuple[str, ...]] = {}
        self._first: dict[str, list[Entry]] = {}

    @classmethod
    def from_files(cls, *paths: Path) -> Lexicon:
        """Read CSV files with columns terms (divided by |), kind, value, language, example.

        Raises:
            UnreadableLexicon: a row without terms or kind, or a term that stands twice for different things.
        """
        lexicon = cls()
        for path in paths:
            with path.open(encoding="utf-8", newline="") as file:
                for number, row in enumerate(csv.DictReader(file), start=2):
                    if not row.get("terms") or not row.get("kind"):
                        raise UnreadableLexicon(f"{path.name}:{number}: a row needs terms and a kind")
                    for term in row["terms"].split("|"):
                        try:
                            lexicon.add(term.strip(), row["kind"], row.get("value") or "", row.get("language") or "en")
                        except ValueError as error:
                            raise UnreadableLexicon(f"{path.name}:{number}: {error}") from error
        return lexicon

    def add(self, term: str, kind: str, value: str = "", language: str = "en") -> None:
        """One term; hyphens count as blanks.

        Raises:
            ValueError: the term stands for another kind already.
        """
        entry = self._root
        for piece in PIECE.finditer(term.lower().replace("-", " ").replace("*", "\x00")):
            word = piece.group()
            if word == "\x00":
                continue
            if term.lower()[piece.end() : piece.end() + 1] == "*":
                word += "*"
                self._stems.add(word[:-1])
                if word[0].isdigit():
                    self._stems_in_digits.append(word[:-1])
            else:
                self._words.add(word)
            entry = entry.next.setdefault(word, Entry())
        if entry.kind and (entry.kind, entry.value) != (kind, value):
            raise ValueError(f"{term!r} is {entry.kind} {entry.value} already, not {kind} {value}")
        # a word of several languages ('positive') tells of none but English
        entry.kind, entry.value = kind, value
        entry.language = "en" if "en" in (entry.language, language) else language
        self._known.clear()
        self._first.clear()

    def knows(self, word: str) -> bool:
        """Whether the word (lower case) stands in any term."""
        return len(self._keys(word)) > 0

    def knows_number(self, number: str) -> bool:
        """Whether the number stands in any term: 'version 2'. Not remembered, for there are many."""
        return number in self._words or any(number.startswith(stem) for stem in self._stems_in_digits)

    def _keys(self, word: str) -> tuple[str, ...]:
        """The word itself and the stems it begins with, the longest first, as far as terms hold them."""
        keys = self._known.get(word)
        if keys is None:
            keys = (word,) if word in self._words else ()
            keys += tuple(f"{word[:n]}*" for n in range(len(word), 1, -1) if word[:n] in self._stems)
            if len(self._known) < MOST_REMEMBERED:
                self._known[word] = keys
        return keys

    def _below(self, entry: Entry, word: str) -> list[Entry]:
        """What goes on with the word, the nearest last."""
        following = entry.next
        return [following[key] for key in reversed(self._keys(word)) if key in following]

    def longest(self, words: list[str], at: int) -> tuple[int, Entry] | None:
        """How many words from `at` the longest term takes, and what it stands for."""
        word = words[at]
        beginning = self._first.get(word)
        if beginning is None:
            beginning = self._below(self._root, word)
            if len(self._first) < MOST_REMEMBERED:
                self._first[word] = beginning
        if not beginning:
            return None
        if len(beginning) == 1 and not beginning[0].next:
            return 1, beginning[0]
        best = None
        branches = [(entry, at + 1) for entry in beginning]
        while branches:
            entry, place = branches.pop()
            if entry.kind and (best is None or place - at > best[0]):
                best = (place - at, entry)
            if entry.next and place < len(words):
                branches.extend((below, place + 1) for below in self._below(entry, words[place]))
        return best
