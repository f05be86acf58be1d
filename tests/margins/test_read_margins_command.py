"""`crlm read-margins`: the warehouse's rules on a CSV of texts, for anybody's texts."""

import csv
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from orchestration.command_line import app
from orchestration.dbt_build.runs import run_dbt
from orchestration.reading import read_margins


def run(*arguments):
    return CliRunner().invoke(app, ["read-margins", *map(str, arguments)])


def test_each_text_comes_back_with_its_margin_the_words_and_the_rule(tmp_path, monkeypatch):
    monkeypatch.setattr(read_margins, "run_dbt", run_dbt)
    texts = tmp_path / "in.csv"
    pd.DataFrame(
        {
            "phrase_id": ["b", "a", "c"],
            "report_text": [
                "Parenchymal margin: uninvolved, distance 4 mm.",
                "Tumor is present at the inked parenchymal margin.",
                "Steatosis 10 %.\nNo further findings.",
            ],
            "remark": ["x", "y", "z"],
        }
    ).to_csv(texts, index=False)
    outcome = run(texts, tmp_path / "out.csv")

    assert outcome.exit_code == 0, outcome.output
    read = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert list(read.columns) == [
        "phrase_id", "report_text", "margin_status", "margin_mm", "margin_group", "evidence_text", "rule", "language", "statements",
    ]  # fmt: skip
    assert read[["phrase_id", "margin_status", "margin_mm", "margin_group"]].to_numpy().tolist() == [
        ["b", "negative", "4.0", "1.0-9.9 mm"],
        ["a", "positive", "0.0", "positive"],
        ["c", "unresolved", "", "unresolved"],
    ]
    assert read["evidence_text"][0] in texts.read_text(encoding="utf-8")
    assert read["rule"][2] == "no margin statement"
    told = json.loads(read["statements"][0])
    words = {
        read["report_text"][0][one["start"] : one["end"]]: (one["reading"], one["mm"], one["language"]) for one in told
    }
    assert words["4 mm"] == ("distance", 4, "en")
    assert words["uninvolved"] == ("negative", None, "en")


def test_a_text_with_bare_carriage_returns_comes_back_as_one_record(tmp_path):
    texts = tmp_path / "in.csv"
    words = "Liver segment 6.\rResection margin:\rfree with 4 mm."
    texts.write_bytes(f'phrase_id,report_text\r\nA,"{words}"\r\nB,Parenchymal margin 12 mm.\r\n'.encode())
    outcome = run(texts, tmp_path / "out.csv")
    assert outcome.exit_code == 0, outcome.output
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        read = [(row["phrase_id"], row["report_text"], row["margin_mm"]) for row in csv.DictReader(file)]
    assert read == [("A", words, "4.0"), ("B", "Parenchymal margin 12 mm.", "12.0")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("id,report_text\n1,x\n", "in.csv:1: the header lacks phrase_id (it has id, report_text)"),
        ("phrase_id,report_text\n1,x\n1,y\n", "record 2: phrase_id stands twice"),
        ("phrase_id,report_text\n,x\n", "record 1: phrase_id is empty"),
        ("", "not readable as CSV"),
        (
            'phrase_id,report_text\n1,"margin free\n2,margin involved\n3,"Segment 4" resection\n',
            "in.csv:2: text stands straight behind the closing quote of a field of lines 2 to 4",
        ),
    ],
)
def test_texts_that_cannot_be_used_are_refused_with_file_record_and_field(tmp_path, content, complaint):
    texts = tmp_path / "in.csv"
    texts.write_text(content, encoding="utf-8")
    outcome = run(texts, tmp_path / "out.csv")
    assert outcome.exit_code == 1
    # the terminal breaks lines, and where depends on how long the folder's name is
    assert "".join(complaint.split()) in "".join(outcome.output.split())
    assert not (tmp_path / "out.csv").exists()
