"""The tests of the plan: one an endpoint, within hospitals where there are several, P adjusted within the secondary family."""

import pandas as pd
import pytest

from analysis.curves.stratified_tests import STRATIFIED_TEST_COLUMNS
from analysis.tables.planned_tests import planned_tests
from tests.analysis.report_builders import frame
from tests.analysis.study_plan import MARGIN, PLAN

RATIOS = frame(
    "endpoint model estimand term statistic degrees_of_freedom p_value n n_event warning",
    ("margin_recurrence", "adjusted", "cause-specific", MARGIN.omnibus, 9.0, 3, 0.03, 900, 130, None),
    ("isolated_liver_recurrence", "adjusted", "cause-specific", MARGIN.omnibus, 13.0, 3, 0.005, 900, 200, None),
    ("liver_recurrence_any_time", "adjusted", "cause-specific", MARGIN.omnibus, 11.0, 3, 0.01, 900, 400, None),
    # neither the crude test, nor that of another estimand, nor a single level's
    ("margin_recurrence", "unadjusted", "cause-specific", MARGIN.omnibus, 20.0, 3, 1e-6, 960, 140, None),
    ("margin_recurrence", "adjusted", "subdistribution", MARGIN.omnibus, 20.0, 3, 1e-6, 960, 140, None),
    ("margin_recurrence", "adjusted", "cause-specific", "margin positive", 20.0, 1, 1e-6, 960, 140, None),
)  # fmt: skip
TESTS = frame(
    "endpoint grouping test hypothesis statistic degrees_of_freedom p_value n n_event warning",
    ("overall_survival", "margin_group", "log-rank", "equal survival", 8.0, 3, 0.04, 960, 400, None),
    ("overall_survival", "era", "log-rank", "equal survival", 30.0, 2, 1e-7, 960, 400, None),
    ("salvage", "margin_group", "Gray", "equal incidence", 12.0, 3, 0.007, 500, 200, None),
)  # fmt: skip
NO_HOSPITALS = pd.DataFrame(columns=STRATIFIED_TEST_COLUMNS)


def by_endpoint(within: pd.DataFrame = NO_HOSPITALS) -> pd.DataFrame:
    return planned_tests(RATIOS, TESTS, within, PLAN).set_index("endpoint")


def test_modelled_endpoints_have_the_adjusted_models_test_and_the_others_that_of_their_curves():
    found = by_endpoint()
    assert list(found.index) and set(found.index) == {endpoint.name for endpoint in PLAN.endpoints}
    assert found.loc["margin_recurrence", ["p_value", "n", "n_event"]].tolist() == [0.03, 900, 130]
    assert found.loc["overall_survival", ["test", "p_value"]].tolist() == ["log-rank", 0.04]
    assert found.loc["salvage", ["test", "p_value"]].tolist() == ["Gray", 0.007]
    assert found.loc["cancer_specific_survival", "warning"] == "not tested: see analyses_not_done"


def test_with_several_hospitals_curves_are_tested_within_them():
    within = frame(
        "endpoint grouping stratified_by test hypothesis statistic degrees_of_freedom p_value n n_event warning",
        ("overall_survival", "margin_group", "source_system", "stratified log-rank", "equal survival", 1.0, 3, 0.8, 960, 400, None),
        ("overall_survival", "margin_group", "era", "stratified log-rank", "equal survival", 1.0, 3, 0.7, 960, 400, None),
        ("salvage", "margin_group", "source_system", "stratified Gray", "equal incidence", 2.0, 3, 0.6, 500, 200, None),
    )  # fmt: skip
    found = by_endpoint(within)
    assert found.loc["overall_survival", ["test", "p_value"]].tolist() == ["log-rank, within hospitals", 0.8]
    assert found.loc["salvage", ["test", "p_value"]].tolist() == ["Gray, within hospitals", 0.6]


def test_the_primary_test_stands_alone_and_exploratory_ones_claim_nothing():
    found = by_endpoint()
    roles = {endpoint.name: endpoint.role for endpoint in PLAN.endpoints}
    primary = next(name for name, role in roles.items() if role == "primary")
    assert found.iloc[0].name == primary
    assert found.loc[primary, "p_value_adjusted"] == found.loc[primary, "p_value"]
    secondary = found[(found["analysis_role"] == "secondary") & found["p_value"].notna()].sort_values("p_value")
    n = len(secondary)
    assert n > 1
    assert set(secondary["n_in_family"]) == {n}
    # Holm: the smallest times their number, the next times one less, never below the one before
    expected, before = [], 0.0
    for position, p_value in enumerate(secondary["p_value"]):
        before = min(1.0, max(before, p_value * (n - position)))
        expected.append(before)
    assert secondary["p_value_adjusted"].tolist() == pytest.approx(expected)
    assert found.loc[found["analysis_role"] == "exploratory", "p_value_adjusted"].isna().all()
