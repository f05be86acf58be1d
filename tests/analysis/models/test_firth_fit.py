"""Firth's penalised Cox model against a brute-force maximisation in R, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.models import firth_fit
from analysis.models.cox_fit import fit_cox
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC, FIRTH, hazard_ratio_frame
from analysis.models.partial_likelihood import ByPeriod, PartialLikelihood
from analysis.patients.covariates import Covariate
from analysis.patients.model_rows import model_rows
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import curves_models_and_weights, limits_periods_and_splines
from tests.analysis.study_plan import FEW_EVENTS, MARGIN, MARGIN_GROUPS

ENDPOINT = "overall_recurrence"
AGE_AND_NODE = (Covariate("decades", "age", per=10), Covariate("node", "node"))


def few_patients() -> pd.DataFrame:
    """120 patients of whom one group has no event."""
    rows = patients("ties").head(120)
    rows.loc[rows["g"] == 2, "event_code"] = 0
    return rows


def design_of(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {"g1": rows["g"] == 1, "g2": rows["g"] == 2, "decades": rows["age"] / 10, "node": rows["node"]}
    return {name: column.to_numpy(dtype=float) for name, column in columns.items()}


@pytest.mark.parametrize("values", curves_models_and_weights("ties")["firth"], ids=lambda values: values["ties"])
def test_fit_equals_brute_force_maximisation(values):
    rows = few_patients()
    is_event = (rows["event_code"] == 1).to_numpy().astype(int)
    fit = fit_firth(rows["time_days"].to_numpy(), is_event, design_of(rows), values["ties"])
    assert (fit.problems, fit.model_warning) == ({}, None)
    np.testing.assert_allclose(fit.coefficients, values["coef"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.limits, [values["low"], values["high"]], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.likelihood_ratio, values["lr"], rtol=1e-6, atol=1e-6)
    assert fit.penalised_log_likelihood == pytest.approx(values["value"], rel=1e-9)


@pytest.mark.parametrize("values", limits_periods_and_splines("ties")["firth"], ids=lambda values: values["ties"])
def test_fit_equals_the_penalised_score_equations_in_r(values, counted):
    rows = few_patients()
    design = {name: design_of(rows)[name] for name in ("g1", "g2")} | {"decades": (rows["age"].to_numpy() - 60) / 10}
    is_event = (rows["event_code"] == 1).to_numpy().astype(int)
    fit = fit_firth(rows["time_days"].to_numpy(), is_event, design, values["ties"])
    assert_equals_r_firth(fit, values)


def test_with_late_entry_it_equals_r_too(counted):
    """The same patients in two rows each, before and after day 720: one ratio of the first group for each period."""
    values, rows = limits_periods_and_splines("ties")["firth_late_entry"], few_patients()
    is_late = rows["time_days"] > 720
    early = rows.assign(event_code=rows["event_code"].where(~is_late, 0), time_days=rows["time_days"].clip(upper=720))
    split = pd.concat([early.assign(entry=0.0, late=0.0), rows[is_late].assign(entry=720.0, late=1.0)])
    design = {"g1": split["g"] == 1, "g2": split["g"] == 2, "g1_late": (split["g"] == 1) & (split["late"] == 1)}
    fit = fit_firth(
        split["time_days"].to_numpy(float),
        (split["event_code"] == 1).to_numpy().astype(int),
        {name: column.to_numpy(float) for name, column in design.items()},
        entry_days=split["entry"].to_numpy(),
    )
    assert_equals_r_firth(fit, values)


def test_by_period_it_equals_the_rows_of_patients_and_periods(counted):
    """A ratio of each group before and after day 720, one of age for both: the likelihood by period needs no row a patient and period."""
    rows = few_patients()
    times, is_event = rows["time_days"].to_numpy(float), (rows["event_code"] == 1).to_numpy().astype(int)
    columns = design_of(rows)
    late = np.flatnonzero(times > 720)
    at = np.concatenate([np.arange(len(times)), late])
    is_late = np.arange(len(at)) >= len(times)
    design = {
        f"{name} | {period}": columns[name][at] * (is_late == period) for period in (0, 1) for name in ("g1", "g2")
    } | {"decades": columns["decades"][at]}
    split = (
        np.where(is_late, times[at], np.minimum(times[at], 720)),
        is_event[at] * (is_late | (times[at] <= 720)),
        design,
    )
    of_rows = fit_firth(*split, entry_days=np.where(is_late, 720.0, -1.0))

    def likelihood_of(kept):
        varying = [columns["g1"], columns["g2"]]
        return ByPeriod(times, is_event, varying, [columns["decades"]], None, np.array([0.0, 720.0]), kept)

    by_period = fit_firth(*split, likelihood_of=likelihood_of)
    assert np.isfinite(by_period.limits).all()
    for name in ("coefficients", "limits", "likelihood_ratio", "covariance"):
        np.testing.assert_allclose(getattr(by_period, name), getattr(of_rows, name), rtol=1e-8)
    assert by_period.penalised_log_likelihood == pytest.approx(of_rows.penalised_log_likelihood, rel=1e-11)


@pytest.mark.parametrize("has_efron_ties", [True, False])
def test_the_penalty_rises_along_a_coefficient_as_its_third_moments_say(has_efron_ties, counted):
    """Half the log-determinant of the information, by steps of a coefficient: with strata, late entry and ties."""
    rows = few_patients()
    times, columns = rows["time_days"].to_numpy(float), np.array(list(design_of(rows).values()))
    likelihood = PartialLikelihood(
        times,
        (rows["event_code"] == 1).to_numpy().astype(int),
        [*columns],
        strata=np.arange(len(times)) % 2,
        entry_days=times - 1 - np.arange(len(times)) * 20,
        has_efron_ties=has_efron_ties,
    )

    def penalty(coefficients: np.ndarray) -> float:
        return float(np.linalg.slogdet(likelihood.information(likelihood.points(coefficients)))[1])

    at, step = np.array([0.3, -0.2, 0.1, 0.4]), 1e-5
    points = likelihood.points(at)
    rises = likelihood.third_moments(points, np.linalg.inv(likelihood.information(points)))
    by_steps = [(penalty(at + move) - penalty(at - move)) / (2 * step) for move in step * np.eye(4)]
    np.testing.assert_allclose(rises, by_steps, rtol=1e-6, atol=1e-7)


def assert_equals_r_firth(fit, values: dict) -> None:
    assert (fit.problems, fit.model_warning) == ({}, None)
    assert_equal_to_r(fit.coefficients, values["coef"])
    assert_equal_to_r(fit.limits, [values["low"], values["high"]])
    assert_equal_to_r(fit.likelihood_ratio, values["lr"])
    assert fit.penalised_log_likelihood == pytest.approx(values["value"], rel=1e-9)


def test_limits_are_searched_only_for_the_terms_wanted():
    rows = few_patients()
    is_event = (rows["event_code"] == 1).to_numpy().astype(int)
    fit = fit_firth(rows["time_days"].to_numpy(), is_event, design_of(rows), profiled=["g2"])
    assert np.isnan(fit.limits).any(axis=0).tolist() == [True, False, True, True]
    assert fit.model_warning is None


def test_two_deaths_in_one_of_two_groups_by_hand():
    """Both of the exposed die first; with h the hazard ratio, the likelihood is h / (2h + 2) * h / (h + 2).

    Those who die are exposed with probability p1 = 2h / (2h + 2), p2 = h / (h + 2): information p1 (1 - p1) + p2 (1 - p2).
    """
    from scipy.optimize import minimize_scalar

    def minus_penalised(log_ratio: float) -> float:
        h = np.exp(log_ratio)
        p1, p2 = 2 * h / (2 * h + 2), h / (h + 2)
        information = p1 * (1 - p1) + p2 * (1 - p2)
        return -(np.log(p1 / 2) + np.log(p2) + np.log(information) / 2)

    best = minimize_scalar(minus_penalised, bounds=(-5, 10), method="bounded", options={"xatol": 1e-10})
    fit = fit_firth(np.array([1, 2, 9, 9]), np.array([1, 1, 0, 0]), {"exposed": np.array([1.0, 1.0, 0.0, 0.0])})
    assert fit.coefficients[0] == pytest.approx(best.x, abs=1e-6)
    assert fit.penalised_log_likelihood == pytest.approx(-best.fun, rel=1e-10)
    ordinary = fit_cox(np.array([1, 2, 9, 9]), np.array([1, 1, 0, 0]), {"exposed": np.array([1.0, 1.0, 0.0, 0.0])})
    assert np.isnan(ordinary.coefficients[0])


def test_with_many_events_it_is_close_to_the_ordinary_fit_and_less_extreme():
    rows = patients("ties")
    times, is_event = rows["time_days"].to_numpy(), (rows["event_code"] == 1).to_numpy().astype(int)
    firth, ordinary = fit_firth(times, is_event, design_of(rows)), fit_cox(times, is_event, design_of(rows))
    assert np.abs(firth.coefficients - ordinary.coefficients).max() < 0.1 * ordinary.std_errors.max()
    np.testing.assert_allclose(firth.covariance, ordinary.covariance, rtol=0.05, atol=1e-4)


def test_units_and_order_of_the_columns_do_not_matter():
    rows = few_patients()
    times, is_event = rows["time_days"].to_numpy(), (rows["event_code"] == 1).to_numpy().astype(int)
    design = design_of(rows)
    fit = fit_firth(times, is_event, design)
    changed = {name: design[name] for name in reversed(design)} | {"decades": design["decades"] * 3650 + 7}
    other = fit_firth(times, is_event, changed)
    factors = np.array([1, 1, 3650, 1])
    order = [other.names.index(name) for name in fit.names]
    np.testing.assert_allclose(other.coefficients[order] * factors, fit.coefficients, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(other.limits[:, order] * factors, fit.limits, rtol=1e-6, atol=1e-8)


def margin_rows() -> pd.DataFrame:
    rows = patients("ties")
    rows.loc[rows["g"] == 2, "event_code"] = 0
    return rows.assign(margin_group=[MARGIN_GROUPS[group - 1] for group in rows["g"]])


def firth_rows(rows: pd.DataFrame, covariates: tuple[Covariate, ...]) -> pd.DataFrame:
    """The rows of the model with margin groups and covariates, every term by the penalised likelihood."""
    data = model_rows(rows, ENDPOINT, covariates, MARGIN)
    fit = fit_firth(data.time_days, data.is_event, data.design)
    terms = [profile_row(fit, position) for position in range(len(fit.names))]
    return hazard_ratio_frame(
        terms, data, "adjusted", CAUSE_SPECIFIC, fit.problems, fit.model_warning, FIRTH, FEW_EVENTS
    )


def test_a_margin_group_without_recurrence_has_a_finite_ratio_and_a_warning():
    ours = firth_rows(margin_rows(), AGE_AND_NODE).set_index("term")
    separated = ours.loc["margin <1 mm"]
    assert separated["n_event_in_group"] == 0
    assert separated["conf_low"] > 0
    assert 0.001 < separated["hazard_ratio"] < 0.2
    assert separated["conf_high"] < 0.8
    assert "fewer than 5 events in this or the reference group (0)" in separated["warning"]
    assert ours["p_value"].between(0, 1).all()
    is_significant = ours["p_value"] < 0.05
    excludes_one = (ours["conf_low"] > 1) | (ours["conf_high"] < 1)
    assert is_significant.equals(excludes_one)


def test_terms_without_estimate_have_a_reason():
    rows = margin_rows().assign(age_days=lambda rows: rows["age"] * 365, constant=1)
    covariates = (*AGE_AND_NODE, Covariate("age in days", "age_days"), Covariate("constant", "constant"))
    ours = firth_rows(rows, covariates).set_index("term")
    assert "determined by the other columns" in ours.loc["age in days", "warning"]
    assert "no variation" in ours.loc["constant", "warning"]
    plain = firth_rows(rows, AGE_AND_NODE).set_index("term")
    assert ours.loc["decades", "hazard_ratio"] == pytest.approx(plain.loc["decades", "hazard_ratio"], rel=1e-9)
    nobody = firth_rows(rows.assign(event_code=0), AGE_AND_NODE)
    assert nobody["hazard_ratio"].isna().all()
    assert nobody["warning"].str.contains("no events").all()


def test_unknown_ties_are_refused():
    rows = few_patients()
    with pytest.raises(ValueError, match="ties must be one of efron, breslow"):
        fit_firth(rows["time_days"].to_numpy(), np.ones(len(rows)), design_of(rows), ties="exact")


def test_many_small_hospitals_are_fitted_as_one_likelihood_and_the_same(monkeypatch):
    """Thirty hospitals of ten patients, one of whose groups has no event: as each stratum by itself."""
    random, n = np.random.default_rng(6), 300
    hospital, exposed = np.repeat(np.arange(30), 10), (random.random(n) < 0.3).astype(float)
    times, is_event = random.integers(0, 40, n).astype(float), ((random.random(n) < 0.4) & (exposed == 0)).astype(int)
    design = {"exposed": exposed, "age": random.normal(60, 9, n)}
    together = fit_firth(times, is_event, design, strata=hospital)
    monkeypatch.setattr(firth_fit, "MANY_STRATA", 1000)
    one_by_one = fit_firth(times, is_event, design, strata=hospital)
    for name in ("coefficients", "covariance", "limits", "likelihood_ratio", "penalised_log_likelihood"):
        np.testing.assert_allclose(getattr(together, name), getattr(one_by_one, name), rtol=1e-9)
