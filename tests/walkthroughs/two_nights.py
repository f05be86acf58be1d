"""The data folder of docs/walkthroughs.md: 300 simulated patients and two nights; between them reviewers answered five margins, and a
registry extract with ten corrections and a follow-up extract with eight landed.

    python -m tests.walkthroughs.two_nights NEW_FOLDER
"""

import csv
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from orchestration.review.answers import AnswerBook, checked_answer
from orchestration.review.questions import read_questions

ANSWERED, CORRECTED, SEEN_AGAIN = 5, 10, 8
HOSPITAL = Path("landing") / "simulated_hospital"


def crlm(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "CRLM_DATA_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "orchestration.command_line", *arguments], env=environment, check=True)


def answer_margins(folder: Path) -> None:
    """Widths of the first open questions, as a reviewer would give them."""
    questionnaire = read_questions(folder / "build" / "adjudication")
    book = AnswerBook("A. Reader", folder / "build" / "adjudication", folder / "landing" / "adjudication")
    asked = [question["question_id"] for question in questionnaire.questions if question["reports"]][:ANSWERED]
    for question_id, width in zip(asked, ("4", "0,5", "12", "2", "6"), strict=True):
        book.keep(checked_answer(questionnaire, book.reviewer, question_id, "", width, "", datetime.now()))


def land_corrections(file: Path, name: str, column: str, values: dict[str, str], n: int) -> None:
    """An extract of the first n records in which a column holds a key of `values`, with its value there."""
    with file.open(encoding="latin-1", newline="") as lines:
        rows = list(csv.DictReader(lines))
    changed = [row | {column: values[row[column]]} for row in rows if row[column] in values][:n]
    with file.with_name(name).open("w", encoding="latin-1", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(changed)


def make(folder: Path) -> None:
    crlm(folder, "simulate", "--patients", "300", "--out", str(folder))
    crlm(folder, "refresh")
    answer_margins(folder)
    land_corrections(
        folder / HOSPITAL / "registry" / "hepatectomy_registry.csv",
        "corrections.csv",
        "mets_count",
        {"1": "2"},
        CORRECTED,
    )
    looks = folder / HOSPITAL / "follow_up"
    land_corrections(looks / "follow_up.csv", "corrections.csv", "finding", {"indeterminate": "suspicious"}, SEEN_AGAIN)
    crlm(folder, "refresh")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
