"""Cumulative incidence against survfit and cmprsk, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.kaplan_meier import kaplan_meier
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import DATASETS, assert_equal_to_r, on_r_times, patients, r_values


@pytest.mark.parametrize("dataset", DATASETS)
def test_aalen_variance_equals_cuminc(dataset):
    values = r_values(dataset)["aalen_johansen"]
    ours = on_r_times(cumulative_incidence(count_events(patients(dataset), "g"), variance="aalen"), values)
    assert_equal_to_r(ours["estimate"], values["cuminc_estimate"])
    assert_equal_to_r(ours["std_error"], np.sqrt(values["cuminc_variance"]))


@pytest.mark.parametrize("dataset", DATASETS)
def test_infinitesimal_jackknife_and_limits_equal_survfit(dataset):
    values = r_values(dataset)["aalen_johansen"]
    event_counts = count_events(patients(dataset), "g")
    for conf_type in ("log", "log-log", "plain"):
        curves = cumulative_incidence(event_counts, conf_type, variance="infinitesimal_jackknife")
        ours = on_r_times(curves, values)
        for column, of_r in (
            ("n_risk", values["n_risk"]),
            ("estimate", values["estimate"]),
            ("std_error", values["infinitesimal_jackknife"]),
            ("conf_low", values["limits"][conf_type]["lower"]),
            ("conf_high", values["limits"][conf_type]["upper"]),
        ):
            assert_equal_to_r(ours[column], of_r)


def test_unless_told_otherwise_errors_are_aalens_and_limits_log_log():
    event_counts = count_events(patients("ties"), "g")
    explicit = cumulative_incidence(event_counts, conf_type="log-log", variance="aalen")
    pd.testing.assert_frame_equal(cumulative_incidence(event_counts), explicit)
    last = explicit.iloc[-1]
    power = np.exp(1.959963984540054 * last["std_error"] / (last["estimate"] * np.log(last["estimate"])))
    np.testing.assert_allclose(last["conf_high"], last["estimate"] ** power)


def test_six_patients_by_hand():
    """Day 1 recurrence, day 2 death, day 3 censored, day 4 recurrence, day 5 death, day 6 censored."""
    rows = pd.DataFrame(
        {"endpoint": "overall_recurrence", "time_days": [1, 2, 3, 4, 5, 6], "event_code": [1, 2, 0, 1, 2, 0]}
    )
    curve = cumulative_incidence(count_events(rows))
    first, second = 1 / 6, 1 / 6 + (5 / 6 * 4 / 5) * (1 / 3)
    np.testing.assert_allclose(curve["estimate"], [0, first, first, first, second, second, second])
    assert curve["n_risk"].tolist() == [6, 6, 5, 4, 3, 2, 1]
    np.testing.assert_allclose(curve["std_error"].iloc[1], np.sqrt(1 / 6**2))
    assert curve["std_error"].iloc[0] == 0


@pytest.mark.parametrize("dataset", DATASETS)
def test_incidences_of_both_causes_and_survival_from_all_causes_sum_to_one(dataset):
    event = cumulative_incidence(count_events(patients(dataset), "g"))
    competing = cumulative_incidence(count_events(patients(dataset, swap=True), "g"))
    survival = kaplan_meier(count_events(patients(dataset, any_event=True), "g"))
    total = event["estimate"] + competing["estimate"] + survival["estimate"]
    np.testing.assert_allclose(total, 1, atol=1e-12)


def test_without_competing_events_incidence_is_one_minus_kaplan_meier():
    event_counts = count_events(patients("colon", any_event=True), "g")
    incidence, survival = cumulative_incidence(event_counts), kaplan_meier(event_counts)
    np.testing.assert_allclose(incidence["estimate"], 1 - survival["estimate"], atol=1e-12)


def test_ten_million_patients_keep_their_precision():
    """Twenty thousand copies of a cohort have the same curve, and errors smaller by the root of twenty thousand."""
    event_counts = count_events(patients("ties"))
    large = event_counts.assign(
        **{column: event_counts[column] * 20_000 for column in ("n_event", "n_competing", "n_censored")}
    )
    small, big = (cumulative_incidence(frame, variance="infinitesimal_jackknife") for frame in (event_counts, large))
    np.testing.assert_allclose(big["estimate"], small["estimate"], rtol=1e-12)
    np.testing.assert_allclose(big["std_error"], small["std_error"] / np.sqrt(20_000), rtol=1e-9)


def test_an_unknown_variance_is_refused():
    with pytest.raises(ValueError, match="variance"):
        cumulative_incidence(count_events(patients("ends"), "g"), variance="greenwood")
