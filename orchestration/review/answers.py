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
WIDEST_MM = 1000.0
NOT_ASKED = (
    "this question is no longer asked: {change}, somebody settled it, or others now come before it; load the page again"
)


@dataclass(frozen=True)
class LandedTable:
    """Where one kind of answers lands, and its columns beside those that every answer has."""

    folder: str
    own_columns: tuple[str, ...]


OF_MARGINS = LandedTable("review", ("margin_group", "margin_mm"))
OF_LOOKS = LandedTable("review_follow_up", ("answer", "sites", "evidence_date"))
RECURRENCE, NO_RECURRENCE = "recurrence", "no_recurrence"
# what may be said of a look whose site is not stated, and of what was said at a clinic visit
ANSWERS_OF_LOOKS = {"site": (RECURRENCE, NOT_ASSESSABLE), "statement": (RECURRENCE, NO_RECURRENCE, NOT_ASSESSABLE)}


class RefusedAnswer(ValueError):
    """An answer that contradicts itself or cannot be read; the message is for the reviewer."""


@dataclass(frozen=True)
class Answer:
    """One decision; the last one to a question counts."""

    question_id: str
    study_id: str
    reviewer: str
    decided_at: str
    margin_group: str = ""
    margin_mm: float | None = None
    comment: str = ""
    is_withdrawn: bool = False
    answer: str = ""
    """Of a look at the patient: recurrence, no_recurrence or not_assessable."""
    sites: str = ""
    """Joined by ;"""
    evidence_date: str = ""

    @property
    def lands_in(self) -> LandedTable:
        return OF_LOOKS if self.answer else OF_MARGINS

    def landed_row(self) -> dict[str, str]:
        """The row of `lands_in`."""
        width = "" if self.margin_mm is None else f"{self.margin_mm:g}"
        own = {name: width if name == "margin_mm" else str(getattr(self, name)) for name in self.lands_in.own_columns}
        return {
            "question_id": self.question_id, "study_id": self.study_id, "reviewer": self.reviewer, "decided_at": self.decided_at,
            **own, "blinding": "blind", "record_status": "cancelled" if self.is_withdrawn else "active", "comment": self.comment,
        }  # fmt: skip


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
    if question is None or question.get("asks"):
        raise RefusedAnswer(NOT_ASKED.format(change="a report was amended"))
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


def checked_answer_of_look(
    questionnaire: Questionnaire,
    reviewer: str,
    question_id: str,
    answer: str,
    sites: list[str],
    evidence_date: str,
    comment: str,
    now: datetime,
) -> Answer:
    """The answer to a question about a look at the patient, as it will land.

    Raises:
        RefusedAnswer: no such question, nothing chosen, a recurrence without a site, or a day that is none.
    """
    question = questionnaire.question(question_id)
    if question is None or question.get("asks") not in ANSWERS_OF_LOOKS:
        raise RefusedAnswer(NOT_ASKED.format(change="the record was corrected"))
    if answer not in ANSWERS_OF_LOOKS[question["asks"]]:
        raise RefusedAnswer(f"choose one of {', '.join(ANSWERS_OF_LOOKS[question['asks']])}")
    known = [site["name"] for site in questionnaire.sites]
    if unknown := [site for site in sites if site not in known]:
        raise RefusedAnswer(f"'{unknown[0]}' is none of {', '.join(known)}")
    if answer == RECURRENCE and not sites:
        raise RefusedAnswer("a recurrence has a site: choose one or several")
    if answer != RECURRENCE and (sites or evidence_date.strip()):
        raise RefusedAnswer("sites and a day belong to a recurrence: take them out, or choose it")
    day = _day_of_evidence(evidence_date, question, now)
    decided_at = now.strftime("%Y-%m-%d %H:%M:%S")
    return Answer(
        question_id,
        question["study_id"],
        reviewer,
        decided_at,
        comment=_one_line(comment),
        answer=answer,
        sites=";".join(site for site in known if site in sites),
        evidence_date=day,
    )


def _day_of_evidence(written: str, question: Mapping[str, Any], now: datetime) -> str:
    """The day, ISO 8601, of the image or tissue behind a clinic's statement; empty when none was given."""
    if not written.strip():
        return ""
    if question["asks"] != "statement":
        raise RefusedAnswer("the look has its own day")
    try:
        day = datetime.strptime(written.strip(), "%Y-%m-%d")
    except ValueError:
        raise RefusedAnswer("write the day as year-month-day, as in 2006-01-31") from None
    if day > now:
        raise RefusedAnswer("the day lies in the future")
    if day.strftime("%Y-%m-%d") <= question["operation_date"]:
        raise RefusedAnswer("the day is not after the operation")
    return day.strftime("%Y-%m-%d")


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
        self.landed = {kind: landing_folder / kind.folder / f"{name}.csv" for kind in (OF_MARGINS, OF_LOOKS)}
        for path in (self.journal, *self.landed.values()):
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
        last = {kept.question_id: kept for kept in self.history}.values()
        for kind, path in self.landed.items():
            if rows := [answer.landed_row() for answer in last if answer.lands_in == kind]:
                _replace_file(path, rows)


def _replace_file(path: Path, rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    new_file = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())
    new_file.replace(path)
