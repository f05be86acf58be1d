"""Rubin's rules against R's mice::pool.scalar and mice::pool, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.patients.covariates import Covariate
from analysis.robustness.rubin import POOLED_RATIO_COLUMNS, pool, pool_wald, pooled_hazard_ratios
from tests.analysis.r_values import assert_equal_to_r
from tests.analysis.r_values_by_method import curves_models_and_weights, limits_periods_and_splines, margin_patients
from tests.analysis.study_plan import MARGIN


@pytest.mark.parametrize("values", curves_models_and_weights("rubin"), ids=range(4))
def test_pool_equals_pool_scalar(values):
    n = np.inf if values["n"] is None else values["n"]
    ours = pool(values["estimates"], values["variances"], n, values["k"])
    of_r = ("estimate", "total", "within", "between", "df", "low", "high", "p", "relative_increase", "fmi")
    assert_equal_to_r(ours[:10], [values[name] for name in of_r])
    assert ours.n_imputations == len(values["estimates"])


def test_two_imputations_by_hand():
    ours = pool([1.0, 3.0], [0.5, 1.5])
    assert (ours.estimate, ours.within_variance, ours.between_variance) == (2, 1, 2)
    assert ours.total_variance == 1 + 1.5 * 2
    assert ours.relative_increase == 3
    assert ours.degrees_of_freedom == pytest.approx((1 + 1 / 3) ** 2)


def test_more_disagreement_between_imputations_is_more_uncertainty():
    near, far = pool([0.4, 0.5, 0.6], [0.04] * 3, 300, 5), pool([0.1, 0.5, 0.9], [0.04] * 3, 300, 5)
    assert near.estimate == pytest.approx(far.estimate)
    assert near.total_variance < far.total_variance
    assert near.fraction_missing_information < far.fraction_missing_information
    assert near.degrees_of_freedom > far.degrees_of_freedom
    assert (near.conf_low, near.conf_high) > (far.conf_low, near.conf_high)


@pytest.mark.parametrize(
    ("estimates", "variances", "arguments", "message"),
    [
        ([1.0], [0.1], {}, "two or more"),
        ([1.0, 2.0], [0.1], {}, "each with its variance"),
        ([1.0, 2.0], [0.1, 0.0], {}, "variances"),
        ([1.0, 2.0], [0.1, 0.1], {"n": 5, "n_parameters": 5}, "5 patients for 5"),
    ],
)
def test_what_cannot_be_pooled_is_refused(estimates, variances, arguments, message):
    with pytest.raises(ValueError, match=message):
        pool(estimates, variances, **arguments)


def ratios(estimate: float, std_error: float, **changes) -> pd.DataFrame:
    bounds = np.exp(estimate + np.array([-1, 1]) * 1.959963984540054 * std_error)
    row = {"endpoint": "overall_survival", "model": "adjusted", "estimand": "cause-specific", "term": "margin positive",
           "reference": ">=10 mm", "hazard_ratio": np.exp(estimate), "conf_low": bounds[0], "conf_high": bounds[1],
           "n": 500, "n_event": 220}  # fmt: skip
    omnibus = {**row, "term": "margin group (omnibus)"} | dict.fromkeys(["hazard_ratio", "conf_low", "conf_high"])
    return pd.DataFrame([row | changes, omnibus])


def test_hazard_ratios_are_pooled_on_the_log_scale():
    values = curves_models_and_weights("rubin")[0]
    frames = [ratios(q, np.sqrt(u)) for q, u in zip(values["estimates"], values["variances"], strict=True)]
    ours = pooled_hazard_ratios(frames, MARGIN, n_parameters=8)
    assert list(ours.columns) == POOLED_RATIO_COLUMNS
    (row,) = ours.to_dict("records")
    assert row["hazard_ratio"] == pytest.approx(np.exp(values["estimate"]), rel=1e-12)
    expected = pool(values["estimates"], values["variances"], 220, 8)
    assert row["conf_high"] == pytest.approx(np.exp(expected.conf_high), rel=1e-12)
    assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-9)
    assert (row["term"], row["reference"], row["n_imputations"]) == ("margin positive", ">=10 mm", 5)


def test_a_term_without_estimate_in_one_imputation_has_none():
    (row,) = pooled_hazard_ratios([ratios(0.4, 0.1), ratios(np.nan, np.nan)], MARGIN).to_dict("records")
    assert np.isnan(row["hazard_ratio"])
    assert row["warning"] == "not estimable in 1 of the imputations"


def test_a_ratio_that_rests_on_few_events_says_so_after_pooling():
    few = "fewer than 5 events in this or the reference group (3)"
    frames = [ratios(0.4, 0.1, warning=few), ratios(0.5, 0.1, warning=few), ratios(0.45, 0.1, warning=None)]
    (row,) = pooled_hazard_ratios(frames, MARGIN).to_dict("records")
    assert row["warning"] == f"{few}; so in 2 of the imputations"


def test_imputations_must_have_the_same_terms():
    with pytest.raises(ValueError, match="same terms"):
        pooled_hazard_ratios([ratios(0.4, 0.1), ratios(0.4, 0.1, term="margin <1 mm")], MARGIN)
    with pytest.raises(ValueError, match="two or more"):
        pooled_hazard_ratios([ratios(0.4, 0.1)], MARGIN)
    with pytest.raises(ValueError, match="conf_low"):
        pooled_hazard_ratios([ratios(0.4, 0.1).drop(columns="conf_low")] * 2, MARGIN)


def completed_patients() -> list[pd.DataFrame]:
    """The five completions of limits_periods_and_splines.R: every fifth patient's age and KRAS filled in by its rule."""
    rows, number = margin_patients(), np.arange(800)
    is_filled = number % 5 == 0
    return [
        rows.assign(
            age=np.where(is_filled, 40 + (number * 13 + imputation * 29) % 45, rows["age"]),
            kras=np.where(is_filled, (number * 7 + imputation * 3 + number // 10) % 2, rows["kras"]),
            margin_group=np.select([rows["margin"] < 1, rows["margin"] < 10], ["<1 mm", "1.0-9.9 mm"], ">=10 mm"),
        )
        for imputation in range(1, 6)
    ]


def test_pooled_cox_models_equal_mice_pool():
    of_r = limits_periods_and_splines("margins")["mice"]
    covariates = (Covariate("age", "age"), Covariate("kras", "kras"))
    fits = [
        cause_specific_cox(rows, "overall_recurrence", MARGIN, covariates=covariates).hazard_ratios
        for rows in completed_patients()
    ]
    pooled = pooled_hazard_ratios(fits, MARGIN)
    pooled = (
        pooled[pooled["model"] == "adjusted"]
        .set_index("term")
        .loc[["margin <1 mm", "margin 1.0-9.9 mm", "age", "kras"]]
    )
    for ours, name in (
        (np.log(pooled["hazard_ratio"]), "estimate"),
        (np.log(pooled["conf_low"]), "lower"),
        (np.log(pooled["conf_high"]), "upper"),
        (pooled["p_value"], "p"),
        (pooled["degrees_of_freedom"], "df"),
        (pooled["relative_increase"], "riv"),
        (pooled["fraction_missing_information"], "fmi"),
    ):
        assert_equal_to_r(ours, of_r[name])


def test_a_pooled_test_of_two_terms_equals_r():
    of_r = limits_periods_and_splines("margins")["d1"]
    ours = pool_wald(of_r["estimates"], of_r["covariances"])
    assert_equal_to_r(ours, [of_r["statistic"], of_r["df1"], of_r["df2"], of_r["p"], of_r["r"]])


def test_a_pooled_test_of_one_term_without_missing_information_is_walds():
    ours = pool_wald([[0.4]] * 3, [[[0.04]]] * 3)
    assert (ours.statistic, ours.degrees_of_freedom) == (pytest.approx(0.4**2 / 0.04), 1)
    assert ours.p_value == pytest.approx(0.04550026389635842, rel=1e-6)
    assert np.isnan(pool_wald([[0.4], [np.nan]], [[[0.04]]] * 2).p_value)
    with pytest.raises(ValueError, match="two or more"):
        pool_wald([[0.4]], [[[0.04]]])
