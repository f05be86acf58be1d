"""What the reader weighed is marked in the report that a reviewer reads."""

import pandas as pd

from orchestration.review.worklist import marked_words, worklist_page


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
