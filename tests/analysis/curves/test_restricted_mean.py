"""Restricted means against R, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.restricted_mean import LIMIT_CUT, NO_ERROR, restricted_mean_survival, restricted_mean_time_lost
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import COX_GROUPS, curves_models_and_weights

HORIZONS = range(3)


@pytest.mark.parametrize("dataset", COX_GROUPS)
@pytest.mark.parametrize("horizon", HORIZONS)
def test_restricted_mean_survival_equals_survfit(dataset, horizon):
    values = curves_models_and_weights(dataset)["restricted"][horizon]
    ours = restricted_mean_survival(count_events(patients(dataset, any_event=True), "g"), values["horizon"])
    assert ours["stratum"].tolist() == [str(group) for group in values["g"]]
    assert_equal_to_r(ours["estimate_days"], values["mean"])
    assert_equal_to_r(ours["std_error"], values["se"])
    width = 1.959963984540054 * np.array(values["se"])
    assert_equal_to_r(ours["conf_low"], np.maximum(np.array(values["mean"]) - width, 0))
    assert_equal_to_r(ours["conf_high"], np.minimum(np.array(values["mean"]) + width, values["horizon"]))


@pytest.mark.parametrize("dataset", COX_GROUPS)
@pytest.mark.parametrize("horizon", HORIZONS)
def test_restricted_mean_time_lost_equals_survfit_of_states(dataset, horizon):
    values = curves_models_and_weights(dataset)["restricted"][horizon]
    ours = restricted_mean_time_lost(count_events(patients(dataset), "g"), values["horizon"])
    assert ours["cause"].tolist() == ["event", "competing"] * len(values["g"])
    mean, std_error = (np.concatenate([group[name] for group in values["lost"]]) for name in ("mean", "se"))
    # R's 0 with error 0 of a cause that nobody had is no number here
    is_known = std_error > 0
    assert_equal_to_r(ours.loc[is_known, "estimate_days"], mean[is_known])
    assert_equal_to_r(ours.loc[is_known, "std_error"], std_error[is_known])
    assert ours.loc[~is_known, "estimate_days"].isna().all() and ours.loc[~is_known, "warning"].eq(NO_ERROR).all()


@pytest.mark.parametrize("dataset", COX_GROUPS)
def test_time_lived_and_time_lost_add_up_to_the_horizon(dataset):
    (horizon,) = {curves_models_and_weights(dataset)["restricted"][1]["horizon"]}
    lived = restricted_mean_survival(count_events(patients(dataset, any_event=True)), horizon)
    lost = restricted_mean_time_lost(count_events(patients(dataset)), horizon)
    assert lived["estimate_days"].item() + lost["estimate_days"].sum() == pytest.approx(horizon, rel=1e-12)


@pytest.mark.parametrize("dataset", COX_GROUPS)
def test_without_competing_events_what_is_lost_has_the_error_of_what_is_lived(dataset):
    event_counts = count_events(patients(dataset, any_event=True), "g")
    horizon = curves_models_and_weights(dataset)["restricted"][2]["horizon"]
    lost = restricted_mean_time_lost(event_counts, horizon)
    lost = lost[lost["cause"] == "event"]
    lived = restricted_mean_survival(event_counts, horizon)
    np.testing.assert_allclose(lost["std_error"], lived["std_error"], rtol=1e-9)
    np.testing.assert_allclose(lost["estimate_days"], horizon - lived["estimate_days"], rtol=1e-9)


def counts(*rows: tuple, endpoint: str = "overall_survival") -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["time_days", "n_event", "n_competing", "n_censored"])
    return frame.assign(endpoint=endpoint, grouping="overall", stratum="all")


def test_four_patients_by_hand():
    """Deaths on days 10 and 20, censorings on 15 and 40: S = 1, 3/4, then 3/8 from day 20; to day 30."""
    row = restricted_mean_survival(counts((10, 1, 0, 0), (15, 0, 0, 1), (20, 1, 0, 0), (40, 0, 0, 1)), 30).iloc[0]
    assert row["estimate_days"] == pytest.approx(10 + 10 * 3 / 4 + 10 * 3 / 8)
    variance = (7.5 + 3.75) ** 2 / (4 * 3) + 3.75**2 / (2 * 1)
    assert row["std_error"] == pytest.approx(np.sqrt(variance))
    assert (row["n"], row["n_event"], row["horizon_days"]) == (4, 2, 30)


def test_before_any_event_there_is_no_error_and_so_no_number():
    lived = restricted_mean_survival(counts((10, 1, 0, 0), (15, 0, 0, 1)), 5)
    lost = restricted_mean_time_lost(counts((10, 1, 1, 0), (15, 0, 0, 1), endpoint="overall_recurrence"), 10)
    for rows in (lived, lost):
        assert rows[["estimate_days", "std_error", "conf_low", "conf_high"]].isna().all(axis=None)
        assert rows["warning"].eq(NO_ERROR).all()


def test_limits_lie_between_zero_and_the_horizon_and_say_that_they_were_cut():
    row = restricted_mean_survival(counts((10, 1, 0, 0), (20, 0, 0, 1)), 20).iloc[0]
    assert (row["conf_high"], row["warning"]) == (20, LIMIT_CUT)


def test_follow_up_that_ends_before_the_horizon_gives_no_number():
    censored_last = restricted_mean_survival(counts((10, 1, 0, 0), (15, 0, 0, 1)), 30).iloc[0]
    assert np.isnan(censored_last["estimate_days"])
    assert np.isnan(censored_last["conf_low"])
    assert "follow-up ends" in censored_last["warning"]
    # Where all have died the curve stays at 0, and nothing is unknown
    died_last = restricted_mean_survival(counts((10, 1, 0, 0), (15, 1, 0, 0)), 30).iloc[0]
    assert died_last["estimate_days"] == pytest.approx(12.5)
    assert pd.isna(died_last["warning"])
    lost = restricted_mean_time_lost(counts((10, 1, 0, 0), (15, 0, 1, 0), endpoint="overall_recurrence"), 30)
    assert lost["estimate_days"].tolist() == pytest.approx([10, 7.5])


@pytest.mark.parametrize("horizon", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("restricted_mean", [restricted_mean_survival, restricted_mean_time_lost])
def test_a_horizon_must_be_after_time_zero(horizon, restricted_mean):
    with pytest.raises(ValueError, match="horizon_days"):
        restricted_mean(counts((10, 1, 0, 0)), horizon)


def test_competing_events_are_no_censorings():
    with pytest.raises(ValueError, match="restricted_mean_time_lost"):
        restricted_mean_survival(counts((10, 1, 1, 0)), 5)


def test_no_counts_give_an_empty_table():
    empty = counts()
    assert restricted_mean_survival(empty, 30).empty
    assert restricted_mean_time_lost(empty, 30).empty
