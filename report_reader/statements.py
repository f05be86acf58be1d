"""What the reader says of a text, and which of its readings are open."""

from __future__ import annotations

from typing import NamedTuple


class Statement(NamedTuple):
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
        return {**self._asdict(), "marks": list(self.marks)}


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
