"""An error that others can read (Dagster's store, the terminal, a mail of cron) names its kind and place, never a value."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.publication.verdicts import PublicationRefused
from orchestration.review.worklist import WorklistFailed, write_worklist
from orchestration.spoken_errors import StepFailed, spoken, without_values

REPORT = "S00-1, final_diagnosis: MADE UP, Patient Doe, Jane\x0cliver, wedge. Margin free.\x00\x1b"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Could not convert string 'Doe, Jane' to INT32\nLINE 1: 'Doe'",
            "ValueError: Could not convert string '…' to INT32",
        ),
        ('time data "1934-02-03" does not match', "ValueError: time data '…' does not match"),
        ("born 1934-02-03, MRN 00471108", "ValueError: born …, MRN …"),
        ("cannot be used: 'Doe, Jane said", "ValueError: cannot be used: '…'"),
        ("columns overlap", "ValueError: columns overlap"),
        ("", "ValueError"),
    ],
)
def test_what_is_said_of_an_error_holds_no_value(message, said):
    assert spoken(ValueError(message)) == said


def test_the_projects_own_errors_are_said_in_full():
    assert (
        spoken(PublicationRefused("the marts gate is closed ('a' and 'b')")) == "the marts gate is closed ('a' and 'b')"
    )


def test_a_step_that_quotes_a_record_fails_without_it_and_without_its_cause():
    @without_values
    def step():
        with duckdb.connect() as connection:
            connection.execute("SELECT CAST('Doe, Jane' AS INTEGER)")

    with pytest.raises(StepFailed) as failed:
        step()
    assert "Doe" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_a_step_that_yields_is_wrapped_as_well():
    @without_values
    def steps():
        yield 1
        raise ValueError("'Doe, Jane'")

    begun = steps()
    assert next(begun) == 1
    with pytest.raises(StepFailed, match=r"^ValueError: '…'"):
        next(begun)


def questions(text: str) -> pd.DataFrame:
    asked = {
        "study_id": "P0123456789ab",
        "question_id": "P0123456789ab:1",
        "is_sample": False,
        "why": "distance not given",
    }
    return pd.DataFrame([{**asked, "report_text": text}])


def test_a_form_feed_or_any_control_character_in_a_report_does_not_stop_the_worklist(tmp_path: Path):
    write_worklist(questions(REPORT), ["positive"], tmp_path, Path("landing/adjudication"))
    sheet = pd.read_excel(tmp_path / "worklist.xlsx")
    assert sheet["report_text"].tolist() == [
        "S00-1, final_diagnosis: MADE UP, Patient Doe, Jane liver, wedge. Margin free.  "
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"worklist.csv", "worklist.xlsx", "worklist.html"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_worklist_that_cannot_be_written_says_so_without_the_report(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise ValueError(f"cannot be used in worksheets: {REPORT}")

    monkeypatch.setattr(pd.DataFrame, "to_excel", refuse)
    with pytest.raises(WorklistFailed) as failed:
        write_worklist(questions(REPORT), ["positive"], tmp_path, Path("landing/adjudication"))
    assert str(failed.value) == "worklist.xlsx could not be written: ValueError"
    assert failed.value.__suppress_context__
