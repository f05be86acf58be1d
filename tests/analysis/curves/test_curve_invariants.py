"""What holds for every cohort, however small, tied or incompletely followed."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.curves.cumulative_incidence import VARIANCES, cumulative_incidence
from analysis.curves.group_tests import gray_test, logrank_test
from analysis.curves.kaplan_meier import kaplan_meier
from analysis.patients.collapsed_counts import count_events

cohorts = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([0, 1, 2]), st.sampled_from(["positive", "<1 mm", ">=10 mm"])),
    min_size=1,
    max_size=40,
)


def rows_of(cohort: list[tuple], codes: dict[int, int]) -> pd.DataFrame:
    rows = pd.DataFrame(cohort, columns=["time_days", "event_code", "margin_group"])
    return rows.assign(endpoint="overall_recurrence", event_code=rows["event_code"].map(codes))


@settings(max_examples=60, deadline=None)
@given(cohorts)
def test_curves_are_probabilities_that_sum_to_one_within_their_limits(cohort):
    event, competing, everything = (
        count_events(rows_of(cohort, codes), "margin_group")
        for codes in ({0: 0, 1: 1, 2: 2}, {0: 0, 1: 2, 2: 1}, {0: 0, 1: 1, 2: 1})
    )
    incidence, survival = cumulative_incidence(event), kaplan_meier(everything)
    total = incidence["estimate"] + cumulative_incidence(competing)["estimate"] + survival["estimate"]
    np.testing.assert_allclose(total, 1, atol=1e-12)
    for variance in VARIANCES:
        curve = cumulative_incidence(event, variance=variance)
        assert (curve["std_error"] >= 0).all()
        known = curve.dropna(subset=["conf_low", "conf_high"])
        assert (known["conf_low"] <= known["estimate"] + 1e-12).all()
        assert (known["conf_high"] >= known["estimate"] - 1e-12).all()
    for _, curve in incidence.groupby("stratum"):
        assert curve["time_days"].iloc[0] == 0
        assert (curve["estimate"].diff().dropna() >= 0).all()
        leaving = curve[["n_event", "n_competing", "n_censored"]].sum(axis=1)
        assert (curve["n_risk"].shift(-1).dropna() == (curve["n_risk"] - leaving).iloc[:-1]).all()


@settings(max_examples=60, deadline=None)
@given(cohorts)
def test_test_statistics_are_not_negative_or_the_row_says_why_there_is_none(cohort):
    event_counts = count_events(rows_of(cohort, {0: 0, 1: 1, 2: 2}), "margin_group")
    for test in (logrank_test, gray_test):
        for row in test(event_counts).to_dict("records"):
            if pd.isna(row["statistic"]):
                assert row["warning"]
            else:
                assert row["statistic"] >= -1e-9
                assert 0 <= row["p_value"] <= 1
