"""Each unit with the number, or the list of numbers, before it."""

from __future__ import annotations

import re
from dataclasses import replace

from report_reader.measurements.in_digits import value_of
from report_reader.measurements.lengths import (
    BEFORE_A_LEADING_POINT,
    DAMAGED,
    DIGITS_AND_LOOKALIKES,
    LENGTH,
    LOOKALIKE,
    SMALL_UNIT,
    THOUSANDS,
    Length,
    are_glued,
    is_near,
    kind_at,
    put_together,
)
from report_reader.measurements.words import LengthWords
from report_reader.tokens import Token

BEFORE_A_UNIT = frozenset(
    {
        "COLON",
        "COMMA",
        "OPEN",
        "AT",
        "OF",
        "TO",
        "IS",
        "BE",
        "ABOUT",
        "LESS",
        "MORE",
        "AWAY",
    }
)
LETTERS_FOR_DIGITS = frozenset({"l", "o", "i", "q", "|"})
BEFORE_A_NUMBER = frozenset({"COMMA", "SLASH", "BY", "LIES", "IS", "OF", "COLON", "OPEN"})
BEHIND_A_NUMBER = frozenset({"", "DOT", "COMMA", "CLOSE", "SEMICOLON", "FROM"})


def units_behind_numbers(tokens: list[Token], words: LengthWords) -> list[Token]:
    """'distance: mm 2' and '(cm 1,2)' with the number before its unit, where nothing beside them may be a part of the number."""
    result = list(tokens)
    for at, (unit, number) in enumerate(zip(tokens, tokens[1:], strict=False)):
        if unit.kind != "UNIT" or number.kind != "NUMBER" or are_glued(unit, number):
            continue
        behind = kind_at(tokens, at + 2)
        is_alone = behind in BEHIND_A_NUMBER and kind_at(tokens, at + 3) not in ("NUMBER", "CODE", "WORD", "UNIT")
        before = kind_at(tokens, at - 1)
        if is_alone and (before in BEFORE_A_UNIT or before in words.leading):
            result[at], result[at + 1] = number, unit
    return result


def lengths(tokens: list[Token], words: LengthWords) -> list[Token]:
    """Each unit with the number (or the list of numbers) before it."""
    result: list[Token] = []
    for token in tokens:
        if token.kind != "UNIT":
            result.append(token)
            continue
        unit_mm = float(token.value)
        hyphen = (
            result.pop()
            if result and result[-1].kind == "HYPHEN" and len(result) > 1 and result[-2].kind == "NUMBER"
            else None
        )
        if not result or result[-1].kind != "NUMBER":
            if hyphen:
                result.append(hyphen)
            _unit_without_number(result, token)
            continue
        number = result.pop()
        if (
            unit_mm <= SMALL_UNIT
            and result
            and result[-1].kind == "NUMBER"
            and THOUSANDS.fullmatch(f"{result[-1].text} {number.text}")
        ):
            whole = result.pop()
            number = replace(put_together([whole, number], "NUMBER"), text=f"{whole.text},{number.text}")
        length = _length_of(result, number, token, unit_mm)
        result.append(length)
        if length.kind == LENGTH:
            _share_unit(result, token, unit_mm, words)
    return result


def _length_of(before: list[Token], number: Token, unit: Token, unit_mm: float) -> Token:
    value = value_of(number, unit_mm)
    if value is None or is_broken_off(before, number, unit_mm):
        damaged = [number, unit]
        while (
            before
            and (before[-1].kind in ("NUMBER", "DOT", "CODE", "PLUS_MINUS") or LOOKALIKE.fullmatch(before[-1].text))
            and is_near(before[-1], damaged[0])
        ):
            damaged.insert(0, before.pop())
        return put_together(damaged, DAMAGED)
    text = f"{number.text} {unit.text}"
    start, end = min(number.start, unit.start), max(number.end, unit.end)  # 'mm 5' is a length too
    return Token(LENGTH, start, end, text, unit.value, "", Length("", value * unit_mm))


def is_behind_a_letter_for_a_digit(before: list[Token], number: Token) -> bool:
    """Whether a letter that scans take for a digit and a decimal point stand before it: 'O. 8', 'l.2', 'O .5', 'I , 4'."""
    if not before or not is_near(before[-1], number):
        return False
    if number.text.startswith("."):
        return before[-1].text in LETTERS_FOR_DIGITS
    return (
        len(before) > 1
        and before[-1].kind in ("DOT", "COMMA")
        and before[-2].text in LETTERS_FOR_DIGITS
        and not (len(before) == 2 and before[-2].text == "i")  # 'i. 24 mm' begins a list
        and is_near(before[-2], before[-1])
    )


def is_broken_off(before: list[Token], number: Token, unit_mm: float) -> bool:
    """Whether the number may be the rest of a longer one: '0. 8', '1 4', 'l.2', '1O.5'."""
    if not before:
        return False
    if is_behind_a_letter_for_a_digit(before, number):
        return True
    last = before[-1]
    if last.kind == "PLUS_MINUS":
        return True
    if number.measure is not None and number.text[:1].isalpha():
        return False
    if are_glued(last, number):
        return (
            last.kind in ("DOT", "COMMA", "CODE", "NUMBER", "WORD", "OTHER_SIGN", "LENGTH", "COUNT")
            or LOOKALIKE.fullmatch(last.text) is not None
        )
    if not is_near(last, number):
        return False
    if last.kind == "NUMBER" and last.measure is None:
        if unit_mm <= SMALL_UNIT and len(number.text) == 3 and len(last.text) <= 3:
            return True
        return True
    if last.kind == "DOT" and not (len(before) > 1 and are_glued(before[-2], last)):
        return True  # '. 5 mm': whether it ends a sentence or begins a number is not told
    if last.kind in ("DOT", "COMMA") and len(before) > 1 and are_glued(before[-2], last):
        whole = before[-2]
        if whole.text in BEFORE_A_LEADING_POINT:
            return True
        if whole.kind == "NUMBER" and whole.measure is None and whole.text.isdigit():
            return whole.text == "0" or last.kind == "DOT"
        if whole.kind == "CODE" and last.kind == "DOT":
            return bool(re.fullmatch(r"[lio]\d", whole.text))
    return False


def _unit_without_number(result: list[Token], unit: Token) -> None:
    """A unit whose number is missing or unreadable keeps the question open."""
    if result:
        last = result[-1]
        if last.kind == "CODE" or (
            LOOKALIKE.fullmatch(last.text) and last.kind in ("WORD", "A", "COUNT", "OTHER_SIGN", "ROMAN", "LETTER")
        ):
            damaged = [result.pop(), unit]
            while (
                result
                and are_glued(result[-1], damaged[0])
                and result[-1].kind in ("NUMBER", "DOT", "COMMA", "CODE", "WORD")
            ):
                damaged.insert(0, result.pop())
            result.append(put_together(damaged, DAMAGED))
            return
        if len(last.text) == 1 and len(result) > 1 and result[-2].kind == "NUMBER" and is_near(result[-2], last):
            result[-2:] = [put_together([*result[-2:], unit], DAMAGED)]  # '0.g cm', '4 .mm'
            return
        if last.kind in ("LENGTH", "DAMAGED", "VAGUE_NUMBER"):
            result.append(put_together([unit], DAMAGED))
            return
    result.append(unit)


def _share_unit(result: list[Token], unit: Token, unit_mm: float, words: LengthWords) -> None:
    """Numbers of a list before a length have its unit: '4, 12 and 15 mm', '3/5/9 mm', '4 or 5 mm'."""
    at = len(result) - 1
    while at >= 2:
        between = result[at - 1].kind
        number_at = at - 2
        if between in ("AND", "OR") and kind_at(result, number_at) == "COMMA":
            number_at -= 1
        if between not in ("AND", "OR", "COMMA", "SLASH") or number_at < 0:
            return
        number = result[number_at]
        before = kind_at(result, number_at - 1)
        is_led = before in BEFORE_A_NUMBER or before in words.leading
        if number.kind == "CODE" and is_led and DIGITS_AND_LOOKALIKES.fullmatch(number.text):
            result[number_at] = replace(number, kind=DAMAGED)  # 'by l3, 20 and 34 mm'
            at = number_at
            continue
        if number.kind != "NUMBER":
            return
        value = value_of(number, unit_mm)
        if value is None or kind_at(result, number_at - 1) in ("CODE", "SLASH", "DOT") and between != "SLASH":
            return
        if between == "COMMA" and not any(token.kind in ("AND", "OR") for token in result[number_at:]):
            return
        result[number_at] = replace(number, kind=LENGTH, value=unit.value, measure=Length("", value * unit_mm))
        at = number_at
