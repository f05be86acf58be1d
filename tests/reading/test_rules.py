"""Every row of the rules reads its own example, and a new word is one row."""

import csv
import re
import shutil
from collections import Counter

import pytest
import yaml

from report_reader.explain import explained
from report_reader.margins import margin_reader
from report_reader.patterns import ELEMENT, FIXED
from report_reader.reader import WORDS, Reader
from report_reader.tokens import tokens_of
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


def names_in_patterns():
    """Every kind or group that a pattern names."""
    tables = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(BOOK.folder.glob("*.yml"))]
    given = [
        row.get(field) or [] for rows in tables for row in rows for field in ("when", "unless", "with", "not_with")
    ]
    patterns = [each for one in given for each in ([one] if isinstance(one, str) else one)]
    elements = [ELEMENT.fullmatch(word) for pattern in patterns for word in pattern.split() if word not in FIXED]
    return {name for element in elements if element for name in element["names"].split("|")}


def lexicon_kinds():
    paths = [*sorted(BOOK.folder.glob("lexicon_*.csv")), *sorted(WORDS.glob("*.csv"))]
    return {row["kind"] for path in paths for row in csv.DictReader(path.open(encoding="utf-8", newline=""))}


def kinds_of_code():
    """Those that the floors below the rules make or ask for by name, and what else is written in capitals there."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(WORDS.parent.rglob("*.py"))]
    return set(re.findall(r'"([A-Z][A-Z_0-9]*)"', " ".join(sources)))


MADE = {kind for rule in BOOK.compounds for kind in str(rule.fields.get("becomes") or "").split()}


def test_a_kind_that_is_misspelt_in_a_pattern_or_in_the_lexicon_is_found():
    known = {word.kind for word in BOOK.kinds_of_words}
    assert (names_in_patterns() | lexicon_kinds() | MADE) - known == set()
    groups = {group for word in BOOK.kinds_of_words for group in word.groups.split()}
    assert groups - known == set()
    # and none is left over
    used = names_in_patterns() | lexicon_kinds() | MADE | kinds_of_code() | groups
    assert known - used == set()


def test_every_kind_says_what_it_means_and_has_an_example():
    assert [word.kind for word in BOOK.kinds_of_words if not word.meaning or not word.example] == []
    assert max(Counter(word.kind for word in BOOK.kinds_of_words).values()) == 1


def test_the_example_of_a_kind_holds_it_where_it_is_one_of_the_lexicon_s():
    """Else a kind would be explained by words that are of another one."""
    asked = [word for word in BOOK.kinds_of_words if word.kind in lexicon_kinds() | MADE]
    assert len(asked) > 200
    assert [(word.kind, word.example) for word in asked if word.kind not in kinds_in(word.example)] == []


def kinds_in(text):
    """Those of its words, and those that rows of words became."""
    words = tokens_of(text, BOOK.lexicon)
    return {token.kind for token in words} | {
        t.kind for clause in margin_reader().clauses_in(text) for t in clause.tokens
    }


ITALIAN = """terms,kind,value,language,example
margine|margini,MARGIN,,it,margine libero
epatico|epatica,LIVER,,it,margine epatico
libero|libera,CLEAR,,it,margine libero
distanza,DISTANCE,,it,distanza dal margine
tumore,TUMOR,,it,distanza del tumore
è|è di,IS,,it,il margine è libero
dal|dalla|da,FROM,,it,distanza dal margine
del|della|di,OF,,it,distanza del tumore
il|la|lo,THE,,it,il margine
"""


def test_the_newcomer_s_test_a_new_language_is_a_file_of_lexicon_rows(tmp_path):
    """Italian settles nothing until there is a lexicon of it; a verb that the lexicon lacks leaves the margin open."""
    text = "Il margine epatico è libero da neoplasia. La distanza del tumore dal margine epatico è di 4 mm."
    assert {reading for _, reading in readings(text)} == {"not understood"}
    folder = shutil.copytree(BOOK.folder, tmp_path / "margins")
    (folder / "lexicon_it.csv").write_text(ITALIAN, encoding="utf-8")
    reader = Reader(folder)
    assert [(s.reading, s.mm, s.language) for s in reader.read(text)] == [
        ("negative", None, "it"),
        ("distance", 4, "it"),
    ]
    verb = "Il tumore raggiunge quasi il margine epatico della resezione."
    assert {reading for _, reading in readings(verb, reader)} == {"not understood"}


def test_the_newcomer_s_test_a_new_status_is_one_row_of_the_lexicon():
    reader = Reader(BOOK.folder)
    reader.book.lexicon.add("pristine", "CLEAR")
    assert ("margin negative", "negative") not in readings("Hepatic margin: pristine.")
    assert readings("Hepatic margin: pristine.", reader) == [("margin negative", "negative")]
    assert "negative" not in {reading for _, reading in readings("Hepatic margin: not pristine.", reader)}


def test_how_a_text_is_read_can_be_looked_at():
    """What a newcomer asks first: of which kind is each word, and which rule spoke?"""
    said = explained("Carcinoma smooches the ink. Parenchymal margin 4 mm.", margin_reader()).splitlines()
    assert said[0] == "clause    carcinoma=TUMOR  smooches=WORD (in no lexicon)  the=THE  ink=M_MARGIN  .=DOT"
    assert said[-1].startswith(
        "statement distance = 4 mm of parenchymal, stated: rule 'margin label before the distance' at '4 mm'"
    )
