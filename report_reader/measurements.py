"""Floor 3: numbers and units become lengths. One small grammar for decimals, ranges, bounds, lists that share a unit, fractions,
words for numbers and '1 cm 2 mm'.

What looks like a number and was not wholly understood becomes a token DAMAGED, which no rule may take for a length: a stray
blank ('0. 8 mm', '1 4 mm'), a letter for a digit ('l2 mm', '1O mm'), a lost decimal point ('07 cm'), a unit without a number.

Kinds it takes from the lexicon: UNIT (value: mm in one), COUNT (value: a number word), FRACTION (value: 0.5 for half), A (an
article), ABOUT, LESS, AT_MOST, MORE, AT_LEAST, BETWEEN, TO, AND, OR, WITHIN, TIMES, OF, POINT.
Kinds it makes: LENGTH (measure: Length), DIMENSIONS, DAMAGED, NUMBER.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from report_reader.tokens import Token

LENGTH, DIMENSIONS, DAMAGED = "LENGTH", "DIMENSIONS", "DAMAGED"
WELL_FORMED = re.compile(r"(?:0|[1-9]\d{0,2})(?:[.,]\d{1,3})?")
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[, ]\d{3})+|[1-9]\d{3,5}")
YEAR = re.compile(r"(?:19|20)\d\d")
LOOKALIKE = re.compile(r"[liozsb|]{1,3}")
COMPARATORS = {
    "LESS": "<", "UNDER": "<", "HEDGE": "<", "NOT_REACH": "<", "AT_MOST": "<=", "UP_TO": "<=", "MORE": ">", "OVER": ">", "AT_LEAST": ">=",
}  # fmt: skip
SMALL_UNIT = 0.001


@dataclass(frozen=True, slots=True)
class Length:
    """A length in mm: its comparator ('' for the length itself, '-' for a range), the number, and the upper end of a range."""

    comparator: str
    mm: float
    up_to_mm: float | None = None


def with_measurements(tokens: list[Token]) -> list[Token]:
    """The tokens with lengths in place of numbers and units."""
    if not any(token.kind in ("UNIT", "NUMBER", "ZERO_WORD") for token in tokens):
        return tokens
    tokens = _numbers_in_words(_restated_numbers(tokens))
    tokens = _plain_numbers(tokens)
    if any(token.kind == "UNIT" for token in tokens):
        tokens = _units_of_labels(tokens)
        tokens = _lengths(tokens)
        tokens = _mixed_units(tokens)
        tokens = _restated_lengths(_ranges(tokens))
    tokens = _zeros(tokens)
    if any(token.kind == LENGTH for token in tokens):
        tokens = _dimensions(tokens)
        tokens = _bounded(tokens)
    return tokens


def without_stray_stops(tokens: list[Token]) -> list[Token]:
    """Full stops inside a sentence leave, but not where they may be a decimal point ('0. 8') or close a letter ('A.')."""
    result: list[Token] = []
    for at, token in enumerate(tokens):
        if token.kind == "DOT" and 0 < at < len(tokens) - 1:
            before, after = tokens[at - 1], tokens[at + 1]
            is_decimal = after.kind == "NUMBER" and (
                before.kind in ("NUMBER", "CODE", "SPACE")
                or LOOKALIKE.fullmatch(before.text)
                or _is_glued(token, after)
            )
            is_enumeration = (
                at == 1 and before.kind in ("LETTER", "NUMBER", "ROMAN", "CODE", "A") or before.kind in ("LETTER", "NO")
            )
            if not (is_decimal or is_enumeration):
                continue
        result.append(token)
    return result


def with_bounds_shown(tokens: list[Token]) -> list[Token]:
    """Lengths that are a bound as kinds of their own: BELOW and ABOVE; contradictory ones are DAMAGED."""
    kinds = {"<": "BELOW", "<=": "BELOW", ">": "ABOVE", ">=": "ABOVE", "?": DAMAGED}
    return [
        replace(token, kind=kinds.get(token.measure.comparator, LENGTH))
        if token.kind == LENGTH and isinstance(token.measure, Length)
        else token
        for token in tokens
    ]


def _is_glued(left: Token, right: Token) -> bool:
    return left.end == right.start


def _merged(tokens: list[Token], kind: str, measure: object = None) -> Token:
    text = " ".join(token.text for token in tokens)
    return Token(kind, tokens[0].start, tokens[-1].end, text, tokens[0].value, "", measure)


def _kind_at(tokens: list[Token], at: int) -> str:
    return tokens[at].kind if 0 <= at < len(tokens) else ""


def with_order(tokens: list[Token], nouns: frozenset[str]) -> list[Token]:
    """Numbers that number a thing ('lesion 1', 'segments 4 and 5') become ORDER; before a unit they stay numbers."""
    result = [
        replace(t, kind="YEAR")
        if t.kind == "NUMBER" and YEAR.fullmatch(t.text) and _kind_at(tokens, at + 1) != "UNIT"
        else t
        for at, t in enumerate(tokens)
    ]
    for at, token in enumerate(tokens):
        if (
            token.kind == "NO"
            and token.text in ("no", "nos")
            and _kind_at(tokens, at + 1) == "DOT"
            and _kind_at(tokens, at + 2) == "NUMBER"
        ):
            token = result[at] = replace(token, kind="NUMBER_SIGN")
        if token.kind not in nouns and token.kind != "NUMBER_SIGN":
            continue
        place = at + 1
        if _kind_at(tokens, place) == "DOT" and len(token.text) < 5:
            place += 1
        while _kind_at(tokens, place) in ("HASH", "NUMBERING", "NUMBER_SIGN", "OPEN") or (
            _kind_at(tokens, place) == "NO" and _kind_at(tokens, place + 1) in ("NUMBER", "DOT")
        ):
            place += 2 if _kind_at(tokens, place + 1) == "DOT" else 1
        while place < len(tokens) and tokens[place].kind in ("NUMBER", "COUNT") and not _measures(tokens, place):
            result[place] = replace(tokens[place], kind="ORDER")
            place += 1
            if (
                place < len(tokens)
                and tokens[place].kind == "WORD"
                and tokens[place].text in "abc"
                and _is_glued(tokens[place - 1], tokens[place])
            ):
                result[place] = replace(tokens[place], kind="ORDER")
                place += 1
            step = 1 if _kind_at(tokens, place) in ("COMMA", "AND", "SLASH", "HYPHEN") else 0
            if step and _kind_at(tokens, place + 1) == "AND":
                step = 2
            if not step:
                break
            place += step
    return result


def _measures(tokens: list[Token], at: int) -> bool:
    """Whether the number at `at` is one of a length."""
    if not (tokens[at].text.isdigit() or tokens[at].kind == "COUNT") or tokens[at].text.startswith("0"):
        return True
    ahead = at + 1
    if (
        _kind_at(tokens, ahead) in ("DOT", "COMMA")
        and _kind_at(tokens, ahead + 1) == "NUMBER"
        and _kind_at(tokens, ahead + 2) == "UNIT"
    ):
        return _kind_at(tokens, ahead) == "DOT"
    if (
        _kind_at(tokens, ahead) == "HYPHEN"
        and not _is_glued(tokens[at], tokens[ahead])
        and _kind_at(tokens, ahead + 1) == "NUMBER"
    ):
        return False
    for _ in range(3):
        if _kind_at(tokens, ahead) == "HYPHEN" and _kind_at(tokens, ahead + 1) == "UNIT":
            return True
        if _kind_at(tokens, ahead) in ("UNIT", "TIMES", "FRACTION", "POINT"):
            return True
        if _kind_at(tokens, ahead) not in ("TO", "HYPHEN", "OR") or _kind_at(tokens, ahead + 1) not in (
            "NUMBER",
            "COUNT",
        ):
            return False
        ahead += 2
    return False


# numbers and lengths said twice -----------------------------------------------------------------------------------------


def _restated_numbers(tokens: list[Token]) -> list[Token]:
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
        merged = replace(_merged(result[-4:], "NUMBER"), text=number.text)
        is_one = _plain_value(said) == _plain_value(again) and _kind_at(result, len(result) - 5) not in (
            "COUNT",
            "NUMBER",
        )
        result[-4:] = [merged if is_one else replace(merged, measure="?")]
    return result


def _restated_lengths(tokens: list[Token]) -> list[Token]:
    """'3 mm (0.3 cm)' is one length; '3 mm (3 cm)' is DAMAGED."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        kinds = [t.kind for t in result[-4:]]
        if kinds[:3] != [LENGTH, "OPEN", LENGTH] or kinds[3:] != ["CLOSE"] or result[-4].value == result[-2].value:
            continue
        if _is_same(result[-4].measure, result[-2].measure):
            result[-4:] = [replace(result[-4], end=token.end)]
        else:
            result[-4:] = [_merged(result[-4:], DAMAGED)]
    return result


def _is_same(one: object, other: object) -> bool:
    if not (isinstance(one, Length) and isinstance(other, Length)):
        return False
    return abs(one.mm - other.mm) < 1e-6 and one.comparator == other.comparator


# words for numbers -------------------------------------------------------------------------------------------------------


def _numbers_in_words(tokens: list[Token]) -> list[Token]:
    """'two and a half', 'one point five', 'eight tenths of a', 'half a', 'twenty five' before a unit become numbers."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        taken, value = _number_phrase(tokens, at)
        if taken:
            result.append(_merged(tokens[at : at + taken], "NUMBER", value))
            at += taken
        else:
            result.append(tokens[at])
            at += 1
    return result


def _number_phrase(tokens: list[Token], at: int) -> tuple[int, float]:
    """How many tokens from `at` are a number in words that a unit follows (or a range to one), and its value; (0, 0) if none."""
    place, value = at, None
    kind = _kind_at(tokens, place)
    if kind in ("COUNT", "NUMBER", "ZERO_WORD"):
        value = _plain_value(tokens[place])
        place += 1
        if value is not None and kind == "COUNT" and value >= 20 and _kind_at(tokens, place) == "COUNT":
            value += float(tokens[place].value)
            place += 1
        if value is not None and _kind_at(tokens, place) == "HUNDRED":
            value *= 100
            place += 1
        if (
            value is not None
            and _kind_at(tokens, place) == "POINT"
            and _kind_at(tokens, place + 1) in ("COUNT", "NUMBER", "ZERO_WORD")
        ):
            decimals = _plain_value(tokens[place + 1]) or 0
            value += decimals / 10 ** len(str(int(decimals)))
            place += 2
    elif kind == "POINT" and _kind_at(tokens, at + 1) == "COUNT":
        value, place = (_plain_value(tokens[at + 1]) or 0) / 10, at + 2
    elif kind == "A" and _kind_at(tokens, at + 1) in ("UNIT", "FRACTION", "SINGLE", "HUNDRED"):
        value, place = 1.0, at + 1
        if _kind_at(tokens, place) == "HUNDRED":
            value, place = 100.0, place + 1
    elif kind == "FRACTION":
        value = 1.0
    if value is None:
        return 0, 0.0
    place, value = _fraction_behind(tokens, place, value, at)
    while _kind_at(tokens, place) == "SINGLE":
        place += 1
    if [_kind_at(tokens, place + n) for n in range(3)] == ["OF", "A", "UNIT"]:
        place += 2
    if place > at and _leads_to_unit(tokens, place) and (place - at > 1 or kind in ("COUNT", "A", "ZERO_WORD")):
        return place - at, value
    return 0, 0.0


def _fraction_behind(tokens: list[Token], place: int, value: float, at: int) -> tuple[int, float]:
    """'... and a half', '... tenths of a', 'half a', '1 1/2'."""
    ahead = place
    if _kind_at(tokens, ahead) == "AND":
        ahead += 1
        while _kind_at(tokens, ahead) in ("A", "COUNT") and _kind_at(tokens, ahead + 1) == "FRACTION":
            ahead += 1
        if _kind_at(tokens, ahead) == "FRACTION":
            return ahead + 1, value + float(tokens[ahead].value)
        return place, value
    if _kind_at(tokens, ahead) == "FRACTION":
        value *= float(tokens[ahead].value)
        ahead += 1
        if _kind_at(tokens, ahead) == "OF":
            ahead += 1
        if _kind_at(tokens, ahead) == "A" or (
            _kind_at(tokens, ahead) in ("COUNT", "NUMBER") and _plain_value(tokens[ahead]) == 1
        ):
            ahead += 1
        return ahead, value
    return place, value


def _leads_to_unit(tokens: list[Token], at: int) -> bool:
    if _kind_at(tokens, at) == "HYPHEN":
        at += 1
    if _kind_at(tokens, at) == "UNIT":
        return True
    for _ in range(4):
        if _kind_at(tokens, at) not in ("TO", "AND", "OR", "COMMA", "HYPHEN"):
            return False
        if _kind_at(tokens, at) == "COMMA" and _kind_at(tokens, at + 1) in ("AND", "OR"):
            at += 1
        if _kind_at(tokens, at + 1) not in ("COUNT", "NUMBER") or (
            _kind_at(tokens, at) == "COMMA" and _kind_at(tokens, at + 1) == "NUMBER"
        ):
            return False
        at += 2
        if _kind_at(tokens, at) == "UNIT":
            return True
    return False


def _plain_value(token: Token) -> float | None:
    if token.measure is not None:
        return token.measure if isinstance(token.measure, float) else None
    if token.kind in ("COUNT", "ZERO_WORD"):
        return float(token.value)
    return float(token.text.replace(",", ".")) if WELL_FORMED.fullmatch(token.text) else None


# numbers in digits -------------------------------------------------------------------------------------------------------


def _plain_numbers(tokens: list[Token]) -> list[Token]:
    """Numbers with their fraction ('1 1/2', '1/2', '.8'), and what only looks like one."""
    result: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "NUMBER" and token.measure is None:
            half = _fraction_in_digits(tokens, at)
            if half:
                result.append(_merged(tokens[at : at + half[0]], "NUMBER", half[1]))
                at += half[0]
                continue
            if _is_behind_leading_dot(result, token):
                is_split = len(result) > 1 and result[-2].kind == "NUMBER"
                dot = result.pop()
                value = "?" if is_split else float(f"0.{token.text}")
                result.append(Token("NUMBER", dot.start, token.end, f".{token.text}", measure=value))
                at += 1
                continue
        result.append(token)
        at += 1
    return result


def _is_behind_leading_dot(before: list[Token], number: Token) -> bool:
    """Whether it is the '8' of '.8'."""
    if not before or before[-1].kind != "DOT" or not _is_glued(before[-1], number) or not number.text.isdigit():
        return False
    if len(before) == 1 or not _is_glued(before[-2], before[-1]):
        return True
    return before[-2].kind not in ("NUMBER", "CODE", "WORD", "LETTER", "ROMAN")


def _fraction_in_digits(tokens: list[Token], at: int) -> tuple[int, float] | None:
    texts = [token.text for token in tokens[at : at + 4]]
    is_mixed = (
        len(texts) == 4 and texts[2] == "/" and texts[1].isdigit() and texts[3] in ("2", "4") and texts[0].isdigit()
    )
    if is_mixed and not _is_glued(tokens[at], tokens[at + 1]):
        return 4, int(texts[0]) + int(texts[1]) / int(texts[3])
    if (
        len(texts) >= 3
        and texts[1] == "/"
        and texts[0] in ("1", "3")
        and texts[2] in ("2", "4")
        and _kind_at(tokens, at + 3) in ("UNIT", "OF", "A")
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


# numbers and units -------------------------------------------------------------------------------------------------------


def _lengths(tokens: list[Token]) -> list[Token]:
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
            number = replace(_merged([whole, number], "NUMBER"), text=f"{whole.text},{number.text}")
        length = _length_of(result, number, token, unit_mm)
        result.append(length)
        if length.kind == LENGTH:
            _share_unit(result, token, unit_mm)
    return result


def _length_of(before: list[Token], number: Token, unit: Token, unit_mm: float) -> Token:
    value = value_of(number, unit_mm)
    if value is None or _is_broken_off(before, number, unit_mm):
        damaged = [number, unit]
        while (
            before
            and (before[-1].kind in ("NUMBER", "DOT", "CODE", "PLUS_MINUS") or LOOKALIKE.fullmatch(before[-1].text))
            and _is_near(before[-1], damaged[0])
        ):
            damaged.insert(0, before.pop())
        return _merged(damaged, DAMAGED)
    return replace(_merged([number, unit], LENGTH, Length("", value * unit_mm)), value=unit.value)


def _is_near(left: Token, right: Token) -> bool:
    return right.start - left.end <= 2


def _is_broken_off(before: list[Token], number: Token, unit_mm: float) -> bool:
    """Whether the number may be the rest of a longer one: '0. 8', '1 4', 'l.2', '1O.5'."""
    if not before:
        return False
    last = before[-1]
    if last.kind == "PLUS_MINUS":
        return True
    if number.measure is not None and number.text[:1].isalpha():
        return False
    if _is_glued(last, number):
        return (
            last.kind in ("DOT", "COMMA", "CODE", "NUMBER", "WORD", "OTHER_SIGN", "LENGTH", "COUNT")
            or LOOKALIKE.fullmatch(last.text) is not None
        )
    if not _is_near(last, number):
        return False
    if last.kind == "NUMBER" and last.measure is None:
        if unit_mm <= SMALL_UNIT and len(number.text) == 3 and len(last.text) <= 3:
            return True
        return True
    if last.kind in ("DOT", "COMMA") and len(before) > 1 and _is_glued(before[-2], last):
        whole = before[-2]
        if whole.text in ("l", "o") and whole.kind == "WORD":
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
                and _is_glued(result[-1], damaged[0])
                and result[-1].kind in ("NUMBER", "DOT", "COMMA", "CODE", "WORD")
            ):
                damaged.insert(0, result.pop())
            result.append(_merged(damaged, DAMAGED))
            return
        if last.kind in ("LENGTH", "DAMAGED", "VAGUE_NUMBER"):
            result.append(_merged([unit], DAMAGED))
            return
    result.append(replace(unit, kind="UNIT"))


def _share_unit(result: list[Token], unit: Token, unit_mm: float) -> None:
    """Numbers of a list before a length have its unit: '4, 12 and 15 mm', '3/5/9 mm', '4 or 5 mm'."""
    at = len(result) - 1
    while at >= 2:
        between = result[at - 1].kind
        number_at = at - 2
        if between in ("AND", "OR") and _kind_at(result, number_at) == "COMMA":
            number_at -= 1
        if between not in ("AND", "OR", "COMMA", "SLASH") or number_at < 0 or result[number_at].kind != "NUMBER":
            return
        number = result[number_at]
        value = value_of(number, unit_mm)
        if value is None or _kind_at(result, number_at - 1) in ("CODE", "SLASH", "DOT") and between != "SLASH":
            return
        if between == "COMMA" and not any(token.kind in ("AND", "OR") for token in result[number_at:]):
            return
        result[number_at] = replace(number, kind=LENGTH, value=unit.value, measure=Length("", value * unit_mm))
        at = number_at


def _units_of_labels(tokens: list[Token]) -> list[Token]:
    """'Margin (mm): 4', 'distance in cm 0.4', 'Margin, cm: 0.7', 'in mm: 14, 6, 0.5': the unit stands before its numbers."""
    result = list(tokens)
    for at, token in enumerate(tokens):
        if token.kind != "UNIT" or _kind_at(tokens, at - 1) in ("NUMBER", "CODE", "COUNT", "FRACTION", "HYPHEN", "A"):
            continue
        place = _first_of_label(tokens, at)
        if place is None:
            if _kind_at(tokens, at + 1) in ("CLOSE", "COLON"):
                result[at] = replace(token, kind="UNIT_LABEL")
            continue
        result[at] = replace(token, kind="UNIT_LABEL")
        unit_mm = float(token.value)
        while place is not None and place < len(tokens):
            result[place] = _labelled_number(tokens, place, unit_mm, token.value)
            place = _next_of_label(tokens, place)
    return result


def _first_of_label(tokens: list[Token], at: int) -> int | None:
    """Where the first number of a label's unit stands: at once, or behind a colon that ends the label."""
    place = at + 1
    while _kind_at(tokens, place) in ("CLOSE", "COLON", "HYPHEN", "IS", *COMPARATORS, "ABOUT"):
        place += 1
    is_led = place > at + 1 or _kind_at(tokens, at - 1) in (
        "IN",
        "AT",
        "OPEN",
        "COMMA",
        "MARGIN",
        "DISTANCE",
        "CLEARANCE",
    )
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
        place = colon + 1 if tokens[colon].kind == "COLON" else colon
        while _kind_at(tokens, place) in (*COMPARATORS, "ABOUT"):
            place += 1
        if place == colon + 1 and is_led and _kind_at(tokens, place) not in ("NUMBER", "CODE"):
            ahead = next(
                (p for p in range(place, min(place + 5, len(tokens))) if tokens[p].kind in ("NUMBER", "UNIT", "DOT")),
                None,
            )
            place = ahead if ahead is not None and tokens[ahead].kind == "NUMBER" else place
    return (
        place
        if _may_be_number(tokens, place) and _kind_at(tokens, place + 1) not in ("UNIT", "PERCENT", "TIMES")
        else None
    )


def _may_be_number(tokens: list[Token], at: int) -> bool:
    return _kind_at(tokens, at) in ("NUMBER", "CODE") or (
        at < len(tokens) and LOOKALIKE.fullmatch(tokens[at].text) is not None
    )


def _labelled_number(tokens: list[Token], at: int, unit_mm: float, unit: str) -> Token:
    value = value_of(tokens[at], unit_mm) if tokens[at].kind == "NUMBER" else None
    sign = _kind_at(tokens, at + 1)
    is_before_number = (
        sign in ("DOT", "COMMA") and _kind_at(tokens, at + 2) == "NUMBER" and _is_glued(tokens[at], tokens[at + 1])
    )
    is_cut = is_before_number and (sign == "DOT" or tokens[at].text == "0")
    is_glued = (
        at + 1 < len(tokens)
        and _is_glued(tokens[at], tokens[at + 1])
        and tokens[at + 1].kind in ("WORD", "CODE", "A", "LETTER")
    )
    if value is None or is_cut or is_glued or _kind_at(tokens, at + 1) in ("NUMBER", "CODE"):
        return replace(tokens[at], kind=DAMAGED)
    return replace(tokens[at], kind=LENGTH, value=unit, measure=Length("", value * unit_mm))


def _next_of_label(tokens: list[Token], at: int) -> int | None:
    """The next number of the list: after a comma, 'and', and a few words ('parenchymal 0.8, vascular 6')."""
    if _kind_at(tokens, at + 1) not in ("COMMA", "AND", "SEMICOLON"):
        return None
    for place in range(at + 2, min(at + 6, len(tokens))):
        if tokens[place].kind == "NUMBER":
            return place if _kind_at(tokens, place + 1) not in ("UNIT", "PERCENT", "TIMES", "COUNT") else None
        if tokens[place].kind in ("UNIT", "DOT", "COLON"):
            return None
    return None


def _mixed_units(tokens: list[Token]) -> list[Token]:
    """'1 cm 2 mm' is twelve."""
    result: list[Token] = []
    for token in tokens:
        if (
            token.kind == LENGTH and result and result[-1].kind == LENGTH and _is_near(result[-1], token)
            and (result[-1].value, token.value) == ("10", "1")
            and isinstance(token.measure, Length) and isinstance(result[-1].measure, Length)
        ):  # fmt: skip
            if 0 < token.measure.mm < 10 and result[-1].measure.mm % 10 == 0:
                total = Length("", result[-1].measure.mm + token.measure.mm)
                result[-1] = _merged([result[-1], token], LENGTH, total)
            else:
                result[-1] = _merged([result[-1], token], DAMAGED)
            continue
        result.append(token)
    return result


def _ranges(tokens: list[Token]) -> list[Token]:
    """'2-3 mm', '2 mm to 3 mm', 'between 2 and 3 mm'."""
    result: list[Token] = []
    for token in tokens:
        result.append(token)
        if token.kind != LENGTH or len(result) < 3 or not isinstance(token.measure, Length):
            continue
        link, low = result[-2], result[-3]
        is_between = link.kind == "AND" and _kind_at(result, len(result) - 4) == "BETWEEN"
        if link.kind not in ("HYPHEN", "TO") and not is_between:
            continue
        if (
            link.kind == "TO"
            and _kind_at(result, len(result) - 4) == "FROM"
            and any(t.kind == "AMENDED" for t in result[-12:-4])
        ):
            continue  # changed from one to the other
        if low.kind == "NUMBER":
            unit_mm = float(token.value)
            value = value_of(low, unit_mm)
            lower = None if value is None or _is_broken_off(result[:-3], low, unit_mm) else value * unit_mm
        else:
            lower = low.measure.mm if isinstance(low.measure, Length) and low.kind == LENGTH else None
        if lower is None:
            if (link.kind == "HYPHEN" or is_between) and low.kind in ("NUMBER", "CODE", DAMAGED):
                result[-1] = replace(token, kind=DAMAGED, measure=None)
            continue
        if not 0 <= lower < token.measure.mm:
            continue
        merged = replace(_merged([low, link, token], LENGTH, Length("-", lower, token.measure.mm)), value=token.value)
        del result[-3:]
        if is_between:
            result.pop()
        result.append(merged)
    return result


BEFORE_ZERO = ("COLON", "IS", "LIES", "DISTANCE", "CLEARANCE", "MARGIN", "EDGE", "INK", "MEASURING", "OF")
BEHIND_ZERO = ("", "COMMA", "CLOSE", "DOT", "OPEN", "SEMICOLON", "AT", "IN")


def _zeros(tokens: list[Token]) -> list[Token]:
    """'Margin: zero', 'distance 0': nothing needs no unit; but '0, 8' may be the half of a number."""
    result = list(tokens)
    for at, token in enumerate(tokens):
        is_digit = token.kind == "NUMBER" and token.text in ("0", "0.0", "0,0") and token.measure is None
        if not (is_digit or token.kind == "ZERO_WORD"):
            continue
        before, behind = _kind_at(tokens, at - 1), _kind_at(tokens, at + 1)
        is_named = before in BEFORE_ZERO or before.startswith("M_")
        is_half = behind in ("COMMA", "DOT") and _kind_at(tokens, at + 2) in ("NUMBER", LENGTH, DAMAGED)
        if is_named and behind in BEHIND_ZERO and not is_half:
            result[at] = replace(token, kind=LENGTH, measure=Length("", 0.0))
    return result


def _dimensions(tokens: list[Token]) -> list[Token]:
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
            merged = _merged(result[-3:], DIMENSIONS)
            del result[-3:]
            result.append(merged)
    return result


def _bounded(tokens: list[Token]) -> list[Token]:
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
            and (result[-1].kind == "ABOUT" or _kind_at(result, len(result) - 2) in COMPARATORS)
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
    kind = _kind_at(tokens, at)
    if kind == "OR_MORE":
        return 1, ">="
    if kind == "OR_LESS":
        return 1, "<="
    if kind == "PLUS" and _is_glued(tokens[at - 1], tokens[at]):
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
    merged = _merged(
        [other, result[-1]], LENGTH, Length(low.comparator, low.mm, high.mm - (1e-6 if high.comparator == "<" else 0))
    )
    del result[-2 - link :]
    result.append(merged)
