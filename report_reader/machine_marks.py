"""Floor 1, what machines put into a text: escapes of messages, numbers of lines, page lines, doubled line ends. No word is read."""

import re

from report_reader.traced import Edit, Traced

ESCAPE = re.compile(r"\\(\.(?:br|sp|in|ti|ce|fi|nf|sk)[+\-\d ]*|[TSFREHNP]|X0[AD]|[rn](?![a-z]{2}))\\?", re.I)
ESCAPED = {"T": "&", "S": "^", "F": "|", "R": "~", "E": "\\", "H": "", "N": "", "P": ""}
SAID = r"(?:OBX\|(?:[^|\n]*\|){4}|NTE\|(?:[^|\n]*\|){2})(?P<said>[^|\n]*)"
SAYS_NOTHING = r"(?:MSH|EVN|PID|PV1|ORC|OBR|SPM|TXA)(?=\|)"
_NAME, _REST = r"(?:[^|^\n]*\^)?(?P<{}>[^|^\n]+)[^|\n]*", r"(?:\|(?P<unit>[^|^\n]*))?[^\n]*$"
_RESULT = r"(?m)^OBX\|[^|\n]*\|(?:NM|SN|CWE|CE|CNE)\|" + _NAME.format("name")
RESULT = re.compile(_RESULT + r"\|[^|\n]*\|" + _NAME.format("value") + _REST)
"""A result with a name, a value and a unit."""
SEGMENT = re.compile(rf"(?m)^(?:{SAID}|{SAYS_NOTHING})[^\n]*$")
"""A line of a message: of a result or a note its text stays, of the others nothing."""
DICTATED = re.compile(r" (?:comma|new (?:paragraph|line|sentence))(?= )|(?<=[a-z]) (?:period|full stop)[.]?\Z")
"""Somebody's signs, written out as words by whoever or whatever typed them."""
SPOKEN = re.compile(r",? (?P<comma>comma)(?= )|[.,]? (?:period|full stop|new (?:paragraph|line|sentence))[.,]?(?= |\Z)")
LINE_SIGN = re.compile(r"(?<=[^\W_.;,:)\]])~(?=[A-Za-z])|(?<=[.;,:)\]])~(?=\w)")
QUOTED_LINE = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+(?=(?P<first>[^\s>]))|^[ \t]*(?:>[ \t]?)+$|^(?=[ \t]*[^\s>])")
"""A line of a letter that is answered, or one that is not."""
PAGE_LINE = re.compile(
    r"(?m)^[ \t]*-*[ \t]*(?:page|seite|p[aá]gina)[ \t]+\d+(?:[ \t]*(?:of|/|von|de)[ \t]*\d+)?[ \t]*-*[ \t]*$\n?", re.I
)
NUMBERED_LINE = re.compile(r"(?m)^([ \t]*0*(\d{1,4})(?::|\|)?[ \t]{1,8})(?=(\S?))|^[ \t]*\S")
DOUBLED = re.compile(r"(?<=[^\n])\n[ \t]*\n(?=[^\n])")
ONCE = re.compile(r"(?<=[^\n])\n[ \t]*(?=[^\s])|\n[ \t]*\n[ \t]*\n")
INSIDE = re.compile(r"[^\s.:;!?]\n[ \t]*\n[ \t]*[a-z\d]")


def without_machine_marks(traced: Traced) -> Traced:
    """The text without them, its line ends as somebody wrote them."""
    if "\\" in traced.text:
        traced = traced.replaced(ESCAPE, _meant)
    if "~" in traced.text:
        traced = traced.replaced(LINE_SIGN, "\n")
    if any(word in traced.text for word in (" comma", " new ", " period", " full stop")) and DICTATED.search(
        traced.text
    ):
        traced = traced.replaced(SPOKEN, lambda match: "," if match["comma"] else ".")
    if "OBX|" in traced.text or "NTE|" in traced.text:
        traced = traced.edited(edit for match in RESULT.finditer(traced.text) for edit in _named_value(match))
        traced = traced.edited(edit for match in SEGMENT.finditer(traced.text) for edit in _around(match))
    if "\n" in traced.text:
        traced = _without_quotes(traced.replaced(PAGE_LINE, ""))
        traced = _without_doubled_ends(_without_line_numbers(traced))
    return traced


def _meant(match: re.Match[str]) -> str | None:
    name = match.group(1)
    if len(name) == 1 and name.islower():  # a backslash and n, as programs write a line end
        return "\n" if "\n" not in match.string else None
    if len(name) == 1:
        return ESCAPED[name.upper()] if match.group().endswith("\\") else None
    return "\n"


def _named_value(match: re.Match[str]) -> list[Edit]:
    """'OBX|5|NM|Closest margin distance||1.2|cm' is 'Closest margin distance: 1.2 cm.'."""
    pieces = [name for name in ("name", "value", "unit") if match[name]]
    between = {"value": ": ", "unit": " "}
    edits, end = [], match.start()
    for name in pieces:
        edits.append(Edit(end, match.start(name), between.get(name, "")))
        end = match.end(name)
    return [*edits, Edit(end, match.end(), ".")]


def _around(match: re.Match[str]) -> list[Edit]:
    """What stands before and behind the text of a line of a message leaves."""
    start, end = match.span("said") if match["said"] is not None else (match.end(), match.end())
    return [Edit(match.start(), start, ""), Edit(end, match.end(), "")]


def _without_quotes(traced: Traced) -> Traced:
    """The signs of a letter that is answered leave, where every line has one, some line goes on in small letters and none is a bound."""
    if not traced.text.lstrip().startswith(">"):
        return traced
    lines = list(QUOTED_LINE.finditer(traced.text))
    begin = [line["first"] or "" for line in lines]
    is_quoted = all(line.group() for line in lines) and not any(
        each.isdigit() or each in "=.,<" for each in begin if each
    )
    if not is_quoted or not any(each.islower() for each in begin):
        return traced
    return traced.edited(Edit(line.start(), line.end(), "") for line in lines)


def _without_line_numbers(traced: Traced) -> Traced:
    """Numbers that count every line of a text leave, where one does not begin with a capital: no numbered list."""
    if not traced.text.lstrip()[:1].isdigit():
        return traced
    lines = list(NUMBERED_LINE.finditer(traced.text))
    numbers = [int(line[2]) if line[2] else -1 for line in lines]
    counts = len(lines) > 1 and numbers[0] >= 0 and numbers == list(range(numbers[0], numbers[0] + len(lines)))
    if not counts or all(line[3].isupper() for line in lines[1:]):
        return traced
    return traced.edited(Edit(line.start(1), line.end(1), "") for line in lines)


def _without_doubled_ends(traced: Traced) -> Traced:
    """A page written in double spacing, or whose line ends were doubled on the way."""
    if len(DOUBLED.findall(traced.text)) < 2 or ONCE.search(traced.text) or not INSIDE.search(traced.text):
        return traced
    return traced.replaced(DOUBLED, "\n")
