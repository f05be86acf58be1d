"""A page cut into statements, one after the other."""

from __future__ import annotations

from report_reader.layout.full_stops import ENUMERATION, STOP, STRAY, ends_statement
from report_reader.layout.labels import BULLET
from report_reader.layout.line_ends import goes_on, goes_on_behind_blank_lines
from report_reader.layout.words import Words
from report_reader.memory import Forms, Memory

IS_CUT, IS_STRAY = "cut", "stray"
Places = list[int]


class Cutter:
    """Cuts pages. What is found for a line, or for two, is remembered by their form: figures change nothing here."""

    def __init__(self, words: Words) -> None:
        self._words = {True: words, False: words.without_case()}
        self._forms = Forms(words.known_number)
        self._memory = Memory()

    def forget(self) -> None:
        """No line is remembered."""
        self._memory.clear()

    def statements_of(self, text: str) -> tuple[str, str, list[tuple[int, int]]]:
        """Cut at line ends and full stops, but not where a sentence goes on; full stops there become blanks.

        Returns:
            The text, its form (`Forms.of`), and where each statement begins and ends.
        """
        case_tells = text != text.lower()
        words, recall = self._words[case_tells], self._memory.recall
        cuts, stray = [0], []
        form = self._forms.of(text)
        lines = form.split("\n")
        following = _next_lines(lines)
        place = 0
        for number, line in enumerate(lines):
            if not line.strip():
                place += len(line) + 1
                continue
            ended, strayed = recall((line, case_tells), _stops, line, words)
            cuts.extend([place + at for at in ended])
            stray.extend([place + at for at in strayed])
            place += len(line) + 1
            behind = following[number]
            if behind is None:
                continue
            is_next, below = behind == number + 1, lines[behind]
            # asked first, for there are far more pairs of lines than lines to be remembered
            if _surely_ends(line, below):
                cuts.append(place)
                continue
            end = recall((line, below, is_next, case_tells), _line_end, line, below, is_next, words)
            if end == IS_CUT:
                cuts.append(place)
            elif end == IS_STRAY:
                stray.append(place - 2)
        cuts.append(len(text))
        places = [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if a < b and not text[a:b].isspace()]
        return _with_blanks(text, stray), _with_blanks(form, stray), places


def _with_blanks(text: str, places: Places) -> str:
    if not places:
        return text
    characters = list(text)
    for at in places:
        characters[at] = " "
    return "".join(characters)


def _stops(line: str, words: Words) -> tuple[Places, Places]:
    """Where statements end inside a line, and which full stops end none."""
    ended, stray = [], []
    for stop in STOP.finditer(line):
        if ends_statement(line, stop, words):
            ended.append(stop.end())
        elif STRAY.match(line, stop.start() - 1) and not ENUMERATION.search(line[: stop.start()]):
            stray.append(stop.start())
    return ended, stray


def _surely_ends(line: str, below: str) -> bool:
    """Whether no word has to be looked at: a full stop, no open bracket, a capital letter or a bullet below."""
    before, first = line.rstrip(), below.lstrip()[:1]
    if not before.endswith((".", "!")) or before.rfind("(") > before.rfind(")"):
        return False
    return first.isupper() or (not first.isdigit() and BULLET.match(below) is not None)


def _line_end(line: str, below: str, is_next: bool, words: Words) -> str:
    """Whether a statement ends with the line, or the full stop at its end is a stray one; `is_next`: no blank line is between."""
    if not (goes_on if is_next else goes_on_behind_blank_lines)(line, below, words):
        return IS_CUT
    return IS_STRAY if line.endswith(".") and STRAY.match(f"{line[-2:]} {below.lstrip()[:1]}") else "no"


def _next_lines(lines: list[str]) -> list[int | None]:
    """For every line the number of the next one that is not blank."""
    result: list[int | None] = []
    behind = None
    for number in range(len(lines) - 1, -1, -1):
        result.append(behind)
        behind = number if lines[number].strip() else behind
    return result[::-1]
