"""The page: it holds the numbers of the frames, says what is missing, tells nobody's story twice and calls nobody."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from analysis.report import render_report
from analysis.report.formats import p_value, percent_range
from tests.analysis.report_builders import fake_context, fake_results, frame

BANNER = "SIMULATED DATA \u2014 drawn by a computer program; no patient is in these numbers"


def words_of(page: str) -> str:
    """What a reader sees: text without tags and styles, white space collapsed."""
    visible = re.sub(r"<(style|title)[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", visible)))


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(fake_results(), fake_context())


@pytest.fixture(scope="module")
def words(page: str) -> str:
    return words_of(page)


class Balance(HTMLParser):
    """Opened tags must be closed in order."""

    VOID = frozenset({"meta", "br", "img", "hr", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def test_the_page_is_well_formed(page):
    parser = Balance()
    parser.feed(page)
    assert not parser.open
    assert page.lstrip().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "text",
    [
        "1,000 simulated patients",
        "published 2026-11-23 02:05 UTC",
        # the answer and the tiles: three-year incidence, limits, test, published figure, group size
        "71% (95% CI 62\u201379%) after a positive margin , 49% (95% CI 45\u201352%) after one of >=10 mm (Gray's test P<0.001",
        "Margin positive 71% 95% CI 62\u201379% published 70% 100 patients (10.0%)",
        "Margin 1.0-9.9 mm 57% 95% CI 53\u201360% published 57% 350 patients (35.0%)",
        "40 patients (4.0%) have an unresolved margin",
        "hazard ratio 2.26 (1.70\u20133.01) for liver recurrence at any time, 1.87 (0.99\u20133.52)",
        "13% (9 of 70) after a positive margin, 33% (66 of 200) after one of >=10 mm (trend P<0.001)",
        # forest: ours and published
        "2.05 (1.31\u20133.21)",
        "2.21 (1.49\u20133.26)",
        "900 patients, 222 events; margin group as a whole P=0.043 (published P=0.001)",
        "Adjusted for CEA > 200 ng/mL . Left out of the models: 60 for a missing covariate and 40 for an unresolved margin",
        "Proportional hazards are in doubt (P<0.05) for: Liver recurrence at any time, margin <1 mm (P=0.023).",
        # patterns, salvage, landmarks
        "Liver only 200 (20%)",
        "Lung 41 (41%)",
        "Unresolved margins: 25% (5 of 20)",
        "3 years 71% (62\u201379) 68% (57\u201377) 57% (53\u201360) 49% (45\u201352)",
        "10 years nobody at risk",
        # who was studied
        "Each registered patient is counted once, at the first criterion not met",
        "CEA, ng/mL, median (IQR) 12.3 (3-45.2) 0.15 missing 17",
        "Sex, n (%) 0.08 female 431 (43%) male 569 (57%)",
        # data quality
        "Checks of the gate: 1 of 2 passed",
        "blocking: 1 of 1 passed; warning: 0 of 1 passed",
        "failed (warning): Ages are plausible (patients), 3 of 1,000",
        "follow up 1 0 5,000 4,890 60 50 2",
        "all feeds 22 1 6,200 6,080 70 50 2",
        "In every feed rows read = loaded + rejected + duplicate",
        "Margins unresolved, waiting for adjudication 40 distance not given 27 no pathology report 13",
        "Records rejected 70 follow up, event date: in the future 60",
        "Single fields rejected, taken as missing 2",
        "follow up events: after death 31",
        # stamp and promise
        "run run-4711 \u00b7 code abc1234 \u00b7 data 0f1e2d3c",
        "No patient-level data is on this page",
    ],
)
def test_the_page_holds_the_number(words, text):
    assert re.sub(r"\s+([,.])", r"\1", text) in re.sub(r"\s+([,.])", r"\1", words)


def test_nothing_is_missing_in_a_full_report(words):
    assert "Not available:" not in words


def test_the_banner_stands_on_simulated_data_only(words):
    assert words.count(BANNER) == 1
    observed = render_report(fake_results(is_simulated=False), fake_context(is_simulated=False))
    assert "simulated" not in observed.lower().replace(".simulated {", "").replace(".simulated { position", "")
    assert "1,000 patients, first complete resection" in words_of(observed)


def test_every_printed_page_and_every_figure_of_simulated_data_says_so(page):
    assert re.search(r'@top-center \{ content: "SIMULATED DATA"', page)
    assert page.count(">Simulated data</text>") == page.count("<svg") == 7


def test_whether_patients_are_real_is_never_guessed():
    with pytest.raises(ValueError, match="is_simulated must say"):
        render_report(fake_results(), {"run_id": "x"})
    with pytest.raises(ValueError, match="data_label says simulated"):
        render_report(fake_results(is_simulated=True), fake_context(is_simulated=False))
    with pytest.raises(ValueError, match="data_label says observed"):
        render_report(fake_results(is_simulated=False), fake_context(is_simulated=True))


def test_the_page_calls_nobody(page):
    assert not re.search(r"https?:|//[a-z]|url\((?!#)|@import|<script|<link|<iframe|<img|\ssrc=", page, re.IGNORECASE)
    assert not re.search(r'href="(?!#)', page)


@pytest.mark.parametrize("table", sorted(fake_results()))
def test_a_missing_or_empty_table_costs_its_part_only_and_says_why(table, undrawn):
    full = fake_results()
    missing = words_of(render_report({name: rows for name, rows in full.items() if name != table}, fake_context()))
    empty = words_of(render_report({**full, table: full[table].iloc[:0]}, fake_context()))
    # without labels of the groupings their own names stand there
    unsaid = {"group_tests", "event_count_groupings"}
    lists_nothing = table in {"rejected_by_reason", "unresolved_by_reason", "records_set_aside"}
    assert f"the table {table} was not computed" in missing or table in unsaid | {"margin_groups"}
    assert f"the table {table} has no rows" in empty or lists_nothing or table in unsaid
    if lists_nothing:
        assert "0 none" in empty
    if table == "group_tests":
        assert "Gray's test P not available" in missing
        assert "Gray's test P not available" in empty
    for page in (missing, empty):
        assert "No patient-level data is on this page" in page
        assert "nan" not in page.lower().replace("resonance", "").split()


def test_a_table_without_a_column_is_named(undrawn):
    tables = fake_results()
    tables["check_results"] = tables["check_results"].drop(columns="severity")
    tables["cumulative_incidence"] = tables["cumulative_incidence"].drop(columns="n_risk")
    words = words_of(render_report(tables, fake_context()))
    assert "Not available: the table check_results lacks severity." in words
    assert "lacks the column(s) n_risk" in words


def test_with_no_table_at_all_there_is_still_a_page():
    page = render_report({}, {"is_simulated": True})
    words = words_of(page)
    assert BANNER in words
    assert "not available simulated patients" in words
    assert "<svg" not in page
    assert "Published not available \u00b7 run not available" in words


def test_text_from_the_data_cannot_become_markup():
    attack = "<script>alert(1)</script><b onmouseover='x'>"
    tables = fake_results()
    tables["rejected_by_reason"] = frame("feed scope field reason n", (attack, "record", attack, attack, 1))
    tables["unresolved_by_reason"] = frame("reason n", (attack, 1))
    tables["cohort_flow"] = frame(
        "step_number criterion n_remaining n_excluded exclusion_reason",
        (0, attack, 1000, 0, None),
        (1, attack, 1000, 0, attack),
    )
    tables["table_one"] = tables["table_one"].assign(variable=attack, level=attack, value_text=attack)
    tables["hazard_ratios"] = tables["hazard_ratios"].assign(warning=attack)
    tables["published_comparison"] = tables["published_comparison"].assign(figure=attack)
    tables["check_results"] = tables["check_results"].assign(description=attack, severity=attack, status=attack)
    page = render_report(tables, fake_context(run_id=attack, code_version=attack, data_hash=attack))
    assert "<script" not in page
    assert "<b onmouseover" not in page
    assert page.count("&lt;script&gt;") >= 10


def test_sums_that_do_not_agree_stand_at_the_top(undrawn):
    tables = fake_results()
    tables["cohort_flow"].loc[1, "n_excluded"] = 32
    words = words_of(render_report(tables, fake_context(n_patients=999)))
    head = words[: words.index("Recurrence within 3 years")]
    assert "The cohort flow does not add up" in head
    assert "The cohort flow ends with 1,000 patients, the publication has 999." in head
    assert "The margin groups hold 1,000 patients, the publication has 999." in head
    tables["ingest_by_feed"].loc[0, "rows_duplicate"] = 49
    words = words_of(render_report(tables, fake_context()))
    assert "Rows read are not rows loaded, rejected and duplicate in: follow up." in words


def test_a_feed_that_stands_still_is_named_with_the_reason(words, undrawn):
    assert "stands still" not in words
    stale = frame("source_system feed reason", ("north", "follow_up", "1 file(s) refused: the workbook has no sheet"))
    said = words_of(render_report({**fake_results(), "stale_feeds": stale}, fake_context()))
    assert (
        "This feed stands still, its last records stay in force: north, follow up: 1 file(s) refused: the workbook has no sheet."
        in said
    )


def test_the_windows_are_those_of_the_definitions_table(words, undrawn):
    assert "All sites found within the synchronous window of the first" in words
    settings = frame(
        "name value unit", ("synchronous_window_days", 45, "days"), ("confirmation_window_days", "91", "days")
    )
    words = words_of(render_report({**fake_results(), "clinical_settings": settings}, fake_context()))
    assert "All sites found within 45 days of the first" in words
    assert "confirmed within 91 days counts from its own date" in words


def test_figures_have_a_text_alternative_with_their_numbers(page):
    labels = [unescape(label) for label in re.findall(r'role="img" aria-label="([^"]*)"', page)]
    assert len(labels) == 7
    together = " ".join(labels)
    assert "Recurrence at any site by margin group over 10 years. At 3 years: positive 69%" in together
    assert "Initial isolated liver recurrence, positive, Perrin et al. 2025: 2.21 (1.49\u20133.26)" in together
    assert "positive: liver only 20%, lung only 12%" in together
    assert (
        "Patients in the operations registry: 1,040. Excluded: no operation with curative intent 7; liver resected before 33. "
        "Cohort: 1,000. By margin group: positive 100, <1 mm 80, 1.0-9.9 mm 350, >=10 mm 430, unresolved 40."
    ) in together


def test_many_reasons_are_cut_but_their_sum_is_whole(undrawn):
    reasons = pd.DataFrame({"reason": [f"reason {rank}" for rank in range(20)], "n": range(20, 0, -1)})
    words = words_of(render_report({**fake_results(), "unresolved_by_reason": reasons}, fake_context()))
    assert "waiting for adjudication 210" in words
    assert "reason 11 9 8 further reasons 36" in words
    assert "reason 12 " not in words


def test_a_warned_hazard_ratio_shows_its_warning(undrawn):
    tables = fake_results()
    tables["hazard_ratios"].loc[0, "warning"] = "rests on 3 events"
    words = words_of(render_report(tables, fake_context()))
    assert "Initial isolated liver recurrence, margin positive: rests on 3 events" in words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00099, "P<0.001"),
        (0.001, "P=0.001"),
        (0.0432, "P=0.043"),
        (0.0997, "P=0.10"),
        (0.34, "P=0.34"),
        (0.9996, "P>0.99"),
        (None, "P not available"),
        (float("nan"), "P not available"),
    ],
)
def test_p_values_are_written_as_journals_do(value, text):
    assert p_value(value) == text


def test_a_range_with_an_unknown_end_is_no_range():
    assert percent_range(0.636, 0.807) == "64\u201381%"
    assert percent_range(0.636, None) == "not available"


def test_another_study_is_named_and_not_compared_with_perrin():
    results = fake_results()
    comparison = results["published_comparison"]
    alone = comparison.assign(**{name: np.nan for name in comparison if name.startswith("published_")})
    study = {
        "study": "hcc",
        "title": "Margins of hepatocellular carcinoma",
        "disease": "hepatocellular carcinoma",
        "operation": "hepatectomy",
        "compared_with": None,
        "reference": None,
    }
    page = render_report({**results, "published_comparison": alone}, {**fake_context(), "study": study})
    words = words_of(page)
    assert "after hepatectomy for hepatocellular carcinoma?" in words
    assert "Perrin" not in page
    assert "colorectal" not in words
    assert "(published" not in words
