"""Options of a form that semicolons divide: 'Margin: involved; not involved; cannot be assessed' is one statement, and none is chosen."""

from __future__ import annotations

import re

from report_reader.layout.words import Words
from report_reader.traced import Edit, Traced

ROW = re.compile(r"(?m)^[^\n:;]{2,60}:(?P<items>[^\n:;]+(?:;[^\n:;]+)+)$")
WORD = re.compile(r"[^\W\d_]+")
FEWEST_OPTIONS = 2


def with_options(page: Traced, words: Words) -> Traced:
    """Semicolons between answers, and nothing but answers, become strokes."""
    edits = []
    for row in ROW.finditer(page.text):
        items = row["items"].rstrip(" .").split(";")
        if len(items) >= FEWEST_OPTIONS and all(words.answer(WORD.findall(item.lower())) for item in items):
            signs = re.finditer(";", row["items"])
            edits.extend(
                Edit(row.start("items") + sign.start(), row.start("items") + sign.end(), " /") for sign in signs
            )
    return page.edited(edits) if edits else page
