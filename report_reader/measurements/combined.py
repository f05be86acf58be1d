"""Lengths put together: '1 cm 2 mm', '2-3 mm', '3 mm (0.3 cm)', '2 x 3 x 4 cm', and zero without a unit."""

from __future__ import annotations

from dataclasses import replace

from report_reader.measurements.in_digits import value_of
from report_reader.measurements.in_words import plain_value
from report_reader.measurements.lengths import (
    COMPARATORS,
    DAMAGED,
    DIGITS_AND_LOOKALIKES,
    DIMENSIONS,
    LENGTH,
    LOOKALIKE,
    Length,
    is_near,
    kind_at,
    put_together,
)
from report_reader.measurements.units import is_broken_off
from report_reader.measurements.words import LengthWords
from report_reader.tokens import Token

NUMERIC = frozenset({"NUMBER", "COUNT", "FRACTION", "CODE", "UNIT", "ZERO_WORD", "POINT", LENGTH, DAMAGED})
BEFORE_ZERO = ("COLON", "IS", "LIES", "MEASURING", "OF")
BEHIND_ZERO = ("", "COMMA", "CLOSE", "DOT", "OPEN", "SEMICOLON", "AT", "IN")


def mixed_units(tokens: list[Token]) -> list[Token]:
    """'1 cm 2 mm' is twelve."""
    result: list[Token] = []
    for token in tokens:
        if (
            token.kind == LENGTH
            and result
            and result[-1].kind == LENGTH
            and is_near(result[-1], token)
            and (result[-1].value, token.value) == ("10", "1")
            and isinstance(token.measure, Length)
            and isinstance(result[-1].measure, Length)
        ):
            if 0 < token.measure.mm < 10 and result[-1].measure.mm % 10 == 0:
                total = Length("", result[-1].measure.mm + token.measure.mm)
                result[-1] = put_together([result[-1], token], LENGTH, total)
            else:
                result[-1] = put_together([result[-1], token], DAMAGED)
            continue
        result.append(token)
    return result


def ranges(tokens: list[Token]) -> list[Token]:
    """'2-3 mm', '2 mm to 3 mm', 'between 2 and 3 mm'."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        if token.kind != LENGTH or len(result) < 3 or not isinstance(token.measure, Length):
            continue
        link, low = result[-2], result[-3]
        is_between = link.kind == "AND" and kind_at(result, len(result) - 4) == "BETWEEN"
        if link.kind not in ("HYPHEN", "TO") and not is_between:
            continue
        if (
            link.kind == "TO"
            and kind_at(result, len(result) - 4) == "FROM"
            and any(t.kind == "AMENDED" for t in result[-12:-4])
        ):
            continue  # changed from one to the other
        if low.kind == "NUMBER":
            unit_mm = float(token.value)
            value = value_of(low, unit_mm)
            lower = None if value is None or is_broken_off(result[:-3], low, unit_mm) else value * unit_mm
        else:
            lower = low.measure.mm if isinstance(low.measure, Length) and low.kind == LENGTH else None
        if lower is None:
            is_range = link.kind == "HYPHEN" or is_between
            if (is_range and low.kind in ("NUMBER", "CODE", DAMAGED)) or _is_damaged(result[:-3], low, token):
                result[-1] = replace(token, kind=DAMAGED, measure=None)
            continue
        if not 0 <= lower < token.measure.mm:
            continue
        merged = replace(
            put_together([low, link, token], LENGTH, Length("-", lower, token.measure.mm)), value=token.value
        )
        del result[-3:]
        if is_between:
            result.pop()
        result.append(merged)
    return result


def _is_damaged(before: list[Token], low: Token, high: Token) -> bool:
    """Whether a lower end ('0 .5 to 2 mm', '1O to 15 mm') is the rest of a number or has a letter for a digit."""
    if low.kind == "CODE":
        return DIGITS_AND_LOOKALIKES.fullmatch(low.text) is not None
    is_letter = low.kind == "WORD" and LOOKALIKE.fullmatch(low.text) is not None
    if is_letter and before and before[-1].kind in ("NUMBER", "DOT", "COMMA"):
        return is_near(before[-1], low)
    return low.kind == "NUMBER" and is_broken_off(before, low, float(high.value))


def restated_numbers(tokens: list[Token]) -> list[Token]:
    """'5 (five) mm' and 'five (5) mm' are one number; two different ones are DAMAGED by their unit."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        if [t.kind for t in result[-4:]][1::2] != ["OPEN", "CLOSE"]:
            continue
        said, again = result[-4], result[-2]
        if {said.kind, again.kind} != {"NUMBER", "COUNT"}:
            continue
        number = said if said.kind == "NUMBER" else again
        merged = replace(put_together(result[-4:], "NUMBER"), text=number.text)
        is_one = plain_value(said) == plain_value(again) and kind_at(result, len(result) - 5) not in (
            "COUNT",
            "NUMBER",
        )
        result[-4:] = [merged if is_one else replace(merged, measure="?")]
    return result


def restated_lengths(tokens: list[Token]) -> list[Token]:
    """'3 mm (0.3 cm)' is one length; '3 mm (3 cm)' and '0.4 cm (4 cm)' are DAMAGED."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        kinds = [t.kind for t in result[-4:]]
        if kinds[:3] != [LENGTH, "OPEN", LENGTH] or kinds[3:] != ["CLOSE"]:
            continue
        if result[-4].value == result[-2].value and not _is_slip(result[-4].measure, result[-2].measure):
            continue
        if _is_same(result[-4].measure, result[-2].measure):
            result[-4:] = [replace(result[-4], end=token.end)]
        else:
            result[-4:] = [put_together(result[-4:], DAMAGED)]
    return result


def _is_same(one: object, other: object) -> bool:
    if not (isinstance(one, Length) and isinstance(other, Length)):
        return False
    return abs(one.mm - other.mm) < 1e-6 and one.comparator == other.comparator


def _is_slip(one: object, other: object) -> bool:
    """Whether two lengths of one unit differ by a decimal point."""
    if not (isinstance(one, Length) and isinstance(other, Length)) or not one.mm or not other.mm:
        return False
    ratio = max(one.mm, other.mm) / min(one.mm, other.mm)
    return any(abs(ratio - times) < 1e-6 for times in (10, 100))


def zeros(tokens: list[Token], words: LengthWords) -> list[Token]:
    """'Margin: zero', 'distance 0': nothing needs no unit; but '0, 8' may be the half of a number."""
    result = list(tokens)
    for at, token in enumerate(tokens):
        is_digit = token.kind == "NUMBER" and token.text in ("0", "0.0", "0,0") and token.measure is None
        if not (is_digit or token.kind == "ZERO_WORD"):
            continue
        before, behind = kind_at(tokens, at - 1), kind_at(tokens, at + 1)
        is_named = before in BEFORE_ZERO or before in words.leading
        is_half = behind in ("COMMA", "DOT") and kind_at(tokens, at + 2) in ("NUMBER", LENGTH, DAMAGED)
        if is_named and behind in BEHIND_ZERO and not is_half:
            result[at] = replace(token, kind=LENGTH, measure=Length("", 0.0))
    return result


def dimensions(tokens: list[Token]) -> list[Token]:
    """'2 x 3 x 4 cm' and '2 cm by 3 cm' are a size."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        while (
            len(result) >= 3
            and result[-1].kind in (LENGTH, DIMENSIONS, DAMAGED)
            and result[-2].kind == "TIMES"
            and result[-3].kind in ("NUMBER", LENGTH)
        ):
            merged = put_together(result[-3:], DIMENSIONS)
            del result[-3:]
            result.append(merged)
    return result


def may_compare(tokens: list[Token]) -> bool:
    """Whether numbers of a sentence stand so that what they are may depend on which is greater, or on their being equal: a range, a
    length in brackets behind another, centimetres and millimetres, bounds from both sides.
    """
    kinds = [token.kind for token in tokens]
    signs = {COMPARATORS.get(kind, "")[:1] for kind in kinds}
    if "BETWEEN" in kinds or ("<" in signs or "OR_LESS" in kinds) and (">" in signs or "OR_MORE" in kinds):
        return True
    for at, kind in enumerate(kinds):
        ahead = kinds[at + 1 : at + 4]
        if kind in ("HYPHEN", "TO", "OPEN") and kinds[max(0, at - 1)] in NUMERIC and not NUMERIC.isdisjoint(ahead):
            return True
        if kind in ("UNIT", LENGTH) and ahead[:1] and (ahead[0] in NUMERIC or ahead[0] == "A"):
            return True
    return False
