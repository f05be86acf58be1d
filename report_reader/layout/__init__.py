"""Floor 2: which characters of a page make one statement. Check boxes, tables, labels with their values on later lines, wrapped
lines, full stops that a scan put at line ends. No word is understood here; what words may not end or begin a sentence, and what
is an abbreviation, the caller says.
"""

from __future__ import annotations

import re
from dataclasses import replace

from report_reader.layout.check_boxes import with_ticked_boxes
from report_reader.layout.options import with_options
from report_reader.layout.sentences import Cutter
from report_reader.layout.tables import with_table_rows
from report_reader.layout.words import Words
from report_reader.traced import Traced

__all__ = ["Cutter", "Words", "laid_out"]

RULE_LINE = re.compile(r"(?m)^[ \t]*[-=*_+|]{3,}[-=*_+| \t]*$")
_DOTS = r"[ \t]*(?:\.[ ]?){4,}(?:(?<! \.)|(?!\d))[ \t]*:?"
"""'..... .9 cm': the last one is a decimal point."""
LEADER = re.compile(rf"(?<=[^\s.]) \.{{2,3}} (?=[^\s.])|{_DOTS}|[ \t]*(?:_[ ]?){{4,}}[ \t]*|[ \t]+-{{3,}}>?[ \t]*")
QUESTION_LABEL = re.compile(r"(?m)(?<=[a-zA-Z)])\?[ \t]*(?=:|\n|Yes\b|No\b|YES\b|NO\b|yes\b|no\b)")
ARROW = re.compile(r"[ \t]*(?:->|=>|={2,}|:=)[ \t]*")
SIGNS_OF_BOXES = ("[", "__", "_x_", "_X_", "( ", "()", "(x", "(X", "(+")
UNDERSCORE = re.compile("_")


def laid_out(page: Traced, words: Words, cutter: Cutter) -> tuple[Traced, str, list[tuple[int, int]]]:
    """The page with one statement after the other, its form (`Forms.of`), and where each statement begins and ends."""
    if any(sign in page.text for sign in SIGNS_OF_BOXES):
        page = with_ticked_boxes(page, words)
    if "\n" in page.text or "|" in page.text or "\t" in page.text:
        page = with_table_rows(page.replaced(RULE_LINE, ""))
    if ".." in page.text or ". . " in page.text or "___" in page.text or "---" in page.text:
        page = page.replaced(LEADER, ": ")
    if "->" in page.text or "=" in page.text:
        page = page.replaced(ARROW, ": ")
    if "?" in page.text:
        page = page.replaced(QUESTION_LABEL, ": ")
    if "_" in page.text:
        page = page.replaced(UNDERSCORE, " ")
    if ";" in page.text:
        page = with_options(page, words)
    text, form, places = cutter.statements_of(page.text)
    return replace(page, text=text) if text is not page.text else page, form, places
