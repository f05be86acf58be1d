"""The small language in which rules describe rows of tokens. A pattern is words between blanks:

KIND or GROUP        one token of that kind              A|B         one of several
A? A* A+ A{0,3}      none or one, any number, ...        !A|B        one token that is none of these
..  ..3              any tokens (at most 3) of the same part of a clause     ...    any tokens whatever
<A>                  the token that the rule speaks of   HERE        the measurement that is asked about
^ $                  the beginning (or what stands behind a title) and the end          ( A B / C ) one of several rows of tokens
[ A B ]              what a compound replaces            CUT         where a clause is divided
"""

import re
from collections.abc import Iterable, Mapping

from report_reader.tokens import Token

SECTION_TITLE, COLON = "SECTION_TITLE", "COLON"
FIRST_CODE = 0xE000
FIXED = {
    "^": "^", "$": "$", "(": "(?:", ")": ")", ")?": ")?", ")*": ")*", ")+": ")+", "/": "|", "...": ".*?", "_": ".",
    "[": "(?P<part>", "]": ")", "CUT": "(?P<cut>)",
}  # fmt: skip
ELEMENT = re.compile(
    r"(?P<subject><)?(?P<not>!)?(?P<names>[A-Za-z_][\w|]*)(?P<end>>)?(?P<repeat>[?*+]|\{\d+(?:,\d*)?\})?"
)
GAP = re.compile(r"\.\.(?P<most>\d+)?")
NONE_WILL_DO = re.compile(r"[?*]|\{0.*")


class UnreadablePattern(ValueError):
    """A rule's pattern is not of the language above; the message names the pattern and the word."""


class _Codes(dict[str, str]):
    """The character of each kind; a new kind gets the next one."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}

    def __missing__(self, kind: str) -> str:
        code = self[kind] = chr(FIRST_CODE + len(self))
        self.kinds[code] = kind
        return code


class Kinds:
    """Every kind of token as one character, so that a clause is a short string and a pattern a fast expression."""

    def __init__(self, groups: Mapping[str, frozenset[str]], stops: frozenset[str]) -> None:
        """groups: name -> kinds; stops: kinds that end a part of a clause."""
        self._codes = _Codes()
        self._groups = groups
        self._compiled: dict[str, re.Pattern[str]] = {}
        self.stops = stops

    def code(self, kind: str) -> str:
        """The character of a kind."""
        return self._codes[kind]

    def row(self, tokens: Iterable[Token]) -> str:
        """The kinds of tokens as a string of one character each."""
        codes = self._codes
        return "".join([codes[token.kind] for token in tokens])

    def kind(self, character: str) -> str:
        """The kind of a character."""
        return self._codes.kinds.get(character, "")

    def members(self, name: str) -> frozenset[str]:
        """The kinds of a group, or the kind itself."""
        found = self._groups.get(name)
        return frozenset({name}) if found is None else found

    def characters(self, names: str) -> str:
        """The characters of 'A|GROUP' for a character class."""
        kinds = sorted({kind for name in names.split("|") for kind in self.members(name)})
        return "".join(self.code(kind) for kind in kinds)

    def needed(self, pattern: str) -> list[frozenset[str]]:
        """Sets of characters, of each of which a row must hold one for the pattern to fit; the smallest set first."""
        sets, depth = [], 0
        for word in pattern.split():
            depth += (word == "(") - word.startswith(")")
            if word == "/" and depth == 0:
                return []
            element = None if word in FIXED or GAP.fullmatch(word) else ELEMENT.fullmatch(word)
            if depth == 0 and element and not element["not"] and not NONE_WILL_DO.fullmatch(element["repeat"] or ""):
                sets.append(frozenset(self.characters(element["names"])))
        return sorted(sets, key=len)

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """The pattern as a regular expression over characters of kinds.

        Raises:
            UnreadablePattern: a word of it is not of the language.
        """
        if pattern not in self._compiled:
            self._compiled[pattern] = re.compile("".join(self._piece(word, pattern) for word in pattern.split()), re.S)
        return self._compiled[pattern]

    def _piece(self, word: str, pattern: str) -> str:
        if word == "^" and SECTION_TITLE in self._groups:
            return f"(?:^|^[{self.characters(SECTION_TITLE)}]+{self.code(COLON)})"
        if word in FIXED:
            return FIXED[word]
        if gap := GAP.fullmatch(word):
            stops = self.characters("|".join(sorted(self.stops)))
            return f"[^{stops}]{{0,{gap['most']}}}?" if gap["most"] else f"[^{stops}]*?"
        element = ELEMENT.fullmatch(word)
        if element is None or bool(element["subject"]) != bool(element["end"]):
            raise UnreadablePattern(f"{word!r} in the pattern {pattern!r}")
        kinds = f"[{'^' if element['not'] else ''}{self.characters(element['names'])}]"
        return f"({kinds})" if element["subject"] else kinds + (element["repeat"] or "")
