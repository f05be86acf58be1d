"""A part of a sentence that is read by itself: its shape, filled with its words and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from report_reader.engine.compounds import compounded, divided
from report_reader.engine.shapes import Distance, Shape, guards_of, marks_of, shape_of
from report_reader.measurements import (
    Length,
    with_bounds_shown,
    with_measurements,
    with_order,
    without_stray_stops,
)
from report_reader.rules import OF_ALL, RuleBook
from report_reader.tokens import UNKNOWN, WORD, Token, tokens_of

FOR_GUARDS = {UNKNOWN: "UNKNOWN", "thing": "OTHER_THING"}
"""Values of words of no kind that guards ask about: a word that no lexicon holds, a thing that is no tumour."""
PIECE_OF_LABEL = re.compile(r"[a-z0-9]+")
NUMERIC = frozenset({"COUNT", "FRACTION", "A", "POINT", "HUNDRED", "SINGLE", "ZERO_WORD", "CODE", "UNIT", "ABOUT"})
BULLETS = frozenset("*+\u2022")


class Reading(NamedTuple):
    """What one rule read in one clause."""

    rule: str
    reading: str
    subject: str = ""
    label: str = ""
    length: Length | None = None
    start: int = 0
    end: int = 0
    marks: tuple[str, ...] = ()


@dataclass(slots=True)
class Clause:
    """Tokens, what their shape says, and what is read in them."""

    tokens: list[Token]
    shape: Shape
    book: RuleBook
    said: dict[str, str]
    """Fields that context rules set; how long each holds stands in the shape."""
    label: str
    language: str
    """The language of its words."""
    _readings: dict[bool, list[Reading]] = field(default_factory=dict)
    _like: Clause | None = None
    """A clause that differs from it in lengths only, for which readings and tokens were made, and which lengths these are, in mm."""
    _own_mm: list[tuple[int, float]] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @property
    def bears(self) -> bool:
        """Whether it says anything, or where other clauses stand."""
        return self.shape.bears or bool(self.label)

    def readings(self, follows: bool) -> list[Reading]:
        """What each length is a distance to, what is said in words, and what puts that in doubt.

        Args:
            follows: the clause before names a subject.
        """
        if follows not in self._readings:
            if self._like:
                self._readings[follows] = self._with_own_lengths(self._like.readings(follows))
            else:
                read = [*_lengths(self, follows), *_statements(self)]
                self._readings[follows] = [*read, *_doubts(self, read)]
        return self._readings[follows]

    def _with_own_lengths(self, readings: list[Reading]) -> list[Reading]:
        result = list(readings)
        for number, mm in self._own_mm:
            rule, reading, subject, label, length, start, end, marks = result[number]
            own = Length(length.comparator if length else "", mm)
            result[number] = Reading(rule, reading, subject, label, own, start, end, marks)
        return result

    def with_lengths(self, own_mm: list[tuple[int, float]]) -> Clause:
        """The clause with other lengths: the number of each among its lengths, and mm. Its tokens stay as they are."""
        return Clause(self.tokens, self.shape, self.book, self.said, self.label, self.language, {}, self, own_mm)


def plain_tokens(sentence: str, book: RuleBook, before: list[Token] | None = None) -> list[Token]:
    """The tokens of a sentence, its numbers and units as they stand there; `before`: tokens of a label above it."""
    tokens = _without_signs_around(tokens_of(sentence, book.lexicon))
    if before:
        tokens = [*before, *tokens]
    return with_order(without_stray_stops(tokens), book.group("NUMBERED"))


def clauses_of(tokens: list[Token], book: RuleBook, unit: str = "") -> list[Clause]:
    """The clauses of the plain tokens of a sentence; `unit`: the one that the report gives all its numbers."""
    tokens = with_bounds_shown(compounded(with_measurements(tokens, book.length_words, unit), book))
    kinds = book.kinds.row(tokens)
    return [_clause(tokens[first:last], kinds[first:last], book) for first, last in divided(kinds, book)]


def _without_signs_around(tokens: list[Token]) -> list[Token]:
    """A bullet before a sentence, quotes and brackets around it say nothing; a bracket that is closed inside stays."""
    while len(tokens) > 1 and _is_bullet(tokens[0], tokens[1]):
        tokens = tokens[1:]
    if [at for at, token in enumerate(tokens) if token.text == '"'] == [0, len(tokens) - 1]:
        tokens = tokens[1:-1]
    if len(tokens) < 2:
        return tokens
    last = len(tokens) - 2 if tokens[-1].kind == "DOT" else len(tokens) - 1
    opened = [at for at, token in enumerate(tokens) if token.text == "("]
    closed = [at for at, token in enumerate(tokens) if token.text == ")"]
    is_whole = opened[:1] == [0] and closed in ([], [last])
    if is_whole and len(opened) == 1:
        return [token for at, token in enumerate(tokens) if at not in (0, *closed)]
    return tokens


def _is_bullet(token: Token, following: Token) -> bool:
    """Whether a sign at the beginning says nothing; '>' before a word, or before another '>', is no bound."""
    if token.end == following.start:
        return False
    is_word = following.text == ">" or (len(following.text) > 1 and following.text[0].isalpha())
    return token.text in BULLETS or (token.text == ">" and is_word and following.kind not in NUMERIC)


def _clause(tokens: list[Token], kinds: str, book: RuleBook) -> Clause:
    shape = shape_of(kinds, book)
    said = shape.said
    if shape.texts:
        words = {name: " ".join(token.text for token in tokens[a:b]) for name, (a, b) in shape.texts.items()}
        said = {**said, **words}
    label = label_text(tokens[shape.labels[-1]]) if shape.labels else ""
    language = "en"
    for token in tokens:
        if token.language and token.language != "en":
            language = token.language
            break
    return Clause(tokens, shape, book, said, label, language)


def label_text(token: Token) -> str:
    """A label in one spelling: 'Lesion #1' and 'lesion 1' are one."""
    return " ".join(PIECE_OF_LABEL.findall(token.text))


def _statements(clause: Clause) -> list[Reading]:
    """What the clause says in words (one reading or none)."""
    found = clause.shape.statement
    if found is None:
        return []
    fields = found.rule.fields
    label = clause.label if not fields.get("without_label") else ""
    start, end = clause.tokens[found.first].start, clause.tokens[min(found.last, len(clause.tokens)) - 1].end
    return [Reading(found.rule.id, fields["reading"], found.subject, label, None, start, end)]


def _lengths(clause: Clause, follows: bool) -> list[Reading]:
    """What every length of the clause (and every damaged one) is a distance to."""
    places = clause.shape.length_places
    if not places:
        return []
    found = clause.shape.distances(follows)
    return [_length(clause, clause.tokens[at], each) for at, each in zip(places, found, strict=True)]


def _length(clause: Clause, token: Token, found: Distance) -> Reading:
    length = token.measure if isinstance(token.measure, Length) else None
    reading = "distance" if length else "damaged"
    label = (label_text(clause.tokens[found.label]) if found.label >= 0 else "") or clause.label
    if found.rule is None:
        return Reading("length without a rule", reading, found.subject, label, length, token.start, token.end)
    fields = found.rule.fields
    bound = fields.get("bound")
    if bound is not None and length and not length.comparator:
        length = Length(bound, length.mm)
    if fields.get("smallest") and length and length.comparator == "-":
        length = Length("", length.mm)
    return Reading(found.rule.id, reading, found.subject, label, length, token.start, token.end, marks_of(found))


def _doubts(clause: Clause, readings: list[Reading]) -> list[Reading]:
    """The first guard that fits a clause in which something was read that it guards (one reading or none).

    `beside`: the readings that it guards (nothing: where nothing was read, anything: whatever was); `not_beside`: those which say
    it already.
    """
    book, kinds = clause.book, clause.shape.kinds
    guards = guards_of(_with_words_for_guards(clause), kinds, book)
    if not guards:
        return []
    said = {reading.reading for reading in readings}
    read = {reading.reading for reading in readings if reading.subject not in book.away} or {"nothing"}
    for rule, span in guards:
        beside = rule.fields["beside"]
        if (OF_ALL in beside or not read.isdisjoint(beside)) and said.isdisjoint(rule.fields.get("not_beside") or ()):
            tokens = clause.tokens[slice(*span)] or clause.tokens
            start, end = tokens[0].start, tokens[-1].end
            return [Reading(rule.id, rule.fields["reading"], book.default_subject, "", None, start, end)]
    return []


def _with_words_for_guards(clause: Clause) -> str:
    """The kinds of a clause with words of no kind that guards ask about as kinds of their own."""
    kinds = clause.shape.kinds
    asked = [
        (at, FOR_GUARDS[token.value])
        for at, token in enumerate(clause.tokens)
        if token.kind == WORD and token.value in FOR_GUARDS
    ]
    if not asked:
        return kinds
    characters = list(kinds)
    for at, kind in asked:
        characters[at] = clause.book.kinds.code(kind)
    return "".join(characters)
