"""Cause-specific Cox models against R, and what they say when a number would mislead."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.firth_fit import fit_firth
from analysis.patients.covariates import Covariate
from analysis.patients.model_rows import model_rows
from tests.analysis.r_values import COX_DATASETS, assert_equal_to_r, patients, r_values
from tests.analysis.r_values_by_method import limits_periods_and_splines
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, FEW_EVENTS, MARGIN, MARGIN_GROUPS

ENDPOINT = "overall_recurrence"


def margin_rows(dataset: str = "ties") -> pd.DataFrame:
    """The data set with its groups named as margin groups; the last is the reference, as in R."""
    rows = patients(dataset)
    n_groups = rows["g"].max()
    return rows.assign(margin_group=[MARGIN_GROUPS[len(MARGIN_GROUPS) - n_groups + group - 1] for group in rows["g"]])


AGE_AND_NODE = (Covariate("age", "age"), Covariate("node", "node"))


@pytest.mark.parametrize("dataset", COX_DATASETS)
@pytest.mark.parametrize("model", ["unadjusted", "adjusted"])
def test_models_equal_coxph(dataset, model, counted):
    values = r_values(dataset)["cox"]
    covariates = [Covariate(name, name) for name in values["covariates"]]
    rows, _ = cause_specific_cox(margin_rows(dataset), ENDPOINT, MARGIN, covariates=covariates)
    rows, of_r = rows[rows["model"] == model], values[model]
    terms = rows[~rows["term"].str.startswith("margin group") & rows["hazard_ratio"].notna()]
    assert_equal_to_r(np.log(terms["hazard_ratio"]), of_r["coef"])
    assert_equal_to_r(terms[["conf_low", "conf_high"]], of_r["interval"])
    assert_equal_to_r(terms["p_value"], of_r["p"])
    assert rows[["n", "n_event"]].drop_duplicates().to_numpy().tolist() == [[of_r["n"], of_r["n_event"]]]
    by_term = rows.set_index("term")
    assert_equal_to_r(by_term.loc[MARGIN.omnibus, "statistic"], of_r["likelihood_ratio"])
    assert_equal_to_r(by_term.loc[MARGIN.omnibus_wald, "statistic"], of_r["wald"])
    coefficient, std_error = of_r["trend"]
    assert_equal_to_r(np.log(by_term.loc[MARGIN.trend, "hazard_ratio"]), coefficient)
    assert_equal_to_r(by_term.loc[MARGIN.trend, "statistic"], (coefficient / std_error) ** 2)


@pytest.mark.parametrize("dataset", COX_DATASETS)
@pytest.mark.parametrize("model", ["unadjusted", "adjusted"])
def test_proportional_hazards_equal_cox_zph(dataset, model, counted):
    values = r_values(dataset)["cox"]
    covariates = [Covariate(name, name) for name in values["covariates"]]
    _, rows = cause_specific_cox(margin_rows(dataset), ENDPOINT, MARGIN, covariates=covariates)
    rows = rows[(rows["model"] == model) & rows["statistic"].notna()]
    assert rows["term"].iloc[-2:].tolist() == [MARGIN.omnibus, "GLOBAL"]
    of_groups = rows[rows["term"] == MARGIN.omnibus][["statistic", "degrees_of_freedom", "p_value"]]
    assert_equal_to_r(of_groups.iloc[0], limits_periods_and_splines(dataset)["zph_of_groups"][model])
    rows = rows[rows["term"] != MARGIN.omnibus]
    for column, of_r in (("statistic", "zph_statistic"), ("degrees_of_freedom", "zph_df"), ("p_value", "zph_p")):
        assert_equal_to_r(rows[column], values[model][of_r])


def test_the_adjusted_model_has_the_agreed_covariates_in_their_units():
    assert {covariate.term: (covariate.column, covariate.per) for covariate in ADJUSTMENT_COVARIATES} == {
        "age per 10 years": ("age_at_operation_years", 10),
        "node-positive primary": ("is_node_positive", 1),
        "disease-free interval < 12 months": ("has_short_disease_free_interval", 1),
        "more than one metastasis": ("has_multiple_metastases", 1),
        "largest metastasis > 5 cm": ("has_large_metastasis", 1),
        "CEA > 200 ng/mL": ("has_high_cea", 1),
        "extrahepatic disease": ("has_extrahepatic_disease", 1),
        "hepatic artery infusion pump": ("has_hai_pump", 1),
    }
    years, _ = cause_specific_cox(margin_rows(), ENDPOINT, MARGIN, covariates=[Covariate("age", "age")])
    decades, _ = cause_specific_cox(margin_rows(), ENDPOINT, MARGIN, covariates=[Covariate("age", "age", per=10)])
    ratio = [rows.loc[rows["term"] == "age", "hazard_ratio"].item() for rows in (years, decades)]
    assert ratio[1] == pytest.approx(ratio[0] ** 10, rel=1e-9)


def test_a_single_recurrence_after_a_positive_margin_by_hand():
    """One of two positive recurs first, then one of three wide: the partial likelihood solves to a quadratic."""
    rows = pd.DataFrame(
        {
            "endpoint": ENDPOINT,
            "time_days": [1, 9, 2, 9, 9],
            "event_code": [1, 0, 1, 0, 0],
            "margin_group": ["positive", "positive", ">=10 mm", ">=10 mm", ">=10 mm"],
        }
    )
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=(), few_events=FEW_EVENTS)
    # d/dh log[h/(2h+3) * 1/(h+3)] = 0  <=>  2 h^2 = 9
    positive = ratios[(ratios["model"] == "unadjusted") & (ratios["term"] == "margin positive")].iloc[0]
    assert positive["hazard_ratio"] == pytest.approx(np.sqrt(9 / 2), rel=1e-9)
    assert "fewer than 5 events" in positive["warning"]


def test_unresolved_margins_and_missing_values_are_left_out_and_counted():
    rows = margin_rows().astype({"age": float, "node": object})
    complete = rows.copy()
    rows.loc[:9, "margin_group"] = "unresolved"
    rows.loc[5:14, "age"] = np.nan
    rows.loc[12:19, "node"] = None
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    unadjusted, adjusted = (ratios[ratios["model"] == model] for model in ("unadjusted", "adjusted"))
    assert set(unadjusted["n_excluded_unresolved"]) == set(adjusted["n_excluded_unresolved"]) == {10}
    assert (set(unadjusted["n_excluded_missing"]), set(unadjusted["n"])) == ({0}, {490})
    assert (set(adjusted["n_excluded_missing"]), set(adjusted["n"])) == ({10}, {480})
    by_hand, _ = cause_specific_cox(complete.loc[20:], ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    by_hand = by_hand[by_hand["model"] == "adjusted"]
    np.testing.assert_allclose(adjusted["hazard_ratio"], by_hand["hazard_ratio"], rtol=1e-12)


def test_a_margin_group_without_recurrence_has_firths_ratio_and_says_so():
    rows = margin_rows()
    rows.loc[rows["margin_group"] == "<1 mm", "event_code"] = 0
    ratios, tests = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    separated = ratios[ratios["term"] == "margin <1 mm"]
    assert separated["method"].tolist() == ["Firth", "Firth"]
    assert separated["warning"].tolist() == ["Firth penalised likelihood: no event in this group"] * 2
    for model, covariates in (("unadjusted", ()), ("adjusted", AGE_AND_NODE)):
        data = model_rows(rows, ENDPOINT, covariates, MARGIN)
        firth = fit_firth(data.time_days, data.is_event, data.design)
        position, row = firth.names.index("margin <1 mm"), separated.set_index("model").loc[model]
        assert row["hazard_ratio"] == pytest.approx(np.exp(firth.coefficients[position]), rel=1e-6)
        np.testing.assert_allclose(
            row[["conf_low", "conf_high"]].astype(float), np.exp(firth.limits[:, position]), rtol=1e-6
        )
    assert (ratios.loc[ratios["term"] != "margin <1 mm", "method"] == "Efron").all()
    assert ratios.loc[ratios["term"] == "margin positive", "hazard_ratio"].between(1, 4).all()
    omnibus = ratios[ratios["term"] == MARGIN.omnibus]
    assert omnibus["p_value"].between(0, 1e-4).all()
    assert omnibus["warning"].str.contains("margin <1 mm").all()
    assert tests["statistic"].isna().all()
    assert tests["warning"].notna().all()
    without, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE, is_firth_where_separated=False)
    separated = without[without["term"] == "margin <1 mm"]
    assert separated[["hazard_ratio", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert separated["warning"].str.contains("infinite hazard ratio").all()


def test_nobody_of_two_recurs_after_a_narrow_margin_by_hand():
    """Days 1 and 2: two of the three wide recur, both narrow are followed longer: with h the ratio the probabilities that the
    next to recur is narrow are 2h / (2h + 3) and 2h / (2h + 2), the likelihood is 1 / (2h + 3) / (2h + 2)."""
    from scipy.optimize import minimize_scalar

    def minus_penalised(log_ratio: float) -> float:
        h = np.exp(log_ratio)
        shares = np.array([2 * h / (2 * h + 3), 2 * h / (2 * h + 2)])
        return np.log((2 * h + 3) * (2 * h + 2)) - np.log((shares * (1 - shares)).sum()) / 2

    best = minimize_scalar(minus_penalised, bounds=(-8, 3), method="bounded", options={"xatol": 1e-11})
    rows = pd.DataFrame(
        {
            "endpoint": ENDPOINT,
            "time_days": [1, 2, 9, 9, 9],
            "event_code": [1, 1, 0, 0, 0],
            "margin_group": [">=10 mm", ">=10 mm", ">=10 mm", "<1 mm", "<1 mm"],
        }
    )
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=())
    narrow = ratios[(ratios["model"] == "unadjusted") & (ratios["term"] == "margin <1 mm")].iloc[0]
    assert (narrow["method"], narrow["n_in_group"], narrow["n_event_in_group"]) == ("Firth", 2, 0)
    assert narrow["warning"] == "Firth penalised likelihood: no event in this group"
    assert np.log(narrow["hazard_ratio"]) == pytest.approx(best.x, abs=1e-6)
    deviance = [2 * (minus_penalised(np.log(narrow[limit])) - best.fun) for limit in ("conf_low", "conf_high")]
    assert deviance == pytest.approx([3.841458820694124] * 2, rel=1e-7)
    # narrower by two groups: the trend's ratio is that of one step, its square root
    trend = ratios[(ratios["model"] == "unadjusted") & (ratios["term"] == MARGIN.trend)].iloc[0]
    assert trend["method"] == "Firth"
    assert trend["hazard_ratio"] ** 2 == pytest.approx(narrow["hazard_ratio"], rel=1e-6)


def test_a_test_of_some_of_the_levels_says_which_it_is_without():
    rows = margin_rows()
    absent = rows[rows["margin_group"] != "<1 mm"]
    ratios = cause_specific_cox(absent, ENDPOINT, MARGIN).hazard_ratios.set_index(["model", "term"])
    whole = ratios.loc[("unadjusted", MARGIN.omnibus)]
    assert whole["degrees_of_freedom"] == 2
    assert whole["warning"] == "test of the 2 level(s) that could be compared, without margin <1 mm"
    all_levels = cause_specific_cox(rows, ENDPOINT, MARGIN).hazard_ratios.set_index(["model", "term"])
    assert all_levels.loc[("unadjusted", MARGIN.omnibus), "degrees_of_freedom"] == 3
    assert not isinstance(all_levels.loc[("unadjusted", MARGIN.omnibus), "warning"], str)


def test_a_hazard_ratio_from_three_recurrences_carries_a_warning():
    rows = margin_rows()
    recurred = rows[(rows["margin_group"] == "positive") & (rows["event_code"] == 1)]
    rows.loc[recurred.index[3:], "event_code"] = 0
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=(), few_events=FEW_EVENTS)
    by_term = ratios[ratios["model"] == "unadjusted"].set_index("term")
    assert by_term.loc["margin positive", "n_event_in_group"] == 3
    assert "fewer than 5 events in this or the reference group (3)" in by_term.loc["margin positive", "warning"]
    assert by_term.loc["margin positive", "hazard_ratio"] > 0
    assert pd.isna(by_term.loc["margin 1.0-9.9 mm", "warning"])


def test_without_patients_in_the_reference_group_no_margin_has_a_ratio():
    rows = margin_rows()
    ratios, _ = cause_specific_cox(rows[rows["margin_group"] != ">=10 mm"], ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    margins = ratios[ratios["term"].isin([f"margin {group}" for group in MARGIN_GROUPS])]
    assert margins["hazard_ratio"].isna().all()
    assert margins["warning"].str.contains("no patients in the reference group").all()
    omnibus = ratios[ratios["term"] == MARGIN.omnibus]
    assert omnibus["degrees_of_freedom"].eq(2).all()
    assert omnibus["p_value"].between(0, 1).all()


def test_a_reference_group_without_recurrence_has_firths_ratios():
    rows = margin_rows()
    rows.loc[rows["margin_group"] == ">=10 mm", "event_code"] = 0
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=())
    margins = ratios[ratios["term"].isin(["margin positive", "margin <1 mm", "margin 1.0-9.9 mm"])]
    assert margins["hazard_ratio"].gt(10).all()
    assert np.isfinite(margins["conf_high"]).all()
    assert set(margins["method"]) == {"Firth"}
    assert set(margins["warning"]) == {"Firth penalised likelihood: no event in the reference group"}


def test_covariates_that_say_the_same_are_named():
    covariates = (*AGE_AND_NODE, Covariate("age in days", "age_days"), Covariate("constant", "constant"))
    rows = margin_rows().assign(age_days=lambda rows: rows["age"] * 365, constant=1)
    ratios, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=covariates)
    adjusted = ratios[ratios["model"] == "adjusted"].set_index("term")
    assert "determined by the other columns" in adjusted.loc["age in days", "warning"]
    assert "no variation" in adjusted.loc["constant", "warning"]
    plain, _ = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    plain = plain[plain["model"] == "adjusted"].set_index("term")
    assert adjusted.loc["age", "hazard_ratio"] == pytest.approx(plain.loc["age", "hazard_ratio"], rel=1e-9)


@pytest.mark.parametrize(
    ("column", "value"), [("event_code", 0), ("age", np.nan)], ids=["no recurrence at all", "a covariate nobody has"]
)
def test_nothing_to_fit_gives_rows_with_reasons(column, value):
    rows = margin_rows().assign(**{column: value})
    ratios, tests = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    adjusted = ratios[ratios["model"] == "adjusted"]
    assert adjusted["hazard_ratio"].isna().all()
    assert adjusted["p_value"].isna().all()
    assert adjusted["warning"].notna().all()
    assert tests.loc[tests["model"] == "adjusted", "statistic"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="margin_group"), "margin_group"),
        (lambda rows: rows.drop(columns="age"), "lacks the column.*age"),
        (lambda rows: rows.assign(time_days=np.nan), r"time_days: 500 missing"),
        (lambda rows: rows.assign(event_code=7), "event_code"),
        (lambda rows: rows.assign(margin_group="wide"), "margin_group: unknown group.*wide"),
        (lambda rows: rows.assign(study_id="P1"), "study_id.*more than one row"),
        (lambda rows: rows.assign(age="old"), "age"),
        (lambda rows: rows.assign(endpoint="salvage"), "nobody has 'overall_recurrence'"),
    ],
)
def test_bad_rows_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        cause_specific_cox(change(margin_rows()), ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    with pytest.raises(ValueError, match="reference"):
        cause_specific_cox(margin_rows(), ENDPOINT, exposure=MARGIN._replace(reference="wide"), covariates=AGE_AND_NODE)
