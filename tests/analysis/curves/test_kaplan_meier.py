"""Kaplan-Meier against R, against a hand calculation and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.kaplan_meier import QUARTILES, kaplan_meier, median_follow_up, quantile_times
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import DATASETS, assert_equal_to_r, on_r_times, patients, r_values
from tests.analysis.r_values_by_method import limits_periods_and_splines

CONFIDENCE_TYPES = ("log", "log-log", "plain")


def survival_counts(times: list[float], codes: list[int]) -> pd.DataFrame:
    return count_events(pd.DataFrame({"endpoint": "overall_survival", "time_days": times, "event_code": codes}))


@pytest.mark.parametrize("dataset", DATASETS)
def test_curves_equal_survfit(dataset):
    values = r_values(dataset)["kaplan_meier"]
    event_counts = count_events(patients(dataset, any_event=True), "g")
    for conf_type in CONFIDENCE_TYPES:
        ours = on_r_times(kaplan_meier(event_counts, conf_type), values)
        limits = values["limits"][conf_type]
        for column, of_r in (
            ("n_risk", values["n_risk"]),
            ("n_event", values["n_event"]),
            ("n_censored", values["n_censor"]),
            ("estimate", values["surv"]),
            ("std_error", values["std_err"]),
            ("conf_low", limits["lower"]),
            ("conf_high", limits["upper"]),
        ):
            assert_equal_to_r(ours[column], of_r)


@pytest.mark.parametrize("dataset", DATASETS)
def test_quartiles_and_medians_with_limits_of_all_types_equal_quantile_survfit(dataset):
    ours = quantile_times(count_events(patients(dataset, any_event=True), "g"))
    for conf_type, of_r in limits_periods_and_splines(dataset)["quantiles"].items():
        of_type = ours[ours["conf_type"] == conf_type]
        for position, (label, share) in enumerate(QUARTILES.items()):
            rows = of_type[of_type["quantile"] == label]
            assert set(rows["share_with_event"]) == {share}
            for column, of_curve in (("time_days", "time"), ("conf_low", "lower"), ("conf_high", "upper")):
                assert_equal_to_r(rows[column], [values[position] for values in of_r[of_curve]])


def test_four_deaths_of_eight_have_their_median_between_two_days_and_no_third_quartile():
    """Deaths on days 1 to 4, four censored on day 9: survival is one half from day 4 to the end."""
    ours = quantile_times(survival_counts([1, 2, 3, 4, 9, 9, 9, 9], [1, 1, 1, 1, 0, 0, 0, 0]), conf_types=("plain",))
    times = ours.set_index("quantile")["time_days"]
    assert (times["first quartile"], times["median"]) == ((2 + 3) / 2, (4 + 9) / 2)
    assert np.isnan(times["third quartile"])
    assert ours.set_index("quantile")["warning"].notna().tolist() == [False, False, True]
    assert ours["conf_high"].isna().all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_times(survival_counts([1], [1]), {"all": 1.0})


@pytest.mark.parametrize("dataset", DATASETS)
def test_median_follow_up_equals_the_reverse_curve_of_survfit(dataset):
    ours, of_r = median_follow_up(count_events(patients(dataset), "g")), r_values(dataset)["reverse_median"]
    assert_equal_to_r(ours["median_days"], of_r["median"])
    assert_equal_to_r(ours["conf_low"], of_r["lower"])
    assert_equal_to_r(ours["conf_high"], of_r["upper"])


def test_five_patients_by_hand():
    """Deaths on days 2, 4, 4; one censored on day 4 (still at risk on it) and one on day 7."""
    curve = kaplan_meier(survival_counts([2, 4, 4, 4, 7], [1, 1, 1, 0, 0]))
    assert curve["time_days"].tolist() == [0, 2, 4, 7]
    assert curve["n_risk"].tolist() == [5, 5, 4, 1]
    np.testing.assert_allclose(curve["estimate"], [1, 4 / 5, 4 / 5 * 2 / 4, 2 / 5])
    greenwood = 1 / (5 * 4) + 2 / (4 * 2)
    np.testing.assert_allclose(curve["std_error"].iloc[2], 2 / 5 * np.sqrt(greenwood))
    np.testing.assert_allclose(curve["conf_low"].iloc[2], 2 / 5 * np.exp(-1.959963984540054 * np.sqrt(greenwood)))


def test_nobody_left_alive_has_survival_zero_and_no_made_up_error():
    last = kaplan_meier(survival_counts([3, 8], [1, 1])).iloc[-1]
    assert last["estimate"] == 0
    assert last[["std_error", "conf_low", "conf_high"]].isna().all()


def test_a_death_on_the_day_of_operation_is_the_row_at_time_zero():
    curve = kaplan_meier(survival_counts([0, 5], [1, 0]))
    assert curve["time_days"].tolist() == [0, 5]
    assert curve["estimate"].tolist() == [0.5, 0.5]


def test_the_order_of_rows_does_not_matter():
    event_counts = count_events(patients("ties", any_event=True), "g")
    shuffled = event_counts.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(kaplan_meier(event_counts), kaplan_meier(shuffled))


def test_without_censoring_survival_is_the_share_still_alive():
    curve = kaplan_meier(survival_counts([1, 2, 2, 3, 5, 5, 5, 9], [1] * 8))
    alive = curve["n_risk"] - curve["n_event"]
    np.testing.assert_allclose(curve["estimate"], alive / 8, atol=1e-15)


def test_competing_events_are_never_taken_for_censorings():
    with pytest.raises(ValueError, match=r"n_competing.*overall_recurrence.*cumulative_incidence"):
        kaplan_meier(count_events(patients("ties"), "g"))


def test_an_unknown_kind_of_limits_is_refused():
    with pytest.raises(ValueError, match="conf_type"):
        kaplan_meier(survival_counts([1], [1]), conf_type="arcsine")
