"""Landmark analysis against R and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.landmark_models import LANDMARK_RATIO_COLUMNS, landmark_hazard_ratios
from analysis.patients.covariates import Covariate
from tests.analysis.r_values import assert_equal_to_r, patients, r_values
from tests.analysis.r_values_by_method import COX_GROUPS, curves_models_and_weights
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS

ENDPOINT = "overall_recurrence"
AGE_AND_NODE = (Covariate("age", "age"), Covariate("node", "node"))


def margin_rows(dataset: str = "ties") -> pd.DataFrame:
    rows = patients(dataset)
    return rows.assign(margin_group=[MARGIN_GROUPS[4 - COX_GROUPS[dataset] + group - 1] for group in rows["g"]])


@pytest.mark.parametrize("dataset", ["colon", "pbc", "ties"])
def test_models_from_a_landmark_on_equal_coxph(dataset):
    of_r = curves_models_and_weights(dataset)["landmark"]
    covariates = [Covariate(name, name) for name in r_values(dataset)["cox"]["covariates"]]
    days = [values["landmark"] for values in of_r]
    ours = landmark_hazard_ratios(margin_rows(dataset), ENDPOINT, days, MARGIN, covariates=covariates)
    assert list(ours.columns) == LANDMARK_RATIO_COLUMNS
    ours = ours[(ours["model"] == "adjusted") & ~ours["term"].str.startswith("margin group")]
    for values in of_r:
        rows = ours[(ours["landmark_days"] == values["landmark"]) & ours["hazard_ratio"].notna()]
        assert_equal_to_r(np.log(rows["hazard_ratio"]), values["coef"])
        assert_equal_to_r(rows[["conf_low", "conf_high"]], values["interval"])
        assert_equal_to_r(rows["p_value"], values["p"])
        assert set(rows["n"]) == {values["n"]}
        assert set(rows["n_event"]) == {values["n_event"]}
        assert set(rows["n_before_landmark"]) == {len(patients(dataset)) - values["n"]}


def test_from_operation_on_it_is_the_ordinary_model():
    ours = landmark_hazard_ratios(margin_rows(), ENDPOINT, [0], MARGIN, covariates=AGE_AND_NODE)
    ordinary, _ = cause_specific_cox(margin_rows(), ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    np.testing.assert_allclose(ours["hazard_ratio"], ordinary["hazard_ratio"], rtol=1e-12)
    assert ours["n_before_landmark"].eq(0).all()


def test_whoever_leaves_on_the_landmark_day_is_not_at_risk_after_it():
    rows = margin_rows()
    n_later = int((rows["time_days"] > 900).sum())
    ours = landmark_hazard_ratios(rows, ENDPOINT, [900, 899.5], MARGIN, covariates=())
    by_day = ours.groupby("landmark_days")["n"].first()
    assert by_day[900] == n_later
    assert by_day[899.5] == n_later + int((rows["time_days"] == 900).sum())


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([-1], "0 or more"),
        ([np.nan], "0 or more"),
        ([365, 365], "no two equal"),
        ([1e6], "nobody is followed beyond day 1e"),
    ],
)
def test_bad_landmarks_are_refused(days, message):
    with pytest.raises(ValueError, match=message):
        landmark_hazard_ratios(margin_rows(), ENDPOINT, days, MARGIN, covariates=AGE_AND_NODE)
    with pytest.raises(ValueError, match="nobody has"):
        landmark_hazard_ratios(margin_rows().assign(endpoint="salvage"), ENDPOINT, [0], MARGIN, covariates=AGE_AND_NODE)
