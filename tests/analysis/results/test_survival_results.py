"""All survival tables together, as the nightly run asks for them."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariates import ADJUSTMENT_COVARIATES
from analysis.patients.names import COMPETING_RISK_ENDPOINTS, MARGIN_GROUPS, SURVIVAL_ENDPOINTS
from analysis.results.survival_results import compute_survival_results
from tests.analysis.r_values import patients

TABLES = {
    "kaplan_meier": "endpoint grouping stratum time_days n_risk n_event n_censored estimate std_error conf_low conf_high",
    "median_times": "endpoint grouping stratum quantile share_with_event conf_type n n_event time_days conf_low conf_high",
    "cumulative_incidence": "endpoint grouping stratum time_days n_risk n_event n_censored estimate std_error conf_low conf_high",
    "landmark_estimates": "endpoint grouping stratum landmark_days landmark_label n_risk estimate std_error conf_low "
    "conf_high estimator",
    "group_tests": "endpoint grouping test statistic degrees_of_freedom p_value n n_event",
    "hazard_ratios": "endpoint model estimand method term hazard_ratio conf_low conf_high p_value n n_event n_excluded_missing",
    "proportional_hazards": "endpoint model term statistic degrees_of_freedom p_value",
}


@pytest.fixture(scope="module")
def patient_rows() -> pd.DataFrame:
    """Every endpoint for 500 patients with four margin groups, some unresolved, and every covariate."""
    rows = patients("ties")
    random = np.random.default_rng(4)
    rows["study_id"] = [f"P{number:04d}" for number in rows.index]
    rows["margin_group"] = np.array([*MARGIN_GROUPS])[rows["g"] - 1]
    rows.loc[:19, "margin_group"] = "unresolved"
    rows["age_at_operation_years"] = rows["age"]
    for covariate in ADJUSTMENT_COVARIATES[1:]:
        rows[covariate.column] = random.random(len(rows)) < 0.4
    survival = rows.assign(event_code=(rows["event_code"] > 0).astype(int))
    return pd.concat(
        [survival.assign(endpoint=endpoint) for endpoint in SURVIVAL_ENDPOINTS]
        + [rows.assign(endpoint=endpoint) for endpoint in COMPETING_RISK_ENDPOINTS],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def results(patient_rows) -> dict[str, pd.DataFrame]:
    event_counts = pd.concat([count_events(patient_rows), count_events(patient_rows, "margin_group")])
    return compute_survival_results(event_counts, patient_rows)


def test_every_table_has_the_columns_that_queries_rely_on(results):
    assert list(results) == list(TABLES)
    for table, columns in TABLES.items():
        assert set(columns.split()) <= set(results[table].columns), table
        assert len(results[table]) > 0


def test_survival_endpoints_have_survival_curves_and_the_others_incidence(results):
    assert set(results["kaplan_meier"]["endpoint"]) == set(SURVIVAL_ENDPOINTS)
    assert set(results["cumulative_incidence"]["endpoint"]) == set(COMPETING_RISK_ENDPOINTS)
    estimators = results["landmark_estimates"].groupby("endpoint")["estimator"].unique().str.join("")
    assert estimators["overall_survival"] == "Kaplan-Meier"
    assert estimators["margin_recurrence"] == "Aalen-Johansen"


def test_every_endpoint_is_tested_and_modelled(results):
    tests = results["group_tests"].groupby("test")["endpoint"].agg(set)
    everything = {*SURVIVAL_ENDPOINTS, *COMPETING_RISK_ENDPOINTS}
    assert tests["log-rank"] == tests["trend"] == everything
    assert tests["Gray"] == set(COMPETING_RISK_ENDPOINTS)
    assert set(results["group_tests"]["grouping"]) == {"margin_group"}
    assert set(results["group_tests"]["n"]) == {480}
    assert set(results["hazard_ratios"]["endpoint"]) == everything
    assert set(results["hazard_ratios"]["estimand"]) == {"cause-specific", "subdistribution"}


def test_unresolved_margins_have_curves_but_no_place_in_models(results):
    assert "unresolved" in set(results["cumulative_incidence"]["stratum"])
    assert not results["hazard_ratios"]["term"].str.contains("unresolved").any()
    assert set(results["hazard_ratios"]["n_excluded_unresolved"]) == {20}


def test_the_tables_are_the_same_whatever_the_order_of_the_rows(patient_rows, results):
    shuffled = patient_rows.sample(frac=1, random_state=8)
    event_counts = pd.concat([count_events(shuffled), count_events(shuffled, "margin_group")]).sample(
        frac=1, random_state=9
    )
    again = compute_survival_results(event_counts, shuffled)
    for table, frame in results.items():
        pd.testing.assert_frame_equal(again[table], frame, rtol=1e-9)


def test_an_endpoint_nobody_defined_is_refused(patient_rows):
    unknown = patient_rows.assign(endpoint="happiness")
    with pytest.raises(ValueError, match=r"endpoint: happiness.*names\.py"):
        compute_survival_results(count_events(unknown), patient_rows)


def test_no_counts_is_an_error_and_not_an_empty_report(patient_rows):
    event_counts = count_events(patient_rows)
    with pytest.raises(ValueError, match="event_counts has no rows"):
        compute_survival_results(event_counts.iloc[:0], patient_rows)
