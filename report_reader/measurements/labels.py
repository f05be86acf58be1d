"""Units that stand in a label, before their numbers: 'Margin (mm): 4'."""

from __future__ import annotations

from dataclasses import replace

from report_reader.measurements.in_digits import value_of
from report_reader.measurements.lengths import COMPARATORS, DAMAGED, LENGTH, LOOKALIKE, Length, are_glued, kind_at
from report_reader.measurements.words import LengthWords
from report_reader.tokens import Token

BEFORE_THE_UNIT = frozenset({"IN", "AT", "OPEN", "COMMA", "COLON", "AND", "BY"})
BETWEEN_NUMBERS = frozenset({"COMMA", "AND", "SEMICOLON", "SLASH"})


def units_of_labels(tokens: list[Token], words: LengthWords) -> list[Token]:
    """'Margin (mm): 4', 'distance in cm 0.4', 'Margin, cm: 0.7', 'in mm: 14, 6, 0.5': the unit stands before its numbers."""
    result = list(tokens)
    for at, token in enumerate(tokens):
        if token.kind != "UNIT" or kind_at(tokens, at - 1) in ("NUMBER", "CODE", "COUNT", "FRACTION", "HYPHEN", "A"):
            continue
        place = _first_of_label(tokens, at, words)
        if place is None:
            if kind_at(tokens, at + 1) in ("CLOSE", "COLON"):
                result[at] = replace(token, kind="UNIT_LABEL")
            continue
        result[at] = replace(token, kind="UNIT_LABEL")
        unit_mm = float(token.value)
        while place is not None and place < len(tokens):
            result[place] = _labelled_number(tokens, place, unit_mm, token.value)
            following = _next_of_label(tokens, place, words)
            if following is not None and tokens[place + 1].text == "|":
                result[place + 1] = replace(tokens[place + 1], kind="COMMA")
            place = following
    return result


def _first_of_label(tokens: list[Token], at: int, words: LengthWords) -> int | None:
    """Where the first number of a label's unit stands: at once, or behind a colon that ends the label."""
    place = at + 1
    while kind_at(tokens, place) in ("CLOSE", "COLON", "HYPHEN", "IS", *COMPARATORS, "ABOUT"):
        place += 1
    before = kind_at(tokens, at - 1)
    is_led = place > at + 1 or before in BEFORE_THE_UNIT or before in words.leading
    if not (is_led and _may_be_number(tokens, place)):
        colon = next(
            (
                p
                for p in range(at + 1, min(at + 11, len(tokens)))
                if tokens[p].kind in ("COLON", "NUMBER", "UNIT", "DOT")
            ),
            None,
        )
        if colon is None or (tokens[colon].kind != "COLON" and not (tokens[colon].kind == "NUMBER" and is_led)):
            return None
        if tokens[colon].kind == "NUMBER" and kind_at(tokens, colon + 1) == "COLON":
            colon += 1  # 'Margins (mm) of nodules 1 to 4: 12, 9, 3, 20'
        place = colon + 1 if tokens[colon].kind == "COLON" else colon
        while kind_at(tokens, place) in (*COMPARATORS, "ABOUT"):
            place += 1
        if place == colon + 1 and is_led and kind_at(tokens, place) not in ("NUMBER", "CODE"):
            ahead = next(
                (p for p in range(place, min(place + 5, len(tokens))) if tokens[p].kind in ("NUMBER", "UNIT", "DOT")),
                None,
            )
            place = ahead if ahead is not None and tokens[ahead].kind == "NUMBER" else place
    return (
        place
        if _may_be_number(tokens, place) and kind_at(tokens, place + 1) not in ("UNIT", "PERCENT", "TIMES")
        else None
    )


def _may_be_number(tokens: list[Token], at: int) -> bool:
    return kind_at(tokens, at) in ("NUMBER", "CODE") or (
        at < len(tokens) and LOOKALIKE.fullmatch(tokens[at].text) is not None
    )


def _labelled_number(tokens: list[Token], at: int, unit_mm: float, unit: str) -> Token:
    value = value_of(tokens[at], unit_mm) if tokens[at].kind == "NUMBER" else None
    sign = kind_at(tokens, at + 1)
    is_before_number = (
        sign in ("DOT", "COMMA") and kind_at(tokens, at + 2) == "NUMBER" and are_glued(tokens[at], tokens[at + 1])
    )
    is_cut = is_before_number and (sign == "DOT" or tokens[at].text == "0")
    is_glued = (
        at + 1 < len(tokens)
        and are_glued(tokens[at], tokens[at + 1])
        and tokens[at + 1].kind in ("WORD", "CODE", "A", "LETTER")
    )
    if value is None or is_cut or is_glued or kind_at(tokens, at + 1) in ("NUMBER", "CODE"):
        return replace(tokens[at], kind=DAMAGED)
    return replace(tokens[at], kind=LENGTH, value=unit, measure=Length("", value * unit_mm))


def _next_of_label(tokens: list[Token], at: int, words: LengthWords) -> int | None:
    """The next number of the list: after a comma, 'and', and a few words ('parenchymal 0.8, vascular 6')."""
    behind = kind_at(tokens, at + 1)
    is_list = behind in BETWEEN_NUMBERS or behind in words.listing
    if not is_list and not (at + 1 < len(tokens) and tokens[at + 1].text == "|"):
        return None
    for place in range(at + 2, min(at + 6, len(tokens))):
        if tokens[place].kind == "NUMBER":
            return place if kind_at(tokens, place + 1) not in ("UNIT", "PERCENT", "TIMES", "COUNT") else None
        if tokens[place].kind in ("UNIT", "DOT", "COLON"):
            return None
    return None
