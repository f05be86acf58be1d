"""Spline of the margin width against R (Hmisc, survival) and against what must always hold."""

import numpy as np
import pytest

from analysis.models.dose_response import CURVE_COLUMNS, TEST_COLUMNS, WidthSpline, dose_response
from analysis.patients.covariates import Covariate
from analysis.patients.splines import spline_basis, spline_knots
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import curves_models_and_weights, limits_periods_and_splines, margin_patients
from tests.analysis.study_plan import SPLINE

ENDPOINT = "overall_recurrence"
# Harrell 2015, table 2.3, by the number of knots
HARRELL = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
ADJUSTMENT = (Covariate("age per 10 years", "age", per=10.0), Covariate("KRAS mutation", "kras"))


def spline(**changed) -> WidthSpline:
    """The plan's, with something of it changed."""
    return SPLINE._replace(**changed)


def values() -> dict:
    return curves_models_and_weights("margins")["dose_response"]


@pytest.mark.parametrize(("model", "covariates"), [("unadjusted", ()), ("adjusted", ADJUSTMENT)])
def test_curve_and_tests_equal_coxph_of_rcspline_eval(model, covariates):
    of_r = values()[model]
    curve, tests = dose_response(
        margin_patients(), ENDPOINT, covariates, spline(grid_mm=of_r["grid"]), width_column="margin"
    )
    assert (list(curve.columns), list(tests.columns)) == (CURVE_COLUMNS, TEST_COLUMNS)
    assert set(curve["model"]) == set(tests["model"]) == {model}
    assert_equal_to_r(curve["log_hazard_ratio"], of_r["log_hazard_ratio"])
    assert_equal_to_r(curve["std_error"], of_r["std_error"])
    assert_equal_to_r(tests["statistic"], [of_r["association"], of_r["nonlinearity"], of_r["likelihood_ratio"]])
    assert tests["degrees_of_freedom"].tolist() == [3, 2, 2]
    assert curve["knots_mm"].iloc[0] == ", ".join(f"{knot:g}" for knot in of_r["knots"])
    expected = np.exp(curve["log_hazard_ratio"] + 1.959963984540054 * curve["std_error"])
    np.testing.assert_allclose(curve["conf_high"], expected, rtol=1e-12)


@pytest.mark.parametrize(("model", "covariates"), [("unadjusted", ()), ("adjusted", ADJUSTMENT)])
def test_curve_and_tests_equal_cph_of_rms(model, covariates):
    assert_equal_to_rms(margin_patients(), covariates, limits_periods_and_splines("margins")["rms"][model])


@pytest.mark.parametrize("dataset", ["pbc", "colon", "mgus2"])
def test_splines_of_real_patients_equal_cph_of_rms(dataset):
    of_r = limits_periods_and_splines(dataset)["rms"]
    assert_equal_to_rms(patients(dataset), [Covariate(name, name) for name in of_r["covariates"]], of_r)


def assert_equal_to_rms(rows, covariates, of_r: dict) -> None:
    curve, tests = dose_response(
        rows, ENDPOINT, covariates, spline(reference_mm=of_r["reference"], grid_mm=of_r["grid"]), of_r["width"]
    )
    assert_equal_to_r(curve["log_hazard_ratio"], of_r["log_hazard_ratio"])
    assert_equal_to_r(curve["std_error"], of_r["std_error"])
    assert_equal_to_r(np.log(curve[["conf_low", "conf_high"]]), np.transpose([of_r["lower"], of_r["upper"]]))
    of_test = tests.set_index("test")[["statistic", "degrees_of_freedom", "p_value"]]
    assert_equal_to_r(of_test.loc["association (Wald)"], of_r["association"])
    assert_equal_to_r(of_test.loc["non-linearity (Wald)"], of_r["nonlinearity"])


def test_knots_and_bases_equal_hmisc():
    widths = margin_patients()["margin"].to_numpy()
    assert_equal_to_r(spline_knots(widths, HARRELL[4]), values()["unadjusted"]["knots"])
    assert_equal_to_r(
        spline_basis(values()["unadjusted"]["grid"], spline_knots(widths, HARRELL[4])), values()["unadjusted"]["basis"]
    )
    for of_r in values()["bases"]:
        knots = spline_knots(widths, HARRELL[of_r["n_knots"]])
        assert_equal_to_r(knots, of_r["knots"])
        assert_equal_to_r(spline_basis(of_r["x"], knots), of_r["basis"])


def test_the_basis_is_linear_beyond_the_outer_knots_and_smooth_at_each():
    knots = np.array([0.5, 3.0, 7.0, 20.0])
    for outside in (np.linspace(-5, 0.5, 12), np.linspace(20, 60, 12)):
        np.testing.assert_allclose(np.diff(spline_basis(outside, knots), n=2, axis=0), 0, atol=1e-10)
    for knot in knots:
        around = spline_basis(knot + 1e-4 * np.arange(-3, 4), knots)
        assert np.abs(np.diff(around, n=3, axis=0)).max() < 1e-9


def test_at_the_reference_width_the_ratio_is_one_without_error():
    curve, _ = dose_response(margin_patients(), ENDPOINT, (), spline(reference_mm=1, grid_mm=[0, 1, 10]), "margin")
    at_reference = curve[curve["width_mm"] == 1].iloc[0]
    assert at_reference[["hazard_ratio", "conf_low", "conf_high"]].tolist() == [1, 1, 1]
    other, _ = dose_response(margin_patients(), ENDPOINT, (), spline(reference_mm=10, grid_mm=[0, 1, 10]), "margin")
    # Another reference shifts the curve and leaves its shape
    np.testing.assert_allclose(np.diff(curve["log_hazard_ratio"]), np.diff(other["log_hazard_ratio"]), rtol=1e-9)


def test_widths_nobody_has_are_marked_and_missing_ones_counted():
    rows = margin_patients()
    rows.loc[:4, "margin"] = np.nan
    curve, _ = dose_response(rows, ENDPOINT, (), spline(grid_mm=[0, 5, 500]), "margin")
    assert curve["is_within_data"].tolist() == [True, True, False]
    assert curve["n_excluded_missing"].eq(5).all()
    assert curve["n"].eq(795).all()


def test_without_events_there_is_a_reason_and_no_number():
    curve, tests = dose_response(margin_patients().assign(event_code=0), ENDPOINT, (), SPLINE, "margin")
    assert curve["hazard_ratio"].isna().all()
    assert curve["warning"].str.contains("no events").all()
    assert tests[["statistic", "p_value"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda rows: rows, {"width_column": "margin_mm"}, "lacks the column.*margin_mm"),
        (lambda rows: rows.assign(margin=-1.0), {}, "margin: 800 negative"),
        (lambda rows: rows.assign(margin=0.0), {}, "knots must be three or more that ascend"),
        (lambda rows: rows.assign(margin=np.nan), {}, "no values to take knots from"),
        (lambda rows: rows, {"spline": spline(knot_quantiles=(0.1, 0.9))}, "knots must be three or more"),
        (lambda rows: rows, {"knots_mm": (1, 5)}, "knots must be three or more"),
        (lambda rows: rows, {"spline": spline(reference_mm=np.nan)}, "reference_mm"),
    ],
)
def test_bad_input_is_refused_by_name(change, arguments, message):
    with pytest.raises(ValueError, match=message):
        dose_response(
            change(margin_patients()), ENDPOINT, (), **({"spline": SPLINE, "width_column": "margin"} | arguments)
        )
