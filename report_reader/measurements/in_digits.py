"""Numbers in digits with their fractions ('1 1/2', '.8'), and what a number is worth before a unit."""

from __future__ import annotations

import re

from report_reader.measurements.lengths import (
    DIGITS_AND_LOOKALIKES,
    SMALL_UNIT,
    THOUSANDS,
    WELL_FORMED,
    are_glued,
    kind_at,
    put_together,
)
from report_reader.tokens import Token


def plain_numbers(tokens: list[Token]) -> list[Token]:
    """Numbers with their fraction ('1 1/2', '1/2', '.8'), and what only looks like one."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "NUMBER" and token.measure is None:
            half = _fraction_in_digits(tokens, at)
            if half:
                result.append(put_together(tokens[at : at + half[0]], "NUMBER", half[1]))
                at += half[0]
                continue
            if _is_behind_leading_dot(result, token):
                dot = result.pop()
                is_split = bool(result) and (
                    result[-1].kind == "NUMBER" or DIGITS_AND_LOOKALIKES.fullmatch(result[-1].text) is not None
                )
                value = "?" if is_split else float(f"0.{token.text}")
                result.append(Token("NUMBER", dot.start, token.end, f".{token.text}", measure=value))
                at += 1
                continue
        result.append(token)
        at += 1
    return result


def _is_behind_leading_dot(before: list[Token], number: Token) -> bool:
    """Whether it is the '8' of '.8'."""
    if not before or before[-1].kind != "DOT" or not are_glued(before[-1], number) or not number.text.isdigit():
        return False
    if len(before) == 1 or not are_glued(before[-2], before[-1]):
        return True
    return before[-2].kind not in ("NUMBER", "CODE", "WORD", "LETTER", "ROMAN")


def _fraction_in_digits(tokens: list[Token], at: int) -> tuple[int, float] | None:
    texts = [token.text for token in tokens[at : at + 4]]
    is_mixed = (
        len(texts) == 4 and texts[2] == "/" and texts[1].isdigit() and texts[3] in ("2", "4") and texts[0].isdigit()
    )
    if is_mixed and not are_glued(tokens[at], tokens[at + 1]):
        return 4, int(texts[0]) + int(texts[1]) / int(texts[3])
    if (
        len(texts) >= 3
        and texts[1] == "/"
        and texts[0] in ("1", "3")
        and texts[2] in ("2", "4")
        and kind_at(tokens, at + 3) in ("UNIT", "OF", "A")
    ):
        return 3, int(texts[0]) / int(texts[2])
    return None


def value_of(token: Token, unit_mm: float) -> float | None:
    """The number of a token before a unit of so many mm; None where it is not wholly understood."""
    if isinstance(token.measure, float):
        return token.measure
    if token.measure is not None:
        return None
    text = token.text
    if unit_mm <= SMALL_UNIT and THOUSANDS.fullmatch(text):
        return float(re.sub("[, ]", "", text))
    if WELL_FORMED.fullmatch(text):
        return float(text.replace(",", "."))
    return None
