"""The report's sections on effects: what the plan tests, absolute risks, hospitals; absent without a word too many."""

import pandas as pd
import pytest

from analysis import figures
from analysis.report import render_report
from analysis.report.outcome_sections import group_test
from tests.analysis.report_builders import curves, fake_context, fake_results, frame
from tests.analysis.study_plan import MARGIN

RATIOS = "endpoint model term summary hospital hazard_ratio conf_low conf_high i_squared prediction_low prediction_high"


def results() -> dict[str, pd.DataFrame]:
    return fake_results() | {
        "planned_tests": frame(
            "endpoint analysis_role test p_value p_value_adjusted n n_event",
            ("margin_recurrence", "primary", "likelihood ratio, adjusted Cox model", 0.012, 0.012, 900, 130),
            ("overall_survival", "exploratory", "log-rank", 0.4, None, 960, 400),
        ),
        "risk_differences": frame(
            "endpoint stratum standardisation landmark_label risk_difference conf_low conf_high",
            ("margin_recurrence", "positive", "crude", "3 years", 0.123, 0.04, 0.21),
            ("margin_recurrence", "positive", "standardised", "3 years", -0.031, -0.09, 0.03),
            ("overall_survival", "positive", "crude", "3 years", 0.2, 0.1, 0.3),
        ).assign(grouping="margin_group"),
        "hospital_hazard_ratios": frame(
            RATIOS,
            (
                "margin_recurrence",
                "adjusted",
                "margin positive",
                "one hospital",
                "north",
                1.5,
                1.1,
                2.2,
                None,
                None,
                None,
            ),
            (
                "margin_recurrence",
                "adjusted",
                "margin positive",
                "one hospital",
                "south",
                2.5,
                1.2,
                5.0,
                None,
                None,
                None,
            ),
            ("margin_recurrence", "adjusted", "margin positive", "random effects", None, 1.7, 1.2, 2.5, 0.31, 0.8, 3.6),
        ),
    }


def test_the_page_has_the_plan_the_absolute_risks_and_the_hospitals():
    page = render_report(results(), fake_context())
    for text in ("Tests of the plan", "primary", "P=0.012", "+12 (+4 to +21)", "-3 (-9 to +3)", "north", "1.50 (1.10",
                 "I² 31%", "a further hospital 0.80-3.60"):  # fmt: skip
        assert text in page, text
    # only crude: no panel of its own
    assert page.count("+20 (+10 to +30)") == 0


def test_the_standardised_curves_stand_below_the_differences_that_they_explain(undrawn):
    title = "Recurrence at any site had all patients been alike"
    assert title not in render_report(results(), fake_context())
    weighted = curves(("overall_recurrence",), "standardised_incidence")
    page = render_report(results() | {"standardised_incidence": weighted}, fake_context())
    drawing = page.split(title)[1].split("</figure>")[0]
    # each group's last step before three years
    assert "At 3 years: positive 69%, &lt;1 mm 61%, 1.0-9.9 mm 53%, &gt;=10 mm 45%." in drawing
    assert drawing.count("<svg") == 1
    assert page.index("Difference of risk") < page.index(title) < page.index('<h2 id="hospitals">')


def test_with_one_hospital_and_without_the_tables_nothing_is_said(undrawn):
    page = render_report(fake_results(), fake_context())
    for text in ("Tests of the plan", "Hospital by hospital", "Difference of risk"):
        assert text not in page


def test_the_forest_of_hospitals_is_drawn_of_each_endpoint_and_cut_at_its_frame():
    of_margin = results()["hospital_hazard_ratios"].assign(conf_high=1e6)
    of_liver = of_margin.assign(endpoint="liver_recurrence_any_time")
    labels = {
        "margin_recurrence": "At the margin",
        "overall_survival": "Survival",
        "liver_recurrence_any_time": "Any time",
    }
    drawn = figures.svg(figures.hospitals_chart(pd.concat([of_margin, of_liver]), labels, MARGIN), "hospitals", True)
    assert drawn.index(">At the margin<") < drawn.index(">Any time<")
    # nothing was estimated of it
    assert ">Survival<" not in drawn
    assert drawn.count(">north<") == drawn.count(">random effects<") == 2
    with pytest.raises(ValueError, match="no hospital has an estimate of overall_survival"):
        figures.hospitals_chart(of_margin, {"overall_survival": "Survival"}, MARGIN)


def test_the_report_draws_hospitals_of_the_three_published_endpoints():
    ratios = results()["hospital_hazard_ratios"]
    names = (
        "isolated_liver_recurrence",
        "margin_recurrence",
        "liver_recurrence_any_time",
        "extrahepatic_only_recurrence",
    )
    page = render_report(
        results() | {"hospital_hazard_ratios": pd.concat([ratios.assign(endpoint=name) for name in names])},
        fake_context(),
    )
    drawing = page.split("Primary and secondary endpoints at each hospital")[1].split("</figure>")[0]
    for title in (
        "Initial isolated liver recurrence",
        "Initial recurrence at the resection margin",
        "Liver recurrence at any time",
    ):
        assert f">{title}<" in drawing, title
    assert "outside the liver" not in drawing


def test_from_two_hospitals_on_the_tests_beside_the_curves_are_within_them():
    """Pooled, the margin group that is more frequent at the worse hospital would look the worse one."""
    tables = fake_results()
    assert group_test(tables, "overall_recurrence") == "Gray's test P<0.001"
    of_eras = ("overall_recurrence", "margin_group", "era", "stratified Gray", 0.4)
    within = ("overall_recurrence", "margin_group", "source_system", "stratified Gray", 0.31)
    tables["stratified_tests"] = frame("endpoint grouping stratified_by test p_value", of_eras, within)
    assert group_test(tables, "overall_recurrence") == "Gray's test within hospitals P=0.31"
    # what was not tested within hospitals is tested in all patients, as it says
    assert group_test(tables, "recurrence_free_survival") == "log-rank test P=0.019"
    assert group_test(tables, "overall_recurrence", "era") == "Gray's test P=0.95"
