"""Follow-up by margin group, in a few patients."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.collapsed_counts import count_events
from analysis.tables.follow_up_quality import follow_up_quality
from tests.analysis.study_plan import MARGIN


def patients(*rows: tuple) -> pd.DataFrame:
    """(margin_group, followed_days, is_dead, potential_days, is_lost_to_follow_up, interval)"""
    columns = [
        "margin_group", "followed_days", "is_dead", "potential_days", "is_lost_to_follow_up", "median_assessment_interval_days",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(study_id=[f"P{number}" for number in range(len(frame))])


def survival_counts(follow_up: pd.DataFrame) -> pd.DataFrame:
    times = follow_up.rename(columns={"followed_days": "time_days"}).assign(
        endpoint="overall_survival", event_code=follow_up["is_dead"].astype(int)
    )
    return pd.concat([count_events(times, "margin_group"), count_events(times)], ignore_index=True)


def by_stratum(follow_up: pd.DataFrame) -> pd.DataFrame:
    return follow_up_quality(follow_up, survival_counts(follow_up), MARGIN, 0.05).set_index("stratum")


def test_completeness_is_followed_over_potential_time_and_death_ends_the_potential():
    quality = by_stratum(
        patients(
            ("positive", 100, False, 400, True, 90),
            ("positive", 300, False, 400, False, 180),
            ("positive", 200, True, 200, False, 100),
            (">=10 mm", 400, False, 400, False, None),
        )
    )
    assert quality.loc["positive", "completeness_index"] == pytest.approx(600 / 1000)
    assert quality.loc["all", "completeness_index"] == pytest.approx(1000 / 1400)
    assert quality.loc["positive", ["n", "n_dead", "n_lost"]].tolist() == [3, 1, 1]
    assert quality.loc["positive", "share_lost"] == pytest.approx(1 / 3)
    assert quality.loc["positive", "assessment_interval_median_days"] == 100
    assert np.isnan(quality.loc[">=10 mm", "assessment_interval_median_days"])
    assert quality.loc["<1 mm", "n"] == 0
    # reverse Kaplan-Meier of the four: censored at 100, 300 and 400, one dead at 200
    assert quality.loc["all", "median_follow_up_days"] == 300


def test_what_cannot_be_told_is_counted_and_not_taken_as_no():
    quality = by_stratum(patients(("positive", 100, False, None, None, 30), ("positive", 100, False, 200, True, 30)))
    assert quality.loc["positive", ["n", "n_lost", "n_lost_not_known"]].tolist() == [2, 1, 1]
    assert quality.loc["positive", "share_lost"] == 1
    assert quality.loc["positive", "completeness_index"] == pytest.approx(0.5)


def test_losing_one_group_more_than_another_is_flagged():
    lost = [("positive", 100, False, 1000, True, 30)] * 20
    kept = [(">=10 mm", 1000, False, 1000, False, 30)] * 20
    quality = by_stratum(patients(*lost, *kept))
    # R: chisq.test(matrix(c(20, 0, 0, 20), 2), correct = FALSE): X-squared = 40, df = 1
    assert quality.loc["positive", "loss_p_value"] == pytest.approx(2.539629e-10, rel=1e-6)
    assert quality.loc["positive", "length_p_value"] < 1e-6
    assert quality["is_informative_difference"].to_dict() == {
        "positive": True, "<1 mm": True, "1.0-9.9 mm": True, ">=10 mm": True, "unresolved": False, "all": False,
    }  # fmt: skip
    alike = by_stratum(
        patients(
            *lost[:5],
            *kept[:5],
            *[("positive", *row[1:]) for row in kept[:5]],
            *[(">=10 mm", *row[1:]) for row in lost[:5]],
        )
    )
    assert not alike["is_informative_difference"].any()


def test_looking_at_one_group_more_often_than_at_another_is_flagged():
    rows = [("positive", 900, False, 1000, False, days) for days in (80, 90, 100, 110, 120)]
    rarely = [(">=10 mm", 900, False, 1000, False, days) for days in (150, 160, 170, 180, None)]
    quality = by_stratum(patients(*rows, *rarely))
    # R: kruskal.test(list(c(80, 90, 100, 110, 120), c(150, 160, 170, 180))): chi-squared = 6, df = 1
    assert quality.loc["positive", "interval_p_value"] == pytest.approx(0.01430588, rel=1e-6)
    assert (
        quality.loc["positive", ["length_p_value", "loss_p_value"]].isna().any()
        or (quality.loc["positive", ["length_p_value", "loss_p_value"]].astype(float) > 0.05).all()
    )
    assert quality.loc["positive", "is_informative_difference"]
    as_often = by_stratum(patients(*rows, *[(">=10 mm", *row[1:]) for row in rows]))
    assert not as_often["is_informative_difference"].any()


def test_a_patient_may_stand_once_only():
    twice = patients(("positive", 100, False, 200, False, 30), ("positive", 100, False, 200, False, 30)).assign(
        study_id="P1"
    )
    with pytest.raises(ValueError, match="follow_up"):
        follow_up_quality(twice, survival_counts(twice), MARGIN, 0.05)


def test_deaths_long_after_the_last_look_are_counted_by_margin_group():
    follow_up = patients(
        ("positive", 900, True, 900, False, 90),
        ("positive", 500, True, 500, False, 90),
        ("positive", 500, False, 900, False, 90),
        (">=10 mm", 400, True, 400, False, 90),
    ).assign(
        days_from_last_look_to_death=[600, 20, None, 10], is_death_long_after_last_look=[True, False, False, False]
    )
    quality = by_stratum(follow_up)
    assert quality.loc["positive", ["n_late_deaths", "share_late_deaths"]].tolist() == [1, 0.5]
    assert quality.loc["positive", "median_days_from_last_look_to_death"] == 310
    assert quality.loc["all", "n_late_deaths"] == 1
    assert quality.loc[">=10 mm", "share_late_deaths"] == 0


def test_of_a_cohort_of_nobody_there_is_a_reason_and_no_row():
    follow_up = patients(("positive", 100, False, 200, False, 30)).iloc[:0]
    with pytest.raises(ValueError, match="nobody"):
        follow_up_quality(follow_up, survival_counts(follow_up), MARGIN, 0.05)
