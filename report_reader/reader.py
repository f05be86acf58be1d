"""A whole text: cleaned, laid out, read clause by clause, with what headings and earlier clauses leave behind."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from report_reader.cleaning import clean
from report_reader.engine import A_LENGTH, Clause, Reading, clauses_of
from report_reader.languages import LanguageWords, abbreviations
from report_reader.layout import Words, laid_out
from report_reader.places import Place
from report_reader.rules import RuleBook
from report_reader.traced import Traced

WORDS = Path(__file__).parent / "words"
MOST_REMEMBERED = 50_000
AN_ANSWER = "answer"
"""Value of a word that can be a whole answer ('none') though its kind never ends a sentence."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One reading of one clause, or (reading '') a clause that only says where the others stand.

    `start`, `end`: the clause in the original text; `found_start`, `found_end`: the words that the rule matched. `comparator`: '='
    the length itself, '-' a range up to up_to_mm, or <, <=, >, >=. `subject`: what the reading is about. `certainty`: 'stated',
    or 'open' where words were not wholly understood. Context: label, organ and site of the part it stands in, the section that
    was named last, marks.
    """

    clause: int
    start: int
    end: int
    text: str
    found_start: int
    found_end: int
    language: str
    rule: str
    reading: str
    certainty: str
    subject: str
    previous_subject: str
    label: str
    clause_label: str
    comparator: str
    mm: float | None
    up_to_mm: float | None
    part: str
    organ: str
    site: str
    section: str
    clause_section: str
    starts_part: bool
    marks: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """The fields as a dictionary, marks as a list."""
        # not dataclasses.asdict, which copies every value and took longer than the reading
        return {**{name: getattr(self, name) for name in FIELDS}, "marks": list(self.marks)}


FIELDS = tuple(field.name for field in fields(Statement))

OPEN_READINGS = frozenset(
    {
        "damaged",
        "unexplained",
        "not understood",
        "question",
        "not assessable",
        "not stated",
        "doubtful",
        "word not known",
    }
)


class Reader:
    """Reads texts by the rules of one folder."""

    def __init__(self, folder: Path, words: Path = WORDS) -> None:
        self.book = RuleBook(folder, words)
        self.languages = LanguageWords.from_file(WORDS / "languages" / "function_words.csv")
        self._abbreviations = abbreviations(WORDS / "languages" / "abbreviations.csv")
        self._remembered: dict[str, list[Clause]] = {}

    @cached_property
    def _layout_words(self) -> Words:
        book = self.book
        never_ends, never_begins, numbered = (book.group(name) for name in ("NEVER_ENDS", "NEVER_BEGINS", "NUMBERED"))

        def kind_of(words: list[str]) -> str:
            found = book.lexicon.longest(words, 0)
            return found[1].kind if found and found[0] == len(words) else ""

        def ends_open(words: list[str]) -> bool:
            ends = (book.lexicon.longest(words, at) for at in range(len(words)))
            last = next((found[1] for at, found in enumerate(ends) if found and found[0] == len(words) - at), None)
            return last is not None and last.kind in never_ends and last.value != AN_ANSWER

        def belong_together(left: str, right: str) -> bool:
            found = book.lexicon.longest([left, right], 0)
            return found is not None and found[0] == 2

        return Words(
            ends_open,
            lambda word: kind_of([word]) in never_begins,
            belong_together,
            lambda word: kind_of([word]) in numbered,
            self._abbreviations.__contains__,
        )

    def forget(self) -> None:
        """Nothing that was read before is remembered."""
        self._remembered.clear()
        self.book.memory.clear()

    def read(self, text: str) -> list[Statement]:
        """The statements of a text, in its order; of a language that no lexicon knows nothing is settled."""
        page, places = laid_out(clean(text, self.book.lexicon.knows), self._layout_words)
        statements: list[Statement] = []
        above = Place({})
        number = 0
        for clause, offset in self._clauses(page, places):
            if not self._bears(clause):
                continue
            number += 1
            statements.extend(self._placed(clause, offset, number, above, page, text))
        return _with_series(self.languages.guarded(page.text, statements))

    def _clauses(self, page: Traced, places: list[tuple[int, int]]) -> list[tuple[Clause, int]]:
        """Clauses with what to add to their places; a label that stands alone is put before the value below it."""
        result: list[tuple[Clause, int]] = []
        label: list = []
        heading: list = []
        alone: list = []
        for start, end in places:
            first = self._clauses_of(page.text[start:end])
            if first and label and self._has_own_label(first[0]):
                result.extend(alone)
                label = []
            if first and not label and heading and self._is_under(first[0]):
                label = heading
            clauses = (
                self._clauses_of(page.text[start:end])
                if not label
                else clauses_of(page.text, start, end, self.book, label)
            )
            offset = start if not label else 0
            heading = self._heading(clauses, offset) or heading
            if len(clauses) == 1 and clauses[0].is_label and not page.text[start:end].rstrip().endswith((".", ";")):
                own = [
                    replace(token, start=token.start + offset, end=token.end + offset) for token in clauses[0].tokens
                ]
                if heading and not label and self._is_under(clauses[0]):
                    own = [*heading, *own]
                alone = [(clauses[0], offset)]
                label = own if offset or not label else own[-8:]
                if label and label[-1].kind != "COLON":
                    label.append(replace(label[-1], kind="COLON", text=":", start=label[-1].end, end=label[-1].end))
                continue
            label = []
            result.extend((clause, offset) for clause in clauses)
        return result

    def _has_own_label(self, clause: Clause) -> bool:
        """Whether it is a label with its value, which needs no label from above."""
        kinds = [token.kind for token in clause.tokens]
        named = self.book.group("SUBJECT")
        return "COLON" in kinds and any(kind in named for kind in kinds[: kinds.index("COLON")])

    def _is_under(self, clause: Clause) -> bool:
        """Whether it begins with a bare name that a heading above completes ('Margins' ... 'Hepatic duct: involved')."""
        kinds = [token.kind for token in clause.tokens[:2]]
        return kinds[0] in self.book.group("UNDER_HEADING") and (
            len(kinds) < 2 or kinds[1] in ("COLON", "COMMA", "HYPHEN", "OPEN")
        )

    def _heading(self, clauses: list[Clause], offset: int) -> list:
        """The token that names what a list is about: 'Margins' alone, or before a colon."""
        heads = self.book.group("LIST_HEAD")
        if not clauses:
            return []
        tokens = clauses[0].tokens
        if (
            tokens[0].kind in self.book.group("SUBJECT") and ":" in tokens[0].text
        ):  # 'Margins: parenchymal - 4 mm; bile duct - '
            return [replace(tokens[0], kind=min(heads), start=tokens[0].start + offset, end=tokens[0].end + offset)]
        if tokens[0].kind not in heads:
            return []
        if len(tokens) > 1 and tokens[1].kind != "COLON" and not clauses[0].is_label and not _is_explained(tokens):
            return []
        head = tokens[0]
        return [replace(head, start=head.start + offset, end=head.end + offset)]

    def _clauses_of(self, sentence: str) -> list[Clause]:
        clauses = self._remembered.get(sentence)
        if clauses is None:
            clauses = clauses_of(sentence, 0, len(sentence), self.book)
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[sentence] = clauses
        return clauses

    def _bears(self, clause: Clause) -> bool:
        if clause.said or clause.marks or clause.subject or clause.label or clause.statements():
            return True
        return any(token.kind in A_LENGTH for token in clause.tokens)

    def _placed(
        self, clause: Clause, offset: int, number: int, above: Place, page: Traced, text: str
    ) -> list[Statement]:
        """The clause's readings where they stand; `above` is brought up to date."""
        above.move_to(clause, page.text, offset)
        marks = above.marks_at(clause)
        previous = above.subject_before(clause)
        follows = bool(previous)
        readings = [*clause.lengths(follows), *clause.statements(), *clause.doubts(follows)] or [Reading("", "")]
        is_of_previous = any(reading.subject == "previous" for reading in readings)
        if above.is_additional and not clause.starts_part and is_of_previous:
            marks.add("additional")
        above.is_additional = "additional" in marks
        start, end = page.span(clause.start + offset, clause.end + offset)
        common: dict[str, Any] = {
            "clause": number,
            "start": start,
            "end": end,
            "text": text[start:end],
            "language": clause.language,
            "previous_subject": previous,
            "clause_label": clause.label,
            "part": above.part.get("part", ""),
            "organ": above.part.get("organ", ""),
            "site": above.part.get("site", ""),
            "section": above.passing or above.section,
            "clause_section": clause.said.get("clause_section", ""),
            "starts_part": clause.starts_part,
        }
        if "mark" in above.part:
            marks.add(above.part["mark"])
        return [
            Statement(**common, **self._read(reading, clause, above, previous, page, offset, marks))
            for reading in readings
        ]

    def _read(
        self, reading: Reading, clause: Clause, above: Place, previous: str, page: Traced, offset: int, marks: set[str]
    ) -> dict[str, Any]:
        """The fields of a statement that are the reading's own."""
        subject = self._subject(reading, clause, previous)
        found = (reading.start, reading.end) if reading.rule else (clause.start, clause.end)
        found_start, found_end = page.span(found[0] + offset, found[1] + offset)
        length = reading.length
        is_of_the_whole = reading.reading in ("", "tumour", "no tumour")
        is_open = reading.reading in OPEN_READINGS or subject == "unexplained"
        return {
            "found_start": found_start,
            "found_end": found_end,
            "rule": reading.rule,
            "reading": reading.reading,
            "subject": subject,
            "certainty": "open" if is_open else "stated",
            "label": reading.label or ("" if clause.label or is_of_the_whole else above.label),
            "comparator": (length.comparator or "=") if length else "",
            "mm": round(length.mm, 6) if length else None,
            "up_to_mm": length.up_to_mm if length else None,
            "marks": tuple(sorted({*marks, *reading.marks})),
        }

    def _subject(self, reading: Reading, clause: Clause, previous: str) -> str:
        """What the reading is about, where it says 'what was spoken of before'."""
        if reading.subject == "previous":
            return previous or "unexplained"
        if reading.subject == "previous or own":
            counted = {self.book.subjects.get(kind) for kind in self.book.group("SUBJECT")}
            return (previous if previous in counted else "") or clause.subject or previous or "unexplained"
        return reading.subject


def _is_explained(tokens: list) -> bool:
    """Whether nothing but a bracket stands behind a heading: 'Margins (wedge, segment 5)'."""
    kinds = [token.kind for token in tokens]
    return kinds[1] == "OPEN" and kinds[-1] == "CLOSE" and not any(kind in A_LENGTH for kind in kinds)


def _with_series(statements: list[Statement]) -> list[Statement]:
    """'Lesion 1: 15 mm. Lesion 2: 22 mm from the margin': the members of a series take the subject of the one that names it."""
    if not any(statement.subject == "series" for statement in statements):
        return statements
    result = list(statements)
    for at, statement in enumerate(statements):
        if statement.subject == "series":
            peers = [(number, s) for number, s in enumerate(statements) if s.section == statement.section]
            result[at] = replace(statement, subject=_subject_of_series(statement, at, peers))
    return result


def _names_series(statement: Statement) -> bool:
    """Whether the lengths of a series are read as this one is: 'Margin: negative (>5 mm)' speaks of no member of one."""
    if "names_series" in statement.marks:
        return True
    return "labelled" in statement.marks and (
        bool(statement.label or statement.clause_label) or statement.comparator not in (">", ">=")
    )


def _subject_of_series(statement: Statement, at: int, peers: list[tuple[int, Statement]]) -> str:
    """What a member of a series is a distance to, by the statements of its section."""
    measured = [(number, s) for number, s in peers if s.mm is not None and s.subject != "series"]
    behind = next((s for number, s in measured if number > at and s.part == statement.part), None)
    if behind is not None:
        return behind.subject if {"names_series", "may_name_series"}.intersection(behind.marks) else "none"
    before = [s.subject for number, s in peers if number < at and _names_series(s)]
    if before:
        return before[-1]
    target = next((s.subject for _, s in peers if s.reading == "target"), "")
    is_measured = any(s.subject not in ("none", "unexplained", "") for _, s in measured)
    return target or ("unexplained" if is_measured or statement.previous_subject else "none")
