"""Parameter recovery: do the warehouse's own models find the hazard ratios that the simulated hospital was built with?"""

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.patients.names import MARGIN_GROUPS, margin_term
from simulated_hospital.calibration import RATIO_ENDPOINTS
from simulated_hospital.cohort import draw_cohort, endpoint_times, load_constants
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES

COMPARED = MARGIN_GROUPS[:3]
COVERAGE_WANTED = (0.93, 0.97)
# the cohort's own columns for the covariates of the adjusted model, in their order
COHORT_COLUMNS = (
    "age_years", "is_node_positive", "has_short_interval", "has_multiple_metastases", "is_large", "has_high_cea",
    "has_extrahepatic_disease", "has_hai_pump",
)  # fmt: skip
ESTIMATE_COLUMNS = ["cohort", "endpoint", "margin_group", "log_ratio", "std_error", "low", "high"]


def estimates_of(seed: int, n_patients: int) -> pd.DataFrame:
    """Adjusted log hazard ratios of one independent cohort, a row an endpoint and group; NaN where there is no estimate."""
    cohort = draw_cohort(n_patients, seed)
    columns = dict(zip(COHORT_COLUMNS, (covariate.column for covariate in ADJUSTMENT_COVARIATES), strict=True))
    patients = cohort.patients[["patient_index", "margin_group", *COHORT_COLUMNS]].rename(columns=columns)
    rows = endpoint_times(cohort).merge(patients, on="patient_index")
    estimates = []
    for endpoint in RATIO_ENDPOINTS:
        ratios = (
            cause_specific_cox(rows, endpoint, covariates=ADJUSTMENT_COVARIATES)
            .hazard_ratios.query("model == 'adjusted'")
            .set_index("term")
        )
        for group in COMPARED:
            ratio, low, high = np.log(
                ratios.loc[margin_term(group), ["hazard_ratio", "conf_low", "conf_high"]].astype(float)
            )
            estimates.append((seed, endpoint, group, ratio, (high - low) / (2 * NORMAL_QUANTILE), low, high))
    return pd.DataFrame(estimates, columns=ESTIMATE_COLUMNS)


def true_log_ratios() -> pd.Series:
    """What the cohort is built with (calibration.yml), by endpoint and group."""
    published = load_constants()["published"]
    return pd.Series(
        {
            (endpoint, group): np.log(published[endpoint][at])
            for endpoint in RATIO_ENDPOINTS
            for at, group in enumerate(COMPARED)
        }
    )


def recovery(estimates: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    """Bias and coverage with their Monte-Carlo errors (Morris, White and Crowther 2019, Stat Med 38:2074, table 6).

    Args:
        estimates: ESTIMATE_COLUMNS of every cohort; rows without an estimate are counted and left out.
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
                "endpoint": endpoint, "margin_group": group, "true_hazard_ratio": np.exp(true), "n_cohorts": n,
                "n_without_estimate": len(of_one) - n, "bias": known["log_ratio"].mean() - true, "bias_error": spread / np.sqrt(n),
                "empirical_std_error": spread, "model_std_error": np.sqrt((known["std_error"] ** 2).mean()),
                "coverage": covered, "coverage_error": np.sqrt(covered * (1 - covered) / n),
                "is_coverage_within": COVERAGE_WANTED[0] <= covered <= COVERAGE_WANTED[1],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
