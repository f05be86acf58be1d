"""Where a clause stands: what headings, specimens and the clauses above it leave behind."""

from __future__ import annotations

from dataclasses import dataclass

from report_reader.engine import Clause

A_HEADING = 4
"""So many tokens has a heading at most that stands alone."""


@dataclass(slots=True)
class Place:
    """What stands above the clause that is read next; brought up to date clause by clause."""

    part: dict[str, str]
    section: str = ""
    subject: str = ""
    passing: str = ""
    """A section that ends with its line, or with its sentence."""
    ends_with_sentence: bool = False
    is_elsewhere: bool = False
    """The clause before speaks of what the rules leave aside (mark other_organ)."""
    is_additional: bool = False
    """The clause before speaks of an additional margin."""
    label: str = ""
    """The label of the clause before, where a semicolon divides them: 'Lesion 2: viable; margin 9 mm'."""
    end: int = 0

    def move_to(self, clause: Clause, text: str, offset: int) -> None:
        """Part, section and label as they are for the clause, which stands in text at `offset` + its own places."""
        if clause.shape.starts_part:
            self.part = {name: value for name, value in clause.said.items() if clause.shape.holds[name] == "part"}
            self.passing = ""
        if "section" in clause.said:
            self.section, self.passing = clause.said["section"], ""
        start = clause.start + offset
        is_below = text.find("\n", self.end, start) >= 0
        if self.passing and (is_below or (self.ends_with_sentence and ". " in text[max(0, self.end - 1) : start])):
            self.passing = ""
        if clause.shape.is_labelled:
            self.label = clause.label
        elif clause.label or is_below or clause.shape.starts_part or text[self.end - 1 : self.end] != ";":
            self.label = ""
        self.end = clause.end + offset
        if "passing" in clause.said:
            self.passing = clause.said["passing"]
            self.ends_with_sentence = clause.shape.holds["passing"] == "sentence"

    def marks_at(self, clause: Clause) -> set[str]:
        """The clause's marks, with what goes on from the clause before."""
        marks = set(clause.shape.marks)
        if self.is_elsewhere and "continues" in marks:
            marks.add("other_organ")
        self.is_elsewhere = "other_organ" in marks
        return marks

    def subject_before(self, clause: Clause) -> str:
        """What was spoken of before the clause; from now on it is what the clause speaks of."""
        is_heading = clause.shape.holds.get("section") == "section" and len(clause.tokens) <= A_HEADING
        is_new = clause.shape.starts_part or is_heading
        previous = self.subject if not is_new or clause.said.get("keeps_subject") else ""
        self.subject = "" if self.is_elsewhere else clause.shape.subject
        return previous
