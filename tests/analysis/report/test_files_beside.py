"""What stands beside the page: figures, tables, the checklists, the Word document; and what the page says of a night and of a draw."""

import io
import math
import re

import docx
import pandas as pd
import pytest

from analysis.report import draw_report, render_report
from analysis.report.checklists import KNOWN, PARTLY, WRITE, checklist_items, checklist_rows
from analysis.results.changes_by_kind import CHANGE_COLUMNS
from tests.analysis.report.test_report import words_of
from tests.analysis.report_builders import fake_context, fake_results, frame


@pytest.fixture(scope="module")
def drawn():
    return draw_report(fake_results(), fake_context(), "report_files")


def test_every_link_leads_to_a_file_beside_the_page_or_to_a_place_on_it(drawn):
    links = re.findall(r'href="([^"]+)"', drawn.page)
    anchors = {link[1:] for link in links if link.startswith("#")}
    assert len(anchors) >= 8 and anchors <= set(re.findall(r'\bid="([^"]+)"', drawn.page))
    files = [link for link in links if not link.startswith("#")]
    assert len(files) > 20
    assert all(link.startswith("report_files/") and link.removeprefix("report_files/") in drawn.files for link in files)


def test_each_figure_is_there_as_drawing_and_as_pixels_and_each_table_as_csv(drawn):
    figures = {name[:-4] for name in drawn.files if name.endswith(".svg")}
    assert len(figures) == 7
    for name in figures:
        assert drawn.files[f"{name}.svg"].startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')
        assert drawn.files[f"{name}.png"].startswith(b"\x89PNG")
    table = pd.read_csv(io.BytesIO(drawn.files["published_comparison.csv"]))
    assert table["estimate"].tolist()[:3] == [2.05, 1.62, 1.44]


def test_the_word_document_holds_table_1_patterns_ratios_and_figures_and_says_that_data_are_simulated(drawn):
    document = docx.Document(io.BytesIO(drawn.files["report.docx"]))
    captions = [
        paragraph.text for paragraph in document.paragraphs if re.match(r"(Table|Figure) \d\. ", paragraph.text)
    ]
    assert [caption.split(".")[0] for caption in captions] == [
        "Table 1", "Table 2", "Table 3", "Figure 1", "Figure 2", "Figure 3", "Figure 4", "Figure 5", "Figure 6",
    ]  # fmt: skip
    ratios = [[cell.text for cell in row.cells] for row in document.tables[2].rows]
    assert ratios[1] == [
        "Initial isolated liver recurrence",
        "2.05 (1.31\u20133.21)",
        "1.62 (0.91\u20132.87)",
        "1.44 (1.09\u20131.91)",
    ]
    assert any("male" in cell.text for row in document.tables[0].rows for cell in row.cells)
    assert len(document.inline_shapes) == 6
    assert "SIMULATED" in document.sections[0].header.paragraphs[0].text


def test_without_tables_the_word_document_says_what_is_missing():
    document = docx.Document(io.BytesIO(draw_report({}, {"is_simulated": True}, "files").files["report.docx"]))
    assert sum("Not available: the table" in paragraph.text for paragraph in document.paragraphs) == 3


def test_checklist_items_are_filled_with_numbers_of_the_tables_and_the_rest_is_for_a_person():
    rows = checklist_rows(fake_results(), fake_context()).set_index(["checklist", "item"])
    assert rows.loc[("STROBE", "13a"), ["state", "value"]].tolist() == [KNOWN, "1,040 registered, 1,000 in the cohort"]
    assert "liver resected before: 33" in rows.loc[("STROBE", "13b"), "value"]
    assert rows.loc[("STROBE", "16a"), "value"].startswith("Initial isolated liver recurrence, positive: 2.05")
    assert rows.loc[("STROBE", "22"), "state"] == WRITE
    assert rows.loc[("RECORD", "22.1"), ["state", "write"]].tolist() == [PARTLY, "where others get them"]
    # a fact that is not there is never shown as a value
    assert not rows["value"].str.contains("not available").any()
    empty = checklist_rows({}, {}).set_index(["checklist", "item"])
    assert empty.loc[("STROBE", "13a"), ["state", "value"]].tolist() == [WRITE, ""]
    assert {name: len(items) for name, items in checklist_items().items()} == {"STROBE": 34, "RECORD": 13, "REMARK": 20}


def test_the_kappa_of_two_reviewers_is_not_told_as_that_of_the_rules():
    columns = "comparison n n_agreed kappa std_error conf_low conf_high warning"
    two = ("two reviewers", 10, 9, 0.81, 0.1, 0.6, 1.0, "")
    for rules, told in [(("rules and reviewer", 20, 15, 0.6, 0.1, 0.4, 0.8, ""), "kappa 0.60"), (None, None)]:
        table = frame(
            columns, *[row for row in (rules or ("rules and reviewer", 0, 0, math.nan, *[math.nan] * 3, ""), two)]
        )
        rows = checklist_rows({**fake_results(), "margin_agreement": table}, fake_context()).set_index(
            ["checklist", "item"]
        )
        assert (
            (told in rows.loc[("RECORD", "6.2"), "value"])
            if told
            else "kappa" not in rows.loc[("RECORD", "6.2"), "value"]
        )


def since_tables() -> dict[str, pd.DataFrame]:
    stamps = frame(
        "publication published_at code_version data_hash",
        ("before", pd.Timestamp("2026-11-22 02:00"), "a", "x"),
        ("after", pd.Timestamp("2026-11-23 02:05"), "a", "y"),
    )
    ratio = (
        "Liver recurrence at any time",
        "liver_recurrence_any_time",
        "positive",
        2.0,
        2.26,
        0.26,
        0.01,
        0.2,
        0.05,
        0.0,
        0.0,
    )
    still = ("patients", "", "<1 mm", 80.0, 80.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return {
        "since_publications": stamps,
        "since_cohort": frame("change before after n", ("in", "not registered", "in the cohort", 3)),
        "since_patients": frame("what due_to n", ("margin", "a reviewer's answer", 5)),
        "since_numbers": pd.DataFrame([ratio, still], columns=CHANGE_COLUMNS),
        "since_notes": frame("note"),
    }


def test_what_changed_since_last_night_is_told_in_counts_with_the_parts_of_each_number(undrawn):
    words = words_of(render_report({**fake_results(), **since_tables()}, fake_context()))
    assert "in: not registered \u2192 in the cohort 3" in words
    assert "margin a reviewer's answer 5" in words
    assert "Hazard ratio, liver recurrence at any time: positive 2.00 2.26 +0.26 +0.01 +0.20 +0.05 +0.00 +0.00" in words
    assert "Patients: <1 mm" not in words
    same = since_tables()
    same["since_publications"]["data_hash"] = "x"
    assert "Since the publication before" not in words_of(render_report({**fake_results(), **same}, fake_context()))


def test_a_draw_far_from_its_model_is_told_with_how_often_that_happens(undrawn):
    model = frame(
        "endpoint margin_group value",
        ("margin_recurrence", "positive", 4.0),
        ("margin_recurrence", "<1 mm", 2.41),
        ("overall_recurrence", "positive", 0.70),
        ("margin_recurrence", ">=10 mm", 1.0),
    )
    words = words_of(render_report({**fake_results(), "drawn_from": model}, fake_context()))
    # 1.87 (0.99-3.52): z = (log 4 - log 1.87) / 0.324 = 2.35
    assert (
        "Initial recurrence at the resection margin, hazard ratio: positive 4.00 1.87 (0.99\u20133.52) P=0.019 *"
        in words
    )
    assert "hazard ratio: <1 mm 2.41 2.41 (1.23\u20134.72) P>0.99" in words
    assert "2 of 3 limits hold the value drawn from, and about 2.8 should" in re.sub(r"\s+", " ", words)
    observed = render_report({**fake_results(False), "drawn_from": model}, fake_context(is_simulated=False))
    assert "drawn from" not in words_of(observed)
