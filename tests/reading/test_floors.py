"""The lower floors of the reader serve any subject: nothing in them names a kind of word that only margins have, nor a word of margins."""

import ast
import csv
import re
from pathlib import Path

import pytest

import report_reader

READER = Path(report_reader.__file__).parent
FLOORS = sorted(
    [
        *(
            READER / f"{name}.py"
            for name in ("cleaning", "machine_marks", "tokens", "lexicon", "patterns", "rules", "reader")
        ),
        *(path for floor in ("layout", "measurements", "engine") for path in (READER / floor).glob("*.py")),
    ]
)
WORDS_OF_MARGINS = re.compile(
    r"(?i)margin|\btumou?r|lesion|involved|positive|negative|\bfree\b|\bclear\b|resect|liver|\bR\[?[012]"
)
READINGS = {"", "tumour", "no tumour"}


def kinds_in(lexicons):
    kinds = set()
    for path in lexicons:
        with path.open(encoding="utf-8", newline="") as file:
            kinds |= {row["kind"] for row in csv.DictReader(file)}
    return kinds


OF_MARGINS_ONLY = kinds_in(READER.glob("margins/lexicon_*.csv")) - kinds_in(READER.glob("words/*.csv"))


def test_margins_have_kinds_of_their_own():
    assert {"MARGIN", "INVOLVED", "DISTANCE", "CAPSULE"} <= OF_MARGINS_ONLY


@pytest.mark.parametrize("path", FLOORS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_floor_names_nothing_of_margins(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    named = [
        (line, text)
        for line, text in texts
        if text not in READINGS and (text in OF_MARGINS_ONLY or WORDS_OF_MARGINS.search(text))
    ]
    assert not named, f"{path.name}: {named}"
