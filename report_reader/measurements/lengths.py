"""What a length is, and what every part of the grammar asks of tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from report_reader.tokens import Token

LENGTH, DIMENSIONS, DAMAGED = "LENGTH", "DIMENSIONS", "DAMAGED"
WELL_FORMED = re.compile(r"(?:0|[1-9]\d{0,2})(?:[.,]\d{1,3})?")
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[, ]\d{3})+|[1-9]\d{3,5}")
DIGITS_AND_LOOKALIKES = re.compile(r"(?=.*[lio|])[\dlio|]{1,4}")
LOOKALIKE = re.compile(r"[liozsb|]{1,3}")
COMPARATORS = {
    "LESS": "<", "UNDER": "<", "HEDGE": "<", "NOT_REACH": "<", "AT_MOST": "<=", "UP_TO": "<=", "MORE": ">", "OVER": ">", "AT_LEAST": ">=",
}  # fmt: skip
SMALL_UNIT = 0.001
BEFORE_A_LEADING_POINT = frozenset("(:<>=[")


@dataclass(frozen=True, slots=True)
class Length:
    """A length in mm: its comparator ('' for the length itself, '-' for a range), the number, and the upper end of a range."""

    comparator: str
    mm: float
    up_to_mm: float | None = None


def are_glued(left: Token, right: Token) -> bool:
    """Whether nothing stands between them."""
    return left.end == right.start


def is_near(left: Token, right: Token) -> bool:
    """Whether at most two characters stand between them."""
    return right.start - left.end <= 2


def put_together(tokens: list[Token], kind: str, measure: object = None) -> Token:
    """One token of several that follow each other, with the value of the first."""
    text = " ".join(token.text for token in tokens)
    return Token(kind, tokens[0].start, tokens[-1].end, text, tokens[0].value, "", measure)


def kind_at(tokens: list[Token], at: int) -> str:
    """The kind of the token at a place; '' outside of the sentence."""
    return tokens[at].kind if 0 <= at < len(tokens) else ""
