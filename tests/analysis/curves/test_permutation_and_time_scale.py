"""Neither the order of the patients nor the unit of time changes a curve, a test or a model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import gray_test, logrank_test, trend_test
from analysis.curves.kaplan_meier import kaplan_meier, quantile_times
from analysis.curves.restricted_mean import restricted_mean_survival, restricted_mean_time_lost
from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.time_varying import time_varying_hazard_ratios
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariates import Covariate
from tests.analysis.models.fine_gray_models import fine_gray
from tests.analysis.r_values import patients
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS

ENDPOINT = "overall_recurrence"
AGE = (Covariate("age", "age"),)
cohorts = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([0, 1, 2]), st.sampled_from(MARGIN_GROUPS)), min_size=1, max_size=40
)

factors = st.integers(2, 400)


def rows_of(cohort: list[tuple]) -> pd.DataFrame:
    rows = pd.DataFrame(cohort, columns=["time_days", "event_code", "margin_group"])
    return rows.assign(endpoint=ENDPOINT)


def without_competing(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(event_code=(rows["event_code"] > 0).astype(int), endpoint="overall_survival")


def counted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return count_events(rows, "margin_group"), count_events(without_competing(rows), "margin_group")


def statistics(rows: pd.DataFrame, factor: int = 1) -> list[pd.DataFrame]:
    """Every non-parametric statistic, its times and areas divided by the factor; variances of areas by its square root."""
    competing, survival = counted(rows)
    areas = [
        restricted_mean_survival(survival, 6 * factor),
        restricted_mean_time_lost(competing, 6 * factor),
        quantile_times(survival),
    ]
    curves = [kaplan_meier(survival, conf_type) for conf_type in ("log", "log-log", "plain")]
    curves += [cumulative_incidence(competing), cumulative_incidence(competing, variance="infinitesimal_jackknife")]
    tests = [logrank_test(competing), gray_test(competing), trend_test(competing)]
    in_time = ["time_days", "horizon_days", "estimate_days"]
    scaled = []
    for frame in areas + curves:
        limits = ["std_error", "conf_low", "conf_high"] if "time_days" not in frame or "quantile" in frame else []
        columns = [name for name in (*in_time, *limits) if name in frame.columns]
        scaled.append(frame.assign(**{name: frame[name].astype(float) / factor for name in columns}))
    return scaled + tests


def assert_same(ours: list[pd.DataFrame], others: list[pd.DataFrame]) -> None:
    for one, other in zip(ours, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-9, atol=1e-12, check_dtype=False)


@settings(max_examples=25, deadline=None)
@given(cohorts, st.randoms(use_true_random=False))
def test_the_order_of_the_patients_changes_no_statistic(cohort, random):
    shuffled = list(cohort)
    random.shuffle(shuffled)
    assert_same(statistics(rows_of(shuffled)), statistics(rows_of(cohort)))


@settings(max_examples=25, deadline=None)
@given(cohorts, factors)
def test_the_unit_of_time_changes_no_statistic_but_times_and_areas(cohort, factor):
    rows = rows_of(cohort)
    assert_same(statistics(rows.assign(time_days=rows["time_days"] * factor), factor), statistics(rows))


def models(rows: pd.DataFrame, factor: int = 1) -> list[pd.DataFrame]:
    ratios, proportional_hazards = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE)
    starts = (0, 700 * factor, 1400 * factor)
    by_period = time_varying_hazard_ratios(rows, ENDPOINT, MARGIN, AGE, starts, 1.1, 1.0)
    of_time = ["period", "period_start_days", "period_end_days"]
    return [
        ratios,
        proportional_hazards,
        fine_gray(rows, ENDPOINT, MARGIN, covariates=AGE),
        by_period.drop(columns=of_time),
    ]


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    rows = patients("ties").head(250)
    return rows.assign(margin_group=[MARGIN_GROUPS[group - 1] for group in rows["g"]])


def assert_models_same(ours: list[pd.DataFrame], others: list[pd.DataFrame]) -> None:
    for one, other in zip(ours, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-7, atol=1e-9)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_patients_changes_no_model(cohort, seed):
    shuffled = cohort.sample(frac=1, random_state=np.random.default_rng(seed))
    assert_models_same(models(shuffled), models(cohort))


@settings(max_examples=3, deadline=None)
@given(factor=factors)
def test_the_unit_of_time_changes_no_model(cohort, factor):
    longer = cohort.assign(time_days=cohort["time_days"] * factor)
    assert_models_same(models(longer, factor), models(cohort))
