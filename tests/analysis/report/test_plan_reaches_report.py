"""What the plan says of the report: where its line of balance stands, how far its curves go, what is read off at the landmarks."""

import pandas as pd
import pytest

from analysis.report.availability import NotAvailable
from analysis.report.definitions import definitions
from analysis.report.drawings import drawings_of_page
from analysis.report.outcome_sections import landmarks
from tests.analysis.report_builders import fake_results, frame

BALANCE = frame(
    "endpoint exposure term group standardised_difference weighted_standardised_difference",
    ("margin_recurrence", "margin_group", "node-positive primary", "positive", -0.42, 0.03),
)


def with_setting(name: str, value: str) -> dict[str, pd.DataFrame]:
    results = fake_results()
    plan = results["analysis_plan"].copy()
    plan.loc[plan["name"] == name, "value"] = value
    return results | {"analysis_plan": plan}


@pytest.mark.parametrize("value", ["0.1", "0.25"])
def test_the_line_of_balance_stands_where_the_plan_says(value):
    drawing = drawings_of_page(definitions(with_setting("balanced_below", value)), None, {})["balance"]
    drawn = drawing.chart(BALANCE).to_dict(validate=False)
    assert [{"at": float(value)}] in drawn["datasets"].values()


def test_curves_go_as_far_as_the_last_landmark():
    results = with_setting("landmark_years", "1;3;6")
    drawing = drawings_of_page(definitions(results), None, {})["recurrence"]
    words = drawing.alternative(results["cumulative_incidence"])
    assert "over 6 years" in words


def test_the_endpoints_read_off_at_the_landmarks_are_those_of_the_plan():
    results = fake_results()
    assert [panel["label"] for panel in landmarks(results)["panels"]] == ["Recurrence at any site"]
    endpoints = results["analysis_endpoints"].copy()
    endpoints["is_read_off_in_report"] = endpoints["endpoint"] == "overall_survival"
    with pytest.raises(NotAvailable, match="no estimate by margin group"):
        landmarks(results | {"analysis_endpoints": endpoints})
