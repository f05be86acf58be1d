"""Curves read at landmarks: the last step before, who is still at risk, and silence beyond follow-up."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.confidence_limits import CONFIDENCE_TYPES
from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.kaplan_meier import kaplan_meier
from analysis.curves.landmark_estimates import landmark_estimates
from analysis.patients.collapsed_counts import count_events
from analysis.results.of_counts import landmarks_days
from tests.analysis.r_values import DATASETS, assert_equal_to_r, patients, r_values
from tests.analysis.r_values_by_method import limits_periods_and_splines
from tests.analysis.study_plan import PLAN


@pytest.mark.parametrize("dataset", DATASETS)
def test_landmarks_equal_summary_survfit(dataset):
    values = r_values(dataset)["landmarks"]
    curves = kaplan_meier(count_events(patients(dataset, any_event=True), "g"))
    landmarks_days = {f"day {days}": days for days in values["times"]}
    rows = landmark_estimates(curves, "Kaplan-Meier", landmarks_days)
    assert len(rows) == curves["stratum"].nunique() * len(landmarks_days)
    reached = rows[~rows["is_beyond_follow_up"]]
    assert reached["stratum"].tolist() == [str(group) for group in values["g"]]
    for column, of_r in (
        ("landmark_days", "time"),
        ("n_risk", "n_risk"),
        ("estimate", "surv"),
        ("std_error", "std_err"),
        ("conf_low", "lower"),
        ("conf_high", "upper"),
    ):
        assert_equal_to_r(reached[column], values[of_r])


@pytest.mark.parametrize("conf_type", CONFIDENCE_TYPES)
@pytest.mark.parametrize("dataset", DATASETS)
def test_landmarks_have_limits_of_each_type(dataset, conf_type):
    of_r = limits_periods_and_splines(dataset)["at_landmarks"]
    landmarks_days = {f"day {days}": days for days in of_r["times"]}
    survival = kaplan_meier(count_events(patients(dataset, any_event=True)), conf_type)
    incidence = cumulative_incidence(count_events(patients(dataset)), conf_type, variance="infinitesimal_jackknife")
    for curves, names in ((survival, "survival lower upper"), (incidence, "incidence incidence_lower incidence_upper")):
        rows = landmark_estimates(curves, "", landmarks_days)
        for column, name in zip(("estimate", "conf_low", "conf_high"), names.split(), strict=True):
            assert_equal_to_r(rows[column], of_r[conf_type][name])


@pytest.fixture
def curve() -> pd.DataFrame:
    """Deaths on days 300, 365 and 1095; one patient followed to day 1096."""
    rows = pd.DataFrame(
        {"endpoint": "overall_survival", "time_days": [300, 365, 1095, 1096], "event_code": [1, 1, 1, 0]}
    )
    return kaplan_meier(count_events(rows))


def test_the_event_of_day_365_is_within_one_year_of_365_and_a_quarter_days(curve):
    one, three, five, ten = landmark_estimates(curve, "Kaplan-Meier", landmarks_days(PLAN, "landmark_years")).to_dict(
        "records"
    )
    assert (one["landmark_label"], one["landmark_days"], one["estimate"], one["n_risk"]) == ("1 year", 365.25, 0.5, 2)
    assert (three["landmark_label"], three["estimate"], three["n_risk"]) == ("3 years", 0.25, 1)
    assert not three["is_beyond_follow_up"]
    for beyond in (five, ten):
        assert beyond["is_beyond_follow_up"]
        assert beyond["n_risk"] == 0
        assert np.isnan(beyond["estimate"])
        assert np.isnan(beyond["conf_high"])


def test_a_landmark_before_the_first_event_finds_everybody_alive(curve):
    (row,) = landmark_estimates(curve, "Kaplan-Meier", {"1 month": 30.4}).to_dict("records")
    assert (row["estimate"], row["n_risk"], row["estimator"]) == (1.0, 4, "Kaplan-Meier")


def test_landmarks_are_after_the_operation(curve):
    with pytest.raises(ValueError, match="landmarks_days"):
        landmark_estimates(curve, "Kaplan-Meier", {"operation": 0})
    assert list(landmarks_days(PLAN, "landmark_years")) == ["1 year", "3 years", "5 years", "10 years"]
