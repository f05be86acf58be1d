"""Sentences that were read before. Reports repeat their sentences, and many differ in figures only ('a 543 g specimen', '2.7 cm'):
what was made of the first is filled with the figures of the next, where nothing else in it depends on them.
"""

from __future__ import annotations

from typing import NamedTuple

from report_reader.engine.clauses import Clause, clauses_of, plain_tokens
from report_reader.measurements import Length, may_compare
from report_reader.memory import Forms, Memory
from report_reader.rules import RuleBook
from report_reader.tokens import Token

UNIT_OF_ALL = "UNIT_OF_ALL"
"""Kind of the words that give all numbers of a report their unit."""
UNITS_MM = (1.0, 10.0)
Span = tuple[int, int]


class Place(NamedTuple):
    """A length that is a figure: its number among the lengths of its clause, where the figure stands, the unit in mm."""

    number: int
    figure: Span
    unit_mm: float


class Remembered(NamedTuple):
    """The clauses of a sentence, and for each where its figures stand (None: none stands in any).

    `is_form`: other figures may be filled in; `gives_unit`: it says which unit all numbers of the report have.
    """

    clauses: list[Clause]
    places: list[list[Place]] | None
    is_form: bool
    gives_unit: bool

    def filled(self, sentence: str) -> list[Clause]:
        """The clauses with the figures of this sentence."""
        if self.places is None:
            return self.clauses
        both = zip(self.clauses, self.places, strict=True)
        return [_filled(clause, places, sentence) if places else clause for clause, places in both]


class Sentences:
    """Makes the clauses of sentences, or recalls them."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._memory = Memory()
        self._forms = Forms(book.lexicon.knows_number)

    def forget(self) -> None:
        """No sentence is remembered."""
        self._memory.clear()

    def read(self, sentence: str, form: str = "", unit: str = "", before: list[Token] | None = None) -> Remembered:
        """What a sentence without blanks around it says, its places counted from its beginning.

        Args:
            sentence: as the layout found it.
            form: of the sentence, where it is known.
            unit: the one that the report gives all its numbers.
            before: tokens of a label above it, at places below 0.
        """
        label = ()
        if before:
            label = tuple([(t.kind, t.start, t.end, t.text, t.value, t.language, t.measure) for t in before])
        # the unit of a number at the end may stand in the next sentence
        form = form if form and not sentence[-1].isdigit() else self._forms.of(sentence)
        known = self._memory.recall((form, unit, label), self._read, sentence, unit, before)
        if known.is_form:
            return known
        return self._memory.recall((sentence, unit, label, "exactly"), self._read_exactly, sentence, unit, before)

    def clauses_of(self, sentence: str) -> list[Clause]:
        """The clauses of a sentence that stands alone."""
        return self.read(sentence).filled(sentence)

    def _read_exactly(self, sentence: str, unit: str, before: list[Token] | None) -> Remembered:
        return self._read(sentence, unit, before)._replace(places=None, is_form=True)

    def _read(self, sentence: str, unit: str, before: list[Token] | None) -> Remembered:
        tokens = plain_tokens(sentence, self._book, before)
        clauses = clauses_of(tokens, self._book, unit)
        gives_unit = any(UNIT_OF_ALL in clause.shape.names for clause in clauses)
        figures = self._forms.figures(sentence)
        places = [_places(clause, figures, sentence) for clause in clauses] if figures else []
        found = [each for each in places if each is not None]
        is_form = not figures or len(found) == len(places) and not may_compare(tokens)
        return Remembered(clauses, found if any(found) else None, is_form, gives_unit)


def _places(clause: Clause, figures: list[Span], sentence: str) -> list[Place] | None:
    """Which lengths of a clause are figures; None where more than the value of a length depends on one."""
    named = {*clause.shape.labels, *(at for first, last in clause.shape.texts.values() for at in range(first, last))}
    places = []
    for at, token in enumerate(clause.tokens):
        held = [figure for figure in figures if figure[0] < token.end and token.start < figure[1]]
        if not held:
            continue
        if at in named or token.kind == UNIT_OF_ALL or clause.shape.is_label:
            return None
        if at in clause.shape.length_places and isinstance(token.measure, Length):
            unit_mm = _unit_of(token.measure, sentence[slice(*held[0])]) if len(held) == 1 else None
            if unit_mm is None:
                return None
            places.append(Place(clause.shape.length_places.index(at), held[0], unit_mm))
    return places


def _unit_of(length: Length, figure: str) -> float | None:
    """The unit of which the length has as many as the figure says; None where it is more than that."""
    if length.up_to_mm is not None:
        return None
    return next((unit for unit in UNITS_MM if _number(figure) * unit == length.mm), None)


def _number(figure: str) -> float:
    return float(figure.replace(",", "."))


def _filled(clause: Clause, places: list[Place], sentence: str) -> Clause:
    """The clause with the figures of this sentence."""
    return clause.with_lengths([(number, _number(sentence[a:b]) * unit_mm) for number, (a, b), unit_mm in places])
