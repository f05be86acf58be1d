"""Floor 2: which characters of a page make one statement. Check boxes, tables, labels with their values on later lines, wrapped
lines, full stops that a scan put at line ends. No word is understood here; what words may not end or begin a sentence, and what
is an abbreviation, the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from report_reader.traced import Edit, Traced

TICKED = re.compile(r"\[ ?[xX*+] ?\]|\( ?[xX+] ?\)|(?<![^\W_])_+[xX]_+")
EMPTY_BOX = re.compile(r"\[ {0,3}\]|\( {0,3}\)|\[_+\]|(?<![\w])_{1,3}(?= ?[A-Za-z])")
BOX = re.compile(f"(?P<ticked>{TICKED.pattern})|(?P<empty>{EMPTY_BOX.pattern})")
BOX_BARE = f"{TICKED.pattern}|{EMPTY_BOX.pattern}"
WRAPPED_OPTION = re.compile(r"(?m)^[^\n]*\[ ?[xX ]? ?\][^\n:]*(\n[ \t]*)(?=[a-z][^:\n]{0,60}$)")
BROKEN_BOX = re.compile(r"\[[ \t]*([xX]?)[ \t]*\n[ \t]*([xX]?)[ \t]*\]")
WRAPPED_BOUND = re.compile(r"(?m)^[^\n]*\[ ?[xX ]? ?\][^\n:]*\b(?:than|least|to|or)[ \t]*(\n[ \t]*)(?=\d)")
LAST_BOX = re.compile(rf"(?m)^[^\n]*(?:{BOX_BARE})[^\n]*\S {{2,}}(?:{BOX_BARE})[ \t]*(\n[ \t]*)(?=[^\s\[(:][^\n:]*$)")
"""Of a row of boxes before their options the last, whose option stands on the next line."""
LED_BOX = re.compile(rf"(?m)^[^\n:]*:[ \t]*(?:{BOX_BARE})(?:[^\n]*(?:{BOX_BARE}))?[ \t]*(\n[ \t]*)(?=[^\s\[(])")
BOX_LINE = re.compile(rf"\n\s*(?=(?:{TICKED.pattern})|(?:{EMPTY_BOX.pattern}))")
OPTIONS_BEGIN = re.compile(r":[ \t]*[A-Za-z]+$")
"""'Margin: involved', before '| uninvolved | not assessable'."""
CELL = re.compile(r"[ \t]*\|[ \t]*|[ \t]*\t[ \t]*|(?<=\S) {3,}(?=\S)")
NARROW_CELL = re.compile(r"(?<=\S) {2,}(?=\S)")
"""Between the titles of a table whose rows stand farther apart."""
SLASHED = re.compile(r" / ")
LEADER = re.compile(
    r"(?<=[^\s.]) \.{2,3} (?=[^\s.])|[ \t]*(?:\.[ ]?){4,}[ \t]*:?|[ \t]*(?:_[ ]?){4,}[ \t]*|[ \t]+-{3,}>?[ \t]*"
)
RULE_LINE = re.compile(r"(?m)^[ \t]*[-=*_+|]{3,}[-=*_+| \t]*$")
MOST_WRAPPED_BOXES = 3
MOST_WORDS_OF_AN_OPTION = 4
COMMENT = re.compile(r" ?[(,;?]")
"""What may stand behind the last box of a line whose boxes stand behind their options."""
STATUS_BEFORE_BOX = re.compile(
    r"(?i)(?:\b(?:clear|free|positive|negative|present|absent|R[012])|involved|assess\w+) ?$"
)
TWO_WIDTHS = re.compile(
    rf"(?m)^[^\n:\d]*\d[^\n:]*[cm]m[^\n:]*(?:{TICKED.pattern})[ \t]*\n"
    rf"(?:[^\n:]*(?:{EMPTY_BOX.pattern})[ \t]*\n)*[^\n:\d]*\d[^\n:]*[cm]m[^\n:]*(?:{TICKED.pattern})(?=[ \t]*$)"
)
"""Both ticked, one a line before their boxes."""
LENGTH_BEFORE_BOX = re.compile(r"\d ?[cm]m ?$")
AN_ANSWER = re.compile(r"(?i)\s*(?:yes|no|y|n|n/?a|unknown)\b(?! \w)")
OPTION_OF_LENGTH = re.compile(r"\s*(?:[<>=~]+|(?:[a-z]+ ){1,2}(?=\d))? ?\d[\d.,]*(?: ?(?:-|to|mm|cm|and)\b| ?-)")
"""A width and nothing before it: '<1 mm', 'less than 1 mm', '1 to 9 mm'."""
STATUS = re.compile(r"(?i)\s*(?:not |un)?(?:involved|clear|free|positive|negative|R[012])\s*$")
NEXT_LABEL = re.compile(r"(?:\s{2,}|[.;|,]\s)([^.;|,:\s][^.;|,:]*:)\s*$")
"""Of the next row of boxes in one line."""
QUESTION_LABEL = re.compile(r"(?m)(?<=[a-zA-Z)])\?[ \t]*(?=:|\n|Yes\b|No\b|YES\b|NO\b|yes\b|no\b)")
ARROW = re.compile(r"[ \t]*(?:->|=>|={2,}|:=)[ \t]*")
FULL_STOP = r"[.!?]+[\"')\]]*(?=\s)"
SEMICOLON = r";\.?(?=\s|$)(?!\s+(?:[A-H]|#?\d{1,2})?[ :]*[\d.,]+\s*(?:[;.]|$))"
"""Not the one before a bare number: 'A 4; B 6 mm'."""
ITEM_BEFORE = re.compile(r"[A-Za-z][ :]{1,2}[<>=]{0,2} ?[\d.,]*\d$")
ITEM_BEHIND = re.compile(r"\s+(?:[A-Za-z]+[ :]+){1,3}[<>=]{0,2} ?[\d.,]*\d\s*(?:[;.]|$)")
"""'superior 6; inferior 9; medial 0.5': numbers without units are a list."""
BARS = r"\s//\s|\s\|\s|\s/\s(?=[A-Z][A-Za-z ]{2,60}:\s)"
STOP = re.compile(f"{FULL_STOP}|{SEMICOLON}|{BARS}")
BULLET = re.compile(r"[ \t]*(?:[-*\u2022>+]|\(?\d{1,2}[.)]|\(?(?:i{1,3}|iv|v|vi{0,3})\)|\(?[A-Za-z][.)])[ \t]+(?=\S)")
LABEL_LINE = re.compile(r"[ \t]*(?:[-*\u2022][ \t]*)?(?:[^:.\n]|\.(?! )){1,90}:[ \t]*$")
LABEL_AND_VALUE = re.compile(r"[ \t]*(?:[-*\u2022][ \t]*)?[A-Za-z][A-Za-z0-9 ()/,'&#-]{1,80}:[ \t]*\S")
LETTERED_LINE = re.compile(r"[ \t]*\(?(?:[A-H]|\d{1,2})[.)][ \t]+[A-Z][^:\n]{1,80}:")
NUMBERED_LABEL = re.compile(r"[ \t]*\d{1,2}[ \t]+[A-Z][A-Za-z]+[^:.\n]{0,60}:")
LOWER_LABEL = re.compile(r"[ \t]*[a-z]")
STRAY = re.compile(r"[^\W\d_]\.\s+[^\W\d_]")
ANSWER = re.compile(r"[:?]\s*\w+\.?$")
NUMBER_OF_A_THING = re.compile(r"\s+(?:[A-H]\s+[a-z(]|(?:\d{1,2}|[A-H])\s*[-:,(])")
ENUMERATION = re.compile(r"(?:^|[.;:]\s)\W*(?:[A-Za-z]+\s)?[A-Z]$|^\W*(?:[ivx]{1,4}|\d{1,2})$")
FIRST_WORD = re.compile(r"[ \t]*[(\"'\[]?([A-Za-z]+|[<>=~]*\s?[\d.,]*\d|[<>=~]+|[+-]ve)")
LAST_WORDS = re.compile(r"(?:[^\W\d_]+[ \t]+){0,3}(?:[^\W\d_]+|[<>=]+)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Words:
    """What the layout asks about words (lower case)."""

    never_ends: Callable[[list[str]], bool]
    """A sentence cannot end with these: 'of', 'less than'."""
    never_begins: Callable[[str], bool]
    """A sentence cannot begin with it: 'from'."""
    belong_together: Callable[[str, str], bool]
    """Two words that are one term: 'royal', 'college'."""
    numbered: Callable[[str], bool]
    """A number or a letter belongs to it: 'lesion'."""
    abbreviation: Callable[[str], bool]
    """A full stop behind it ends no sentence: 'approx'."""
    case_tells: bool = True
    """The text has capitals: a small letter begins no sentence."""

    def goes_on_with(self, word: str) -> bool:
        """Whether no sentence begins with the word, as it is written ('mCRC' and 'ypT3' may begin one)."""
        return self.never_begins(word.lower()) or (self.case_tells and word.islower())


def laid_out(page: Traced, words: Words) -> tuple[Traced, list[tuple[int, int]]]:
    """The page with one statement after the other, and where each begins and ends."""
    text = page.text
    if "[" in text or "(" in text or "__" in text or "_x_" in text.lower():
        page = _with_ticked_boxes(page)
    if "\n" in page.text or "|" in page.text or "\t" in page.text:
        page = page.replaced(RULE_LINE, "")
        page = _with_table_rows(page)
    if ".." in page.text or ". . " in page.text or "___" in page.text or "---" in page.text:
        page = page.replaced(LEADER, ": ")
    if "->" in page.text or "=" in page.text:
        page = page.replaced(ARROW, ": ")
    if "?" in page.text:
        page = page.replaced(QUESTION_LABEL, ": ")
    page = page.replaced(re.compile("_"), " ") if "_" in page.text else page
    text, places = _statements(page.text, replace(words, case_tells=page.text != page.text.lower()))
    return replace(page, text=text), places


# check boxes -------------------------------------------------------------------------------------------------------------


def _with_ticked_boxes(page: Traced) -> Traced:
    """Options that are not ticked leave; of a list of boxes the ticked ones follow their label."""
    page = page.replaced(BROKEN_BOX, lambda match: f"[{match.group(1) or match.group(2) or ' '}]")
    if not TICKED.search(page.text):
        return (
            page.edited(_edits_of_lines(page.text, re.compile(rf"(?=\[)(?:{BOX.pattern})")))
            if "[" in page.text
            else page
        )
    if all(re.fullmatch(r"\( ?\+ ?\)", box.group()) for box in BOX.finditer(page.text)):
        return page  # 'margin (+)' is a status
    for wrapped in (WRAPPED_OPTION, WRAPPED_BOUND, LAST_BOX):
        page = page.edited(Edit(m.start(1), m.end(1), " ") for m in wrapped.finditer(page.text))
    for _ in range(MOST_WRAPPED_BOXES):  # 'Margin: ( )' with its option on the next line
        page = page.edited(Edit(m.start(1), m.end(1), " ") for m in LED_BOX.finditer(page.text))
    page = page.replaced(BOX_LINE, " ")
    page = page.edited(Edit(m.end(), m.end(), " ?") for m in TWO_WIDTHS.finditer(page.text))
    return page.edited(_edits_of_lines(page.text, BOX))


def _edits_of_lines(text: str, box: re.Pattern[str]) -> list[Edit]:
    edits: list[Edit] = []
    for line in re.finditer(r"[^\n]+", text):
        if boxes := list(box.finditer(text, line.start(), line.end())):
            edits.extend(_box_edits(text, line.start(), line.end(), boxes))
    return edits


def _box_edits(text: str, start: int, end: int, boxes: list[re.Match[str]]) -> list[Edit]:
    if _stand_behind(text, start, end, boxes):
        return _edits_behind(text, start, boxes)
    before = text[start : boxes[0].start()]
    edits, ticked = [], []
    for at, box in enumerate(boxes):
        is_last = at + 1 == len(boxes)
        until = end if is_last else boxes[at + 1].start()
        label = None if is_last else NEXT_LABEL.search(text, box.end(), until)
        if box["ticked"]:
            is_led = not before.strip() or before.rstrip().endswith(":")
            ticked.append(text[box.end() : label.start() if label else until])
            between = " ? " if _exclude_each_other(ticked[-2:]) else "; "
            edits.append(Edit(box.start(), box.end(), between if len(ticked) > 1 else " " if is_led else ": "))
        else:
            edits.append(Edit(box.start(), label.start() if label else until, " "))
        if label:
            edits.append(Edit(label.start(), label.start(1), "; "))
            before, ticked = label.group(), []
    return edits


def _edits_behind(text: str, start: int, boxes: list[re.Match[str]]) -> list[Edit]:
    """Of options before their boxes those that are not ticked leave, labels among them stay."""
    edits, ticked = [], []
    option = start
    for box in boxes:
        label = text.rfind(":", option, box.start()) + 1
        ticked = [] if label else ticked
        begin = max(label, text.rfind("|", option, box.start()), option)
        if box["ticked"]:
            ticked.append(text[begin : box.start()])
            edits.append(Edit(box.start(), box.end(), " ? " if _exclude_each_other(ticked[-2:]) else " , "))
        else:
            edits.append(Edit(begin, box.end(), " "))
        option = box.end()
    return edits


def _exclude_each_other(options: list[str]) -> bool:
    """Whether they are two widths or two statuses, of which only one can be meant."""
    return len(options) > 1 and any(all(kind.match(each) for each in options) for kind in (OPTION_OF_LENGTH, STATUS))


def _stand_behind(text: str, start: int, end: int, boxes: list[re.Match[str]]) -> bool:
    """Whether the boxes stand behind their options: 'Involved [ ] Uninvolved [x]', also with a comment behind the last."""
    before, after = text[start : boxes[0].start()], text[boxes[-1].end() : end]
    if not re.search(r"[\w)][ ]*$", before):
        return False
    if not after.strip():
        return True
    if len(before[before.rfind(":") + 1 :].split()) > MOST_WORDS_OF_AN_OPTION:
        return False
    if after[:2].isspace() or COMMENT.match(after):
        return True
    between = [text[left.end() : right.start()] for left, right in zip(boxes, boxes[1:], strict=False)]
    if between and all(each.startswith("  ") and not each.endswith("  ") for each in between):
        return True
    if not between or AN_ANSWER.match(after):
        return False
    is_width = LENGTH_BEFORE_BOX.search(before) and OPTION_OF_LENGTH.match(between[0])
    return bool(is_width or STATUS_BEFORE_BOX.search(before))


# tables ------------------------------------------------------------------------------------------------------------------


def _with_table_rows(page: Traced) -> Traced:
    """Rows of a table with a header become 'row, title: cell.'; rows of two cells 'label: value'."""
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", page.text)]
    rows = [_cells(page.text, start, end) for start, end in lines]
    edits: list[Edit] = []
    at = 0
    while at < len(rows):
        last = at
        if at + 1 < len(rows) and len(rows[at]) < len(rows[at + 1]) > 2:
            narrow = _cells(page.text, *lines[at], NARROW_CELL)
            rows[at] = narrow if len(narrow) == len(rows[at + 1]) else rows[at]
        while last + 1 < len(rows) and len(rows[last + 1]) == len(rows[at]) > 1:
            last += 1
        if len(rows[at]) > 1:
            edits.extend(_table_edits(page.text, lines[at : last + 1], rows[at : last + 1]))
        at = last + 1
    return page.edited(edits)


def _cells(text: str, start: int, end: int, between: re.Pattern[str] = CELL) -> list[tuple[int, int]]:
    cells, begin = [], start
    for match in between.finditer(text, start, end):
        cells.append((begin, match.start()))
        begin = match.end()
    cells.append((begin, end))
    if len(cells) == 1:
        slashes = list(SLASHED.finditer(text, start, end))
        if len(slashes) < 2:
            return cells
        edges = [start, *(edge for match in slashes for edge in match.span()), end]
        return list(zip(edges[::2], edges[1::2], strict=True))
    if not text[slice(*cells[0])].strip():
        cells = cells[1:]
    if cells and not text[slice(*cells[-1])].strip() and "|" in text[start:end]:
        cells = cells[:-1]
    return cells


def _table_edits(text: str, lines: list[tuple[int, int]], rows: list[list[tuple[int, int]]]) -> list[Edit]:
    titles = [text[a:b].strip(" :") for a, b in rows[0]]
    body = [[text[a:b].strip() for a, b in row] for row in rows[1:]]
    has_header = (
        len(rows) > 1 and not any(re.search(r"\d", title) for title in titles) and len(titles) > 2 and all(titles[1:])
    )
    if not has_header:
        return [edit for line, row in zip(lines, rows, strict=True) for edit in _row_edits(text, line, row)]
    edits = [Edit(lines[0][0], lines[0][1], "")]
    for (start, end), cells in zip(lines[1:], body, strict=True):
        said = [f"{title}: {cell}" for title, cell in zip(titles[1:], cells[1:], strict=True) if cell.strip("- ")]
        edits.append(Edit(start, end, ", ".join([_row_name(titles[0], cells[0]), *said]) + "."))
    return edits


def _row_edits(text: str, line: tuple[int, int], row: list[tuple[int, int]]) -> list[Edit]:
    """Bars before and behind a row leave; what stands between its cells becomes what it means."""
    gaps = _gaps(text, row)
    if not gaps:
        return []
    ends = [((line[0], row[0][0]), ""), *gaps, ((row[-1][1], line[1]), "")]
    return [Edit(*gap, becomes) for gap, becomes in ends if gap[0] < gap[1]]


def _gaps(text: str, row: list[tuple[int, int]]) -> list[tuple[tuple[int, int], str]]:
    """What stands between the cells of a row without titles: a label and its value, or one label with its value beside another."""
    if len(row) > 1 and all(LABEL_AND_VALUE.match(text, *cell) for cell in row if text[slice(*cell)].strip()):
        return [((left[1], right[0]), "\n") for left, right in zip(row, row[1:], strict=False)]
    label = text[slice(*row[0])].strip()
    if (
        len(row) > 2
        and OPTIONS_BEGIN.search(label)
        and not any(re.search(r"[:\d]", text[slice(*cell)]) for cell in row[1:])
    ):
        return [((left[1], right[0]), " / ") for left, right in zip(row, row[1:], strict=False)]
    return [((row[0][1], row[1][0]), " " if label.endswith(":") else ": ")] if _is_pair(text, row) else []


def _row_name(title: str, cell: str) -> str:
    """'Lesion' and '2' are 'Lesion 2', 'Margin' and 'Parenchymal' are 'Parenchymal Margin'."""
    if re.fullmatch(r"#?\s?(?:\d{1,2}[a-z]?|[A-Z]|[IVX]{1,4})", cell) and title:
        return f"{title[:1].upper()}{title[1:]} {cell}"
    is_adjective = re.fullmatch(r"[A-Za-z]{3,12}", title) and re.fullmatch(r"[A-Za-z ]{3,30}", cell)
    return f"{cell} {title}" if is_adjective and title.lower() not in cell.lower() else cell


def _is_pair(text: str, row: list[tuple[int, int]]) -> bool:
    label = text[row[0][0] : row[0][1]].strip()
    return (
        len(row) == 2
        and bool(label)
        and label[-1] not in ".;,"
        and len(label) < 90
        and bool(text[row[1][0] : row[1][1]].strip())
    )


# statements --------------------------------------------------------------------------------------------------------------


def _statements(text: str, words: Words) -> tuple[str, list[tuple[int, int]]]:
    """Cut at line ends and full stops, but not where a sentence goes on; full stops there become blanks."""
    cuts, stray = [0], []
    lines = text.split("\n")
    following = _next_lines(lines)
    place = 0
    for number, line in enumerate(lines):
        for stop in STOP.finditer(line):
            if _ends_here(line, stop, words):
                cuts.append(place + stop.end())
            elif STRAY.match(line, stop.start() - 1) and not ENUMERATION.search(line[: stop.start()]):
                stray.append(place + stop.start())
        place += len(line) + 1
        behind = following[number]
        if not line.strip() or behind is None:
            continue
        goes_on = _goes_on if behind == number + 1 else _goes_on_behind_blank_lines
        if not goes_on(line, lines[behind], words):
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


def _goes_on_behind_blank_lines(line: str, following: str, words: Words) -> bool:
    """Whether a statement that a page's end or an empty line tore goes on: its end is none, or what follows is no beginning."""
    before, after = line.rstrip(), following.strip()
    is_own = any(own.match(following) for own in (BULLET, LABEL_LINE, LABEL_AND_VALUE)) or LABEL_LINE.match(line)
    if before.endswith((".", ":", ";", "!", "?")) or is_own:
        return False
    last, first = LAST_WORDS.search(before), FIRST_WORD.match(after)
    ending = last.group().lower().split() if last else []
    next_word = first.group(1) if first else ""
    if before.endswith((",", "<", ">", "=")) or (ending and words.never_ends(ending)):
        return True
    if ending and words.numbered(ending[-1]) and after[0].isdigit():
        return True
    return next_word[:1].isalpha() and words.goes_on_with(next_word)


def _ends_here(line: str, stop: re.Match[str], words: Words) -> bool:
    if (
        stop.group().startswith(";")
        and ITEM_BEFORE.search(line[: stop.start()])
        and ITEM_BEHIND.match(line, stop.end())
    ):
        return False
    if stop.group().startswith(";") and _is_in_brackets(line, stop):
        return False
    if not stop.group().startswith("."):
        return True
    if line[: stop.start()].endswith((",", ";", ":", "<", ">", "=")):
        return False
    return not _is_spurious(line[: stop.start()], line[stop.end() :], words)


def _is_in_brackets(line: str, stop: re.Match[str]) -> bool:
    """Whether a bracket is open before it and closed behind it: 'S2 (9 mm; margin 10 mm)'."""
    opened = line.rfind("(", 0, stop.start())
    closed = line.find(")", stop.end())
    return (
        opened > line.rfind(")", 0, stop.start())
        and closed > 0
        and "(" not in line[stop.end() : closed]
        and opened >= 0
    )


def _is_spurious(before: str, after: str, words: Words) -> bool:
    """Whether a full stop between them ends no sentence."""
    last = LAST_WORDS.search(before)
    ending = last.group().lower().split() if last else []
    word = ending[-1] if ending else ""
    first = FIRST_WORD.match(after)
    next_word = first.group(1) if first else ""
    if ENUMERATION.search(before):
        return True
    if (
        word
        and words.abbreviation(word)
        and next_word
        and (next_word[0].islower() or not next_word[0].isalpha() or len(next_word) == 1)
    ):
        return True
    if re.search(r"(?:^|[\s(<>=~:-])\d{1,3}$", before) and next_word[:1].isdigit() and re.match(r"[ \t]{1,3}\d", after):
        return not re.search(r"^[ \t]*\d{1,2}$", before)
    if word and words.numbered(word) and NUMBER_OF_A_THING.match(after):
        return True
    if not next_word:
        return False
    if ending and (
        words.never_ends(ending) and not ANSWER.search(before) or words.belong_together(word, next_word.lower())
    ):
        return True
    return next_word[0].isalpha() and words.goes_on_with(next_word)


def _goes_on(line: str, following: str, words: Words) -> bool:
    """Whether a statement goes on in the following line."""
    before, after = line.rstrip(), following.strip()
    if not before or not after:
        return False
    if before.endswith(":"):
        return not any(own.match(following) for own in (LABEL_LINE, LABEL_AND_VALUE, LETTERED_LINE))
    if before.rfind("(") > before.rfind(")") and 0 <= after.find(")") < (after.find("(") % (len(after) + 1)):
        return True
    if BULLET.match(following) and not after[0].isdigit():
        return False
    if after.startswith("(") and not before.endswith((".", ";", "!", "?")) and not BOX.match(after):
        return True
    if re.match(r"[ \t]*\d{1,2}[.)][ \t]+[A-Z]", following):
        return False
    if NUMBERED_LABEL.match(following) and not before.endswith((",", ":")):
        return False
    if before.endswith((".", "!")):
        return not after[0].isupper() and _is_spurious(before.rstrip("."), " " + after, words)
    if before.endswith(";"):
        return False
    first = FIRST_WORD.match(after)
    next_word = first.group(1) if first else after[:1]
    last = LAST_WORDS.search(before)
    ending = last.group().lower().split() if last and not ANSWER.search(before) else []
    if ending and words.belong_together(ending[-1], next_word.lower()):
        return True
    if LABEL_AND_VALUE.match(following) and not (ending and words.never_ends(ending)):
        return bool(LOWER_LABEL.match(following)) and ":" not in re.split(r"[.;]\s", before)[-1]
    if before.endswith(",") or (ending and words.never_ends(ending)) or words.never_begins(next_word.lower()):
        return True
    if next_word.islower() and not LABEL_LINE.match(line):
        return True
    if not next_word[:1].isalpha():
        return True
    return before.isupper() and after.isupper() and len(before) > 20
