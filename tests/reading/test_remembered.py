"""Sentences are remembered by their form, without the figures: what is read must not depend on what was read before."""

import csv
import random
from pathlib import Path

import pytest

from report_reader.margins import margin_reader
from report_reader.memory import Forms

PHRASES = Path(__file__).parent.parent / "margins" / "phrases_kept_aside.csv"


def read_afresh(text):
    reader = margin_reader()
    reader.forget()
    return reader.read(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Margin clear by 4 mm.", "Margin clear by 7 mm."),
        ("A 543 g specimen, 2.7 cm from the parenchymal margin.", "A 467 g specimen, 5,3 cm from the parenchymal margin."),
        ("Margin: 4 cm (40 mm).", "Margin: 5 cm (40 mm)."),
        ("Margin: 2 cm (20 mm).", "Margin: 2 cm (30 mm)."),
        ("Distance to the margin 4 mm to 8 mm.", "Distance to the margin 8 mm to 4 mm."),
        ("Distance to the margin between 5 mm and 8 mm.", "Distance to the margin between 8 mm and 5 mm."),
        ("Distance to the margin 5 mm - 8 mm.", "Distance to the margin 8 mm - 5 mm."),
        ("Margin more than 4 mm but less than 9 mm.", "Margin more than 9 mm but less than 4 mm."),
        ("Margin 4 cm 5 mm.", "Margin 6 cm 7 mm."),
        ("Margin three tenths of 4 mm.", "Margin three tenths of 1 mm."),
        ("Margin clear by 12.5 mm.", "Margin clear by 10.0 mm."),
        ("Margin 3.2 cm (32 mm).", "Margin 3.0 cm (30 mm)."),
        ("Margin 4.2 cm 5 mm.", "Margin 4.0 cm 5 mm."),
        ("Lesion 4 cm: margin 5 mm.\nLesion 5 cm: margin 6 mm.", "Lesion 6 cm: margin 5 mm.\nLesion 7 cm: margin 9 mm."),
        ("All measurements in mm.\nMargin: 14\nMM: yes", "All measurements in mm.\nMargin: 15\nMM: yes"),
        ("Weight of specimen 310 g: margin 4 mm.", "Weight of specimen 420 g: margin 4 mm."),
        ("Parenchymal margin:\n4 mm.", "Parenchymal margin:\n8 mm."),
        ("Margin 19 mm in version 4.", "Margin 18 mm in version 2."),
    ],
)  # fmt: skip
def test_a_text_is_read_the_same_whatever_was_read_before(first, second):
    alone = read_afresh(second)
    assert any(statement.mm is not None or statement.reading == "damaged" for statement in alone)
    read_afresh(first)
    assert margin_reader().read(second) == alone


def with_other_figures(text, forms, chance):
    """The text with other digits in its figures; a zero before all others stays one."""
    characters = list(text)
    for start, end in forms.figures(text):
        is_behind_another = False
        for at in range(start, end):
            if characters[at].isdigit() and (is_behind_another or characters[at] != "0"):
                characters[at] = chance.choice("0123456789" if is_behind_another else "123456789")
                is_behind_another = True
    return "".join(characters)


def test_labelled_phrases_with_other_figures_are_read_as_if_alone():
    chance = random.Random(15)
    forms = Forms(margin_reader().book.lexicon.knows_number)
    with PHRASES.open(encoding="utf-8", newline="") as file:
        texts = [row["report_text"] for row in csv.DictReader(file)][::6]
    others = [with_other_figures(text, forms, chance) for text in texts]
    assert sum(text != other for text, other in zip(texts, others, strict=True)) > len(texts) / 3
    alone = [read_afresh(text) for text in texts]
    reader = margin_reader()
    for other in others:
        reader.read(other)
    assert [reader.read(text) for text in texts] == alone


def test_a_figure_is_a_measured_number_and_no_year_code_or_number_of_the_lexicon():
    forms = Forms(lambda number: number == "2")
    text = "543 g, 2.7 x 10 cm, 2 cm, 30%, 1,5 mm; block A5 mm, 1/4 mm, 2019 g, 4 nodes, 14\nmm"
    assert [text[start:end] for start, end in forms.figures(text)] == ["543", "2.7", "10", "30", "1,5", "14"]
    assert forms.of("2.05 cm and 31 mm") == forms.of("7.18 cm and 90 mm") != forms.of("0.15 cm and 31 mm")
    assert forms.of("0.05 cm") == forms.of("0.07 cm") != forms.of("0.15 cm") != forms.of("0.0 cm")
