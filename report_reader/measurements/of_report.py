"""Bare numbers of a report that says once which unit all of them have: 'All measurements in mm. ... Margin: 4'."""

from __future__ import annotations

from report_reader.measurements.in_digits import value_of
from report_reader.measurements.lengths import COMPARATORS, LENGTH, Length, are_glued, kind_at
from report_reader.measurements.words import LengthWords
from report_reader.tokens import Token

STRONG = frozenset({"COLON", "IS", "LIES", "MEASURING", *COMPARATORS})
"""What says that a value follows."""
LINKS = STRONG | {"ABOUT", "OF", "BY", "HYPHEN"}
ENDS = frozenset({"", "DOT", "COMMA", "SEMICOLON", "CLOSE", "AND", "BUT"})
PARTS = frozenset({"COMMA", "SEMICOLON", "DOT"})


def bare_numbers(tokens: list[Token], words: LengthWords, unit: str) -> list[Token]:
    """The tokens with lengths in place of bare numbers; unchanged where one of them may be something else, or has a unit of its own."""
    if any(token.kind == "UNIT" for token in tokens):
        return tokens
    result = list(tokens)
    taken = -1
    for at, token in enumerate(tokens):
        if token.kind != "NUMBER" or at <= taken:
            continue
        if kind_at(tokens, at + 1) == "PERCENT" or _head(tokens, at) in words.counted:
            continue
        numbers = _numbers(tokens, at)
        values = [value_of(tokens[place], float(unit)) for place in numbers]
        if not _is_measured(tokens, at, words) or None in values or not _ends(tokens, numbers[-1]):
            return tokens
        for place, value in zip(numbers, values, strict=True):
            length = Length("", (value or 0.0) * float(unit))
            result[place] = Token(LENGTH, tokens[place].start, tokens[place].end, tokens[place].text, unit, "", length)
        taken = numbers[-1]
    return result


def _numbers(tokens: list[Token], at: int) -> list[int]:
    """Where the numbers of a list, or of a range, stand that begins here."""
    numbers = [at]
    while True:
        place = numbers[-1] + 1
        if kind_at(tokens, place) in ("HYPHEN", "TO") and kind_at(tokens, place + 1) == "NUMBER" and numbers == [at]:
            return [place + 1]  # the lower end of a range takes the unit of the upper one
        while kind_at(tokens, place) in ("COMMA", "AND", "SLASH"):
            place += 1
        if place == numbers[-1] + 1 or kind_at(tokens, place) != "NUMBER":
            return numbers
        numbers.append(place)


def _ends(tokens: list[Token], at: int) -> bool:
    """Whether nothing that may belong to the number stands behind it."""
    behind = kind_at(tokens, at + 1)
    is_cut = (
        behind in ("DOT", "COMMA")
        and at + 2 < len(tokens)
        and are_glued(tokens[at], tokens[at + 1])
        and are_glued(tokens[at + 1], tokens[at + 2])
    )
    return behind in ENDS and not is_cut


def _head_at(tokens: list[Token], at: int) -> int:
    """Where the word stands that the number is a value of; a bracket between them is stepped over."""
    place = at - 1
    while place >= 0 and tokens[place].kind in LINKS:
        place -= 1
    if kind_at(tokens, place) == "CLOSE":
        opened = next((p for p in range(place - 1, -1, -1) if tokens[p].kind == "OPEN"), None)
        if opened is not None and all(token.kind != "NUMBER" for token in tokens[opened:place]):
            place = opened - 1
    return place


def _head(tokens: list[Token], at: int) -> str:
    return kind_at(tokens, _head_at(tokens, at))


def _is_measured(tokens: list[Token], at: int, words: LengthWords) -> bool:
    """Whether it is the value of something that is measured, and surely its value: 'Margin 2' may be the second one."""
    head = _head_at(tokens, at)
    part = next((p for p in range(head, -1, -1) if tokens[p].kind in PARTS), -1)
    if kind_at(tokens, head) not in words.measured or any(t.kind in words.counted for t in tokens[part + 1 : head]):
        return False  # 'blocks of the margin: 4'
    if any(token.kind in STRONG for token in tokens[head + 1 : at]) or not tokens[at].text.isdigit():
        return True
    return any(token.kind in words.distances for token in tokens[part + 1 : at])
