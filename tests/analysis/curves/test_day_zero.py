"""Who leaves on day 0 counts, in every estimator, as in R."""

import numpy as np

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import gray_test, logrank_test
from analysis.curves.kaplan_meier import kaplan_meier
from analysis.models.cox_fit import fit_cox
from analysis.patients.collapsed_counts import count_events
from tests.analysis.hospital_values import hospital_values
from tests.analysis.r_values import assert_equal_to_r, patients

DAYS = (0, 100, 400)


def rows_with_day_zero(any_event: bool = False):
    rows = patients("ties", any_event=any_event)
    rows.loc[::9, "time_days"] = 0
    return rows


def read_off(curves) -> list[float]:
    values = []
    for _, curve in curves.groupby("stratum"):
        at = [curve[curve["time_days"] <= day]["estimate"].iloc[-1] for day in DAYS]
        values += at
    return values


def test_curves_start_with_what_happened_on_day_zero():
    values = hospital_values()["time_zero"]
    survival = kaplan_meier(count_events(rows_with_day_zero(any_event=True), "g"))
    incidence = cumulative_incidence(count_events(rows_with_day_zero(), "g"))
    assert_equal_to_r(read_off(survival), values["km"])
    assert_equal_to_r(read_off(incidence), values["aj"])
    first = incidence.groupby("stratum").first()
    assert (first["time_days"] == 0).all()
    assert (first["n_event"] > 0).all()


def test_tests_and_models_count_them():
    values, rows = hospital_values()["time_zero"], rows_with_day_zero()
    logrank = logrank_test(count_events(rows_with_day_zero(any_event=True), "g"))
    assert_equal_to_r(logrank["statistic"].iloc[0], values["logrank"])
    assert_equal_to_r(gray_test(count_events(rows, "g"))["statistic"].iloc[0], values["gray"])
    design = {f"g{code}": (rows["g"] == code).to_numpy(dtype=float) for code in (1, 2, 3)}
    fit = fit_cox(rows["time_days"].to_numpy(dtype=float), (rows["event_code"] == 1).to_numpy().astype(int), design)
    assert_equal_to_r(fit.coefficients, values["cox"]["coef"])
    assert_equal_to_r(fit.std_errors, values["cox"]["se"])
    assert np.isfinite(fit.log_likelihood)
