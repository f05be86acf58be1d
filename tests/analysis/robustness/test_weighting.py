"""Treatment weights, balance and weighted Cox models against R and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.hazard_ratio_rows import HAZARD_RATIO_COLUMNS
from analysis.patients.covariates import Covariate
from analysis.robustness.multinomial_logistic import fit_multinomial
from analysis.robustness.weighting import (
    BALANCE_COLUMNS,
    balance_table,
    treatment_weights,
    weight_summary,
    weighted_cox,
)
from tests.analysis.r_values import COX_DATASETS, assert_equal_to_r, patients
from tests.analysis.r_values_by_method import curves_models_and_weights, limits_periods_and_splines, margin_patients
from tests.analysis.study_plan import MARGIN

ENDPOINT = "overall_recurrence"
COVARIATES = tuple(Covariate(name, name) for name in ("age", "kras", "npos", "logcea"))
MODELS = {
    "two_groups": ("treat", {}),
    "unstabilised": ("treat", {"stabilised": False}),
    "truncated": ("treat", {"truncate_percentiles": (5, 95)}),
    "centres": ("centre", {}),
}


def weights_of(name: str):
    column, arguments = MODELS[name]
    return treatment_weights(margin_patients(), column, COVARIATES, **arguments)


def values(name: str) -> dict:
    return curves_models_and_weights("margins")["weighting"][name]


@pytest.mark.parametrize("name", MODELS)
def test_weights_equal_multinom(name):
    ours, of_r = weights_of(name), values(name)
    assert_equal_to_r(ours.weights, of_r["weights"])
    assert_equal_to_r(ours.fit.coefficients, of_r["coef"])
    assert_equal_to_r(np.sqrt(ours.fit.covariance.diagonal()), of_r["se"])
    # As nnet::multinom itself leaves them
    np.testing.assert_allclose(ours.fit.coefficients, of_r["multinom"], atol=1e-4)
    np.testing.assert_allclose(ours.probabilities.sum(axis=1), 1, rtol=1e-12)


def test_two_groups_equal_glm():
    fit = weights_of("two_groups").fit
    assert_equal_to_r(fit.coefficients[0], values("glm")["coef"])
    assert_equal_to_r(np.sqrt(fit.covariance.diagonal()), values("glm")["se"])


@pytest.mark.parametrize("name", MODELS)
def test_balance_equals_r(name):
    column = MODELS[name][0]
    reference = {"treat": "0", "centre": "1"}[column]
    table = balance_table(margin_patients(), column, COVARIATES, weights_of(name).weights, reference)
    assert list(table.columns) == BALANCE_COLUMNS
    columns = ["standardised_difference", "weighted_standardised_difference"]
    for term, of_r in values(name)["balance"].items():
        assert_equal_to_r(table.loc[table["term"] == term, columns], of_r)
    summary = weight_summary(margin_patients(), column, weights_of(name).weights)
    assert_equal_to_r(summary["effective_n"], values(name)["effective_n"])


@pytest.mark.parametrize("name", MODELS)
def test_weighted_cox_equals_coxph_with_robust_errors(name):
    column = MODELS[name][0]
    reference = {"treat": "0", "centre": "1"}[column]
    ours = weighted_cox(margin_patients(), ENDPOINT, column, weights_of(name).weights, reference, "margin")
    of_r = values(name)["cox"]
    assert list(ours.columns) == HAZARD_RATIO_COLUMNS
    assert_equal_to_r(np.log(ours["hazard_ratio"]), of_r["coef"])
    assert_equal_to_r(np.log(ours["conf_high"] / ours["hazard_ratio"]) / 1.959963984540054, of_r["se"])
    assert set(ours["reference"]) == {reference}
    assert ours[["n", "n_event"]].drop_duplicates().to_numpy().tolist() == [
        [800, int((margin_patients()["event_code"] == 1).sum())]
    ]


def test_weighting_balances_what_treatment_depended_on():
    table = balance_table(margin_patients(), "treat", COVARIATES, weights_of("two_groups").weights, "0")
    assert table["standardised_difference"].abs().max() > 0.2
    assert table["weighted_standardised_difference"].abs().max() < 0.05
    summary = weight_summary(margin_patients(), "treat", weights_of("two_groups").weights)
    assert summary["group"].tolist() == ["0", "1"]
    np.testing.assert_allclose(summary["mean"], 1, atol=0.02)
    assert (summary["effective_n"] < summary["n"]).all()


def test_groups_are_weighted_to_be_alike_within_hospitals():
    """Margins are positive in 80 % at one hospital, 20 % at the other, whose patients are like any by age."""
    n = 400
    hospital = np.repeat(["A", "B"], n // 2)
    is_positive = np.concatenate([np.arange(n // 2) % 5 != 0, np.arange(n // 2) % 5 == 0])
    rows = pd.DataFrame({
        "margin_group": np.where(is_positive, "positive", ">=10 mm"), "age": np.random.default_rng(2).normal(60, 10, n),
        "source_system": hospital,
    })  # fmt: skip
    weights = treatment_weights(rows, "margin_group", [Covariate("age", "age")]).weights.to_numpy()
    share = [
        np.average(hospital[is_positive == group] == "A", weights=weights[is_positive == group])
        for group in (True, False)
    ]
    assert share == pytest.approx([0.5, 0.5], abs=0.01)
    without = treatment_weights(rows.drop(columns="source_system"), "margin_group", [Covariate("age", "age")])
    assert np.average(hospital[is_positive] == "A", weights=without.weights[is_positive]) > 0.75


def test_equal_weights_give_the_ordinary_ratio():
    rows = margin_patients().assign(margin_group=lambda rows: np.where(rows["margin"] < 1, "<1 mm", ">=10 mm"))
    ours = weighted_cox(rows, ENDPOINT, "margin_group", pd.Series(1.0, index=rows.index), ">=10 mm", "margin")
    ordinary, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=())
    ordinary = ordinary[(ordinary["term"] == "margin <1 mm") & (ordinary["model"] == "unadjusted")]
    assert ours["term"].tolist() == ["margin <1 mm"]
    assert ours["hazard_ratio"].item() == pytest.approx(ordinary["hazard_ratio"].item(), rel=1e-9)
    assert ours["model"].item() == "weighted"


def test_unresolved_and_missing_have_no_weight_and_are_counted():
    rows = margin_patients().astype({"treat": object, "age": float})
    rows.loc[:9, "treat"] = "unresolved"
    rows.loc[5:14, "age"] = np.nan
    ours = treatment_weights(rows, "treat", COVARIATES)
    assert (len(ours.weights), ours.n_excluded_missing, ours.n_excluded_unresolved) == (785, 5, 10)
    assert ours.weights.index.tolist() == list(range(15, 800))
    ratios = weighted_cox(rows, ENDPOINT, "treat", ours.weights, "0", "margin")
    assert ratios[["n", "n_excluded_missing", "n_excluded_unresolved"]].iloc[0].tolist() == [785, 5, 10]


def test_a_group_without_events_has_a_reason():
    rows = margin_patients()
    rows.loc[rows["treat"] == 1, "event_code"] = 0
    ours = weighted_cox(rows, ENDPOINT, "treat", treatment_weights(rows, "treat", COVARIATES).weights, "0", "margin")
    assert ours["hazard_ratio"].isna().all()
    assert ours["warning"].str.contains("infinite hazard ratio").all()


def test_case_weights_of_the_logistic_fit_count_rows():
    rows = margin_patients().head(300)
    design, level = np.column_stack([np.ones(300), rows["age"], rows["npos"]]), rows["centre"].to_numpy() - 1
    number = np.arange(300) % 3 + 1
    repeated = np.repeat(np.arange(300), number)
    weighted = fit_multinomial(design, level, 3, case_weights=number)
    np.testing.assert_allclose(
        weighted.coefficients, fit_multinomial(design[repeated], level[repeated], 3).coefficients, rtol=1e-9, atol=1e-9
    )
    with pytest.raises(ValueError, match="nobody has level 3"):
        fit_multinomial(design, level, 4)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda rows: rows.drop(columns="age"), {}, "lacks the column.*age"),
        (lambda rows: rows.assign(treat=1), {}, "fewer than two groups"),
        (lambda rows: rows.assign(kras=1), {}, "constant or determined"),
        (lambda rows: rows.assign(kras=rows["treat"]), {}, "separate the groups"),
        (lambda rows: rows.assign(age="old"), {}, "neither numbers nor truths"),
        (lambda rows: rows, {"truncate_percentiles": (99, 1)}, "truncate_percentiles"),
    ],
)
def test_bad_exposures_are_refused_by_name(change, arguments, message):
    with pytest.raises(ValueError, match=message):
        treatment_weights(change(margin_patients()), "treat", COVARIATES, **arguments)


def test_bad_weights_are_refused_by_name():
    rows, weights = margin_patients(), weights_of("two_groups").weights
    with pytest.raises(ValueError, match="numbers above 0"):
        weighted_cox(rows, ENDPOINT, "treat", weights * 0, "0", "margin")
    with pytest.raises(ValueError, match="index repeats"):
        weighted_cox(rows, ENDPOINT, "treat", pd.concat([weights, weights]), "0", "margin")
    with pytest.raises(ValueError, match="reference group 'neither'"):
        weighted_cox(rows, ENDPOINT, "treat", weights, "neither", "margin")
    with pytest.raises(ValueError, match="reference group 'neither'"):
        balance_table(rows, "treat", COVARIATES, weights, "neither")


@pytest.mark.parametrize("dataset", COX_DATASETS)
def test_weighted_ratios_of_real_patients_equal_coxph_with_robust_errors(dataset):
    of_r, rows = limits_periods_and_splines(dataset)["weighted"], patients(dataset)
    weights = pd.Series(0.5 + (np.arange(len(rows)) % 10) / 5, index=rows.index)
    ours = weighted_cox(rows, "overall_recurrence", "g", weights, reference=str(rows["g"].max()), prefix="margin")
    assert_equal_to_r(np.log(ours["hazard_ratio"]), of_r["coef"])
    assert_equal_to_r(np.abs(np.log(ours["hazard_ratio"])) / np.sqrt(ours["statistic"]), of_r["se"])
    assert_equal_to_r(ours["p_value"], of_r["p"])
    assert set(ours["method"]) == {"Efron, weighted by treatment"}


def test_a_hospital_at_which_nobody_is_of_one_group_is_left_out_and_the_others_keep_their_weights():
    """Beside a large hospital one of three patients had ended all weights: it separates the groups."""
    large = margin_patients().assign(source_system="large")
    of_one_group = large[large["treat"] == large["treat"].iloc[0]].iloc[:3].assign(source_system="small")
    both = pd.concat([large, of_one_group], ignore_index=True)
    alone, found = (treatment_weights(rows, "treat", COVARIATES) for rows in (large, both))
    assert found.hospitals_left_out == ("small",)
    np.testing.assert_array_equal(found.weights.to_numpy(), alone.weights.to_numpy())
    with pytest.raises(ValueError, match="no hospital has patients of every group"):
        treatment_weights(large.assign(source_system=large["treat"].astype(str)), "treat", COVARIATES)
