"""Differences of restricted means against R, by hand, and what they say when there is none."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.restricted_mean import restricted_mean_survival, restricted_mean_time_lost
from analysis.curves.restricted_mean_differences import differences_over_hospitals, restricted_mean_differences
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import COX_GROUPS, limits_periods_and_splines


@pytest.mark.parametrize("dataset", COX_GROUPS)
def test_differences_equal_those_of_survfits_means(dataset):
    of_r = limits_periods_and_splines(dataset)["restricted_differences"]
    means = restricted_mean_survival(count_events(patients(dataset, any_event=True), "g"), of_r["horizon"])
    ours = restricted_mean_differences(means.assign(measure="lived"), "g", reference=str(COX_GROUPS[dataset]))
    assert ours["stratum"].tolist() == [str(group) for group in range(1, COX_GROUPS[dataset])]
    for column, name in (
        ("difference_days", "difference"),
        ("std_error", "se"),
        ("conf_low", "lower"),
        ("conf_high", "upper"),
        ("p_value", "p"),
    ):
        assert_equal_to_r(ours[column], of_r[name])


def cohort(*rows: tuple) -> pd.DataFrame:
    rows = pd.DataFrame(rows, columns=["margin_group", "time_days", "event_code"])
    return rows.assign(endpoint="overall_survival")


def test_two_and_two_patients_by_hand():
    """Up to day 10: of two positive one dies on day 4, mean (4 + 10) / 2 = 7; of two wide one on day 8, mean 9."""
    rows = cohort(("positive", 4, 1), ("positive", 20, 0), (">=10 mm", 8, 1), (">=10 mm", 20, 0), ("unresolved", 9, 1))
    means = restricted_mean_survival(count_events(rows, "margin_group"), 10)
    (ours,) = restricted_mean_differences(means.assign(measure="lived"), "margin_group", ">=10 mm").to_dict("records")
    assert (ours["stratum"], ours["reference"], ours["n"], ours["n_reference"]) == ("positive", ">=10 mm", 2, 2)
    assert ours["difference_days"] == pytest.approx(-2)
    # (area from the death to day 10)^2 * d / (n (n - d)): (6 / 2)^2 / 2 and (2 / 2)^2 / 2
    assert ours["std_error"] == pytest.approx(np.sqrt(9 / 2 + 1 / 2))


def test_causes_are_compared_each_with_its_own():
    rows = patients("ties").assign(endpoint="overall_recurrence")
    lost = restricted_mean_time_lost(count_events(rows, "g"), 1000)
    ours = restricted_mean_differences(lost.assign(measure="lost to " + lost["cause"]), "g", reference="4")
    assert ours.groupby("measure")["stratum"].agg(list).to_dict() == {
        "lost to competing": ["1", "2", "3"],
        "lost to event": ["1", "2", "3"],
    }
    of = lost.set_index(["cause", "stratum"])["estimate_days"]
    first = ours[(ours["measure"] == "lost to event") & (ours["stratum"] == "1")].iloc[0]
    assert first["difference_days"] == pytest.approx(of["event", "1"] - of["event", "4"], rel=1e-12)


def test_without_a_mean_or_a_reference_there_is_a_reason_and_no_number():
    short = cohort(("positive", 4, 1), ("positive", 6, 0), (">=10 mm", 8, 1), (">=10 mm", 20, 0))
    nobody_wide = cohort(("positive", 4, 1), ("positive", 20, 0), ("<1 mm", 20, 0))
    for rows, reason in (
        (short, "positive: not estimable: follow-up ends"),
        (nobody_wide, "no patients in the reference"),
    ):
        means = restricted_mean_survival(count_events(rows, "margin_group"), 10)
        ours = restricted_mean_differences(means.assign(measure="lived"), "margin_group", ">=10 mm")
        assert ours[["difference_days", "std_error", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
        assert ours["warning"].str.contains(reason).all()


def hospital(name: str, *rows: tuple) -> pd.DataFrame:
    return restricted_mean_survival(count_events(cohort(*rows), "margin_group"), 10).assign(
        measure="lived", grouping=name
    )


def test_differences_over_hospitals_by_hand():
    """At A (two and two patients) positive lose 9 - 7 = 2 days of ten; at B (two and four) other than that: A counts 0.4, B 0.6."""
    at_a = hospital("A", ("positive", 4, 1), ("positive", 20, 0), (">=10 mm", 8, 1), (">=10 mm", 20, 0))
    wide = [(">=10 mm", 20, 0), (">=10 mm", 9, 1), (">=10 mm", 5, 1), (">=10 mm", 20, 0)]
    at_b = hospital("B", ("positive", 2, 1), ("positive", 6, 1), *wide)
    own = [restricted_mean_differences(means, name, ">=10 mm").iloc[0] for name, means in (("A", at_a), ("B", at_b))]
    means = pd.concat([at_a, at_b], ignore_index=True)
    (ours,) = differences_over_hospitals(means, "margin_group", ">=10 mm").to_dict("records")
    assert own[0]["difference_days"] == pytest.approx(-2.0)
    assert own[1]["difference_days"] == pytest.approx(4 - (10 + 9 + 5 + 10) / 4)
    assert ours["difference_days"] == pytest.approx(0.4 * -2.0 + 0.6 * -4.5)
    assert ours["std_error"] == pytest.approx(np.hypot(0.4 * own[0]["std_error"], 0.6 * own[1]["std_error"]))
    labels = [ours[name] for name in ("grouping", "standardisation", "n", "n_reference")]
    assert labels == ["margin_group", "over hospitals", 4, 6]
    # a hospital without positive margins says nothing, by name
    at_c = hospital("C", (">=10 mm", 9, 1), (">=10 mm", 20, 0))
    (three,) = differences_over_hospitals(pd.concat([means, at_c]), "margin_group", ">=10 mm").to_dict("records")
    assert three["difference_days"] == ours["difference_days"]
    assert three["warning"] == "without C: not estimable there"
    (none,) = differences_over_hospitals(
        hospital("D", ("positive", 4, 1), ("positive", 5, 1)), "margin_group", ">=10 mm"
    ).to_dict("records")
    assert none["warning"] == "not estimable at any hospital"


def test_hospitals_with_other_hazards_do_not_make_a_difference_of_means():
    """Hazards 1 : 3, more positive margins where it is worse, no effect: crude the positive lose a year, within hospitals nothing."""
    random = np.random.default_rng(4)
    at_b = np.repeat([False, True], 1000)
    is_positive = random.random(2000) < np.where(at_b, 0.7, 0.2)
    time = np.ceil(random.exponential(np.where(at_b, 700, 2100)))
    rows = cohort(*zip(np.where(is_positive, "positive", ">=10 mm"), time, np.ones(2000, dtype=int), strict=True))
    crude = restricted_mean_survival(count_events(rows, "margin_group"), 1826).assign(measure="lived")
    (crude,) = restricted_mean_differences(crude, "margin_group", ">=10 mm").to_dict("records")
    own = pd.concat(
        restricted_mean_survival(count_events(rows[chosen], "margin_group"), 1826).assign(
            measure="lived", grouping=name
        )
        for name, chosen in (("A", ~at_b), ("B", at_b))
    )
    (within,) = differences_over_hospitals(own, "margin_group", ">=10 mm").to_dict("records")
    assert crude["conf_high"] < -150
    assert within["conf_low"] < 0 < within["conf_high"]
