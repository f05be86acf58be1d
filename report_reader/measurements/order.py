"""Numbers that number a thing, and full stops that end nothing."""

from __future__ import annotations

import re

from report_reader.measurements.lengths import BEFORE_A_LEADING_POINT, LOOKALIKE, are_glued, kind_at
from report_reader.tokens import Token

YEAR = re.compile(r"(?:19|20)\d\d")


def without_stray_stops(tokens: list[Token]) -> list[Token]:
    """Full stops inside a sentence leave, but not where they may be a decimal point ('0. 8', '(. 8') or close a letter ('A.')."""
    result: list[Token] = []
    if not any(token.kind == "DOT" for token in tokens):
        return tokens
    for at, token in enumerate(tokens):
        if token.kind == "DOT" and 0 < at < len(tokens) - 1:
            before, after = tokens[at - 1], tokens[at + 1]
            is_decimal = after.kind == "NUMBER" and (
                before.kind in ("NUMBER", "CODE", "SPACE")
                or before.text in BEFORE_A_LEADING_POINT
                or LOOKALIKE.fullmatch(before.text)
                or are_glued(token, after)
                or not are_glued(before, token)
            )
            # '4 .mm': what stood before the unit may be lost
            is_decimal = is_decimal or (
                before.kind == "NUMBER"
                and after.kind == "UNIT"
                and are_glued(token, after)
                and not are_glued(before, token)
            )
            is_enumeration = (
                at == 1 and before.kind in ("LETTER", "NUMBER", "ROMAN", "CODE", "A") or before.kind in ("LETTER", "NO")
            )
            if not (is_decimal or is_enumeration):
                continue
        result.append(token)
    return result


def with_order(tokens: list[Token], nouns: frozenset[str]) -> list[Token]:
    """Numbers that number a thing ('lesion 1', 'segments 4 and 5') become ORDER; before a unit they stay numbers."""
    if not any(token.kind in ("NUMBER", "COUNT") for token in tokens):
        return tokens
    result = [
        t.of_kind("YEAR") if t.kind == "NUMBER" and YEAR.fullmatch(t.text) and kind_at(tokens, at + 1) != "UNIT" else t
        for at, t in enumerate(tokens)
    ]
    for at, token in enumerate(tokens):
        if (
            token.kind == "NO"
            and token.text in ("no", "nos")
            and kind_at(tokens, at + 1) == "DOT"
            and kind_at(tokens, at + 2) == "NUMBER"
        ):
            token = result[at] = token.of_kind("NUMBER_SIGN")
        if token.kind not in nouns and token.kind != "NUMBER_SIGN":
            continue
        place = at + 1
        if kind_at(tokens, place) == "DOT" and len(token.text) < 5:
            place += 1
        while kind_at(tokens, place) in ("HASH", "NUMBERING", "NUMBER_SIGN", "OPEN") or (
            kind_at(tokens, place) == "NO" and kind_at(tokens, place + 1) in ("NUMBER", "DOT")
        ):
            place += 2 if kind_at(tokens, place + 1) == "DOT" else 1
        while place < len(tokens) and result[place].kind in ("NUMBER", "COUNT") and not _measures(tokens, place):
            result[place] = tokens[place].of_kind("ORDER")
            place += 1
            if (
                place < len(tokens)
                and tokens[place].kind == "WORD"
                and tokens[place].text in "abc"
                and are_glued(tokens[place - 1], tokens[place])
            ):
                result[place] = tokens[place].of_kind("ORDER")
                place += 1
            step = 1 if kind_at(tokens, place) in ("COMMA", "AND", "SLASH", "HYPHEN") else 0
            if step and kind_at(tokens, place + 1) == "AND":
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
        kind_at(tokens, ahead) in ("DOT", "COMMA")
        and kind_at(tokens, ahead + 1) == "NUMBER"
        and kind_at(tokens, ahead + 2) == "UNIT"
    ):
        return kind_at(tokens, ahead) == "DOT"
    if (
        kind_at(tokens, ahead) == "HYPHEN"
        and not are_glued(tokens[at], tokens[ahead])
        and kind_at(tokens, ahead + 1) == "NUMBER"
    ):
        return False
    for _ in range(3):
        if kind_at(tokens, ahead) == "HYPHEN" and kind_at(tokens, ahead + 1) == "UNIT":
            return True
        if kind_at(tokens, ahead) in ("UNIT", "TIMES", "FRACTION", "POINT"):
            return True
        if kind_at(tokens, ahead) not in ("TO", "HYPHEN", "OR") or kind_at(tokens, ahead + 1) not in (
            "NUMBER",
            "COUNT",
        ):
            return False
        ahead += 2
    return False
