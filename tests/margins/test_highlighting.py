"""What the reader weighed is marked in the report that a reviewer reads."""

import pandas as pd

from orchestration.review.worklist import marked_words, worklist_page, write_worklist


def test_the_sentences_that_were_weighed_are_marked_and_nothing_is_lost(tmp_path):
    report = "S1, final: Liver <wedge>. Margin negative. Size 4 cm."
    assert marked_words(report, ["Margin negative."]) == [
        ("S1, final: Liver <wedge>. ", False),
        ("Margin negative.", True),
        (" Size 4 cm.", False),
    ]
    assert marked_words(report, None) == [(report, False)]
    question = {"study_id": "P1", "question_id": "P1:1", "is_sample": False, "why": "distance not given"}
    page = worklist_page(
        pd.DataFrame([{**question, "report_text": report, "sentences": ["Margin negative."]}]), ["<1 mm"], tmp_path
    )
    assert 'value="&lt;1 mm"' in page and 'value="not_assessable"' in page
    assert "Liver &lt;wedge&gt;. <mark>Margin negative.</mark> Size 4 cm." in page


def test_where_more_questions_wait_than_are_asked_tonight_page_and_workbook_hold_these_and_the_csv_all(tmp_path):
    asked = {"is_sample": False, "why": "distance not given", "report_text": "Margin negative."}
    questions = pd.DataFrame([{**asked, "study_id": f"P{n}", "question_id": f"P{n}:1"} for n in (3, 1, 2)])
    write_worklist(questions, ["<1 mm"], tmp_path, tmp_path / "landing", asked={"P1:1", "P2:1"})
    page = (tmp_path / "worklist.html").read_text(encoding="utf-8")
    assert page.count("<article") == 2 and 'data-question="P3:1"' not in page
    assert "Not shown: 1 more." in page
    assert pd.read_excel(tmp_path / "worklist.xlsx")["question_id"].tolist() == ["P1:1", "P2:1"]
    assert pd.read_csv(tmp_path / "worklist.csv")["question_id"].tolist() == ["P1:1", "P2:1", "P3:1"]
