"""Tunes the cohort's constants to the published figures, and shows what they achieve.

`python -m simulated_hospital.calibration` prints achieved against published; with `--tune` it searches first and rewrites
the tuned lines of calibration.yml.
"""

import re
import sys
from typing import Any

import numpy as np
import pandas as pd

from simulated_hospital.cohort import CALIBRATION_FILE, Cohort, draw_cohort, endpoint_times, load_constants

ADJUSTED_FOR = (
    "age_decades_over_61", "is_node_positive", "has_short_interval", "has_multiple_metastases", "is_large", "has_high_cea",
    "has_extrahepatic_disease", "has_hai_pump",
)  # fmt: skip
RATIO_ENDPOINTS = ("isolated_liver_recurrence", "margin_recurrence", "liver_recurrence_any_time")
THREE_YEARS_DAYS = 3 * 365.25
TUNING_PATIENTS = 2**17
TUNING_SEEDS = (1991, 2001, 2012)


def adjusted_hazard_ratios(cohort: Cohort, endpoint: str, times: pd.DataFrame | None = None) -> np.ndarray:
    """Cause-specific hazard ratios of positive, <1 mm, 1.0-9.9 mm against >=10 mm, adjusted for every covariate of the
    model (Cox, Efron ties, by `survival.r.coxph`); shape (3,)."""
    from survival import r

    times = endpoint_times(cohort) if times is None else times
    rows = times[times["endpoint"] == endpoint]
    patients = cohort.patients
    data = {f"group{k}": (patients["margin_group_index"] == k).to_numpy(dtype=float) for k in range(3)}
    data |= {name: patients[name].to_numpy(dtype=float) for name in ADJUSTED_FOR}
    formula = "Surv(time, event) ~ " + " + ".join(data)
    data |= {"time": rows["time_days"].to_numpy(dtype=float), "event": (rows["event_code"] == 1).to_numpy(dtype=float)}
    return np.exp(np.asarray(r.coxph(formula, data=data, ties="efron").coefficients, dtype=float)[:3])


def three_year_recurrence(cohort: Cohort, times: pd.DataFrame | None = None) -> np.ndarray:
    """Aalen-Johansen cumulative incidence of recurrence at three years by group, death competing; shape (4,)."""
    times = endpoint_times(cohort) if times is None else times
    rows = times[times["endpoint"] == "overall_recurrence"].merge(
        cohort.patients[["patient_index", "margin_group_index"]]
    )
    incidence = []
    for _, group in rows.groupby("margin_group_index"):
        counts = group.groupby("time_days")["event_code"].agg(
            event=lambda codes: (codes == 1).sum(), any_event=lambda codes: (codes > 0).sum(), n="size"
        )
        at_risk = counts["n"].to_numpy()[::-1].cumsum()[::-1]
        event_free = np.concatenate([[1.0], np.cumprod(1 - counts["any_event"].to_numpy() / at_risk)[:-1]])
        steps = event_free * counts["event"].to_numpy() / at_risk
        incidence.append(steps[counts.index <= THREE_YEARS_DAYS].sum())
    return np.array(incidence)


def tune(constants: dict[str, Any], rounds: int = 6) -> dict[str, Any]:
    """Fixed-point search on large quasi-random cohorts: the hazard of first recurrence by group until the three-year
    incidence fits, the share of liver with extrahepatic sites until the ratios of liver recurrence at any time fit."""
    published = constants["published"]
    hazard = np.asarray(constants["first_recurrence_hazard"], dtype=float)
    shift = np.asarray(constants["liver_with_extrahepatic_log_shift"], dtype=float)
    for number in range(rounds):
        constants = {
            **constants,
            "first_recurrence_hazard": hazard.tolist(),
            "liver_with_extrahepatic_log_shift": shift.tolist(),
        }
        incidence, ratios = _tuned_figures(constants)
        print(f"round {number + 1} of {rounds}: incidence {incidence.round(4)}, liver at any time {ratios.round(3)}")
        target = np.asarray(published["three_year_recurrence"])
        hazard = hazard * np.log1p(-target) / np.log1p(-incidence)
        wanted = np.log(np.asarray(published["liver_recurrence_any_time"])[:3] / ratios)
        shift = shift + np.append(2.2 * wanted, 0.0)
    return constants


def _tuned_figures(constants: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Three-year incidence (4,) and hazard ratios of liver recurrence at any time (3,): means over TUNING_SEEDS."""
    incidences, log_ratios = [], []
    for seed in TUNING_SEEDS:
        cohort = draw_cohort(TUNING_PATIENTS, seed, quasi_random=True, constants=constants)
        times = endpoint_times(cohort)
        incidences.append(three_year_recurrence(cohort, times))
        log_ratios.append(np.log(adjusted_hazard_ratios(cohort, "liver_recurrence_any_time", times)))
    return np.mean(incidences, axis=0), np.exp(np.mean(log_ratios, axis=0))


def achieved(n_patients: int, seed: int, quasi_random: bool = True) -> pd.DataFrame:
    """One row a published figure: figure, margin_group, published, achieved."""
    constants = load_constants()
    cohort = draw_cohort(n_patients, seed, quasi_random)
    times = endpoint_times(cohort)
    groups = constants["margin_groups"]
    rows = []
    for endpoint in RATIO_ENDPOINTS:
        ratios = adjusted_hazard_ratios(cohort, endpoint, times)
        rows += zip([endpoint] * 3, groups, constants["published"][endpoint], ratios, strict=False)
    incidence = three_year_recurrence(cohort, times)
    rows += zip(
        ["three_year_recurrence"] * 4, groups, constants["published"]["three_year_recurrence"], incidence, strict=True
    )
    return pd.DataFrame(rows, columns=["figure", "margin_group", "published", "achieved"])


def _write_tuned(constants: dict[str, Any]) -> None:
    text = CALIBRATION_FILE.read_text(encoding="utf-8")
    for name in ("first_recurrence_hazard", "liver_with_extrahepatic_log_shift"):
        values = ", ".join(f"{value:.5f}" for value in constants[name])
        text = re.sub(rf"^{name}: .*$", f"{name}: [{values}]", text, flags=re.MULTILINE)
    CALIBRATION_FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if "--tune" in sys.argv:
        _write_tuned(tune(load_constants()))
        load_constants.cache_clear()
    print(achieved(100_000, seed=2012).to_string(index=False))
