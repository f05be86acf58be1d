"""Answers of one reviewer: each is on the disk before the page says so, and lands as a whole file that the next night loads.

The journal (restricted build area) is appended and synced; the landed CSV is written from it under another name and renamed, so
that no kill leaves half a line where a night could read it.
"""

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.review.questions import Questionnaire

NOT_ASSESSABLE = "not_assessable"
COLUMNS = (
    "question_id", "study_id", "reviewer", "decided_at", "margin_group", "margin_mm", "blinding", "record_status", "comment",
)  # fmt: skip
LANDED_FOLDER = "review"
WIDEST_MM = 1000.0


class RefusedAnswer(ValueError):
    """An answer that contradicts itself or cannot be read; the message is for the reviewer."""


@dataclass(frozen=True)
class Answer:
    """One decision; the last one to a question counts."""

    question_id: str
    study_id: str
    reviewer: str
    decided_at: str
    margin_group: str
    margin_mm: float | None
    comment: str
    is_withdrawn: bool = False


def width_of(text: str) -> float | None:
    """A width in mm as people of any country write it; None when the field is empty.

    Raises:
        RefusedAnswer: no plain number, or below zero.
    """
    written = text.strip().removesuffix("mm").strip()
    if not written:
        return None
    if not re.fullmatch(r"\d{1,4}([.,]\d{1,3})?", written):
        raise RefusedAnswer(f"'{text.strip()}' is no width: write millimetres as 12 or 12.5 (or 12,5)")
    width = float(written.replace(",", "."))
    if width > WIDEST_MM:
        raise RefusedAnswer(f"{width:g} mm is wider than a liver")
    return width


def group_of_width(width: float, groups: list[Mapping[str, Any]]) -> str:
    """The published group that a width lies in."""
    for group in groups:
        above = width > group["from_mm"] or (group["is_from_included"] and width == group["from_mm"])
        below = width < group["to_mm"] or (group["is_to_included"] and width == group["to_mm"])
        if above and below:
            return str(group["name"])
    raise RefusedAnswer(f"{width:g} mm lies in none of the groups")


def checked_answer(
    questionnaire: Questionnaire, reviewer: str, question_id: str, group: str, width: str, comment: str, now: datetime
) -> Answer:
    """The answer as it will land; a width alone says its group.

    Raises:
        RefusedAnswer: no such question, nothing chosen, or a width outside the chosen group.
    """
    question = questionnaire.question(question_id)
    if question is None:
        raise RefusedAnswer("this question is no longer asked: a report was amended, or somebody settled it")
    names = [str(known["name"]) for known in questionnaire.groups]
    margin_mm = width_of(width)
    if group and group not in (*names, NOT_ASSESSABLE):
        raise RefusedAnswer(f"'{group}' is none of {', '.join(names)}, {NOT_ASSESSABLE}")
    if group == NOT_ASSESSABLE and margin_mm is not None:
        raise RefusedAnswer(f"a margin of {margin_mm:g} mm is assessable: choose its group, or take the width out")
    if margin_mm is not None:
        lies_in = group_of_width(margin_mm, questionnaire.groups)
        if group and group != lies_in:
            raise RefusedAnswer(f"{margin_mm:g} mm is {lies_in}, not {group}")
        group = lies_in
    if not group:
        raise RefusedAnswer("choose a group, or give the width")
    decided_at = now.strftime("%Y-%m-%d %H:%M:%S")
    return Answer(question_id, question["study_id"], reviewer, decided_at, group, margin_mm, _one_line(comment))


def _one_line(comment: str) -> str:
    return re.sub(r"\s+", " ", comment).strip()


def reviewer_key(reviewer: str) -> str:
    """What a reviewer's files are called."""
    return re.sub(r"\W+", "_", reviewer.casefold()).strip("_") or "reviewer"


class AnswerBook:
    """The answers of one reviewer, on disk. Capitals and punctuation make no other reviewer: the first spelling stays.

    Args:
        reviewer: the name as it was given.
        folder: of the journals, in the restricted build area.
        landing_folder: the landing folder of the answers.
    """

    def __init__(self, reviewer: str, folder: Path, landing_folder: Path) -> None:
        name = reviewer_key(reviewer)
        self.journal = folder / "journals" / f"{name}.jsonl"
        self.landed = landing_folder / LANDED_FOLDER / f"{name}.csv"
        for path in (self.journal, self.landed):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.history = self._read_journal()
        self.reviewer = self.history[0].reviewer if self.history else reviewer
        if self.history:
            self._land()

    def _read_journal(self) -> list[Answer]:
        if not self.journal.exists():
            return []
        whole_lines = self.journal.read_bytes().split(b"\n")[:-1]
        # a line that a kill cut short was never confirmed to anybody; it goes, so that the next one begins on a line of its own
        kept = b"".join(line + b"\n" for line in whole_lines)
        if kept != self.journal.read_bytes():
            self.journal.write_bytes(kept)
        return [Answer(**json.loads(line)) for line in whole_lines]

    def current(self) -> dict[str, Answer]:
        """The answers in force, by question."""
        last = {answer.question_id: answer for answer in self.history}
        return {question_id: answer for question_id, answer in last.items() if not answer.is_withdrawn}

    def keep(self, answer: Answer) -> None:
        """On disk when this returns: journal synced, landed file replaced."""
        descriptor = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(asdict(answer), ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.history.append(answer)
        self._land()

    def undo(self, now: datetime) -> Answer | None:
        """Take the latest answer that counts back, so that its question is open again; returns it, None when there is none."""
        in_force = self.current()
        latest = next((answer for answer in reversed(self.history) if in_force.get(answer.question_id) == answer), None)
        if latest is None:
            return None
        withdrawn = {**asdict(latest), "decided_at": now.strftime("%Y-%m-%d %H:%M:%S"), "is_withdrawn": True}
        self.keep(Answer(**withdrawn))
        return latest

    def _land(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(COLUMNS)
        for answer in {kept.question_id: kept for kept in self.history}.values():
            width = "" if answer.margin_mm is None else f"{answer.margin_mm:g}"
            status = "cancelled" if answer.is_withdrawn else "active"
            writer.writerow(
                [answer.question_id, answer.study_id, answer.reviewer, answer.decided_at, answer.margin_group, width, "blind",
                 status, answer.comment]
            )  # fmt: skip
        new_file = self.landed.with_name(f".{self.landed.name}.new")
        with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        new_file.replace(self.landed)
