"""Hospitals as strata: equal to R, unmoved by other baselines, and what they disagree on is shown."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.between_hospitals import OF_HOSPITAL, RANDOM_EFFECTS, STRATIFIED, between_hospitals, random_effects
from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.cox_fit import fit_cox, proportional_hazards_tests
from analysis.models.fine_gray import fit_fine_gray
from analysis.models.firth_fit import fit_firth
from tests.analysis.hospital_values import hospital_values
from tests.analysis.models.fine_gray_models import fine_gray
from tests.analysis.r_values import assert_equal_to_r
from tests.analysis.r_values_by_method import margin_patients
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, MARGIN, MARGIN_GROUPS, PLAN

ENDPOINT = "liver_recurrence_any_time"


def arrays() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    rows = margin_patients()
    design = {f"g{code}": (rows["margin_code"] == code).to_numpy(dtype=float) for code in (1, 2, 3)}
    design["treat"] = rows["treat"].to_numpy(dtype=float)
    centre = pd.Categorical(rows["centre"]).codes.astype(int)
    return rows["time_days"].to_numpy(dtype=float), rows["event_code"].to_numpy(), design, centre


def two_hospitals(seed: int = 1, n: int = 1800, ratios: tuple[float, float] = (1.0, 1.0)) -> pd.DataFrame:
    """Baseline hazards 1 : 3 and other margins at each; `ratios`: the true ratio of positive margins at each."""
    random = np.random.default_rng(seed)
    hospital = np.repeat(["A", "B"], n // 2)
    groups = list(MARGIN_GROUPS)
    margins = np.concatenate(
        [
            random.choice(groups, n // 2, p=[0.04, 0.03, 0.33, 0.60]),
            random.choice(groups, n // 2, p=[0.2, 0.12, 0.43, 0.25]),
        ]
    )
    ratio = np.where(margins == "positive", np.where(hospital == "A", *ratios), 1.0)
    time = np.ceil(random.exponential(1 / (np.where(hospital == "A", 0.0003, 0.0009) * ratio))).astype(int)
    censored = random.integers(400, 3000, n)
    rows = pd.DataFrame(
        {
            "study_id": [f"P{number}" for number in range(n)],
            "source_system": hospital,
            "endpoint": ENDPOINT,
            "time_days": np.minimum(time, censored),
            "event_code": (time <= censored).astype(int),
            "margin_group": margins,
            "age_at_operation_years": random.integers(40, 80, n),
        }
    )
    for covariate in ADJUSTMENT_COVARIATES[1:]:
        rows[covariate.column] = pd.array(random.random(n) < 0.4, dtype="boolean")
    return rows


def test_a_stratified_cox_model_equals_coxph_with_strata(counted):
    times, code, design, centre = arrays()
    values, fit = hospital_values()["stratified_cox"], fit_cox(times, (code == 1).astype(int), design, strata=centre)
    assert_equal_to_r(fit.coefficients, values["coef"])
    assert_equal_to_r(fit.std_errors, values["se"])
    assert_equal_to_r([fit.log_likelihood_null, fit.log_likelihood], values["loglik"])
    tests = [statistic for _, statistic, _, _ in proportional_hazards_tests(fit, times, (code == 1).astype(int)).rows()]
    np.testing.assert_allclose(tests, hospital_values()["stratified_zph"], rtol=1e-6)


def test_a_clustered_cox_model_equals_coxph_with_cluster():
    times, code, design, centre = arrays()
    values, fit = hospital_values()["clustered_cox"], fit_cox(times, (code == 1).astype(int), design, cluster=centre)
    assert_equal_to_r(fit.coefficients, values["coef"])
    assert_equal_to_r(fit.std_errors, values["se"])


def test_a_stratified_fine_gray_model_equals_finegray_and_coxph_with_strata():
    times, code, design, centre = arrays()
    values, fit = hospital_values()["stratified_fine_gray"], fit_fine_gray(times, code, design, centre)
    assert_equal_to_r(fit.coefficients, values["coef"])
    assert_equal_to_r(fit.std_errors, values["se"])


def test_a_stratified_firth_model_equals_the_penalised_likelihood_written_out():
    rows = margin_patients()
    few = rows[rows["margin_code"].isin([1, 4])].sort_values("time_days", kind="stable").head(200).copy()
    few.loc[few["margin_code"] == 1, "event_code"] = 0
    values, fit = (
        hospital_values()["stratified_firth"],
        fit_firth(
            few["time_days"].to_numpy(dtype=float),
            (few["event_code"] == 1).to_numpy().astype(int),
            {"g1": (few["margin_code"] == 1).to_numpy(dtype=float)},
            strata=pd.Categorical(few["centre"]).codes.astype(int),
        ),
    )
    # R's optimize finds a flat maximum to half the digits
    assert fit.coefficients[0] == pytest.approx(values["coef"], abs=1e-6)
    np.testing.assert_allclose(fit.limits[:, 0], [values["low"], values["high"]], rtol=1e-8)
    assert fit.likelihood_ratio[0] == pytest.approx(values["lr"], rel=1e-9)


def test_hospitals_with_other_baselines_do_not_make_an_effect():
    """True ratio 1.0. Pooled, the hospital with the higher hazard has more positive margins: 1.8. Within hospitals: none."""
    rows = two_hospitals()
    pooled = cause_specific_cox(rows.drop(columns="source_system"), ENDPOINT, MARGIN, covariates=ADJUSTMENT_COVARIATES)
    stratified = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=ADJUSTMENT_COVARIATES)
    positive = "model == 'adjusted' and term == 'margin positive'"
    spurious, ours = (found.hazard_ratios.query(positive).iloc[0] for found in (pooled, stratified))
    assert spurious["conf_low"] > 1.4
    assert ours["conf_low"] < 1 < ours["conf_high"]
    assert (ours["n_hospitals"], spurious["n_hospitals"]) == (2, 1)
    subdistribution = fine_gray(rows, ENDPOINT, MARGIN, covariates=()).query("term == 'margin positive'").iloc[0]
    assert subdistribution["conf_low"] < 1 < subdistribution["conf_high"]


def test_limits_of_the_stratified_ratio_cover_the_truth():
    """Ten pairs of hospitals: 30 limits of a true ratio of 1, of which about 1 or 2 may miss it; pooled, nearly all of the positive do."""
    covered = {"stratified": 0, "pooled": 0}
    for seed in range(10):
        rows = two_hospitals(seed + 10, 900)
        for name, frame in (("stratified", rows), ("pooled", rows.drop(columns="source_system"))):
            found = cause_specific_cox(frame, ENDPOINT, MARGIN, covariates=()).hazard_ratios.query(
                "model == 'unadjusted'"
            )
            levels = found[found["term"].isin(MARGIN.terms)]
            covered[name] += int(((levels["conf_low"] < 1) & (levels["conf_high"] > 1)).sum())
    assert covered["stratified"] >= 26
    assert covered["pooled"] < 20


def test_random_effects_equal_dersimonian_and_laird_written_out():
    values = hospital_values()["random_effects"]
    ours = random_effects(np.array(values["y"]), np.array(values["v"]))
    for name in ours:
        assert_equal_to_r(ours[name], values[name])


def test_each_hospital_stands_beside_the_stratified_and_the_random_effects_summary():
    rows = two_hospitals(ratios=(1.0, 4.0))
    table = between_hospitals(rows, ENDPOINT, MARGIN, PLAN.covariates(), PLAN.rules)
    positive = table.query("model == 'unadjusted' and term == 'margin positive'").set_index("summary")
    assert positive.loc[OF_HOSPITAL, "hospital"].tolist() == ["A", "B"]
    a, b = positive.loc[OF_HOSPITAL, "hazard_ratio"]
    assert a < positive.loc[RANDOM_EFFECTS, "hazard_ratio"] < b
    assert positive.loc[RANDOM_EFFECTS, "i_squared"] > 0.5
    assert positive.loc[RANDOM_EFFECTS, "heterogeneity_p_value"] < 0.05
    assert pd.isna(positive.loc[RANDOM_EFFECTS, "prediction_low"])
    assert "two hospitals" in positive.loc[RANDOM_EFFECTS, "warning"]
    model = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=()).hazard_ratios
    expected = model.query("model == 'unadjusted' and term == 'margin positive'")["hazard_ratio"].iloc[0]
    assert positive.loc[STRATIFIED, "hazard_ratio"] == pytest.approx(expected)
    one = rows[rows["source_system"] == "A"]
    assert between_hospitals(one, ENDPOINT, MARGIN, PLAN.covariates(), PLAN.rules).empty


def test_a_hospital_uses_what_it_records_and_the_common_model_what_all_do():
    rows = two_hospitals()
    rows.loc[rows["source_system"] == "B", "has_high_cea"] = pd.NA
    table = between_hospitals(rows, ENDPOINT, MARGIN, PLAN.covariates(), PLAN.rules).query("model == 'adjusted'")
    used = table.drop_duplicates(["summary", "hospital"]).set_index(["summary", "hospital"])["covariates"]
    assert "CEA" in used[OF_HOSPITAL, "A"]
    assert "CEA" not in used[OF_HOSPITAL, "B"]
    assert "CEA" not in used.loc[STRATIFIED].iloc[0]
    assert "node-positive" in used[OF_HOSPITAL, "B"]
    assert (table["n"].dropna() > 0).all()
