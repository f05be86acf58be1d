"""Options with check boxes: what is not ticked leaves, what is ticked follows its label."""

from __future__ import annotations

import re

from report_reader.layout.words import Words
from report_reader.traced import Edit, Traced

TICKED = re.compile(r"\[ ?[xX*+] ?\]|\( ?[xX+] ?\)|(?<![^\W_])_+[xX]_+")
EMPTY_BOX = re.compile(r"\[ {0,3}\]|\( {0,3}\)|\[_+\]|(?<![\w])_{1,3}(?= ?[A-Za-z])")
BOX = re.compile(f"(?P<ticked>{TICKED.pattern})|(?P<empty>{EMPTY_BOX.pattern})")
_EITHER = f"{TICKED.pattern}|{EMPTY_BOX.pattern}"
BOX_IN_BRACKETS = re.compile(rf"(?=[\[(])(?:{BOX.pattern})")
BROKEN_BOX = re.compile(r"\[[ \t]*([xX]?)[ \t]*\n[ \t]*([xX]?)[ \t]*\]")
WRAPPED_OPTION = re.compile(r"(?m)^[^\n]*\[ ?[xX ]? ?\][^\n:]*(\n[ \t]*)(?=[a-z][^:\n]{0,60}$)")
WRAPPED_BOUND = re.compile(r"(?m)^[^\n]*\[ ?[xX ]? ?\][^\n:]*\b(?:than|least|to|or)[ \t]*(\n[ \t]*)(?=\d)")
LAST_BOX = re.compile(rf"(?m)^[^\n]*(?:{_EITHER})[^\n]*\S {{2,}}(?:{_EITHER})[ \t]*(\n[ \t]*)(?=[^\s\[(:][^\n:]*$)")
"""Of a row of boxes before their options the last, whose option stands on the next line."""
LED_BOX = re.compile(rf"(?m)^[^\n:]*:[ \t]*(?:{_EITHER})(?:[^\n]*(?:{_EITHER}))?[ \t]*(\n[ \t]*)(?=[^\s\[(])")
"""'Margin: ( )' with its option on the next line."""
BOX_LINE = re.compile(rf"\n\s*(?=(?:{TICKED.pattern})|(?:{EMPTY_BOX.pattern}))")
MOST_WRAPPED_BOXES = 3
MOST_WORDS_OF_AN_OPTION = 4
COMMENT = re.compile(r" ?[(,;?]")
"""What may stand behind the last box of a line whose boxes stand behind their options."""
_A_TICKED_WIDTH = rf"[^\n:\d]*\d[^\n:]*[cm]m[^\n:]*(?:{TICKED.pattern})"
TWO_WIDTHS = re.compile(
    rf"(?m)^{_A_TICKED_WIDTH}[ \t]*\n(?:[^\n:]*(?:{EMPTY_BOX.pattern})[ \t]*\n)*{_A_TICKED_WIDTH}(?=[ \t]*$)"
)
"""Both ticked, one a line before their boxes."""
LENGTH_BEFORE_BOX = re.compile(r"\d ?[cm]m {0,3}$")
AN_ANSWER = re.compile(r"(?i)\s*(?:yes|no|y|n|n/?a|unknown)\b(?! \w)")
OPTION_OF_LENGTH = re.compile(r"\s*(?:[<>=~]+|(?:[a-z]+ ){1,2}(?=\d))? ?\d[\d.,]*(?: ?(?:-|to|mm|cm|and)\b| ?-)")
"""A width and nothing before it: '<1 mm', 'less than 1 mm', '1 to 9 mm'."""
WORD_OF_AN_ANSWER = re.compile(r"[^\W_]+")
MOST_WORDS_OF_AN_ANSWER = 3
MOST_BLANKS_BEFORE_A_BOX = 3
NEXT_LABEL = re.compile(r"(?:\s{2,}|[.;|,]\s)([^.;|,:\s][^.;|,:]*:)\s*$")
"""Of the next row of boxes in one line."""


def with_ticked_boxes(page: Traced, words: Words) -> Traced:
    """Options that are not ticked leave; of a list of boxes the ticked ones follow their label."""
    page = page.replaced(BROKEN_BOX, lambda match: f"[{match.group(1) or match.group(2) or ' '}]")
    if not TICKED.search(page.text):
        return _without_boxes(page, BOX_IN_BRACKETS, words) if BOX_IN_BRACKETS.search(page.text) else page
    if all(re.fullmatch(r"\( ?\+ ?\)", box.group()) for box in BOX.finditer(page.text)):
        return page  # 'margin (+)' is a status
    for wrapped in (WRAPPED_OPTION, WRAPPED_BOUND, LAST_BOX):
        page = page.edited(Edit(m.start(1), m.end(1), " ") for m in wrapped.finditer(page.text))
    for _ in range(MOST_WRAPPED_BOXES):  # 'Margin: ( )' with its option on the next line
        page = page.edited(Edit(m.start(1), m.end(1), " ") for m in LED_BOX.finditer(page.text))
    page = page.replaced(BOX_LINE, _joined_to_label)
    page = page.edited(Edit(m.end(), m.end(), " ?") for m in TWO_WIDTHS.finditer(page.text))
    return _without_boxes(page, BOX, words)


def _joined_to_label(line_end: re.Match[str]) -> str:
    """What joins a line that begins with a box to the one above: a colon behind a label, so that the boxes lead their options."""
    above = line_end.string[: line_end.start()].rpartition("\n")[2].rstrip()
    here = line_end.string[line_end.end() :].partition("\n")[0]
    box = BOX.match(here)
    is_led = box is not None and here[box.end() :].strip() and not BOX.search(above)
    return ": " if is_led and re.search(r"[\w)]$", above) else " "


def _without_boxes(page: Traced, box: re.Pattern[str], words: Words) -> Traced:
    """Line by line: options that are not ticked leave, and so do the boxes of those that are."""
    edits: list[Edit] = []
    for line in re.finditer(r"[^\n]+", page.text):
        if boxes := list(box.finditer(page.text, line.start(), line.end())):
            edits.extend(_box_edits(page.text, line.start(), line.end(), boxes, words))
    return page.edited(edits)


def _box_edits(text: str, start: int, end: int, boxes: list[re.Match[str]], words: Words) -> list[Edit]:
    if _stand_behind(text, start, end, boxes, words):
        return _edits_behind(text, start, boxes, words)
    before = text[start : boxes[0].start()]
    edits, ticked = [], []
    for at, box in enumerate(boxes):
        is_last = at + 1 == len(boxes)
        until = end if is_last else boxes[at + 1].start()
        label = None if is_last else NEXT_LABEL.search(text, box.end(), until)
        if box["ticked"]:
            is_led = not before.strip() or before.rstrip().endswith(":")
            ticked.append(text[box.end() : label.start() if label else until])
            between = " ? " if _exclude_each_other(ticked[-2:], words) else "; "
            edits.append(Edit(box.start(), box.end(), between if len(ticked) > 1 else " " if is_led else ": "))
        else:
            edits.append(Edit(box.start(), label.start() if label else until, " "))
        if label:
            edits.append(Edit(label.start(), label.start(1), "; "))
            before, ticked = label.group(), []
    return edits


def _edits_behind(text: str, start: int, boxes: list[re.Match[str]], words: Words) -> list[Edit]:
    """Of options before their boxes those that are not ticked leave, labels among them stay."""
    edits, ticked = [], []
    option = start
    for box in boxes:
        label = text.rfind(":", option, box.start()) + 1
        ticked = [] if label else ticked
        begin = max(label, text.rfind("|", option, box.start()), option)
        if box["ticked"]:
            ticked.append(text[begin : box.start()])
            option_end = begin + len(text[begin : box.start()].rstrip())
            edits.append(Edit(option_end, box.end(), " ? " if _exclude_each_other(ticked[-2:], words) else " , "))
        else:
            if begin == start:  # 'Margin involved [ ] clear [x]': the label stays
                begin += _answer_at_end(text[start : box.start()], words) or 0
            edits.append(Edit(begin, box.end(), " "))
        option = box.end()
    return edits


def _exclude_each_other(options: list[str], words: Words) -> bool:
    """Whether they are two widths or two answers, of which only one can be meant."""
    if len(options) < 2:
        return False
    return all(map(OPTION_OF_LENGTH.match, options)) or all(_begins_with_answer(each, words, True) for each in options)


def _begins_with_answer(text: str, words: Words, is_whole: bool = False) -> bool:
    """Whether an answer of a form stands at the beginning of it, or is the whole of it: 'not involved'."""
    found = WORD_OF_AN_ANSWER.findall(text.lower())
    if is_whole:
        return words.answer(found)
    return any(words.answer(found[:number]) for number in range(1, 1 + min(MOST_WORDS_OF_AN_ANSWER, len(found))))


def _answer_at_end(text: str, words: Words) -> int | None:
    """Where the answer of a form begins that stands at the end of it, few blanks before the box."""
    end = text.rstrip(" ")
    if len(text) - len(end) > MOST_BLANKS_BEFORE_A_BOX or not end[-1:].isalnum():
        return None
    found = list(WORD_OF_AN_ANSWER.finditer(text, text.rfind(":") + 1))[-MOST_WORDS_OF_AN_ANSWER:]
    whole = [word.group().lower() for word in found]
    return next((word.start() for at, word in enumerate(found) if words.answer(whole[at:])), None)


def _stand_behind(text: str, start: int, end: int, boxes: list[re.Match[str]], words: Words) -> bool:
    """Whether the boxes stand behind their options: 'Involved [ ] Uninvolved [x]', also with a comment behind the last."""
    before, after = text[start : boxes[0].start()], text[boxes[-1].end() : end]
    if not re.search(r"[\w)][ ]*$", before):
        return False
    if not after.strip():
        return True
    if len(before[before.rfind(":") + 1 :].split()) > MOST_WORDS_OF_AN_OPTION:
        return False
    is_led = _begins_with_answer(after, words) and _answer_at_end(before, words) is None
    if (after[:2].isspace() and not is_led) or COMMENT.match(after):
        return True
    between = [text[left.end() : right.start()] for left, right in zip(boxes, boxes[1:], strict=False)]
    if between and all(each.startswith("  ") and not each.endswith("  ") for each in between):
        return True
    if not between or AN_ANSWER.match(after):
        return False
    is_width = LENGTH_BEFORE_BOX.search(before) and OPTION_OF_LENGTH.match(between[0])
    return bool(is_width) or _answer_at_end(before, words) is not None
