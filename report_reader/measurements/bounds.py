"""Bounds before and behind a length: 'less than 4 mm', '4 mm or more', 'more than 1 mm but less than 5 mm'."""

from __future__ import annotations

from report_reader.measurements.lengths import COMPARATORS, DAMAGED, LENGTH, Length, are_glued, kind_at, put_together
from report_reader.tokens import Token

SHOWN = {"<": "BELOW", "<=": "BELOW", ">": "ABOVE", ">=": "ABOVE", "?": DAMAGED}


def with_bounds_shown(tokens: list[Token]) -> list[Token]:
    """Lengths that are a bound as kinds of their own: BELOW and ABOVE; contradictory ones are DAMAGED."""
    return [
        token.of_kind(SHOWN[token.measure.comparator])
        if token.kind == LENGTH and isinstance(token.measure, Length) and token.measure.comparator in SHOWN
        else token
        for token in tokens
    ]


def bounded(tokens: list[Token]) -> list[Token]:
    """Bounds before ('less than 4 mm') and behind ('4 mm or more', '10+ mm') a length."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind != LENGTH or not isinstance(token.measure, Length):
            result.append(token)
            at += 1
            continue
        length, first = token.measure, token
        while (
            result
            and result[-1].kind in ("ABOUT", "A", "OF")
            and (result[-1].kind == "ABOUT" or kind_at(result, len(result) - 2) in COMPARATORS)
        ):
            first = result.pop()
        signs = []
        while result and result[-1].kind in COMPARATORS:
            first = result.pop()
            signs.insert(0, COMPARATORS[first.kind])
        if signs:
            length = _with_sign(length, signs[-1] if len(set(signs)) == 1 else "?")
        taken, behind = _sign_behind(tokens, at + 1)
        last = tokens[at + taken]
        if behind:
            length = _with_sign(length, behind)
        result.append(Token(LENGTH, first.start, last.end, token.text, measure=length))
        at += 1 + taken
        _two_bounds(result)
    return result


def _with_sign(length: Length, sign: str) -> Length:
    if length.comparator == "-" and sign in (">", ">=") or not length.comparator:
        return Length(sign, length.mm, length.up_to_mm if length.comparator else None)
    if length.comparator == "-" and sign in ("<", "<="):
        return Length(sign, length.up_to_mm or length.mm)
    return length if length.comparator == sign else Length("?", length.mm)


def _sign_behind(tokens: list[Token], at: int) -> tuple[int, str]:
    kind = kind_at(tokens, at)
    if kind == "OR_MORE":
        return 1, ">="
    if kind == "OR_LESS":
        return 1, "<="
    if kind == "PLUS" and are_glued(tokens[at - 1], tokens[at]):
        return 1, ">="
    if kind == "PLUS_MINUS":
        return 1, "?"
    return 0, ""


def _two_bounds(result: list[Token]) -> None:
    """'more than 1 mm but less than 5 mm' is a range."""
    if len(result) < 2 or not isinstance(result[-1].measure, Length):
        return
    link = 1 if result[-2].kind in ("AND", "BUT", "COMMA", "TO") else 0
    if link and len(result) >= 4 and result[-2].kind in ("AND", "BUT") and result[-3].kind == "COMMA":
        link = 2
    if len(result) < 2 + link:
        return
    other = result[-2 - link]
    one, two = other.measure, result[-1].measure
    if other.kind != LENGTH or not isinstance(one, Length):
        return
    low, high = (one, two) if one.comparator in (">", ">=") else (two, one)
    if low.comparator not in (">", ">=") or high.comparator not in ("<", "<=") or not low.mm <= high.mm or low.up_to_mm:
        return
    merged = put_together(
        [other, result[-1]], LENGTH, Length(low.comparator, low.mm, high.mm - (1e-6 if high.comparator == "<" else 0))
    )
    del result[-2 - link :]
    result.append(merged)
