"""The study's arithmetic, and that one cohort goes through it."""

import numpy as np
import pandas as pd
import pytest

from simulated_hospital.cohort import draw_cohort, endpoint_times
from tests.simulation_study.study import (
    ESTIMATE_COLUMNS,
    TWO_HOSPITALS,
    as_followed,
    estimates_of,
    observed_rows,
    recovery,
    true_log_ratios,
)


def test_bias_and_coverage_of_four_cohorts_by_hand():
    estimates = pd.DataFrame(
        [
            ("s", 1, "e", "positive", 0.5, 0.1, 0.3, 0.7),
            ("s", 2, "e", "positive", 0.7, 0.1, 0.5, 0.9),
            ("s", 3, "e", "positive", 0.9, 0.1, 0.7, 1.1),
            ("s", 4, "e", "positive", np.nan, np.nan, np.nan, np.nan),
        ],
        columns=ESTIMATE_COLUMNS,
    )
    (row,) = recovery(estimates, pd.Series({("e", "positive"): 0.6})).to_dict("records")
    assert (row["n_cohorts"], row["n_without_estimate"]) == (3, 1)
    assert row["bias"] == pytest.approx(0.1)
    assert row["bias_error"] == pytest.approx(0.2 / np.sqrt(3))
    assert row["coverage"] == pytest.approx(2 / 3)
    assert row["coverage_error"] == pytest.approx(np.sqrt(2 / 9 / 3))
    assert row["model_std_error"] == pytest.approx(0.1)
    assert not row["is_coverage_within"]


@pytest.mark.parametrize(("n_covered", "is_within"), [(92, False), (93, True), (97, True), (98, False)])
def test_coverage_from_93_to_97_percent_is_within_and_nothing_else(n_covered, is_within):
    cohorts = [("s", seed, "e", "positive", 0.0, 0.1, -0.2 if seed < n_covered else 0.1, 0.2) for seed in range(100)]
    (row,) = recovery(pd.DataFrame(cohorts, columns=ESTIMATE_COLUMNS), pd.Series({("e", "positive"): 0.0})).to_dict(
        "records"
    )
    assert row["is_coverage_within"] == is_within


@pytest.mark.parametrize("study", ["one hospital", TWO_HOSPITALS])
def test_one_cohort_has_an_estimate_for_every_published_ratio(study):
    estimates = estimates_of(seed=5, n_patients=1776, study=study)
    assert len(estimates) == len(true_log_ratios()) == 9
    assert estimates["log_ratio"].notna().all()
    assert (estimates["low"] < estimates["high"]).all()


def test_what_came_after_the_last_look_is_not_known_but_deaths_are():
    cohort = draw_cohort(2000, 3)
    known = as_followed(cohort, np.random.default_rng(1))
    before, after = cohort.patients, known.patients
    lost = before["first_recurrence_days"].notna() & after["first_recurrence_days"].isna()
    assert lost.sum() > 50
    assert (before.loc[lost, "first_recurrence_days"] > after.loc[lost, "last_assessment_days"]).all()
    assert after["death_days"].equals(before["death_days"])
    # who recurred after the last look, and died more than a year after it, is censored at it
    rows = observed_rows(3, 4000, TWO_HOSPITALS)
    died = rows[(rows["event_code"] == 2) & (rows["time_days"] == rows["death_days"])]
    assert len(died) > 100
    assert (died["death_days"] - died["last_assessment_days"] <= 365).all()


def test_a_recurrence_without_a_site_competes_with_the_initial_patterns():
    known = as_followed(draw_cohort(2000, 3), np.random.default_rng(1))
    unstated = known.site_events.loc[known.site_events["site"] == "not_stated", "patient_index"].unique()
    assert len(unstated) > 20
    codes = endpoint_times(known).query("patient_index in @unstated").groupby("endpoint")["event_code"].agg(set)
    assert codes["isolated_liver_recurrence"] == codes["margin_recurrence"] == {2}
    assert codes["overall_recurrence"] == {1}


def test_the_second_hospital_has_three_times_the_hazard_and_the_same_ratios_of_initial_patterns():
    rows = observed_rows(11, 20_000, TWO_HOSPITALS, is_faulty=False)
    of_reference = rows.query("endpoint == 'overall_recurrence' and margin_group == '>=10 mm'")
    is_within_a_year = (of_reference["event_code"] == 1) & (of_reference["time_days"] <= 365)
    hazard = -np.log(1 - is_within_a_year.groupby(of_reference["source_system"]).mean())
    assert hazard["second"] / hazard["first"] == pytest.approx(3.0, abs=0.4)
    truth, other = true_log_ratios(), true_log_ratios(TWO_HOSPITALS, n_patients=2**12)
    assert (truth["margin_recurrence"] == other["margin_recurrence"]).all()
