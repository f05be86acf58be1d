"""Numbers, units, ranges, bounds, words for numbers; and what only looks like a number, which never becomes another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_reader.engine import Sentences
from report_reader.margins import margin_reader


def lengths(text):
    """(comparator, mm, upper end) of each length, 'damaged' of each number that was not understood."""
    tokens = [token for clause in Sentences(margin_reader().book).clauses_of(text) for token in clause.tokens]
    measured = [token for token in tokens if token.kind in ("LENGTH", "BELOW", "ABOVE", "DAMAGED")]
    return [
        "damaged"
        if token.kind == "DAMAGED"
        else (token.measure.comparator, round(token.measure.mm, 6), token.measure.up_to_mm)
        for token in measured
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("4 mm", [("", 4, None)]),
        ("0,4 cm", [("", 4, None)]),
        (".8 mm", [("", 0.8, None)]),
        ("400 microns", [("", 0.4, None)]),
        ("12,000 um", [("", 12, None)]),
        ("1 cm 2 mm", [("", 12, None)]),
        ("1 1/2 cm", [("", 15, None)]),
        ("two and a half millimetres", [("", 2.5, None)]),
        ("eight tenths of a millimeter", [("", 0.8, None)]),
        ("half a millimetre", [("", 0.5, None)]),
        ("less than 1 mm", [("<", 1, None)]),
        ("at least 10 mm", [(">=", 10, None)]),
        ("10 mm or more", [(">=", 10, None)]),
        ("2-3 mm", [("-", 2, 3)]),
        ("between 2 and 3 mm", [("-", 2, 3)]),
        ("more than 1 mm but less than 5 mm", [(">", 1, 4.999999)]),
        ("clearances of 4, 12 and 15 mm", [("", 4, None), ("", 12, None), ("", 15, None)]),
        ("margin (mm): 4", [("", 4, None)]),
        ("distance in cm 0.4", [("", 4, None)]),
        ("nearly 10 mm", [("<", 10, None)]),
        ("lesion 1 4 mm", [("", 4, None)]),
        ("margin: zero", [("", 0, None)]),
        ("2 x 3 x 4 cm", []),
        ("0,7 rnm", [("", 0.7, None)]),
        ("one centimetre and a half", [("", 15, None)]),
        ("a centimetre and a half", [("", 15, None)]),
        ("less than. 1 mm", [("<", 1, None)]),
        ("margin (mm):\n19 | 10 | 25", [("", 19, None), ("", 10, None), ("", 25, None)]),
    ],
)
def test_a_length_is_read_as_written(text, read):
    assert lengths(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "0. 8 mm",
        "0 .8 mm",
        "2 .8 mm",
        "0, 8 mm",
        "12. 0 mm",
        "1 4 mm",
        "l2 mm",
        "I5 mm",
        "l0 mm",
        "I.1 cm",
        "1O mm",
        "O.8 mm",
        "0.O5 cm",
        "O mm",
        "07 cm",
        "0. 5-1. 5 mm",
        "O.5-1.5 mm",
        "O. 4 mm",
        "O . 4 mm",
        "O .4 mm",
        "l. 5 mm",
        "l1 .5 mm",
        "I , 4 mm",
        "O.5 to 1.5 mm",
        "O,5 - 3 mm",
        "1O to 15 mm",
        "1.O to 1.3 cm",
        "0.g cm",
        "0 .5 to 2 mm",
        "0. 5 to 2 mm",
        ". 5 mm",
        "(. 7 cm)",
        "<. 7 cm",
        ": . 7 cm",
        "| . 5 mm",
        "margin (mm): O.8",
        "4 +/- 1 mm",
        "0.4 cm (4 cm)",
    ],
)
def test_what_is_not_wholly_a_number_is_no_other_number(text):
    assert lengths(f"the margin is {text}") == ["damaged"]


@given(
    st.integers(0, 300), st.sampled_from([("mm", 1), ("cm", 10)]), st.sampled_from(["", ".", ","]), st.integers(1, 9)
)
def test_every_decimal_is_its_own_value_in_every_spelling(whole, unit, sign, tenth):
    number = f"{whole}{sign}{tenth}" if sign else str(whole)
    value = (whole + tenth / 10 if sign else whole) * unit[1]
    assert lengths(f"{number} {unit[0]}") == [("", round(value, 6), None)]
    assert lengths(f"{number}{unit[0]}") == [("", round(value, 6), None)]


@given(st.integers(0, 99), st.sampled_from([". ", " .", ", "]), st.integers(1, 9), st.sampled_from(["mm", "cm"]))
def test_a_stray_blank_in_a_number_never_leaves_the_half_of_it(whole, sign, tenth, unit):
    if sign == ", " and whole:
        return  # '4, 5 mm' may be a list
    assert lengths(f"the distance is {whole}{sign}{tenth} {unit}") == ["damaged"]


@given(
    st.sampled_from(["O", "o", "l", "I", ""]),
    st.sampled_from([". ", " .", " . "]),
    st.integers(1, 9),
    st.sampled_from(["mm", "cm"]),
)
def test_a_letter_and_a_stray_blank_in_one_number_never_leave_the_half_of_it(letter, sign, tenth, unit):
    if letter or sign != " .":  # ' .8 mm' is 0.8 mm
        assert lengths(f"the distance is {letter}{sign}{tenth} {unit}") == ["damaged"]
