"""A whole text: cleaned, laid out, read clause by clause, with what headings and earlier clauses leave behind."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from report_reader.cleaning import clean
from report_reader.engine import Clause, Reading
from report_reader.labels import LabelledClauses
from report_reader.languages import LanguageWords, abbreviations
from report_reader.layout import Words, laid_out
from report_reader.places import Place
from report_reader.rules import RuleBook
from report_reader.series import with_series
from report_reader.statements import OPEN_READINGS, Statement
from report_reader.traced import Traced

WORDS = Path(__file__).parent / "words"
AN_ANSWER = "answer"
"""Value of a word that can be a whole answer ('none') though its kind never ends a sentence."""
OF_THE_WHOLE = ("", "tumour", "no tumour")
"""Readings that no label from above belongs to."""
NOTHING = [Reading("", "")]


class Reader:
    """Reads texts by the rules of one folder."""

    def __init__(self, folder: Path, words: Path = WORDS) -> None:
        self.book = RuleBook(folder, words)
        self.languages = LanguageWords.from_file(WORDS / "languages" / "function_words.csv", self.book.languages)
        self._abbreviations = abbreviations(WORDS / "languages" / "abbreviations.csv")
        self._clauses = LabelledClauses(self.book)

    @cached_property
    def _layout_words(self) -> Words:
        book = self.book
        asked = ("NEVER_ENDS", "NEVER_BEGINS", "NUMBERED", "ANSWER")
        never_ends, never_begins, numbered, answers = (book.group(name) for name in asked)

        def kind_of(words: list[str]) -> str:
            found = book.lexicon.longest(words, 0)
            return found[1].kind if found and found[0] == len(words) else ""

        def ends_open(words: list[str]) -> bool:
            for at in range(len(words)):
                found = book.lexicon.longest(words, at)
                if found and found[0] == len(words) - at:
                    return found[1].kind in never_ends and found[1].value != AN_ANSWER
            return False

        def is_answer(words: list[str]) -> bool:
            at = 0
            while at < len(words):
                found = book.lexicon.longest(words, at)
                if not found or found[1].kind not in answers:
                    return False
                at += found[0]
            return bool(words)

        def belong_together(left: str, right: str) -> bool:
            found = book.lexicon.longest([left, right], 0)
            return found is not None and found[0] == 2

        return Words(
            ends_open,
            lambda word: kind_of([word]) in never_begins,
            belong_together,
            lambda word: kind_of([word]) in numbered,
            is_answer,
            self._abbreviations.__contains__,
        )

    def forget(self) -> None:
        """Nothing that was read before is remembered."""
        self._clauses.forget()
        self.book.memory.clear()

    def read(self, text: str) -> list[Statement]:
        """The statements of a text, in its order; of a language that no lexicon knows nothing is settled."""
        page, places = laid_out(clean(text, self.book.lexicon.knows), self._layout_words)
        statements: list[Statement] = []
        above = Place({})
        number = 0
        for clause, offset in self._clauses.of_page(page.text, places):
            if clause.bears:
                number += 1
                statements.extend(self._placed(clause, offset, number, above, page, text))
        return with_series(self.languages.guarded(page.text, statements))

    def clauses_in(self, text: str) -> list[Clause]:
        """The clauses of a text with their tokens, as they are read."""
        page, places = laid_out(clean(text, self.book.lexicon.knows), self._layout_words)
        return [clause for clause, _ in self._clauses.of_page(page.text, places)]

    def _placed(
        self, clause: Clause, offset: int, number: int, above: Place, page: Traced, text: str
    ) -> list[Statement]:
        """The clause's readings where they stand; `above` is brought up to date."""
        above.move_to(clause, page.text, offset)
        marks = above.marks_at(clause)
        previous = above.subject_before(clause)
        readings = clause.readings(bool(previous)) or NOTHING
        is_of_previous = any(reading.subject == "previous" for reading in readings)
        if above.is_additional and not clause.shape.starts_part and is_of_previous:
            marks.add("additional")
        above.is_additional = "additional" in marks
        part = above.part
        if "mark" in part:
            marks.add(part["mark"])
        start, end = page.span(clause.start + offset, clause.end + offset)
        words = text[start:end]
        statements = []
        for reading in readings:
            subject = self._subject(reading, clause, previous)
            first, last = (reading.start, reading.end) if reading.rule else (clause.start, clause.end)
            found_start, found_end = page.span(first + offset, last + offset)
            length = reading.length
            is_open = reading.reading in OPEN_READINGS or subject == "unexplained"
            statements.append(
                Statement(
                    number, start, end, words, found_start, found_end, clause.language, reading.rule, reading.reading,
                    "open" if is_open else "stated", subject, previous,
                    reading.label or ("" if clause.label or reading.reading in OF_THE_WHOLE else above.label), clause.label,
                    (length.comparator or "=") if length else "", round(length.mm, 6) if length else None,
                    length.up_to_mm if length else None, part.get("part", ""), part.get("organ", ""), part.get("site", ""),
                    above.passing or above.section, clause.said.get("clause_section", ""), clause.shape.starts_part,
                    tuple(sorted(marks.union(reading.marks))),
                )
            )  # fmt: skip
        return statements

    def _subject(self, reading: Reading, clause: Clause, previous: str) -> str:
        """What the reading is about, where it says 'what was spoken of before'."""
        if reading.subject == "previous":
            return previous or "unexplained"
        if reading.subject == "previous or own":
            counted = {self.book.subjects.get(kind) for kind in self.book.group("SUBJECT")}
            return (previous if previous in counted else "") or clause.shape.subject or previous or "unexplained"
        return reading.subject
