"""A whole text: cleaned, laid out, read clause by clause, with what headings and earlier clauses leave behind."""

from __future__ import annotations

from pathlib import Path

from report_reader.cleaning import clean
from report_reader.engine import Clause, Reading
from report_reader.labels import LabelledClauses
from report_reader.languages import LanguageWords, abbreviations
from report_reader.layout import Cutter, Words, laid_out
from report_reader.measurements import Length
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
NO_PART = ("", "", "")


class Reader:
    """Reads texts by the rules of one folder."""

    def __init__(self, folder: Path, words: Path = WORDS) -> None:
        self.book = RuleBook(folder, words)
        self.languages = LanguageWords.from_file(WORDS / "languages" / "function_words.csv", self.book.languages)
        self._clauses = LabelledClauses(self.book)
        self._words = _layout_words(self.book, abbreviations(WORDS / "languages" / "abbreviations.csv"))
        self._cutter = Cutter(self._words)

    def forget(self) -> None:
        """Nothing that was read before is remembered."""
        self._clauses.forget()
        self._cutter.forget()
        self.languages.forget()
        self.book.memory.clear()

    def read(self, text: str) -> list[Statement]:
        """The statements of a text, in its order; of a language that no lexicon knows nothing is settled."""
        page, form, places = laid_out(clean(text, self.book.lexicon.knows), self._words, self._cutter)
        statements: list[Statement] = []
        above = Place({})
        number = 0
        for clause, offset in self._clauses.of_page(page.text, form, places):
            if clause.bears:
                number += 1
                self._place(clause, offset, number, above, page, text, statements)
        return with_series(self.languages.guarded(page.text, form, statements))

    def clauses_in(self, text: str) -> list[Clause]:
        """The clauses of a text with their tokens, as they are read; what was read before is forgotten."""
        self.forget()
        page, _, places = laid_out(clean(text, self.book.lexicon.knows), self._words, self._cutter)
        return [clause for clause, _ in self._clauses.of_page(page.text, page.text, places)]

    def _place(
        self, clause: Clause, offset: int, number: int, above: Place, page: Traced, text: str, found: list[Statement]
    ) -> None:
        """The clause's readings where they stand are added to what was found; `above` is brought up to date."""
        above.move_to(clause, page.text, offset)
        marks = above.marks_at(clause)
        previous = above.subject_before(clause)
        readings = clause.readings(bool(previous)) or NOTHING
        shape, part = clause.shape, above.part
        if above.is_additional and not shape.starts_part and any(r.subject == "previous" for r in readings):
            marks.add("additional")
        above.is_additional = "additional" in marks
        if "mark" in part:
            marks.add(part["mark"])
        start, end = page.span(clause.start + offset, clause.end + offset)
        words = text[start:end]
        letter, organ, site = (part.get("part", ""), part.get("organ", ""), part.get("site", "")) if part else NO_PART
        section, own_section = above.passing or above.section, clause.said.get("clause_section", "")
        # marks are only ever added to those of the shape
        sorted_marks = shape.sorted_marks if len(marks) == len(shape.marks) else tuple(sorted(marks))
        for reading in readings:
            rule, read, subject, label, length, first, last, own_marks = reading
            if subject.startswith("previous"):
                subject = self._subject(subject, clause, previous)
            found_start, found_end = page.span(first + offset, last + offset) if rule else (start, end)
            if not label and not clause.label and read not in OF_THE_WHOLE:
                label = above.label
            comparator, mm, up_to_mm = _measure(length)
            is_open = read in OPEN_READINGS or subject == "unexplained"
            found.append(
                Statement(
                    number, start, end, words, found_start, found_end, clause.language, rule, read,
                    "open" if is_open else "stated", subject, previous, label, clause.label,
                    comparator, mm, up_to_mm, letter, organ, site, section, own_section, shape.starts_part,
                    tuple(sorted(marks.union(own_marks))) if own_marks else sorted_marks,
                )
            )  # fmt: skip

    def _subject(self, said: str, clause: Clause, previous: str) -> str:
        """What a reading is about that says 'what was spoken of before'."""
        if said == "previous":
            return previous or "unexplained"
        if said == "previous or own":
            counted = {self.book.subjects.get(kind) for kind in self.book.group("SUBJECT")}
            return (previous if previous in counted else "") or clause.shape.subject or previous or "unexplained"
        return said


def _measure(length: Length | None) -> tuple[str, float | None, float | None]:
    """Comparator, mm and upper end of a length, as a statement tells them."""
    return (length.comparator or "=", round(length.mm, 6), length.up_to_mm) if length else ("", None, None)


def _layout_words(book: RuleBook, abbreviated: frozenset[str]) -> Words:
    """What the layout asks about words."""
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
        abbreviated.__contains__,
        book.lexicon.knows_number,
    )
