"""Hazard ratios by period against R's survSplit, by hand, and what stands there when nothing is split."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.time_varying import time_varying_hazard_ratios
from analysis.patients.covariates import Covariate
from tests.analysis.r_values import COX_DATASETS, assert_equal_to_r, patients
from tests.analysis.r_values_by_method import limits_periods_and_splines
from tests.analysis.study_plan import DAYS_A_YEAR, FEW_EVENTS, MARGIN, MARGIN_GROUPS, PLAN

ENDPOINT = "overall_recurrence"


def margin_rows(dataset: str) -> pd.DataFrame:
    """The data set with its groups named as margin groups; the last is the reference, as in R."""
    rows = patients(dataset)
    n_groups = rows["g"].max()
    return rows.assign(margin_group=[MARGIN_GROUPS[len(MARGIN_GROUPS) - n_groups + group - 1] for group in rows["g"]])


def by_period(
    rows: pd.DataFrame, endpoint: str, covariates=(), starts_days=None, below_p: float = 0.05
) -> pd.DataFrame:
    """By the margin groups, in the periods of the plan where none are given."""
    years = PLAN.numbers("period_starts_years") if starts_days is None else [day / DAYS_A_YEAR for day in starts_days]
    return time_varying_hazard_ratios(rows, endpoint, MARGIN, covariates, years, below_p, DAYS_A_YEAR, FEW_EVENTS)


@pytest.mark.parametrize("model", ["unadjusted", "adjusted"])
@pytest.mark.parametrize("dataset", COX_DATASETS)
def test_ratios_by_period_equal_coxph_after_survsplit(dataset, model, counted):
    of_r = limits_periods_and_splines(dataset)["by_period"][model]
    covariates = [
        Covariate(name, name) for name in limits_periods_and_splines(dataset)["by_period"]["adjusted"]["covariates"]
    ]
    rows = by_period(margin_rows(dataset), ENDPOINT, covariates=covariates, starts_days=(0, *of_r["cuts"]), below_p=1.1)
    rows = rows[rows["model"] == model]
    ratios = rows[rows["hazard_ratio"].notna() & rows["term"].str.startswith("margin")].reset_index(drop=True)
    # R reports a group without events as a coefficient on its way to infinity; here Firth's estimate stands there
    is_ordinary = (ratios["method"] == "Efron").to_numpy()
    assert is_ordinary.sum() >= len(ratios) - 1
    for ours, name in (
        (np.log(ratios["hazard_ratio"]), "coef"),
        (ratios[["conf_low", "conf_high"]], "interval"),
        (ratios["p_value"], "p"),
    ):
        assert_equal_to_r(ours[is_ordinary], np.array(of_r[name], dtype=object)[is_ordinary])
    interaction = rows[rows["term"] == MARGIN.by_period].iloc[0]
    assert_equal_to_r(interaction["statistic"], of_r["likelihood_ratio"])
    assert interaction["degrees_of_freedom"] == of_r["df"]
    periods = ratios.drop_duplicates("period")
    assert (periods["n"].tolist(), periods["n_event"].tolist()) == (of_r["n"], of_r["n_event"])


@pytest.mark.parametrize("dataset", COX_DATASETS)
def test_a_covariates_ratios_by_period_equal_coxph_after_survsplit(dataset, counted):
    values = limits_periods_and_splines(dataset)["by_period"]
    covariates = [Covariate(name, name) for name in values["adjusted"]["covariates"]]
    rows = by_period(
        margin_rows(dataset),
        ENDPOINT,
        covariates=covariates,
        starts_days=(0, *values["of_age"]["cuts"]),
        below_p=1.1,
    )
    rows = rows[rows["model"] == "adjusted"].set_index("term")
    age = rows.loc["age"]
    assert_equal_to_r(np.log(age["hazard_ratio"]), values["of_age"]["coef"])
    assert_equal_to_r(age[["conf_low", "conf_high"]], values["of_age"]["interval"])
    assert_equal_to_r(rows.loc["age by period (interaction)", "statistic"], values["of_age"]["likelihood_ratio"])
    assert rows.loc["age by period (interaction)", "degrees_of_freedom"] == 2
    assert set(rows.index) >= {f"{covariate.term} by period (interaction)" for covariate in covariates}


def test_a_covariate_is_split_only_where_its_own_hazards_are_not_proportional():
    early = two_periods().assign(margin_group=["positive", ">=10 mm"] * 16)
    early["is_node_positive"] = [1] * 16 + [0] * 16
    early["age"] = np.arange(32) % 7
    covariates = (Covariate("node", "is_node_positive"), Covariate("age", "age"))
    rows = by_period(early, ENDPOINT, covariates=covariates)
    adjusted = rows[rows["model"] == "adjusted"]
    assert adjusted["term"].tolist() == [MARGIN.proportionality, "node by period (interaction)", "node", "node", "node"]
    ratios = adjusted[adjusted["term"] == "node"]
    assert ratios["reference"].tolist() == ["no"] * 3
    assert ratios["n_event_in_group"].tolist() == [8, 0, 0]
    assert ratios["method"].tolist() == ["Efron", "Firth", "Firth"]


@pytest.mark.parametrize("dataset", COX_DATASETS)
def test_the_test_that_decides_is_cox_zph_of_the_groups(dataset):
    rows = by_period(margin_rows(dataset), ENDPOINT, covariates=(), below_p=0)
    of_r = limits_periods_and_splines(dataset)["zph_of_groups"]["unadjusted"]
    for row in rows.to_dict("records"):
        assert row["term"] == MARGIN.proportionality
        assert_equal_to_r([row["statistic"], row["degrees_of_freedom"], row["p_value"]], of_r)
        assert row["warning"] == "not split: proportional hazards not rejected (p >= 0)"


def two_periods() -> pd.DataFrame:
    """Positive: recurrences in the first year only; wide: in every year."""
    early, late = [100, 110, 120, 130, 140, 150, 160, 170], [400, 500, 800, 900, 1000, 1100, 1200, 1300]
    rows = [("positive", day, 1) for day in early] + [("positive", 1500, 0)] * 8
    rows += [(">=10 mm", day + 5, 1) for day in [*early[:2], *late]] + [(">=10 mm", 1500, 0)] * 6
    return pd.DataFrame(rows, columns=["margin_group", "time_days", "event_code"]).assign(endpoint=ENDPOINT)


def test_an_effect_of_the_first_year_is_split_and_years_without_event_have_firths_ratio(counted):
    rows = by_period(two_periods(), ENDPOINT, covariates=())
    unadjusted = rows[rows["model"] == "unadjusted"]
    assert unadjusted["term"].tolist() == [MARGIN.proportionality, MARGIN.by_period, *["margin positive"] * 3]
    assert unadjusted["p_value"].iloc[:2].lt(0.05).all()
    ratios = unadjusted.iloc[2:]
    assert ratios["period"].tolist() == ["0-1 years", "1-2 years", "> 2 years"]
    assert ratios["n_in_group"].tolist() == [16, 8, 8]
    assert ratios["n_event_in_group"].tolist() == [8, 0, 0]
    assert ratios["n_event"].tolist() == [10, 2, 6]
    assert ratios["method"].tolist() == ["Efron", "Firth", "Firth"]
    assert ratios["hazard_ratio"].iloc[0] > 1 > ratios["hazard_ratio"].iloc[2]
    assert np.isfinite(ratios[["conf_low", "conf_high"]]).all(axis=None)
    assert ratios["warning"].tolist() == [
        "fewer than 5 events in this or the reference group (2)",
        "Firth penalised likelihood: no event in this group in this period",
        "Firth penalised likelihood: no event in this group in this period",
    ]


def test_a_cohort_whose_late_events_are_three_of_one_group_has_firths_limits_for_that_year(counted):
    """As salvages: nearly all in the first year, three later, all of them of one group. Split rows with late entry lost the limits to
    rounding: the sums of those at risk in the first year went through those of later years, whose ratio runs to the hundreds."""
    days = np.arange(400) % 90 + 5
    rows = pd.DataFrame(
        {"margin_group": ["positive", ">=10 mm"] * 200, "time_days": days, "event_code": 1, "endpoint": ENDPOINT}
    )
    rows.loc[rows.index % 8 > 1, ["time_days", "event_code"]] = [1500, 0]
    rows.loc[[2, 4, 6], ["time_days", "event_code"]] = [[800, 1], [900, 1], [1000, 1]]
    ratios = by_period(rows, ENDPOINT, covariates=(), below_p=1.1)
    late = ratios[(ratios["model"] == "unadjusted") & (ratios["period"] == "> 2 years")].iloc[0]
    assert (late["method"], late["n_event_in_group"], late["n_event"]) == ("Firth", 3, 3)
    # by hand: 149, 148 and 147 of the group at risk, always 150 of the other; the penalty adds half the log of the information
    assert late["hazard_ratio"] == pytest.approx(_firth_of_three(), rel=1e-6)
    assert 0 < late["conf_low"] < 1 < late["conf_high"] < np.inf


def _firth_of_three() -> float:
    def minus_penalised(log_ratio: float) -> float:
        exposed = np.array([150, 149, 148]) * np.exp(log_ratio)
        shares = exposed / (exposed + 150)
        return -(np.log(np.exp(log_ratio) / (exposed + 150)).sum() + np.log((shares * (1 - shares)).sum()) / 2)

    return float(
        np.exp(minimize_scalar(minus_penalised, bounds=(-5, 15), method="bounded", options={"xatol": 1e-10}).x)
    )


def test_an_event_on_the_day_of_the_cut_belongs_to_the_period_before(counted):
    on_the_day = two_periods().replace({"time_days": {405: 730, 505: 731}})
    rows = by_period(on_the_day, ENDPOINT, covariates=(), starts_days=(0, 365, 730), below_p=1.1)
    ratios = rows[(rows["model"] == "unadjusted") & (rows["term"] == "margin positive")]
    assert ratios["n_event"].tolist() == [10, 1, 7]


def test_a_cohort_without_events_is_not_split_and_says_why():
    rows = by_period(two_periods().assign(event_code=0), ENDPOINT, covariates=())
    assert rows["hazard_ratio"].isna().all()
    assert set(rows["warning"]) == {"not split: proportional hazards could not be tested"}
    with pytest.raises(ValueError, match="period_starts_years"):
        by_period(two_periods(), ENDPOINT, covariates=(), starts_days=(0, 700, 365))


def test_hospitals_keep_their_baselines_and_a_period_that_nobody_enters_has_no_ratio(counted):
    """Two hospitals, followed for at most three years: what happens there patient by patient, and counted together."""
    rows = two_periods().assign(source_system=lambda rows: np.where(rows.index % 3 == 0, "A", "B"))
    rows["time_days"] = rows["time_days"].clip(upper=1095)
    found = by_period(rows, ENDPOINT, covariates=(), starts_days=(0, 365, 2000), below_p=1.1)
    ratios = found[(found["model"] == "unadjusted") & (found["term"] == "margin positive")]
    in_group = rows["margin_group"] == "positive"
    is_event, is_late = rows["event_code"] == 1, rows["time_days"] > 365
    assert ratios["n"].tolist() == [len(rows), int(is_late.sum()), 0]
    assert ratios["n_event_in_group"].tolist() == [
        int((in_group & is_event & ~is_late).sum()), int((in_group & is_event & is_late).sum()), 0
    ]  # fmt: skip
    assert ratios["hazard_ratio"].isna().tolist() == [False, False, True]
    # within the first period: the model of hospitals as strata, whoever is still there on day 365 leaves then
    early = rows.assign(event_code=rows["event_code"].where(~is_late, 0), time_days=rows["time_days"].clip(upper=365))
    of_first, _ = cause_specific_cox(early, ENDPOINT, MARGIN, covariates=())
    expected = of_first.loc[of_first["term"] == "margin positive", "hazard_ratio"].iloc[0]
    assert ratios["hazard_ratio"].iloc[0] == pytest.approx(expected, rel=1e-8)
