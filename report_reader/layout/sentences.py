"""A page cut into statements, one after the other."""

from __future__ import annotations

from report_reader.layout.full_stops import ENUMERATION, STOP, STRAY, ends_statement
from report_reader.layout.line_ends import goes_on, goes_on_behind_blank_lines
from report_reader.layout.words import Words


def statements_of(text: str, words: Words) -> tuple[str, list[tuple[int, int]]]:
    """Cut at line ends and full stops, but not where a sentence goes on; full stops there become blanks."""
    cuts, stray = [0], []
    lines = text.split("\n")
    following = _next_lines(lines)
    place = 0
    for number, line in enumerate(lines):
        for stop in STOP.finditer(line):
            if ends_statement(line, stop, words):
                cuts.append(place + stop.end())
            elif STRAY.match(line, stop.start() - 1) and not ENUMERATION.search(line[: stop.start()]):
                stray.append(place + stop.start())
        place += len(line) + 1
        behind = following[number]
        if not line.strip() or behind is None:
            continue
        is_next = goes_on if behind == number + 1 else goes_on_behind_blank_lines
        if not is_next(line, lines[behind], words):
            cuts.append(place)
        elif line.endswith(".") and STRAY.match(f"{line[-2:]} {lines[behind].lstrip()[:1]}"):
            stray.append(place - 2)
    cuts.append(len(text))
    characters = list(text)
    for at in stray:
        characters[at] = " "
    return "".join(characters), [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if text[a:b].strip()]


def _next_lines(lines: list[str]) -> list[int | None]:
    """For every line the number of the next one that is not blank."""
    result: list[int | None] = []
    behind = None
    for number in range(len(lines) - 1, -1, -1):
        result.append(behind)
        behind = number if lines[number].strip() else behind
    return result[::-1]
