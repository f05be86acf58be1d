"""A question about a margin, its answer, and an amended report that asks again: records in, margins out.

The hospital is the one of docs/add_a_source.md; one of its three reports leaves the distance open.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

import duckdb
import pandas as pd
import pytest

from orchestration.dbt_build.arguments import DEFAULT_STUDY, dbt_variables
from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.load_feed import assign_study_ids, load_feed
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.review.answers import AnswerBook, checked_answer_of_look
from orchestration.review.lists import write_lists
from orchestration.review.questions import (
    MOST_ASKED,
    Questionnaire,
    find_waiting,
    margins_asked,
    questions_by_kind,
    read_questions,
    write_questions,
)
from orchestration.review.worklist import write_worklist
from orchestration.settings import PROJECT_ROOT, Settings
from tests.analysis.study_plan import MARGIN_GROUPS
from tests.dbt_process import run_forked_dbt
from tests.end_to_end.add_a_source import BLOCK_OF_FILE, PAGE

OPEN = "Parenchymal margin uninvolved, distance 12 mm."
# the second patient's recurrence without a site, and the third's only said at a clinic visit
NO_SITE = (";14.08.2005;2;3;1;0;0", ";14.08.2005;2;3;0;0;0")
AT_A_CLINIC = (";10.10.2012;1;7;0;0;0", ";03.03.2010;3;3;0;1;0")
HEADER = "question_id,study_id,reviewer,decided_at,margin_group,margin_mm,comment\n"


@dataclass
class Nights:
    """A landing folder and the build file that each night's records and rules make."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def report(self, text: str, status: str, issued: str) -> None:
        """Riverside's third report, in a file of its own name for each time it is sent."""
        patient = {
            "resourceType": "Patient",
            "id": "p3",
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "000453"}],
        }
        report = {
            "resourceType": "DiagnosticReport", "id": "d3", "status": status, "subject": {"reference": "Patient/p3"},
            "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "S06-90"}],
            "effectiveDateTime": "2006-10-19", "issued": issued, "conclusion": text,
        }  # fmt: skip
        path = self.landing / "riverside" / "pathology" / f"sent_{issued[:10]}.ndjson"
        path.write_text(json.dumps(patient) + "\n" + json.dumps(report) + "\n", encoding="utf-8")

    def answer(self, name: str, *rows: str) -> None:
        path = self.landing / "adjudication" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")

    def pass_by(self) -> None:
        build_file = self.folder / "build.duckdb"
        has_seeds = build_file.exists()
        with duckdb.connect(str(build_file)) as connection:
            create_raw_schema(connection)
            contracts = load_hospitals(self.folder / "contracts")
            for feed in canonical_feeds():
                for load in load_feed(connection, self.landing, contracts, feed, "night"):
                    assert load.status == "loaded", load
            assign_study_ids(connection, "a test's key")
        # the rules' tables are the same every night
        kinds = ["model"] if has_seeds else ["model", "seed"]
        arguments = ["--quiet", "build", *(word for kind in kinds for word in ("--resource-type", kind)), "--select"]
        arguments += ["+adjudication_queue", "+adjudication_worklist", "+margin_adjudications"]
        arguments += [
            "+recurrences",
            "+listed_recurrence_statements",
            "+site_words_to_settle",
            "+follow_up_adjudications",
        ]
        result = run_forked_dbt(build_file, arguments, dbt_variables(Settings(), DEFAULT_STUDY))
        assert result.returncode == 0, result.stdout

    def frame(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.folder / "build.duckdb"), read_only=True) as connection:
            return connection.execute(query).df()

    def questions(self, most_asked: int = MOST_ASKED) -> Questionnaire:
        with (
            patch("orchestration.review.questions.MOST_ASKED", most_asked),
            duckdb.connect(str(self.folder / "build.duckdb"), read_only=True) as connection,
        ):
            find_waiting(connection)
            write_questions(questions_by_kind(connection), self.folder / "asked")
            write_lists(connection, self.folder / "asked")
            asked = margins_asked(connection)
        questionnaire = read_questions(self.folder / "asked")
        assert {question["question_id"] for question in questionnaire.questions} == asked
        return questionnaire

    def list_of(self, name: str) -> list[dict]:
        return pd.read_csv(self.folder / "asked" / name, dtype=str, keep_default_na=False).to_dict("records")

    def margin(self, patient: str) -> dict:
        return self.frame(
            f"""SELECT margin_group, margin_mm, rule, unresolved_reason FROM intermediate.operation_margins
                WHERE study_id = '{patient}'"""
        ).to_dict("records")[0]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("adjudication"))
    for name, text in BLOCK_OF_FILE.findall(PAGE.read_text(encoding="utf-8")):
        if "/riverside/" in name:
            path = nights.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            told = text.replace(OPEN, "Parenchymal margin negative.").replace(*NO_SITE).replace(*AT_A_CLINIC)
            path.write_text(told, encoding="utf-8")
    contracts = PROJECT_ROOT / "orchestration" / "ingestion" / "contracts" / "adjudication"
    shutil.copytree(contracts, nights.folder / "contracts" / "adjudication")
    return nights


@dataclass
class Monday:
    """What the first night asked; on Monday all of it was answered, and a second night passed."""

    nights: Nights
    margin_asked: dict
    margin_before: dict
    worklist: list[dict]
    looks_asked: Questionnaire
    none_asked: Questionnaire
    looks_to_settle: list[dict]
    sites_before: dict[str, str]
    recurrences: pd.DataFrame
    looks_settled: list[list]
    looks_left: Questionnaire


@pytest.fixture(scope="module")
def monday(nights) -> Monday:
    nights.pass_by()
    (asked,) = nights.frame("FROM quality.adjudication_queue").to_dict("records")
    before = nights.margin(asked["study_id"])
    worklist = nights.frame("FROM intermediate.adjudication_worklist WHERE NOT is_sample").to_dict("records")
    sites = nights.frame("SELECT study_id, site FROM marts.recurrences").set_index("study_id")["site"].to_dict()
    looks, none = nights.questions(), nights.questions(most_asked=0)
    to_settle = nights.list_of("looks_to_settle.csv")
    answer = 'A. Reader,2013-02-01 10:00:00,1.0-9.9 mm,4,"seen, measured"'
    nights.answer("monday.csv", f"{asked['question_id']},{asked['study_id']},{answer}")
    book = AnswerBook("A. Reader", nights.folder / "build", nights.landing / "adjudication")
    noon = datetime(2013, 4, 1, 12, 0)
    site, statement = looks.sites_not_stated[0]["question_id"], looks.clinic_statements[0]["question_id"]
    book.keep(checked_answer_of_look(looks, "A. Reader", site, "recurrence", ["lung"], "", "", noon))
    about = (statement, "recurrence", ["liver_elsewhere"], "2010-02-15", "CT of February")
    book.keep(checked_answer_of_look(looks, "A. Reader", *about, noon))
    nights.pass_by()
    recurrences = nights.frame("SELECT study_id, site, recurrence_days FROM marts.recurrences").set_index("study_id")
    settled = nights.frame("SELECT answer, sites, is_settled FROM marts.follow_up_adjudications ORDER BY asks")
    return Monday(
        nights,
        asked,
        before,
        worklist,
        looks,
        none,
        to_settle,
        sites,
        recurrences,
        settled.to_numpy().tolist(),
        nights.questions(),
    )


def test_a_question_is_answered_and_an_amended_report_asks_again(monday):
    nights, asked = monday.nights, monday.margin_asked
    patient, question = asked["study_id"], asked["question_id"]
    assert (asked["unresolved_reason"], asked["n_reviewers"], asked["is_asked_again"]) == (
        monday.margin_before["unresolved_reason"],
        0,
        False,
    )
    (listed,) = monday.worklist
    assert "Parenchymal margin negative." in listed["report_text"]

    # an answer wins from the next night on, and its word is kept beside what was read
    assert nights.margin(patient) == {
        "margin_group": "1.0-9.9 mm",
        "margin_mm": 4.0,
        "rule": "adjudicated",
        "unresolved_reason": None,
    }
    assert nights.frame("FROM quality.adjudication_queue").empty
    (kept,) = nights.frame("FROM marts.margin_adjudications").to_dict("records")
    assert (kept["margin_group"], kept["read_margin_group"]) == ("1.0-9.9 mm", "unresolved")

    # a second reviewer disagrees: the margin is open again, and both answers are shown
    nights.answer("tuesday.csv", f"{question},{patient},B. Reader,2013-02-02,positive,0,")
    nights.pass_by()
    (disputed,) = nights.frame("FROM quality.adjudication_queue").to_dict("records")
    assert (disputed["unresolved_reason"], disputed["answers"]) == ("reviewers disagree", "1.0-9.9 mm; positive")

    # she thinks again
    nights.answer("wednesday.csv", f"{question},{patient},B. Reader,2013-02-03,1.0-9.9 mm,4,")
    nights.pass_by()
    assert nights.margin(patient)["margin_group"] == "1.0-9.9 mm"

    # the report is amended: yesterday's answers were to another text, so the question is asked again
    nights.report("Metastatic adenocarcinoma. Parenchymal margin clear.", "amended", "2013-03-01T09:00:00+01:00")
    nights.pass_by()
    (again,) = nights.frame("FROM quality.adjudication_queue").to_dict("records")
    assert (again["study_id"], again["is_asked_again"]) == (patient, True)
    assert again["question_id"] != question
    assert nights.margin(patient)["margin_group"] == "unresolved"

    # and an amendment that states the width needs nobody
    nights.report(
        "Metastatic adenocarcinoma. Parenchymal margin clear by 12 mm.", "amended", "2013-04-01T09:00:00+01:00"
    )
    nights.pass_by()
    assert nights.margin(patient)["margin_group"] == ">=10 mm"
    assert nights.frame("FROM quality.adjudication_queue").empty


def test_the_worklist_is_a_page_a_workbook_and_a_csv_for_its_owner_only(tmp_path):
    questions = pd.DataFrame(
        [
            {
                "study_id": "P00000000000a",
                "question_id": "P00000000000a:12345678",
                "is_sample": False,
                "why": "distance not given",
                "report_text": "Margin <clear> & negative.",
            }
        ]
    )
    write_worklist(questions, MARGIN_GROUPS, tmp_path / "adjudication", tmp_path / "landing" / "adjudication")

    page = (tmp_path / "adjudication" / "worklist.html").read_text(encoding="utf-8")
    assert "Margin &lt;clear&gt; &amp; negative." in page
    assert 'data-question="P00000000000a:12345678"' in page
    assert "http" not in page.replace("http-equiv", "")
    sheet = pd.read_excel(tmp_path / "adjudication" / "worklist.xlsx", engine="calamine")
    assert list(sheet.columns[:7]) == HEADER.strip().split(",")
    assert sheet["question_id"].tolist() == ["P00000000000a:12345678"]
    for path in (tmp_path / "adjudication").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_a_site_not_stated_and_a_clinic_statement_are_answered_and_count_from_the_next_night(monday):
    (site,), (statement,) = monday.looks_asked.sites_not_stated, monday.looks_asked.clinic_statements
    assert (site["event_date"], statement["event_date"]) == ("2005-08-14", "2010-03-03")
    # of very many, the first are asked; how many wait is told, and all are listed for whoever looks them up
    assert (monday.none_asked.questions, monday.none_asked.sites_not_stated, monday.none_asked.clinic_statements) == (
        [],
        [],
        [],
    )
    assert {one["kind"]: (one["n"], one["n_asked"]) for one in monday.none_asked.waiting} == {
        "margin": (len(monday.looks_asked.questions), 0),
        "site": (1, 0),
        "statement": (1, 0),
    }
    assert [(row["mrn"], row["day"], row["question"], row["sites"]) for row in monday.looks_to_settle] == [
        ("000453", "2010-03-03", "clinic statement", "liver_elsewhere"),
        ("000452", "2005-08-14", "site not stated", "not_stated"),
    ]
    assert monday.sites_before[site["study_id"]] == "not_stated"
    assert statement["study_id"] not in monday.sites_before

    assert monday.recurrences.loc[site["study_id"], "site"] == "lung"
    borne_out = monday.recurrences.loc[statement["study_id"]]
    assert (borne_out["site"], borne_out["recurrence_days"]) == (
        "liver_elsewhere",
        (date(2010, 2, 15) - date(2006, 10, 19)).days,
    )
    assert monday.looks_settled == [["recurrence", "lung", True], ["recurrence", "liver_elsewhere", True]]
    assert (monday.looks_left.sites_not_stated, monday.looks_left.clinic_statements) == ([], [])
