"""The reviewers' worklist: a page for the browser, a workbook and a CSV, all in the restricted build area.

The page needs no server: it saves the answers as a CSV that goes into the landing folder `adjudication`. Where very many questions
wait, page and workbook hold those that are asked tonight, the CSV all.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

from orchestration.files.problems import ROOM_ADVICE, is_disk_full

TEMPLATE_FOLDER = Path(__file__).parent
TEMPLATE = "worklist.html.jinja"
ANSWER_COLUMNS = ["question_id", "study_id", "reviewer", "decided_at", "margin_group", "margin_mm", "comment"]
NOT_ASSESSABLE = "not_assessable"
"""What a reviewer answers who finds no margin to judge."""


CONTROL_CHARACTERS = {number: " " for number in [*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF]}
"""What a report may hold (a form feed between pages) and a workbook, XML inside, may not; tab and line ends stay."""


class WorklistFailed(Exception):
    """The worklist could not be written; the message says where and of which kind, not which report."""


def write_worklist(
    questions: pd.DataFrame,
    groups: Sequence[str],
    folder: Path,
    landing_folder: Path,
    asked: Collection[str] | None = None,
) -> None:
    """worklist.html, worklist.xlsx and worklist.csv, readable for their owner only.

    Args:
        questions: study_id, question_id, is_sample, why, report_text; one row a question.
        groups: the margin groups of the definitions, in their order.
        folder: in the restricted build area; made if it is not there.
        landing_folder: where the answers go; named on the page.
        asked: ids of the questions of the page and the workbook; all by default.
    Raises:
        WorklistFailed: one of the files could not be written. What stood in the folder before stays.
    """
    what = "worklist"
    try:
        for what, write in _writers(questions, groups, landing_folder, asked).items():
            new_file = folder / f".{what}"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new_file.touch(mode=0o600)
            write(new_file)
            new_file.chmod(0o600)
            new_file.replace(folder / what)
    except Exception as error:
        # libraries quote the cell that they could not take: a whole report
        why = f"DiskFull: {ROOM_ADVICE}" if is_disk_full(str(error)) else type(error).__name__
        raise WorklistFailed(f"{what} could not be written: {why}") from None


def _writers(
    questions: pd.DataFrame, groups: Sequence[str], landing_folder: Path, asked: Collection[str] | None
) -> dict[str, Callable[[Path], object]]:
    """Name of each file of the worklist -> what writes it."""
    readable = questions.assign(
        **{name: questions[name].map(_without_control_characters) for name in ("why", "report_text")}
    )
    ordered = readable.sort_values(["is_sample", "study_id"], kind="stable").reset_index(drop=True)
    sheet = ordered[["question_id", "study_id"]].assign(
        reviewer="", decided_at="", margin_group="", margin_mm="", comment=""
    )
    sheet = sheet[ANSWER_COLUMNS].assign(why=ordered["why"], report_text=ordered["report_text"])
    is_asked = ordered["question_id"].map(lambda question_id: asked is None or question_id in asked).astype(bool)
    page = worklist_page(ordered[is_asked], groups, landing_folder, len(ordered))
    return {
        "worklist.csv": lambda path: sheet.to_csv(path, index=False),
        "worklist.xlsx": lambda path: sheet[is_asked].to_excel(
            path, index=False, sheet_name="worklist", engine="openpyxl"
        ),
        "worklist.html": lambda path: path.write_text(page, encoding="utf-8"),
    }


def _without_control_characters(text: object) -> object:
    return text.translate(CONTROL_CHARACTERS) if isinstance(text, str) else text


def write_site_words(words: pd.DataFrame, folder: Path) -> None:
    """site_words.csv, readable for its owner only: the words for sites of disease that could not be read, the most frequent first.

    Args:
        words: word, n_looks, nearest_known_word, proposed_site, similarity. A word is settled by a row of
            seeds.recurrence_site_words, for every hospital and every look.
        folder: in the restricted build area; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / "site_words.csv"
    words.sort_values(["n_looks", "word"], ascending=[False, True]).to_csv(path, index=False)
    path.chmod(0o600)


def worklist_page(
    questions: pd.DataFrame, groups: Sequence[str], landing_folder: Path, n_waiting: int | None = None
) -> str:
    """The page as HTML text, self-contained, calling nobody; `n_waiting`: of how many questions these are the first."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        questions=[
            {**question, "words": marked_words(question["report_text"], question.get("sentences"))}
            for question in questions.to_dict("records")
        ],
        n_more=max(0, (n_waiting or 0) - len(questions)),
        groups=[*groups, NOT_ASSESSABLE],
        columns=ANSWER_COLUMNS,
        landing_folder=str(landing_folder),
    )


def marked_words(text: str, sentences: Iterable[str] | None) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether the reader weighed it: the sentences are its own words, every occurrence counts."""
    known = [re.escape(sentence) for sentence in sorted(_listed(sentences), key=len, reverse=True)]
    if not known:
        return [(text, False)]
    pieces = re.split(f"({'|'.join(known)})", text)
    return [(piece, at % 2 == 1) for at, piece in enumerate(pieces) if piece]


def _listed(sentences: Iterable[str] | None) -> list[str]:
    is_missing = sentences is None or isinstance(sentences, float)
    return [] if is_missing else [str(sentence) for sentence in sentences if str(sentence).strip()]
