"""Check boxes before and behind their options: which option is ticked, and that two ticked ones of a row stay open."""

import pytest

from report_reader.margins import margin_reader

BEFORE = "{a} Involved{gap}{b} Not involved{gap}{c} Not assessable{comment}"
BEHIND = "Involved {a}{gap}Not involved {b}{gap}Not assessable {c}{comment}"
BOXES = [("[ ]", "[X]"), ("( )", "(x)"), ("\u2610", "\u2611")]
READINGS = {0: {"involved"}, 1: {"negative"}, 2: {"not assessable"}}


def readings(text):
    return {s.reading for s in margin_reader().read(text) if s.reading} - {"tumour", "not stated"}


@pytest.mark.parametrize("row", [BEFORE, BEHIND], ids=["before", "behind"])
@pytest.mark.parametrize("label", ["Parenchymal margin\n  ", "Parenchymal margin: ", "Parenchymal margin:\n"])
@pytest.mark.parametrize("gap", ["   ", " ", "\n"])
@pytest.mark.parametrize("comment", ["", " (diathermy)"])
@pytest.mark.parametrize(("empty", "tick"), BOXES)
@pytest.mark.parametrize("ticked", READINGS)
def test_the_ticked_option_is_read(row, label, gap, comment, empty, tick, ticked):
    marks = {name: tick if at == ticked else empty for at, name in enumerate("abc")}
    assert readings(label + row.format(**marks, gap=gap, comment=comment)) == READINGS[ticked]


@pytest.mark.parametrize("row", [BEFORE, BEHIND], ids=["before", "behind"])
@pytest.mark.parametrize("gap", ["   ", "\n"])
@pytest.mark.parametrize("ticked", READINGS)
def test_two_blanks_beside_every_word_and_in_the_boxes_change_nothing(row, gap, ticked):
    marks = {name: "[x]" if at == ticked else "[ ]" for at, name in enumerate("abc")}
    text = "Parenchymal margin\n" + row.format(**marks, gap=gap, comment="")
    assert readings(text.replace(" ", "  ")) == READINGS[ticked]


@pytest.mark.parametrize(
    "text",
    [
        "Margin category: [ ] 0 mm  [X] <1 mm  [X] 1 to 9 mm  [ ] 10 mm or more",
        "Margin category: 0 mm [ ]  <1 mm [X]  1 to 9 mm [X]  10 mm or more [ ]",
        "Margin category:\n[ ] 0 mm\n[x] <1 mm\n[x] 1 to 9 mm",
        "Margin category:\n<1 mm [x]\n1-9 mm [ ]\n>=10 mm [x]",
        "Parenchymal margin: [x] involved [x] not involved",
        "Parenchymal margin: involved [x] not involved [x]",
    ],
)
def test_two_ticks_of_one_row_are_in_doubt(text):
    assert {"doubtful", "not assessable"} & readings(text)


def test_a_second_row_in_the_line_keeps_its_label():
    for text in (
        "Parenchymal margin: Clear [x] Involved [ ]  Capsule: Clear [ ] Involved [x]",
        "Parenchymal margin: [x] Clear [ ] Involved  Capsule: [ ] Clear [x] Involved",
    ):
        assert "involved" not in {s.reading for s in margin_reader().read(text) if s.subject == "margin"}


@pytest.mark.parametrize(
    "row", ["{label} {bad} {a} {good} {b}", "{label} {good} {b}  {bad} {a}", "{label}: {a} {bad} {b} {good}"]
)
@pytest.mark.parametrize(
    ("label", "bad", "good"),
    [
        ("Bile duct margin", "involved", "not involved"),
        ("Surgical margins", "R1", "R0"),
        ("Tumour at the margin", "present", "absent"),
        ("Resektionsrand", "befallen", "frei"),
        ("Margen", "afectado", "libre"),
    ],
)
def test_an_answer_is_what_the_lexicon_calls_one(row, label, bad, good):
    def read(a, b):
        return readings(row.format(label=label, bad=bad, good=good, a=a, b=b))

    assert read("[x]", "[ ]") == {"involved"}
    assert read("[ ]", "[x]") == {"negative"}


def test_rows_without_colons_keep_their_labels():
    form = "MARGINS\n Transection margin   involved [x]   clear [ ]\n Bile duct margin   involved [ ]   clear [x]"
    read = {s.subject: s.reading for s in margin_reader().read(form) if s.subject in ("parenchymal", "bile_duct")}
    assert read == {"parenchymal": "involved", "bile_duct": "negative"}
