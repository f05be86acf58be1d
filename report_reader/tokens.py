"""Floor 4: a sentence as tokens. One lexicon says what a word or a row of words stands for; the longest entry wins. What the
lexicon does not hold stays a word of no kind that is marked as unknown; a rule has to step over it, and a guard may ask about it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

WORD, NUMBER, CODE, UNIT = "WORD", "NUMBER", "CODE", "UNIT"
UNKNOWN = "?"
"""Value of a word that no lexicon holds, not even as one that changes nothing."""
CODED = r"(?P<CODE>(?!(?<=\d)[xX]\d)[^\W\d_]{1,4}\d{1,3}[a-z]?(?![^\W_]|[.,]\d))"
"""'A4', 'S8'; not the 'x30' of '45x30 mm'."""
NUMBERED = r"(?P<NUMBER>\d+(?:[.,]\d+)*)"
SIGNED = r"(?P<SIGN>[<>]=?|=[<>]|\+/-|->|[^\w\s])"
REFERENCE = r"(?P<REFERENCE>(?<![\w.,/-])[^\W\d_]{1,4}-?\d{0,4}[-/]\d{4,8}(?![\w%]|[.,]\d|-\d))"
"""The number of a report: 'S19-12345', 'H-4093'."""
PIECE = re.compile(f"{REFERENCE}|{CODED}|{NUMBERED}|(?P<WORD>[^\\W\\d_]+)|{SIGNED}")
SIGNS = {
    ",": "COMMA", ";": "SEMICOLON", "(": "OPEN", ")": "CLOSE", "[": "OPEN", "]": "CLOSE", ":": "COLON", "=": "COLON",
    "-": "HYPHEN", "/": "SLASH", "+": "PLUS", "%": "PERCENT", "?": "QUESTION", "#": "HASH", '"': "QUOTE", "'": "QUOTE",
    "~": "ABOUT", "&": "AND", ".": "DOT", "<": "LESS", "<=": "AT_MOST", "=<": "AT_MOST", ">": "MORE", ">=": "AT_LEAST",
    "=>": "AT_LEAST", "+/-": "PLUS_MINUS",
}  # fmt: skip


@dataclass(slots=True)
class Token:
    """A piece of a sentence: its kind, where it stands in the cleaned text, and what it is worth."""

    kind: str
    start: int
    end: int
    text: str
    value: str = ""
    language: str = ""
    measure: object = None


@dataclass(slots=True)
class _Node:
    kind: str = ""
    value: str = ""
    language: str = ""
    next: dict[str, _Node] = field(default_factory=dict)


class UnreadableLexicon(ValueError):
    """A row of the lexicon cannot be used; the message names file and row."""


class Lexicon:
    """Terms, each of one or more words; a word that ends in * stands for every word that begins so."""

    def __init__(self) -> None:
        self._root = _Node()
        self._stems: set[str] = set()
        self._words: set[str] = set()
        self._known: dict[str, tuple[str, ...]] = {}

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
        node = self._root
        for piece in PIECE.finditer(term.lower().replace("-", " ").replace("*", "\x00")):
            word = piece.group()
            if word == "\x00":
                continue
            if term.lower()[piece.end() : piece.end() + 1] == "*":
                word += "*"
                self._stems.add(word[:-1])
            else:
                self._words.add(word)
            node = node.next.setdefault(word, _Node())
        if node.kind and (node.kind, node.value) != (kind, value):
            raise ValueError(f"{term!r} is {node.kind} {node.value} already, not {kind} {value}")
        # a word of several languages ('positive') tells of none but English
        node.kind, node.value = kind, value
        node.language = "en" if "en" in (node.language, language) else language
        self._known.clear()

    def knows(self, word: str) -> bool:
        """Whether the word (lower case) stands in any term."""
        return len(self._keys(word)) > 0

    def _keys(self, word: str) -> tuple[str, ...]:
        """The word itself and the stems it begins with, the longest first, as far as terms hold them."""
        keys = self._known.get(word)
        if keys is None:
            keys = (word,) if word in self._words else ()
            keys += tuple(f"{word[:n]}*" for n in range(len(word), 1, -1) if word[:n] in self._stems)
            if len(self._known) < 200_000:
                self._known[word] = keys
        return keys

    def longest(self, words: list[str], at: int) -> tuple[int, _Node] | None:
        """How many words from `at` the longest term takes, and what it stands for."""
        best = None
        branches = [(self._root, at)]
        while branches:
            node, place = branches.pop()
            if node.kind and (best is None or place - at > best[0]):
                best = (place - at, node)
            if place < len(words) and node.next:
                branches.extend(
                    (node.next[key], place + 1) for key in reversed(self._keys(words[place])) if key in node.next
                )
        return best


def tokens_of(text: str, lexicon: Lexicon, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of text[start:end]; a hyphen between two letters is no token."""
    pieces = [
        (match.lastgroup or WORD, match.start(), match.end(), match.group().lower())
        for match in PIECE.finditer(text, start, len(text) if end is None else end)
    ]
    pieces = [piece for at, piece in enumerate(pieces) if not _is_inner_hyphen(pieces, at)]
    words = [piece[3] for piece in pieces]
    tokens: list[Token] = []
    at = 0
    while at < len(pieces):
        kind, first, last, word = pieces[at]
        found = lexicon.longest(words, at)
        if found:
            taken, node = found
            if word == "a" and taken == 1 and _is_letter(text, pieces, at, start, end):
                tokens.append(Token("LETTER", first, last, word))
                at += 1
                continue
            last = pieces[at + taken - 1][2]
            tokens.append(Token(node.kind, first, last, text[first:last].lower(), node.value, node.language))
            at += taken
            continue
        if kind == "REFERENCE":
            at += 1
            continue
        if kind == "SIGN":
            kind = SIGNS.get(word, "OTHER_SIGN")
        tokens.append(Token(kind, first, last, word, UNKNOWN if kind == WORD and len(word) > 1 else ""))
        at += 1
    return tokens


def _is_inner_hyphen(pieces: list[tuple[str, int, int, str]], at: int) -> bool:
    kind, first, last, word = pieces[at]
    if word not in "-'" or at == 0 or at + 1 == len(pieces):
        return False
    before, after = pieces[at - 1], pieces[at + 1]
    return before[2] == first and after[1] == last and before[3][-1].isalnum() and after[3][0].isalpha()


def _is_letter(text: str, pieces: list[tuple[str, int, int, str]], at: int, start: int, end: int | None) -> bool:
    """Whether a capital A is the letter (of a specimen, of a lesion) and no article."""
    first = pieces[at][1]
    if text[first] != "A":
        return False
    behind = pieces[at + 1][3] if at + 1 < len(pieces) else "."
    if behind in ".):,-;&(" or at and behind in ("and", "is", "was", "has", "with", "shows"):
        return True
    if at == 0:
        return False
    if not text[start:end].isupper():
        return True
    return (
        re.search(rf"\b{re.escape(pieces[at - 1][3])} [B-H]\b", text[start:end], re.I) is not None
    )  # 'SPECIMEN A ... SPECIMEN B'
