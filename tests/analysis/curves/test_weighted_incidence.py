"""Standardised curves and risk differences: equal to R's weighted survfit, and free of what confounds the crude ones."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.weighted_incidence import (
    CRUDE,
    STANDARDISED,
    crude_curves,
    risk_differences,
    standardised_curves,
    weighted_incidence,
)
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariates import Covariate
from analysis.robustness.weighting import treatment_weights
from tests.analysis.hospital_values import hospital_values
from tests.analysis.r_values import assert_equal_to_r
from tests.analysis.r_values_by_method import margin_patients
from tests.analysis.study_plan import MARGIN

ENDPOINT = "overall_recurrence"
YEARS = {"3 years": 1095.75}


def test_a_weighted_curve_equals_survfit():
    rows, values = margin_patients(), hospital_values()["weighted_incidence"]
    weights = np.array(values["weights"])
    for code, of_r in enumerate(values["groups"], start=1):
        chosen = (rows["margin_code"] == code).to_numpy()
        curve = weighted_incidence(
            rows["time_days"].to_numpy(dtype=float)[chosen], rows["event_code"].to_numpy()[chosen], weights[chosen]
        )
        assert_equal_to_r(curve.time_days, of_r["time"])
        assert_equal_to_r(curve.estimate, of_r["estimate"])
        assert_equal_to_r(curve.std_error, of_r["std_error"])


def with_margins(rows: pd.DataFrame) -> pd.DataFrame:
    names = dict(enumerate(MARGIN.levels, start=1))
    return rows.assign(margin_group=rows["margin_code"].map(names))


def test_a_crude_difference_is_that_of_the_curves_with_their_errors():
    counts = count_events(with_margins(margin_patients()), "margin_group")
    table = risk_differences(crude_curves(counts, ENDPOINT, MARGIN), ENDPOINT, MARGIN, CRUDE, YEARS).set_index(
        "stratum"
    )
    curves = cumulative_incidence(counts, variance="infinitesimal_jackknife")
    last = curves[curves["time_days"] <= 1095.75].groupby("stratum").last()
    ours, base = last.loc["<1 mm"], last.loc[">=10 mm"]
    row = table.loc["<1 mm"]
    assert row["risk_difference"] == pytest.approx(ours["estimate"] - base["estimate"], rel=1e-12)
    assert row["std_error"] == pytest.approx(np.hypot(ours["std_error"], base["std_error"]), rel=1e-9)
    assert row["conf_low"] < row["risk_difference"] < row["conf_high"]


def test_standardised_over_the_confounder_a_difference_that_is_none_goes():
    """Large tumours recur, and have positive margins; the margin itself does nothing."""
    random, n = np.random.default_rng(5), 6000
    is_large = random.random(n) < 0.5
    positive = random.random(n) < np.where(is_large, 0.6, 0.2)
    time = np.ceil(random.exponential(np.where(is_large, 800, 3000)))
    rows = pd.DataFrame(
        {
            "study_id": np.arange(n).astype(str),
            "endpoint": ENDPOINT,
            "time_days": np.minimum(time, 2000),
            "event_code": (time <= 2000).astype(int),
            "margin_group": np.where(positive, "positive", ">=10 mm"),
            "large": is_large,
        }
    )
    crude = risk_differences(
        crude_curves(count_events(rows, "margin_group"), ENDPOINT, MARGIN), ENDPOINT, MARGIN, CRUDE, YEARS
    ).set_index("stratum")
    weights = treatment_weights(rows, "margin_group", [Covariate("large", "large")]).weights
    curves = standardised_curves(rows, ENDPOINT, MARGIN, weights)
    ours = risk_differences(curves, ENDPOINT, MARGIN, STANDARDISED, YEARS).set_index("stratum")
    assert crude.loc["positive", "conf_low"] > 0.08
    assert ours.loc["positive", "conf_low"] < 0 < ours.loc["positive", "conf_high"]
    assert "no patients" in ours.loc["<1 mm", "warning"]
    assert pd.isna(ours.loc["<1 mm", "risk_difference"])


def test_nobody_with_the_event_has_no_difference_and_a_reason():
    rows = with_margins(margin_patients())
    rows.loc[rows["margin_group"] == "positive", "event_code"] = 0
    counts = count_events(rows, "margin_group")
    row = (
        risk_differences(crude_curves(counts, ENDPOINT, MARGIN), ENDPOINT, MARGIN, CRUDE, YEARS)
        .set_index("stratum")
        .loc["positive"]
    )
    assert pd.isna(row["risk_difference"]) and pd.isna(row["p_value"])
    assert "nobody, or everybody" in row["warning"]
