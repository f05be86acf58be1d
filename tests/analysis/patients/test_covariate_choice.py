"""Which covariates a model can use: what a hospital does not record, what too few have, what events do not allow."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.covariate_choice import choose_covariates
from analysis.patients.covariates import Covariate, as_numbers
from analysis.patients.plan import CovariateRules
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS

ENDPOINT = "margin_recurrence"
RULES = CovariateRules(0.5, 0.5, 5, 10, (0.1, 0.5, 0.9))
NODE, CEA, AGE = Covariate("node", "node", kind="truth"), Covariate("CEA", "cea", kind="truth"), Covariate("age", "age")


def cohort(n: int = 400, n_event: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "study_id": [f"P{number}" for number in range(n)],
            "endpoint": ENDPOINT,
            "time_days": np.arange(1, n + 1),
            "event_code": (np.arange(n) < n_event).astype(int),
            "margin_group": np.tile(MARGIN_GROUPS, n // 4),
            "source_system": np.repeat(["A", "B"], n // 2),
            "age": random.integers(40, 80, n).astype(float),
            "node": pd.array(random.random(n) < 0.5, dtype="boolean"),
            "cea": pd.array(random.random(n) < 0.3, dtype="boolean"),
        }
    )


def reasons(choice) -> dict:
    return dict(zip(choice.reasons["covariate"], choice.reasons["reason"], strict=True))


def test_all_that_is_known_and_allowed_is_used():
    choice = choose_covariates(cohort(), ENDPOINT, [AGE, NODE, CEA], MARGIN, RULES)
    assert [covariate.term for covariate in choice.used] == ["age", "node", "CEA"]
    assert choice.reasons["is_used"].all()
    assert choice.reasons["reason"].isna().all()
    assert choice.warning is None


def test_a_covariate_that_a_hospital_does_not_record_leaves_the_model_and_not_its_patients():
    rows = cohort()
    rows.loc[rows["source_system"] == "B", "cea"] = pd.NA
    choice = choose_covariates(rows, ENDPOINT, [AGE, NODE, CEA], MARGIN, RULES)
    assert [covariate.term for covariate in choice.used] == ["age", "node"]
    assert reasons(choice)["CEA"] == "known of fewer than 50% of the patients of B (0%)"
    assert set(choice.reasons["n_complete"]) == {400}
    nothing = choose_covariates(rows.assign(node=pd.NA, age=np.nan), ENDPOINT, [AGE, NODE, CEA], MARGIN, RULES)
    assert nothing.used == ()
    assert nothing.warning == "adjusted for nothing: see model_covariates"


def test_who_is_of_no_named_hospital_is_told_of_as_such_as_texts_and_as_codes():
    """A quarter of the patients have no hospital, and nobody knows their CEA; a code stands for a hospital that nobody is of."""
    rows = cohort()
    rows["source_system"] = np.where(np.arange(400) % 4 == 0, None, rows["source_system"])
    rows.loc[rows["source_system"].isna(), "cea"] = pd.NA
    coded = rows.assign(source_system=pd.Categorical(rows["source_system"], categories=["B", "C", "A"]))
    for of_rows in (rows, coded):
        choice = choose_covariates(of_rows, ENDPOINT, [CEA], MARGIN, RULES)
        assert reasons(choice) == {"CEA": "known of fewer than 50% of the patients of not named (0%)"}


def test_covariates_known_of_too_few_together_leave_one_by_one_the_least_known_first():
    rows = cohort()
    # each hospital knows each of them of 55 to 60 % of its patients, and both of only 15 %
    at = np.arange(400) % 20
    rows["cea"], rows["node"] = rows["cea"].where(at < 11), rows["node"].where(at >= 8)
    choice = choose_covariates(rows, ENDPOINT, [AGE, CEA, NODE], MARGIN, RULES)
    assert [covariate.term for covariate in choice.used] == ["age", "node"]
    assert reasons(choice)["CEA"] == "with it fewer than 50% of the patients would be complete"
    assert set(choice.reasons["n_complete"]) == {240}


@pytest.mark.parametrize(
    ("n_event", "used", "warning"),
    [
        (60, ["age", "node", "CEA"], None),
        (59, ["age", "node", "CEA"], "59 events for 6 parameters: fewer than 10 each"),
        (30, ["age", "node", "CEA"], "30 events for 6 parameters: fewer than 10 each"),
        (29, ["age", "node"], "29 events for 5 parameters: fewer than 10 each"),
        (20, ["age"], "20 events for 4 parameters: fewer than 10 each"),
        (19, [], "adjusted for nothing: see model_covariates"),
    ],
)
def test_events_allow_five_a_parameter_and_the_last_of_the_set_leave_first(n_event, used, warning):
    choice = choose_covariates(cohort(n_event=n_event), ENDPOINT, [AGE, NODE, CEA], MARGIN, RULES)
    assert [covariate.term for covariate in choice.used] == used
    assert choice.warning == warning


def test_one_value_of_everybody_and_an_absent_column_have_their_reasons():
    choice = choose_covariates(
        cohort().assign(node=True), ENDPOINT, [NODE, Covariate("grade", "grade"), AGE], MARGIN, RULES
    )
    assert reasons(choice) == {
        "node": "the same in everybody of whom it is known",
        "grade": "no column grade",
        "age": None,
    } or (
        reasons(choice)["node"] == "the same in everybody of whom it is known"
        and reasons(choice)["grade"] == "no column grade"
    )


def test_a_group_is_a_column_a_level_and_a_spline_bends():
    rows = pd.DataFrame({"site": ["colon", "colon", "rectum", None], "cm": [1.0, 2.0, 4.0, 9.0]})
    columns = [Covariate("site", "site", kind="group"), Covariate("size", "cm", kind="spline")]
    frame, covariates = as_numbers(rows, columns, (0.1, 0.5, 0.9))
    assert [covariate.term for covariate in covariates] == ["site rectum", "size", "size, bend"]
    assert frame["covariate: site rectum"].fillna(-1).tolist() == [0, 0, 1, -1]
    bend = frame["covariate: size, bend"]
    # nothing below the first knot, a straight line above the last
    assert bend[0] == 0
    assert bend.is_monotonic_increasing
    _, of_four_knots = as_numbers(rows, columns, (0.05, 0.35, 0.65, 0.95))
    assert [covariate.term for covariate in of_four_knots][1:] == ["size", "size, bend 1", "size, bend 2"]
