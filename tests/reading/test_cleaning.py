"""One spelling for each character, and the way back to where it stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_reader.cleaning import clean
from report_reader.traced import Edit, Traced

KNOWN = {"free", "margin", "tumor", "resection"}


@pytest.mark.parametrize(
    ("sent", "cleaned"),
    [
        ("Margin &lt;1 mm", "Margin <1 mm"),
        ("Margin &#60; 1 mm", "Margin < 1 mm"),
        ("Margin &amp;lt; 1 mm", "Margin < 1 mm"),
        ("a\u00a0b\u2009c", "a b c"),
        ("Margin \uff1c 1 mm", "Margin < 1 mm"),
        ("\u2264 1 mm, 400 \u00b5m, 0\u00b78 mm, 1\u00bd mm", "<= 1 mm, 400 um, 0.8 mm, 1 1/2 mm"),
        ("2\u20133 mm", "2-3 mm"),
        ("soft\u00adhyphen", "softhyphen"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("the mar-\n   gin is tumor-\nfree", "the margin is tumor-free"),
        ("Parenchymal<br>margin<b>4 mm</b>", "Parenchymal\nmargin4 mm"),
        ("margin\nPage 2 of 3\n4 mm", "margin\n4 mm"),
        ("block 1O, pT1O, NO mm", "block 1O, pT1O, NO mm"),
        ("< 1 mm and > 0.5 mm", "< 1 mm and > 0.5 mm"),
    ],
)
def test_each_character_gets_one_spelling(sent, cleaned):
    assert clean(sent, KNOWN.__contains__).text == cleaned


def test_words_lead_back_to_where_they_stood():
    sent = "Hepatic mar-\n  gin &#60; 1 mm\u00a0from ink"
    page = clean(sent, KNOWN.__contains__)
    for words, stood in (("margin", "mar-\n  gin"), ("< 1", "&#60; 1"), ("ink", "ink")):
        start = page.text.index(words)
        first, last = page.span(start, start + len(words))
        assert sent[first:last] == stood


@given(st.text(alphabet="ab \u00a0&lt;<\r\n-\u00bd\uff1c", max_size=40))
def test_no_text_breaks_and_every_span_lies_in_the_original(sent):
    page = clean(sent)
    for position in range(len(page.text)):
        start, end = page.span(position, position + 1)
        assert 0 <= start <= end <= len(sent)


def test_edits_upon_edits_still_lead_back():
    twice = Traced("abcdef").edited([Edit(1, 2, "BBB")]).edited([Edit(0, 1, ""), Edit(5, 6, "_")])
    assert twice.text == "BBBc_ef"[: len(twice.text)]
    assert "abcdef"[slice(*twice.span(len(twice.text) - 1, len(twice.text)))] == "f"
