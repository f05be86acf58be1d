"""The figures and the table of the further analyses: drawn from their frames, left out where there are none."""

import pandas as pd
import pytest

from analysis import figures
from analysis.report import render_report
from tests.analysis.report_builders import fake_context, fake_results, frame
from tests.analysis.study_plan import MARGIN

DOSE = frame(
    "endpoint model widths width_mm hazard_ratio conf_low conf_high is_within_data",
    ("margin_recurrence", "adjusted", "exact widths only", 0.0, 2.5, 1.4, 4.4, True),
    ("margin_recurrence", "adjusted", "exact widths only", 5.0, 1.3, 0.9, 1.9, True),
    ("margin_recurrence", "adjusted", "exact widths only", 10.0, 1.0, 1.0, 1.0, True),
    ("margin_recurrence", "adjusted", "bounded widths imputed", 5.0, 1.4, 1.0, 2.0, True),
    ("margin_recurrence", "adjusted", "bounded widths imputed", 10.0, 1.0, 1.0, 1.0, True),
    ("margin_recurrence", "unadjusted", "exact widths only", 5.0, 7.7, 0.9, 9.9, True),
)
SPECIFICATIONS = frame(
    "endpoint estimand definition rank hazard_ratio conf_low conf_high",
    ("margin_recurrence", "cause-specific", "published", 2, 2.2, 1.2, 4.0),
    ("margin_recurrence", "cause-specific", "five_mm", 1, 0.9, 0.5, 1.6),
    ("margin_recurrence", "cause-specific", "two_mm", None, None, None, None),
    ("margin_recurrence", "subdistribution", "published", 1, 1.7, 0.9, 3.0),
).assign(exposure="margin_group")
BALANCE = frame(
    "endpoint term group standardised_difference weighted_standardised_difference",
    ("margin_recurrence", "node-positive primary", "positive", -0.42, 0.03),
    ("margin_recurrence", "node-positive primary", "<1 mm", 0.11, -0.04),
).assign(exposure="margin_group")
FOLLOW_UP = frame(
    "stratum n median_follow_up_days completeness_index n_lost share_lost assessment_interval_median_days length_p_value "
    "loss_p_value is_informative_difference",
    ("positive", 100, 1461.0, 0.91, 7, 0.07, 92.0, 0.012, 0.4, True),
    (">=10 mm", 400, 1826.25, 0.95, 12, 0.03, 95.0, 0.012, 0.4, True),
).assign(grouping="margin_group")
TABLES = {
    "dose_response": DOSE,
    "specification_curve": SPECIFICATIONS,
    "covariate_balance": BALANCE,
    "follow_up_quality": FOLLOW_UP,
}


def test_the_page_shows_them_and_flags_follow_up_that_differs():
    page = render_report(fake_results() | TABLES, fake_context())
    assert page.count("<svg") == 10
    assert "margin, 5 mm, exact widths only: 1.30" in page
    assert "margin, 5 mm, bounded widths imputed: 1.40" in page
    assert "margin, cause-specific: 2 specifications, median 1.55, 1 above 1" in page
    assert "margin, subdistribution: 1 specifications, median 1.70, 1 above 1" in page
    assert "0.42 before weighting, 0.04 after" in page
    for text in ('<td class="n">48</td>', "7 (7%)", "91%", "Follow-up differs by margin"):
        assert text in page, text


def test_an_analysis_that_was_not_done_is_listed_with_its_reason(undrawn):
    not_done = frame("table endpoint reason", ("dose_response", "margin_recurrence", "no values to take knots from"))
    page = render_report(fake_results() | {"analyses_not_done": not_done}, fake_context())
    assert "<td>no values to take knots from</td>" in page
    assert "did not allow" not in render_report(
        fake_results() | {"analyses_not_done": not_done.iloc[:0]}, fake_context()
    )


def test_without_them_the_page_has_no_empty_headings(undrawn):
    page = render_report(fake_results(), fake_context())
    assert "Biology or technique?" not in page
    assert "Follow-up by margin group" not in page


def test_the_love_plot_shows_the_largest_difference_of_each_covariate():
    points = figures.love_plot(BALANCE, MARGIN, 0.1).to_dict(validate=False)
    values = next(rows for rows in points["datasets"].values() if "stage" in rows[0])
    assert {row["stage"]: row["difference"] for row in values} == {"before weighting": 0.42, "after weighting": 0.04}


@pytest.mark.parametrize(
    ("chart", "table", "more"),
    [
        (figures.dose_response_chart, DOSE, ({},)),
        (figures.specification_chart, SPECIFICATIONS, (MARGIN, {})),
        (figures.love_plot, BALANCE, (MARGIN, 0.1)),
    ],
)
def test_nothing_to_draw_is_said(chart, table: pd.DataFrame, more: tuple):
    with pytest.raises(ValueError, match="could be estimated"):
        chart(table.iloc[:0], *more)
    with pytest.raises(ValueError, match="endpoint"):
        chart(table.drop(columns="endpoint"), *more)
