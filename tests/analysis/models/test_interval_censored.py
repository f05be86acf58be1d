"""Recurrence between two looks: equal to survreg and to Turnbull's estimate written out, and what looks do to a ratio."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.interval_censored import (
    BETWEEN_LOOKS,
    DAY_OF_FINDING,
    fit_weibull,
    interval_censored_curves,
    interval_censored_ratios,
    turnbull,
)
from analysis.results.of_counts import half_years_days
from tests.analysis.hospital_values import hospital_values, or_infinite
from tests.analysis.r_values import assert_equal_to_r
from tests.analysis.r_values_by_method import margin_patients
from tests.analysis.study_plan import MARGIN, PLAN

ENDPOINT = "margin_recurrence"


def test_the_weibull_model_equals_survreg():
    values, rows = hospital_values()["weibull"], margin_patients()
    columns = [np.ones(len(rows)), *(rows["margin_code"] == code for code in (1, 2, 3)), rows["treat"]]
    columns += [rows["centre"] == centre for centre in sorted(rows["centre"].unique())[1:]]
    fit = fit_weibull(
        np.array(values["left"], dtype=float), or_infinite(values["right"]), np.column_stack(columns).astype(float)
    )
    assert_equal_to_r(fit.coefficients, values["coef"])
    assert_equal_to_r(fit.scale, values["scale"])
    assert_equal_to_r(fit.covariance, values["covariance"])
    assert_equal_to_r(fit.log_likelihood, values["loglik"])


def test_turnbulls_estimate_equals_the_one_written_out():
    values = hospital_values()["turnbull"]
    found = turnbull(np.array(values["left"], dtype=float), or_infinite(values["right"]), 100_000, 1e-12)
    assert found.has_settled
    survival = [1 - found.incidence[np.searchsorted(found.time_days, day, side="right") - 1] for day in values["time"]]
    np.testing.assert_allclose(survival, values["survival"], rtol=1e-6)


def test_turnbull_by_hand():
    """Three events in (0, 1], (0, 2], (1, 2] and one beyond 2: by symmetry the first cell and the second hold 3/8 each."""
    found = turnbull(np.array([0.0, 0.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0, np.inf]), tolerance=1e-13)
    assert found.time_days.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(found.incidence, [0.375, 0.75], atol=1e-6)


def test_the_steps_settle_where_the_maximum_is_certainly_near_and_say_so_where_it_is_not():
    rows = looked_at({"positive": 90, ">=10 mm": 7})
    left, right = (
        rows["clear_until_days"].fillna(rows["time_days"]),
        rows["time_days"].where(rows["event_code"] == 1, np.inf),
    )
    settled, best = (
        turnbull(left.to_numpy(), right.to_numpy()),
        turnbull(left.to_numpy(), right.to_numpy(), 20_000, 1e-10),
    )
    assert settled.has_settled and best.has_settled
    np.testing.assert_allclose(settled.incidence[::26], best.incidence[::26], atol=1e-4)
    assert not turnbull(left.to_numpy(), right.to_numpy(), 2).has_settled


def looked_at(every_days: dict[str, int], seed: int = 3, n: int = 3000) -> pd.DataFrame:
    """Exponential recurrence, the same in both groups, found at looks whose interval depends on the group."""
    random = np.random.default_rng(seed)
    group = np.where(random.random(n) < 0.5, "positive", ">=10 mm")
    interval = np.array([every_days[name] for name in group])
    true, end = random.exponential(700, n), 1800
    found = np.ceil(true / interval) * interval
    is_event = found <= end
    return pd.DataFrame(
        {
            "study_id": np.arange(n).astype(str),
            "endpoint": ENDPOINT,
            "margin_group": group,
            "time_days": np.where(is_event, found, (end // interval) * interval),
            "event_code": is_event.astype(int),
            "clear_until_days": np.where(is_event, found - interval, np.nan),
        }
    )


def test_rarer_looks_at_one_group_bias_the_day_of_finding_and_not_the_interval():
    rows = looked_at({"positive": 90, ">=10 mm": 600})
    table = interval_censored_ratios(rows, ENDPOINT, MARGIN, ()).query("model == 'unadjusted'")
    positive = table[table["term"] == "margin positive"].set_index("dating")
    assert positive.loc[DAY_OF_FINDING, "conf_low"] > 1.1
    assert positive.loc[BETWEEN_LOOKS, "conf_low"] < 1 < positive.loc[BETWEEN_LOOKS, "conf_high"]
    assert positive.loc[BETWEEN_LOOKS, "median_interval_days"] in (90, 600)
    read_at = half_years_days(PLAN, "horizon_years")[1:]
    curves = interval_censored_curves(rows, ENDPOINT, MARGIN, read_at).set_index(["stratum", "time_days"])["estimate"]
    day = 365.25 * 2
    assert curves["positive", day] == pytest.approx(1 - np.exp(-day / 700), abs=0.05)


def test_a_group_without_events_has_a_reason():
    rows = looked_at({"positive": 90, ">=10 mm": 90})
    rows.loc[rows["margin_group"] == "positive", "event_code"] = 0
    table = interval_censored_ratios(rows, ENDPOINT, MARGIN, ())
    assert table["hazard_ratio"].isna().all()
    assert table["warning"].notna().all()
