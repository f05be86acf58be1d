"""Floor 4: a sentence as tokens, each of the kind that the lexicon says. What it does not hold stays a word of no kind that is marked
as unknown; a rule has to step over it, and a guard may ask about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from report_reader.lexicon import PIECE, Lexicon

WORD, NUMBER, CODE, UNIT = "WORD", "NUMBER", "CODE", "UNIT"
UNKNOWN = "?"
"""Value of a word that no lexicon holds, not even as one that changes nothing."""
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

    def of_kind(self, kind: str) -> Token:
        """The same token of another kind."""
        # not dataclasses.replace, which takes five times as long
        return Token(kind, self.start, self.end, self.text, self.value, self.language, self.measure)


Piece = tuple[str, int, int, str]
"""A word, number, sign ... of a text: its kind, start and end, and itself in lower case. No class: a reading makes millions."""


def tokens_of(text: str, lexicon: Lexicon, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of text[start:end]; a hyphen between two letters is no token."""
    pieces = _pieces(text, start, len(text) if end is None else end)
    words = [piece[3] for piece in pieces]
    tokens: list[Token] = []
    at = 0
    while at < len(pieces):
        kind, first, last, word = pieces[at]
        found = lexicon.longest(words, at)
        if found:
            taken, entry = found
            if word == "a" and taken == 1 and _is_letter(text, pieces, at, start, end):
                tokens.append(Token("LETTER", first, last, word))
                at += 1
                continue
            if taken > 1:
                last = pieces[at + taken - 1][2]
                word = text[first:last].lower()
            tokens.append(Token(entry.kind, first, last, word, entry.value, entry.language))
            at += taken
            continue
        at += 1
        if kind == "REFERENCE":
            continue
        if kind == "SIGN":
            kind = SIGNS.get(word, "OTHER_SIGN")
        tokens.append(Token(kind, first, last, word, UNKNOWN if kind == WORD and len(word) > 1 else ""))
    return tokens


def _pieces(text: str, start: int, end: int) -> list[Piece]:
    pieces = [
        (match.lastgroup or WORD, *match.span(), match.group().lower()) for match in PIECE.finditer(text, start, end)
    ]
    if text.find("-", start, end) < 0 and text.find("'", start, end) < 0:
        return pieces
    return [piece for at, piece in enumerate(pieces) if not _is_inner_hyphen(pieces, at)]


def _is_inner_hyphen(pieces: list[Piece], at: int) -> bool:
    _, first, last, word = pieces[at]
    if word not in "-'" or at == 0 or at + 1 == len(pieces):
        return False
    before, after = pieces[at - 1], pieces[at + 1]
    return before[2] == first and after[1] == last and before[3][-1].isalnum() and after[3][0].isalpha()


def _is_letter(text: str, pieces: list[Piece], at: int, start: int, end: int | None) -> bool:
    """Whether an A is the letter (of a specimen, of a lesion, of a segment) and no article."""
    first = pieces[at][1]
    if text[first] != "A":
        return first > start and text[first - 1].isdigit()  # 'segment 4a'
    behind = pieces[at + 1][3] if at + 1 < len(pieces) else "."
    if behind in ".):,-;&(" or at and behind in ("and", "is", "was", "has", "with", "shows"):
        return True
    if at == 0:
        return False
    if not text[start:end].isupper():
        return True
    another = rf"\b{re.escape(pieces[at - 1][3])} [B-H]\b"
    return re.search(another, text[start:end], re.I) is not None  # 'SPECIMEN A ... SPECIMEN B'
