"""A large simulated cohort reproduces the published figures.

At 100,000 patients one cohort's hazard ratio of recurrence at the margin still has a Monte-Carlo standard error of 0.04 on
the log scale (0.03 with evenly spread draws), as large as the tolerance itself. So the figures of six evenly spread cohorts
of that size are averaged: standard error about 0.01. Independent draws, which the warehouse's patients are, get the tolerance
plus three standard errors.
"""

import numpy as np
import pandas as pd
import pytest

from simulated_hospital.calibration import RATIO_ENDPOINTS, achieved, adjusted_hazard_ratios
from simulated_hospital.cohort import draw_cohort, endpoint_times, load_constants
from simulated_hospital.disease_course import PATTERNS, pattern_shares

COHORT_SIZE = 100_000
SEEDS = range(6)
INDEPENDENT_SEEDS = (21, 22, 23)
LOG_RATIO_TOLERANCE = 0.03
INCIDENCE_TOLERANCE = 0.01


@pytest.fixture(scope="module")
def figures() -> pd.DataFrame:
    cohorts = pd.concat(achieved(COHORT_SIZE, seed) for seed in SEEDS)
    cohorts["log_achieved"] = np.log(cohorts["achieved"])
    return cohorts.groupby(["figure", "margin_group"], sort=False).mean()


def test_all_thirteen_published_figures_are_compared(figures):
    assert len(figures) == 13


def test_nine_adjusted_hazard_ratios_are_within_three_hundredths_on_the_log_scale(figures):
    ratios = figures.drop("three_year_recurrence")
    difference = ratios["log_achieved"] - np.log(ratios["published"])
    assert len(ratios) == 9
    assert difference[difference.abs() > LOG_RATIO_TOLERANCE].empty


def test_three_year_incidence_is_within_one_point_in_every_group(figures):
    incidence = figures.loc["three_year_recurrence"]
    difference = incidence["achieved"] - incidence["published"]
    assert difference[difference.abs() > INCIDENCE_TOLERANCE].empty


@pytest.mark.parametrize(
    ("endpoint", "patterns"),
    [
        ("isolated_liver_recurrence", ["margin", "elsewhere", "margin and elsewhere"]),
        ("margin_recurrence", ["margin", "margin and elsewhere", "margin and extrahepatic"]),
    ],
)
def test_first_patterns_have_the_published_ratios_by_construction(endpoint, patterns):
    constants = load_constants()
    hazards = pattern_shares(constants) * np.asarray(constants["first_recurrence_hazard"])[:, None]
    hazard = hazards[:, [PATTERNS.index(name) for name in patterns]].sum(axis=1)
    assert hazard / hazard[3] == pytest.approx(constants["published"][endpoint])
    assert pattern_shares(constants).sum(axis=1) == pytest.approx(1)


def test_independent_draws_agree_with_the_published_ratios_too():
    log_ratios, events = [], []
    for seed in INDEPENDENT_SEEDS:
        cohort = draw_cohort(COHORT_SIZE, seed)
        times = endpoint_times(cohort)
        log_ratios.append([np.log(adjusted_hazard_ratios(cohort, endpoint, times)) for endpoint in RATIO_ENDPOINTS])
        had_event = times[times["event_code"] == 1].merge(cohort.patients[["patient_index", "margin_group_index"]])
        counts = had_event.groupby(["endpoint", "margin_group_index"]).size().unstack()
        events.append(counts.loc[list(RATIO_ENDPOINTS)].to_numpy())
    n_events = np.sum(events, axis=0)
    standard_error = np.sqrt(1 / n_events[:, :3] + 1 / n_events[:, 3:])
    published = np.log([load_constants()["published"][endpoint][:3] for endpoint in RATIO_ENDPOINTS])
    difference = np.abs(np.mean(log_ratios, axis=0) - published)
    assert (difference < LOG_RATIO_TOLERANCE + 3 * standard_error).all(), difference.round(3)
