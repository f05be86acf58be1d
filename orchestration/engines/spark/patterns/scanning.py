"""A regular expression of RE2, gone through once: what stands within a class, which letters are escaped, and what each becomes."""

from dataclasses import dataclass
from typing import Protocol


class Spelling(Protocol):
    """What an engine's own regular expressions call things."""

    def posix(self, name: str) -> str:
        """[:name:] within a class."""
        ...

    def escape(self, two: str, in_class: bool) -> str:
        """A backslash and the letter behind it."""
        ...

    def in_class(self, letter: str, two: str) -> str:
        """A letter within a class; `two`: with the one behind it."""
        ...

    def outside(self, letter: str) -> str:
        """A letter elsewhere."""
        ...


@dataclass
class _Place:
    text: str
    at: int = 0
    is_in_class: bool = False


def respelled(of_re2: str, spelling: Spelling) -> str:
    """The expression with every part in the engine's spelling."""
    place, out = _Place(of_re2), []
    while place.at < len(of_re2):
        out.append(_next(place, spelling))
    return "".join(out)


def _next(place: _Place, spelling: Spelling) -> str:
    """What stands for the next letters; the place moves behind them."""
    letter, two = place.text[place.at], place.text[place.at : place.at + 2]
    if place.is_in_class and two == "[:":
        name_at, end = place.at + 2, place.text.index(":]", place.at)
        place.at = end + 2
        return spelling.posix(place.text[name_at:end])
    if letter == "\\":
        place.at += 2
        return spelling.escape(two, place.is_in_class)
    if letter == "[" and not place.is_in_class:
        opening = "[^" if two == "[^" else "["
        place.at += len(opening)
        # a bracket that closes nothing is a letter of the class
        is_literal = place.text[place.at : place.at + 1] == "]"
        place.at += is_literal
        place.is_in_class = True
        return opening + (r"\]" if is_literal else "")
    place.at += 1
    if not place.is_in_class:
        return spelling.outside(letter)
    place.is_in_class = letter != "]"
    return spelling.in_class(letter, two)
