"""What was found before, and under which form: reports repeat lines, sentences and rows of kinds, or differ in figures only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MOST_REMEMBERED = 50_000
"""When there is more, all is forgotten."""
WHOLE = r"[0-9](?<![\w.,/+-][0-9])(?:[0-9]{0,2}|[0-9]{3}(?<!19..)(?<!20..)(?<!0...))"
"""No year, no part of something else. It begins with a digit: so most of a text is skipped quickly."""
MEASURED = r"(?=[ \n]?(?:[cCmM][mM]|[gG])\b|[ \n]?%|[ \n]?x[ \n]?[0-9])"
FIGURE = re.compile(rf"{WHOLE}(?:[.,][0-9]{{1,2}})?{MEASURED}")
"""A number before a unit, a weight, a share, or in a size."""
ONE_DIGIT_FOR_ALL = str.maketrans("0123456789", "9999999999")
"""But for zeros before all others: '0.5', '05' and '0' are numbers of other forms than '1.5', '15' and '1'; '10' is of that of '12'."""


class Memory:
    """What was found for a key, for as long as there is room."""

    def __init__(self) -> None:
        self._found: dict[object, Any] = {}

    def recall(self, key: object, find: Callable[..., Any], *about: object) -> Any:
        """What was found for the key before, else what `find(*about)` finds now (not None)."""
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            found = self._found[key] = find(*about)
        return found

    def items(self) -> list[tuple[Any, Any]]:
        """Every key with what was found for it."""
        return list(self._found.items())

    def clear(self) -> None:
        """Everything is forgotten."""
        self._found.clear()


class Forms:
    """Texts without the figures that differ between texts of one form; each character keeps its place."""

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        """is_known: whether a number stands in a term of the lexicon, so that it is no mere figure."""
        self._is_known = is_known
        self._form_of: dict[str, str] = {}

    def of(self, text: str) -> str:
        """'a 543 g specimen' and 'a 467 g specimen' have one form."""
        return FIGURE.sub(self._without_figure, text)

    def figures(self, text: str) -> list[tuple[int, int]]:
        """Where the figures stand that the form does not tell."""
        found = [match.span() for match in FIGURE.finditer(text) if not self._is_known(match.group())]
        return [(start, end) for start, end in found if text[start:end].strip("0.,")]

    def _without_figure(self, figure: re.Match[str]) -> str:
        number = figure.group()
        form = self._form_of.get(number)
        if form is None:
            form = number if self._is_known(number) else _form_of(number)
            if len(self._form_of) < MOST_REMEMBERED:
                self._form_of[number] = form
        return form


def _form_of(number: str) -> str:
    """'0.05' is '0.09', '10' and '12' are '99'; nothing but zeros stays."""
    counted = number.lstrip("0.,")
    return number[: len(number) - len(counted)] + counted.translate(ONE_DIGIT_FOR_ALL)
