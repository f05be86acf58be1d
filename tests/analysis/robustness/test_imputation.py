"""Multiple imputation: what it must leave alone, that it repeats itself, and that it recovers what was hidden."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.patients.covariates import Covariate
from analysis.robustness.imputation import ImputedColumn, nelson_aalen
from analysis.robustness.rubin import pooled_hazard_ratios
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import curves_models_and_weights
from tests.analysis.robustness.imputed import impute
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS

AGE, NODE, STAGE = (
    ImputedColumn("age", "numeric"),
    ImputedColumn("node", "binary"),
    ImputedColumn("stage", "categorical"),
)


def with_gaps() -> pd.DataFrame:
    """500 patients; age, node and a stage that depends on them miss values, more of them where there was an event."""
    rows = patients("ties").astype({"age": float, "node": "boolean"})
    rng = np.random.default_rng(7)
    rows["stage"] = np.array(["I", "II", "III"])[
        np.clip(np.floor(rows["age"] / 25 + rng.normal(0, 0.4, 500) - 1.4), 0, 2).astype(int)
    ]
    chance = 0.15 + 0.2 * (rows["event_code"] == 1)
    for column in ("age", "node", "stage"):
        rows.loc[rng.random(500) < chance, column] = None
    return rows


def test_nelson_aalen_equals_survfit():
    rows = patients("ties")
    ours = nelson_aalen(rows["time_days"].to_numpy(), (rows["event_code"] == 1).to_numpy())
    assert_equal_to_r(ours, curves_models_and_weights("ties")["nelson_aalen"])


def test_observed_values_stay_and_missing_ones_are_filled_with_possible_ones():
    rows = with_gaps()
    completed = impute(rows, [AGE, NODE, STAGE], n_imputations=3, n_iterations=4)
    assert completed["imputation"].value_counts().to_dict() == {1: 500, 2: 500, 3: 500}
    for _, once in completed.groupby("imputation"):
        assert not once[["age", "node", "stage"]].isna().any(axis=None)
        for column in ("age", "node", "stage"):
            is_observed = rows[column].notna()
            pd.testing.assert_series_equal(once.loc[is_observed, column], rows.loc[is_observed, column])
            assert set(once[column]) <= set(rows[column].dropna())
        pd.testing.assert_series_equal(once["time_days"], rows["time_days"])
        assert once.dtypes.drop("imputation").equals(rows.dtypes)


def test_the_seed_decides_and_the_number_of_imputations_does_not():
    rows = with_gaps()
    three = impute(rows, [AGE, NODE, STAGE], n_imputations=3, n_iterations=2, seed=11)
    again = impute(rows, [AGE, NODE, STAGE], n_imputations=3, n_iterations=2, seed=11)
    pd.testing.assert_frame_equal(three, again)
    two = impute(rows, [AGE, NODE, STAGE], n_imputations=2, n_iterations=2, seed=11)
    pd.testing.assert_frame_equal(two, three[three["imputation"] < 3])
    other = impute(rows, [AGE, NODE, STAGE], n_imputations=3, n_iterations=2, seed=12)
    assert not other["age"].equals(three["age"])


def test_values_missing_at_random_are_recovered():
    """y = 2 + 3 x + noise, missing more often where x is large: complete cases understate the mean of y, imputation not."""
    rng = np.random.default_rng(3)
    x, n = rng.normal(size=2000), 2000
    y = 2 + 3 * x + rng.normal(size=n)
    rows = pd.DataFrame({"x": x, "y": np.where(rng.random(n) < 1 / (1 + np.exp(-x)), np.nan, y)})
    rows = rows.assign(time_days=rng.integers(1, 900, n), event_code=rng.integers(0, 2, n))
    completed = impute(rows, [ImputedColumn("y", "numeric")], ["x"], n_imputations=5, n_iterations=1)
    means = completed.groupby("imputation")["y"].mean()
    assert rows["y"].mean() < 1
    assert means.mean() == pytest.approx(y.mean(), abs=0.1)
    slopes = [np.polyfit(once["x"], once["y"], 1)[0] for _, once in completed.groupby("imputation")]
    assert np.mean(slopes) == pytest.approx(3, abs=0.1)
    residual = completed["y"] - 2 - 3 * completed["x"]
    assert residual.std() == pytest.approx(1, abs=0.05)


def test_levels_missing_at_random_are_recovered():
    rng = np.random.default_rng(5)
    n = 3000
    x = rng.normal(size=n)
    odds = np.exp(np.column_stack([np.zeros(n), 0.5 + 1.2 * x, -0.5 - 0.8 * x]))
    level = (rng.random(n)[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)[:, :2]).sum(axis=1)
    hidden = rng.random(n) < 1 / (1 + np.exp(-2 * x))
    rows = pd.DataFrame({"x": x, "time_days": rng.integers(1, 900, n), "event_code": rng.integers(0, 3, n)})
    rows["letter"] = pd.Series(np.array(["a", "b", "c"])[level]).where(~hidden)
    rows["is_b"] = pd.Series(level == 1, dtype="boolean").mask(hidden)
    kinds = [ImputedColumn("letter", "categorical")], [ImputedColumn("is_b", "binary")]
    letters, truths = (
        impute(rows.drop(columns="is_b" if column[0].column == "letter" else "letter"), column, ["x"], 4, 1)
        for column in kinds
    )
    assert (rows["letter"] == "b").sum() / (~hidden).sum() < np.mean(level == 1) - 0.08
    for position, letter in enumerate("abc"):
        assert (letters["letter"] == letter).mean() == pytest.approx(np.mean(level == position), abs=0.03)
    assert truths["is_b"].mean() == pytest.approx(np.mean(level == 1), abs=0.03)


def test_a_pooled_ratio_is_near_that_of_the_complete_data():
    rows = patients("ties").assign(margin_group=lambda rows: [MARGIN_GROUPS[group - 1] for group in rows["g"]])
    hidden = rows.astype({"node": "Float64", "age": float})
    rng = np.random.default_rng(9)
    hidden.loc[rng.random(500) < 0.15 + 0.3 * (rows["event_code"] == 1), "node"] = None
    hidden.loc[rng.random(500) < 0.2, "age"] = None
    completed = impute(hidden, [AGE, NODE], ["g"], n_imputations=10, n_iterations=5)
    covariates = (Covariate("age", "age", per=10), Covariate("node", "node"))
    models = [
        cause_specific_cox(once, "overall_recurrence", MARGIN, covariates=covariates).hazard_ratios
        for _, once in completed.groupby("imputation")
    ]
    pooled = pooled_hazard_ratios(models, MARGIN).set_index(["model", "term"])
    complete, _ = cause_specific_cox(rows, "overall_recurrence", MARGIN, covariates=covariates)
    complete = complete.set_index(["model", "term"])
    node = ("adjusted", "node")
    std_error = np.log(complete.loc[node, "conf_high"] / complete.loc[node, "hazard_ratio"]) / 1.96
    assert np.log(pooled.loc[node, "hazard_ratio"] / complete.loc[node, "hazard_ratio"]) < std_error
    assert pooled.loc[node, "fraction_missing_information"] > 0.1
    # The unadjusted model uses nothing imputed
    unadjusted = pooled.loc[("unadjusted", "margin positive")]
    assert unadjusted["hazard_ratio"] == pytest.approx(complete.loc[("unadjusted", "margin positive"), "hazard_ratio"])
    assert unadjusted["relative_increase"] == pytest.approx(0, abs=1e-12)


def test_a_separated_binary_column_can_be_imputed():
    rows = patients("ties").assign(
        group_a=lambda rows: (rows["g"] == 1).astype(float), copy=lambda rows: rows["g"] == 1
    )
    rows["copy"] = rows["copy"].astype("boolean").mask(np.arange(500) % 5 == 0)
    completed = impute(rows, [ImputedColumn("copy", "binary")], ["group_a"], 3, 2)
    assert (completed["copy"] == (completed["g"] == 1)).mean() > 0.97


@pytest.mark.parametrize("n_donors", [1, 3, 5])
def test_a_value_is_lent_by_one_of_the_nearest_donors(n_donors):
    """The age is ten times x: who is not known, between two of the others, is lent the age of one of the nearest by x."""
    x = np.array([*range(40), 20.4])
    rows = pd.DataFrame({"x": x, "age": 10 * x, "time_days": np.arange(1, 42), "event_code": 0})
    rows.loc[40, "age"] = np.nan
    completed = impute(rows, [AGE], ["x"], 60, 1, n_donors=n_donors)
    nearest = [200.0, 210.0, 190.0, 220.0, 180.0][:n_donors]
    assert set(completed.loc[40, "age"]) == set(nearest)


def test_without_anything_missing_nothing_is_drawn():
    completed = impute(patients("ties"), [AGE, NODE], n_imputations=1)
    pd.testing.assert_frame_equal(completed.drop(columns="imputation"), patients("ties"))


@pytest.mark.parametrize(
    ("change", "columns", "arguments", "message"),
    [
        (lambda rows: rows, [ImputedColumn("age", "guess")], {}, "age: kind must be one of"),
        (lambda rows: rows, [ImputedColumn("weight", "numeric")], {}, "lacks the column.*weight"),
        (lambda rows: rows, [AGE, AGE], {}, "there twice"),
        (lambda rows: rows.assign(age=np.nan), [AGE], {}, "age: fewer than two observed"),
        (lambda rows: rows, [ImputedColumn("age", "binary")], {}, "age: not 0/1 or truths"),
        (lambda rows: rows.assign(time_days=np.nan), [AGE], {}, "time_days"),
        (lambda rows: rows.assign(event_code=5), [AGE], {}, "event_code"),
        (lambda rows: rows, [AGE], {"n_imputations": 0}, "1 or more"),
    ],
)
def test_bad_input_is_refused_by_name(change, columns, arguments, message):
    with pytest.raises(ValueError, match=message):
        impute(change(with_gaps()), columns, **arguments)
