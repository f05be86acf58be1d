"""Every row of the rules reads its own example, and a new word is one row."""

import pytest

from report_reader.margins import margin_reader
from report_reader.reader import Reader
from tests.reading.fired import rows_fired

BOOK = margin_reader().book


def readings(text, reader=None):
    return [(s.rule, s.reading) for s in (reader or margin_reader()).read(text) if s.reading]


def with_verb(*forms):
    reader = Reader(BOOK.folder)
    for form in forms:
        reader.book.lexicon.add(form, "REACH")
    return reader


TABLES = {
    "compounds": BOOK.compounds,
    "cuts": BOOK.cuts,
    "contexts": BOOK.contexts,
    "lengths": [*BOOK.lengths, *BOOK.remarks],
    "statements": BOOK.statements,
    "guards": BOOK.guards,
}
ROWS = [(table, rule) for table, rules in TABLES.items() for rule in rules]


@pytest.mark.parametrize(("table", "rule"), ROWS, ids=[f"{table}: {rule.id}" for table, rule in ROWS])
def test_a_row_fits_its_example_and_not_its_counter_example(table, rule):
    assert (table, rule.id) in rows_fired(rule.fields["example"])
    assert (table, rule.id) not in rows_fired(rule.fields["counter_example"])
    assert rule.fields["why"]


@pytest.mark.parametrize("guard", BOOK.guards, ids=lambda rule: rule.id)
def test_a_guard_speaks_up_at_its_example(guard):
    assert (guard.id, guard.fields["reading"]) in readings(guard.fields["example"])


def test_a_word_that_nobody_knows_leaves_the_margin_open():
    """Whatever 'frobbed' means: not 'clear by 4 mm' for sure."""
    said = readings("The parenchymal margin is frobbed clear by 4 mm.")
    assert ("a word that is not known", "word not known") in said
    assert "doubtful" not in dict((b, a) for a, b in readings("The parenchymal margin is clear by 4 mm."))


def test_the_newcomer_s_test_a_new_verb_is_one_row_of_the_lexicon():
    """Before the row 'smooches' is a word of no kind; with it the margin is involved, 'nearly' takes its force, 'not' denies it."""
    sentence = "Carcinoma smooches the inked surface."
    assert ("tumour reaches the margin", "involved") not in readings(sentence)
    reader = with_verb("smooches", "smooch")
    assert readings(sentence, reader) == [("tumour reaches the margin", "involved")]
    assert {reading for _, reading in readings("Carcinoma nearly smooches the margin.", reader)} == {"not understood"}
    assert {reading for _, reading in readings("Carcinoma does not smooch the margin.", reader)} == {"negative"}


@pytest.mark.parametrize(
    "verb", ["touches", "reaches", "abuts", "involves", "invades", "contacts", "is flush with", "extends to"]
)
@pytest.mark.parametrize("hedge", ["nearly", "almost", "virtually", "practically"])
def test_a_hedge_takes_the_force_of_every_verb(verb, hedge):
    hedged = f"is {hedge} flush with" if verb == "is flush with" else f"{hedge} {verb}"
    assert "involved" not in {reading for _, reading in readings(f"Tumour {hedged} the parenchymal margin.")}
    assert "involved" in {reading for _, reading in readings(f"Tumour {verb} the parenchymal margin.")}


def test_each_statement_says_where_its_words_stand():
    text = "Liver wedge.\nHepatic margin:\u00a0free, 4\u00a0mm."
    said = {text[s.found_start : s.found_end]: (s.reading, s.rule, s.certainty) for s in margin_reader().read(text)}
    assert said["4\u00a0mm"] == ("distance", "margin label before the distance", "stated")
    assert said["free"] == ("negative", "margin negative", "stated")


def test_a_number_that_was_not_understood_is_an_open_statement():
    (statement,) = [s for s in margin_reader().read("Hepatic margin l2 mm.") if s.reading]
    assert (statement.reading, statement.certainty, statement.mm) == ("damaged", "open", None)
