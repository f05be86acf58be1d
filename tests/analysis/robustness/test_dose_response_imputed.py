"""Widths that are only bounded: drawn within their group, pooled, and told apart from the exact ones."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.dose_response import CURVE_COLUMNS, EXACT_WIDTHS, TEST_COLUMNS, dose_response
from analysis.patients.covariates import Covariate
from analysis.robustness.dose_response_imputed import BOUNDED_IMPUTED, completed_widths, dose_response_imputed
from tests.analysis.r_values_by_method import margin_patients
from tests.analysis.study_plan import SPLINE

ENDPOINT = "overall_recurrence"
AGE = (Covariate("age per 10 years", "age", per=10.0),)


def patients_with_bounds(every: int = 6) -> pd.DataFrame:
    """Simulated patients of whom every sixth's width is known only by its group."""
    rows = margin_patients()
    edges = [-1, 0, 0.999, 9.999, 1000]
    rows["margin_group"] = pd.cut(rows["margin"], edges, labels=["positive", "<1 mm", "1.0-9.9 mm", ">=10 mm"]).astype(
        object
    )
    rows["study_id"] = [f"P{number:04d}" for number in range(len(rows))]
    return rows.assign(margin_mm=rows["margin"].where(rows.index % every != 0))


def test_each_width_is_one_of_its_own_group_and_known_widths_stay():
    rows = pd.DataFrame(
        {
            "margin_group": ["<1 mm", "<1 mm", "<1 mm", ">=10 mm", ">=10 mm", ">=10 mm", "1.0-9.9 mm", "unresolved"],
            "margin_mm": [0.2, 0.7, None, 12.0, 30.0, None, None, None],
        }
    )
    completed = list(completed_widths(rows, 40, 3))
    drawn = pd.concat(completed, axis=1).T
    assert set(drawn[2]) == {0.2, 0.7}
    assert set(drawn[5]) == {12.0, 30.0}
    assert (drawn[0] == 0.2).all()
    # nobody of this group has a width to draw; an unresolved margin has no group
    assert drawn[[6, 7]].isna().all(axis=None)


def test_the_same_seed_gives_the_same_draws_in_any_order_of_the_rows():
    rows = patients_with_bounds()
    shuffled = rows.sample(frac=1, random_state=5)
    for one, other in zip(completed_widths(rows, 20, 1), completed_widths(shuffled, 20, 1), strict=True):
        pd.testing.assert_series_equal(one, other.reindex(one.index))
    another = next(completed_widths(rows, 20, 2))
    assert not another.equals(next(completed_widths(rows, 20, 1)))


@pytest.mark.parametrize("covariates", [(), AGE], ids=["unadjusted", "adjusted"])
def test_the_pooled_curve_has_everybody_and_is_near_that_of_the_true_widths(covariates):
    rows = patients_with_bounds()
    exact = dose_response(rows, ENDPOINT, covariates, SPLINE)
    imputed = dose_response_imputed(rows, ENDPOINT, covariates, SPLINE, 20, 1)
    truth = dose_response(rows.assign(margin_mm=rows["margin"]), ENDPOINT, covariates, SPLINE).curve.set_index(
        "width_mm"
    )
    assert (list(imputed.curve.columns), list(imputed.tests.columns)) == (CURVE_COLUMNS, TEST_COLUMNS)
    assert (set(exact.curve["widths"]), set(imputed.curve["widths"])) == ({EXACT_WIDTHS}, {BOUNDED_IMPUTED})
    n_bounded = int(rows["margin_mm"].isna().sum())
    assert (set(imputed.curve["n"]), set(imputed.curve["n_width_imputed"])) == ({len(rows)}, {n_bounded})
    assert (set(exact.curve["n"]), set(exact.curve["n_width_imputed"])) == ({len(rows) - n_bounded}, {0})
    pooled = imputed.curve.set_index("width_mm")
    inner = [1.0, 3.0, 5.0, 15.0]
    assert (pooled.loc[inner, "log_hazard_ratio"] - truth.loc[inner, "log_hazard_ratio"]).abs().max() < 0.15
    assert pooled.loc[10.0, ["hazard_ratio", "conf_low", "conf_high"]].tolist() == [1, 1, 1]
    assert imputed.tests["test"].tolist() == ["association (pooled F)", "non-linearity (pooled F)"]
    assert imputed.tests["degrees_of_freedom"].tolist() == [3, 2]
    assert imputed.tests["p_value"].between(0, 1).all()


def test_rubins_variance_of_the_curve_by_hand():
    """Of two imputations: the mean of the squared errors plus one and a half times the variance of the estimates."""
    rows = patients_with_bounds(every=3)
    spline = SPLINE._replace(grid_mm=[2.0])
    pooled = dose_response_imputed(rows, ENDPOINT, (), spline, 2, 1).curve.iloc[0]
    knots = [float(knot) for knot in pooled["knots_mm"].split(", ")]
    widths = np.concatenate(list(completed_widths(rows, 2, 1)))
    np.testing.assert_allclose(knots, np.quantile(widths, [0.05, 0.35, 0.65, 0.95]), rtol=1e-5)
    exact_knots = np.quantile(widths, [0.05, 0.35, 0.65, 0.95])
    one, two = (
        dose_response(rows.assign(margin_mm=filled), ENDPOINT, (), spline, knots_mm=exact_knots).curve.iloc[0]
        for filled in completed_widths(rows, 2, 1)
    )
    estimates, errors = (np.array([one[name], two[name]]) for name in ("log_hazard_ratio", "std_error"))
    assert pooled["log_hazard_ratio"] == pytest.approx(estimates.mean(), rel=1e-9)
    variance = (errors**2).mean() + 1.5 * estimates.var(ddof=1)
    assert pooled["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_where_every_width_is_exact_there_is_nothing_to_pool():
    rows = patients_with_bounds().assign(margin_mm=lambda rows: rows["margin"])
    curve, tests = dose_response_imputed(rows, ENDPOINT, (), SPLINE, 20, 1)
    assert curve.empty
    assert tests.empty
