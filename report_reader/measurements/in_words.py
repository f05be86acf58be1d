"""Words for numbers: 'two and a half', 'eight tenths of a', 'one point five'."""

from __future__ import annotations

from dataclasses import replace

from report_reader.measurements.lengths import WELL_FORMED, kind_at, put_together
from report_reader.tokens import Token

UNIT_AND_A_HALF = (["AND", "A", "FRACTION"], ["AND", "COUNT", "FRACTION"])
BEGINNINGS = frozenset({"COUNT", "NUMBER", "ZERO_WORD", "POINT", "A", "FRACTION"})


def _with_units_behind_fractions(tokens: list[Token]) -> list[Token]:
    """'one centimetre and a half' in the order of 'one and a half centimetre'."""
    kinds = [token.kind for token in tokens]
    result = list(tokens)
    for at, kind in enumerate(kinds):
        fraction = kinds[at + 1 : at + 4]
        if kind == "UNIT" and fraction in UNIT_AND_A_HALF and kind_at(tokens, at + 4) not in ("UNIT", "OF", "A"):
            result[at : at + 4] = [*tokens[at + 1 : at + 4], tokens[at]]
            if kind_at(tokens, at - 1) == "A":
                result[at - 1] = replace(tokens[at - 1], kind="COUNT", value="1")
    return result


def numbers_in_words(tokens: list[Token]) -> list[Token]:
    """'two and a half', 'one point five', 'eight tenths of a', 'half a', 'twenty five' before a unit become numbers."""
    tokens = _with_units_behind_fractions(tokens)
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        taken, value = _number_phrase(tokens, at) if tokens[at].kind in BEGINNINGS else (0, 0.0)
        if taken:
            is_torn = at == 0 and tokens[at].kind == "POINT"  # 'two. Point two cm': a full stop inside the number
            result.append(put_together(tokens[at : at + taken], "NUMBER", "?" if is_torn else value))
            at += taken
        else:
            result.append(tokens[at])
            at += 1
    return result


def _number_phrase(tokens: list[Token], at: int) -> tuple[int, float]:
    """How many tokens from `at` are a number in words that a unit follows (or a range to one), and its value; (0, 0) if none."""
    place, value = at, None
    kind = kind_at(tokens, place)
    if kind == "COUNT" and kind_at(tokens, at - 1) == "AT" and kind_at(tokens, at + 1) == "AND":
        return 0, 0.0  # '10 mm on one and 13 mm on the other slide'
    if kind in ("COUNT", "NUMBER", "ZERO_WORD"):
        value = plain_value(tokens[place])
        place += 1
        if value is not None and kind == "COUNT" and value >= 20 and kind_at(tokens, place) == "COUNT":
            value += float(tokens[place].value)
            place += 1
        if value is not None and kind_at(tokens, place) == "HUNDRED":
            value *= 100
            place += 1
        if (
            value is not None
            and kind_at(tokens, place) == "POINT"
            and kind_at(tokens, place + 1) in ("COUNT", "NUMBER", "ZERO_WORD")
        ):
            decimals = plain_value(tokens[place + 1]) or 0
            value += decimals / 10 ** len(str(int(decimals)))
            place += 2
    elif kind == "POINT" and kind_at(tokens, at + 1) == "COUNT":
        value, place = (plain_value(tokens[at + 1]) or 0) / 10, at + 2
    elif kind == "A" and kind_at(tokens, at + 1) in ("UNIT", "FRACTION", "SINGLE", "HUNDRED"):
        value, place = 1.0, at + 1
        if kind_at(tokens, place) == "HUNDRED":
            value, place = 100.0, place + 1
    elif kind == "FRACTION":
        value = 1.0
    if value is None:
        return 0, 0.0
    place, value = _fraction_behind(tokens, place, value, at)
    while kind_at(tokens, place) == "SINGLE":
        place += 1
    if [kind_at(tokens, place + n) for n in range(3)] == ["OF", "A", "UNIT"]:
        place += 2
    if place > at and _leads_to_unit(tokens, place) and (place - at > 1 or kind in ("COUNT", "A", "ZERO_WORD")):
        return place - at, value
    return 0, 0.0


def _fraction_behind(tokens: list[Token], place: int, value: float, at: int) -> tuple[int, float]:
    """'... and a half', '... tenths of a', 'half a', '1 1/2'."""
    ahead = place
    if kind_at(tokens, ahead) == "AND":
        ahead += 1
        while kind_at(tokens, ahead) in ("A", "COUNT") and kind_at(tokens, ahead + 1) == "FRACTION":
            ahead += 1
        if kind_at(tokens, ahead) == "FRACTION":
            return ahead + 1, value + float(tokens[ahead].value)
        return place, value
    if kind_at(tokens, ahead) == "FRACTION":
        value *= float(tokens[ahead].value)
        ahead += 1
        if kind_at(tokens, ahead) == "OF":
            ahead += 1
        if kind_at(tokens, ahead) == "A" or (
            kind_at(tokens, ahead) in ("COUNT", "NUMBER") and plain_value(tokens[ahead]) == 1
        ):
            ahead += 1
        return ahead, value
    return place, value


def _leads_to_unit(tokens: list[Token], at: int) -> bool:
    if kind_at(tokens, at) == "HYPHEN":
        at += 1
    if kind_at(tokens, at) == "UNIT":
        return True
    for _ in range(4):
        if kind_at(tokens, at) not in ("TO", "AND", "OR", "COMMA", "HYPHEN"):
            return False
        if kind_at(tokens, at) == "COMMA" and kind_at(tokens, at + 1) in ("AND", "OR"):
            at += 1
        if kind_at(tokens, at + 1) not in ("COUNT", "NUMBER") or (
            kind_at(tokens, at) == "COMMA" and kind_at(tokens, at + 1) == "NUMBER"
        ):
            return False
        at += 2
        if kind_at(tokens, at) == "UNIT":
            return True
    return False


def plain_value(token: Token) -> float | None:
    """The number of a token; None where it is not wholly understood."""
    if token.measure is not None:
        return token.measure if isinstance(token.measure, float) else None
    if token.kind in ("COUNT", "ZERO_WORD"):
        return float(token.value)
    return float(token.text.replace(",", ".")) if WELL_FORMED.fullmatch(token.text) else None
