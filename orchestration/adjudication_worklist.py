"""The reviewers' worklist: a page for the browser, a workbook and a CSV, all in the restricted build area.

The page needs no server: it saves the answers as a CSV that goes into the landing folder `adjudication`.
"""

from pathlib import Path

import pandas as pd

TEMPLATE_FOLDER = Path(__file__).parent
TEMPLATE = "adjudication_worklist.html.jinja"
ANSWER_COLUMNS = ["question_id", "study_id", "reviewer", "decided_at", "margin_group", "margin_mm", "comment"]
GROUPS = ("positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "not_assessable")


def write_worklist(questions: pd.DataFrame, folder: Path, landing_folder: Path) -> None:
    """worklist.html, worklist.xlsx and worklist.csv, readable for their owner only.

    Args:
        questions: study_id, question_id, is_sample, why, report_text; one row a question.
        folder: in the restricted build area; made if it is not there.
        landing_folder: where the answers go; named on the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    ordered = questions.sort_values(["is_sample", "study_id"], kind="stable").reset_index(drop=True)
    sheet = ordered[["question_id", "study_id"]].assign(
        reviewer="", decided_at="", margin_group="", margin_mm="", comment=""
    )
    sheet = sheet[ANSWER_COLUMNS].assign(why=ordered["why"], report_text=ordered["report_text"])
    sheet.to_csv(folder / "worklist.csv", index=False)
    sheet.to_excel(folder / "worklist.xlsx", index=False, sheet_name="worklist")
    (folder / "worklist.html").write_text(worklist_page(ordered, landing_folder), encoding="utf-8")
    for name in ("worklist.csv", "worklist.xlsx", "worklist.html"):
        (folder / name).chmod(0o600)


def worklist_page(questions: pd.DataFrame, landing_folder: Path) -> str:
    """The page as HTML text, self-contained, calling nobody."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        questions=questions.to_dict("records"),
        groups=GROUPS,
        columns=ANSWER_COLUMNS,
        landing_folder=str(landing_folder),
    )
