"""The study's arithmetic, and that one cohort goes through it."""

import numpy as np
import pandas as pd
import pytest

from tests.simulation_study.study import ESTIMATE_COLUMNS, estimates_of, recovery, true_log_ratios


def test_bias_and_coverage_of_four_cohorts_by_hand():
    estimates = pd.DataFrame(
        [
            (1, "e", "positive", 0.5, 0.1, 0.3, 0.7),
            (2, "e", "positive", 0.7, 0.1, 0.5, 0.9),
            (3, "e", "positive", 0.9, 0.1, 0.7, 1.1),
            (4, "e", "positive", np.nan, np.nan, np.nan, np.nan),
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
    cohorts = [(seed, "e", "positive", 0.0, 0.1, -0.2 if seed < n_covered else 0.1, 0.2) for seed in range(100)]
    (row,) = recovery(pd.DataFrame(cohorts, columns=ESTIMATE_COLUMNS), pd.Series({("e", "positive"): 0.0})).to_dict(
        "records"
    )
    assert row["is_coverage_within"] == is_within


def test_one_cohort_has_an_estimate_for_every_published_ratio():
    estimates = estimates_of(seed=5, n_patients=1776)
    assert len(estimates) == len(true_log_ratios()) == 9
    assert estimates["log_ratio"].notna().all()
    assert (estimates["low"] < estimates["high"]).all()
