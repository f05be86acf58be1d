"""Parameter recovery: do the warehouse's own models find the hazard ratios that the simulated hospitals were built with?

Two studies. One hospital that knows everything; and two hospitals, the second with three times the hazard of recurrence and narrower
margins, whose looks end early for some patients while their deaths stay known, and some of whose recurrences have no site.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.models.cause_specific_cox import cox_model_of
from analysis.patients.model_rows import HOSPITAL_COLUMN, model_rows
from simulated_hospital.calibration import RATIO_ENDPOINTS
from simulated_hospital.cohort import Cohort, draw_cohort, endpoint_times, load_constants
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, MARGIN

ONE_HOSPITAL, TWO_HOSPITALS = "one hospital", "two hospitals, early end of surveillance, missing sites"
STUDIES = (ONE_HOSPITAL, TWO_HOSPITALS)
COMPARED = MARGIN.compared
COVERAGE_WANTED = (0.93, 0.97)
# of whom looks end early, within so many days of the operation, deaths staying known; recurrences without a site
SHARE_ENDED_EARLY, LATEST_EARLY_END_DAYS, SHARE_WITHOUT_SITE = 0.25, 5 * 365, 0.04
LATE_DEATH_AFTER_DAYS = 365
TRUTH_PATIENTS, TRUTH_SEED = 2**17, 2012
# the cohort's own columns for the covariates of the adjusted model, in their order
COHORT_COLUMNS = (
    "age_years", "is_node_positive", "has_short_interval", "has_multiple_metastases", "is_large", "has_high_cea",
    "has_extrahepatic_disease", "has_hai_pump",
)  # fmt: skip
ESTIMATE_COLUMNS = ["study", "cohort", "endpoint", "margin_group", "log_ratio", "std_error", "low", "high"]


def estimates_of(seed: int, n_patients: int, study: str = ONE_HOSPITAL) -> pd.DataFrame:
    """Adjusted log hazard ratios of one independent cohort, a row an endpoint and group; NaN where there is no estimate."""
    rows = observed_rows(seed, n_patients, study)
    estimates = []
    for endpoint in RATIO_ENDPOINTS:
        ratios = _adjusted_ratios(rows, endpoint)
        for group in COMPARED:
            ratio, low, high = np.log(
                ratios.loc[MARGIN.term(group), ["hazard_ratio", "conf_low", "conf_high"]].astype(float)
            )
            estimates.append((study, seed, endpoint, group, ratio, (high - low) / (2 * NORMAL_QUANTILE), low, high))
    return pd.DataFrame(estimates, columns=ESTIMATE_COLUMNS)


def _adjusted_ratios(rows: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    data = model_rows(rows, endpoint, ADJUSTMENT_COVARIATES, MARGIN)
    return cox_model_of(data, MARGIN, "adjusted", has_tests=False).hazard_ratios.set_index("term")


def observed_rows(
    seed: int, n_patients: int, study: str, is_faulty: bool = True, quasi_random: bool = False
) -> pd.DataFrame:
    """Rows of each endpoint and patient with the covariates, as the study's hospitals would know them.

    Args:
        is_faulty: False: nothing is lost of what happened, at either hospital.
        quasi_random: see `draw_cohort`.
    """
    if study == ONE_HOSPITAL:
        return _rows_of(draw_cohort(n_patients, seed, quasi_random))
    frames = []
    for number, (name, constants) in enumerate((("first", load_constants()), ("second", second_hospital()))):
        # seeds of other cohorts are far away
        cohort = draw_cohort(n_patients // 2, seed + number * 1_000_003, quasi_random, constants)
        if is_faulty:
            cohort = as_followed(cohort, np.random.default_rng([seed, number]))
        frames.append(_rows_of(cohort).assign(**{HOSPITAL_COLUMN: name}))
    return pd.concat(frames, ignore_index=True)


def second_hospital() -> dict[str, Any]:
    """The constants of calibration.yml with those of its second hospital."""
    constants = load_constants()
    other = constants["second_hospital"]
    hazards = [hazard * other["baseline_hazard_ratio"] for hazard in constants["first_recurrence_hazard"]]
    return constants | {"first_recurrence_hazard": hazards, "margin_group_shares": other["margin_group_shares"]}


def as_followed(cohort: Cohort, random: np.random.Generator) -> Cohort:
    """The cohort where looks end early for some patients, whose later recurrences nobody finds, and some first sites are not stated."""
    patients, sites = cohort.patients, cohort.site_events
    n = len(patients)
    end = np.where(random.random(n) < SHARE_ENDED_EARLY, random.integers(1, LATEST_EARLY_END_DAYS, n), np.inf)
    sites = sites[sites["day"].to_numpy() <= end[sites["patient_index"]]]
    first = sites.groupby("patient_index")["day"].min().reindex(patients["patient_index"])
    is_initial = sites["day"].to_numpy() - first.reindex(sites["patient_index"]).to_numpy() <= 30
    is_unstated = (random.random(n) < SHARE_WITHOUT_SITE)[sites["patient_index"]] & is_initial
    looked_at = np.minimum(patients["last_assessment_days"], end).astype(int)
    known = patients.assign(first_recurrence_days=first.to_numpy(dtype=float), last_assessment_days=looked_at)
    return replace(cohort, patients=known, site_events=sites.assign(site=sites["site"].mask(is_unstated, "not_stated")))


def _rows_of(cohort: Cohort) -> pd.DataFrame:
    columns = dict(zip(COHORT_COLUMNS, (covariate.column for covariate in ADJUSTMENT_COVARIATES), strict=True))
    patients = cohort.patients
    times = endpoint_times(cohort).merge(
        patients[["patient_index", "margin_group", "last_assessment_days", "death_days", *COHORT_COLUMNS]].rename(
            columns=columns
        ),
        on="patient_index",
    )
    # a death long after the last look is not known to be one without recurrence (docs/study.md)
    is_late = (
        (times["event_code"] == 2)
        & (times["time_days"] == times["death_days"])
        & (times["death_days"] - times["last_assessment_days"] > LATE_DEATH_AFTER_DAYS)
    )
    return times.assign(
        time_days=times["time_days"].mask(is_late, times["last_assessment_days"]),
        event_code=times["event_code"].mask(is_late, 0),
    )


def true_log_ratios(study: str = ONE_HOSPITAL, n_patients: int = TRUTH_PATIENTS) -> pd.Series:
    """What the cohorts are built with (calibration.yml), by endpoint and group.

    The ratios of an initial pattern are built in and the same at any baseline. That of liver recurrence at any time follows from them
    and the baseline: in two hospitals it is the stratified model's in one evenly drawn cohort of `n_patients` of which all is known.
    """
    published = load_constants()["published"]
    truth = pd.Series(
        {
            (endpoint, group): np.log(published[endpoint][at])
            for endpoint in RATIO_ENDPOINTS
            for at, group in enumerate(COMPARED)
        }
    )
    if study == TWO_HOSPITALS:
        endpoint = "liver_recurrence_any_time"
        rows = observed_rows(TRUTH_SEED, n_patients, study, is_faulty=False, quasi_random=True)
        ratios = _adjusted_ratios(rows, endpoint)["hazard_ratio"]
        for group in COMPARED:
            truth[endpoint, group] = np.log(float(ratios[MARGIN.term(group)]))
    return truth


def recovery(estimates: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    """Bias and coverage with their Monte-Carlo errors (Morris, White and Crowther 2019, Stat Med 38:2074, table 6).

    Args:
        estimates: ESTIMATE_COLUMNS of every cohort of one study; rows without an estimate are counted and left out.
        truth: log hazard ratio by (endpoint, margin group).
    """
    rows = []
    for (endpoint, group), of_one in estimates.groupby(["endpoint", "margin_group"], sort=False):
        known, true = of_one.dropna(subset=["log_ratio"]), float(truth[endpoint, group])
        n = len(known)
        covered = ((known["low"] <= true) & (true <= known["high"])).mean()
        spread = known["log_ratio"].std(ddof=1)
        rows.append(
            {
                "endpoint": endpoint,
                "margin_group": group,
                "true_hazard_ratio": np.exp(true),
                "n_cohorts": n,
                "n_without_estimate": len(of_one) - n,
                "bias": known["log_ratio"].mean() - true,
                "bias_error": spread / np.sqrt(n),
                "empirical_std_error": spread,
                "model_std_error": np.sqrt((known["std_error"] ** 2).mean()),
                "coverage": covered,
                "coverage_error": np.sqrt(covered * (1 - covered) / n),
                "is_coverage_within": COVERAGE_WANTED[0] <= covered <= COVERAGE_WANTED[1],
            }
        )
    return pd.DataFrame(rows)
