"""Floor 3: numbers and units become lengths. One small grammar for decimals, ranges, bounds, lists that share a unit, fractions,
words for numbers and '1 cm 2 mm'.

What looks like a number and was not wholly understood becomes a token DAMAGED, which no rule may take for a length: a stray
blank ('0. 8 mm', '1 4 mm'), a letter for a digit ('l2 mm', '1O mm'), a lost decimal point ('07 cm'), a unit without a number.

Kinds it takes from the lexicon: UNIT (value: mm in one), COUNT (value: a number word), FRACTION (value: 0.5 for half), A (an
article), ABOUT, LESS, AT_MOST, MORE, AT_LEAST, BETWEEN, TO, AND, OR, WITHIN, TIMES, OF, POINT.
Kinds it makes: LENGTH (measure: Length), DIMENSIONS, DAMAGED, NUMBER.
"""

from __future__ import annotations

from report_reader.measurements.bounds import bounded, with_bounds_shown
from report_reader.measurements.combined import (
    dimensions,
    may_compare,
    mixed_units,
    ranges,
    restated_lengths,
    restated_numbers,
    zeros,
)
from report_reader.measurements.in_digits import plain_numbers
from report_reader.measurements.in_words import numbers_in_words
from report_reader.measurements.labels import units_of_labels
from report_reader.measurements.lengths import LENGTH, Length
from report_reader.measurements.of_report import bare_numbers
from report_reader.measurements.order import with_order, without_stray_stops
from report_reader.measurements.units import lengths, units_behind_numbers
from report_reader.measurements.words import LengthWords
from report_reader.tokens import Token

__all__ = [
    "Length",
    "LengthWords",
    "may_compare",
    "with_bounds_shown",
    "with_measurements",
    "with_order",
    "without_stray_stops",
]


IN_WORDS = frozenset({"COUNT", "A", "ZERO_WORD", "POINT", "FRACTION", "HUNDRED", "SINGLE"})
NO_WORDS = LengthWords()
LINKS = frozenset({"HYPHEN", "TO", "BETWEEN"})


def with_measurements(tokens: list[Token], words: LengthWords = NO_WORDS, unit_of_all: str = "") -> list[Token]:
    """The tokens with lengths in place of numbers and units. A step is left out where the kinds that it changes are not there.

    Args:
        tokens: of one sentence.
        words: kinds of words that lengths stand beside.
        unit_of_all: the unit (mm in one, as text) that the report gives all its numbers, if it does.
    """
    kinds = {token.kind for token in tokens}
    if kinds.isdisjoint(("UNIT", "NUMBER", "ZERO_WORD")):
        return tokens
    if kinds.issuperset(("OPEN", "CLOSE", "COUNT", "NUMBER")):
        tokens = restated_numbers(tokens)
    if "UNIT" in kinds and not kinds.isdisjoint(IN_WORDS):
        tokens = numbers_in_words(tokens)
    if not kinds.isdisjoint(("DOT", "SLASH")):
        tokens = plain_numbers(tokens)
    if unit_of_all and "UNIT" not in kinds:
        tokens = bare_numbers(tokens, words, unit_of_all)
    if "UNIT" in kinds:
        tokens = lengths(units_behind_numbers(units_of_labels(tokens, words), words), words)
        tokens = mixed_units(tokens)
    if "UNIT" in kinds or unit_of_all:
        if not kinds.isdisjoint(LINKS):
            tokens = ranges(tokens)
        if "OPEN" in kinds:
            tokens = restated_lengths(tokens)
    tokens = zeros(tokens, words)
    if not any(token.kind == LENGTH for token in tokens):
        return tokens
    if "TIMES" in kinds:
        tokens = dimensions(tokens)
    return bounded(tokens)
