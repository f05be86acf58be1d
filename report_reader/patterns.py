"""The small language in which rules describe rows of tokens. A pattern is words between blanks:

KIND or GROUP        one token of that kind              A|B         one of several
A? A* A+ A{0,3}      none or one, any number, ...        !A|B        one token that is none of these
..  ..3              any tokens (at most 3) of the same part of a clause     ...    any tokens whatever
<A>                  the token that the rule speaks of   HERE        the measurement that is asked about
^ $                  the beginning and the end           ( A B / C ) one of several rows of tokens
[ A B ]              what a compound replaces            CUT         where a clause is divided
"""

import re
from collections.abc import Mapping

FIRST_CODE = 0xE000
ELEMENT = re.compile(
    r"(?P<subject><)?(?P<not>!)?(?P<names>[A-Za-z_][\w|]*)(?P<end>>)?(?P<repeat>[?*+]|\{\d+(?:,\d*)?\})?"
)
GAP = re.compile(r"\.\.(?P<most>\d+)?")


class UnreadablePattern(ValueError):
    """A rule's pattern is not of the language above; the message names the pattern and the word."""


class Kinds:
    """Every kind of token as one character, so that a clause is a short string and a pattern a fast expression."""

    def __init__(self, groups: Mapping[str, frozenset[str]], stops: frozenset[str]) -> None:
        """groups: name -> kinds; stops: kinds that end a part of a clause."""
        self._codes: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._groups = groups
        self._compiled: dict[str, re.Pattern[str]] = {}
        self.stops = stops

    def code(self, kind: str) -> str:
        """The character of a kind."""
        if kind not in self._codes:
            self._codes[kind] = chr(FIRST_CODE + len(self._codes))
            self._kinds[self._codes[kind]] = kind
        return self._codes[kind]

    def kind(self, character: str) -> str:
        """The kind of a character."""
        return self._kinds.get(character, "")

    def members(self, name: str) -> frozenset[str]:
        """The kinds of a group, or the kind itself."""
        return self._groups.get(name, frozenset({name}))

    def characters(self, names: str) -> str:
        """The characters of 'A|GROUP' for a character class."""
        kinds = sorted({kind for name in names.split("|") for kind in self.members(name)})
        return "".join(self.code(kind) for kind in kinds)

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """The pattern as a regular expression over characters of kinds.

        Raises:
            UnreadablePattern: a word of it is not of the language.
        """
        if pattern not in self._compiled:
            self._compiled[pattern] = re.compile("".join(self._piece(word, pattern) for word in pattern.split()), re.S)
        return self._compiled[pattern]

    def _piece(self, word: str, pattern: str) -> str:
        fixed = {
            "^": "^",
            "$": "$",
            "(": "(?:",
            ")": ")",
            ")?": ")?",
            ")*": ")*",
            ")+": ")+",
            "/": "|",
            "...": ".*?",
            "_": ".",
            "[": "(?P<part>",
            "]": ")",
            "CUT": "(?P<cut>)",
        }
        if word in fixed:
            return fixed[word]
        if gap := GAP.fullmatch(word):
            stops = self.characters("|".join(sorted(self.stops)))
            return f"[^{stops}]{{0,{gap['most']}}}?" if gap["most"] else f"[^{stops}]*?"
        element = ELEMENT.fullmatch(word)
        if element is None or bool(element["subject"]) != bool(element["end"]):
            raise UnreadablePattern(f"{word!r} in the pattern {pattern!r}")
        kinds = f"[{'^' if element['not'] else ''}{self.characters(element['names'])}]"
        return f"({kinds})" if element["subject"] else kinds + (element["repeat"] or "")
