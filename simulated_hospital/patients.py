"""Who is operated on: demographics, tumour burden, the operation and its margin."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import root
from scipy.stats import norm

from simulated_hospital.disease_course import DAYS_A_MONTH

FIRST_DAY = np.datetime64("1991-01-01")
LAST_DAY = np.datetime64("2012-12-31")


def draw_patients(u: dict[str, np.ndarray], constants: dict[str, Any]) -> pd.DataFrame:
    """One row a patient, index 0..n-1; every column is a function of that patient's decisions (the margin group also of
    the cohort, whose shares it keeps)."""
    n = len(u["age"])
    operation_date = operation_dates(u["operation_date"])
    multiple = u["has_multiple_metastases"] < 0.57
    count = np.where(multiple, 2 + np.minimum(np.floor(-np.log(1 - u["metastasis_count"]) / 0.55), 13), 1).astype(int)
    is_large = u["is_large"] < 0.27
    # log-normal around 3.4 cm, cut at 5 cm by the decision above so that the covariate is exactly that decision
    low, high = norm.cdf(np.log(0.4 / 3.4) / 0.63), norm.cdf(np.log(5.0 / 3.4) / 0.63)
    quantile = np.where(
        is_large, high + u["largest_metastasis"] * (0.9995 - high), low + u["largest_metastasis"] * (high - low)
    )
    size = np.round(3.4 * np.exp(0.63 * norm.ppf(quantile)), 1)
    size = np.where(is_large, np.maximum(size, 5.1), np.minimum(size, 5.0))
    interval_days = disease_free_interval_days(u["disease_free_interval"])
    liver_metastasis_date = operation_date - (20 + np.floor(u["primary_resection"] * 70)).astype(int)
    patients = pd.DataFrame(
        {
            "patient_index": np.arange(n),
            "sex": np.where(u["sex"] < 0.59, "male", "female"),
            "age_years": np.clip(61 + 11.5 * norm.ppf(u["age"]), 20.5, 89.5),
            "operation_date": operation_date,
            "primary_site": np.where(u["primary_site"] < 0.72, "colon", "rectum"),
            "is_node_positive": u["is_node_positive"] < 0.56,
            "liver_metastasis_date": liver_metastasis_date,
            "primary_resection_date": liver_metastasis_date - interval_days,
            "has_short_interval": interval_days / DAYS_A_MONTH < 12,
            "metastasis_count": count,
            "has_multiple_metastases": multiple,
            "largest_metastasis_cm": size,
            "is_large": is_large,
            "cea_ng_ml": np.minimum(np.round(12 * np.exp(2.0 * norm.ppf(u["cea"])), 1).clip(0.1), 9999.9),
            "has_extrahepatic_disease": u["extrahepatic_disease"] < 0.08,
            "has_hai_pump": u["hai_pump"] < 0.33,
            "had_preoperative_chemotherapy": u["preoperative_chemotherapy"] < 0.45,
        }
    )
    patients["has_high_cea"] = patients["cea_ng_ml"] > 200
    patients["age_decades_over_61"] = (patients["age_years"] - 61) / 10
    extent = u["procedure"] - 0.15 * (count > 3)
    patients["procedure_type"] = np.select(
        [extent < 0.55, extent < 0.85], ["major_hepatectomy", "minor_hepatectomy"], "wedge_resection"
    )
    group = draw_margin_group(patients, u["margin_group"], constants)
    patients["margin_group"] = np.asarray(constants["margin_groups"])[group]
    patients["margin_group_index"] = group
    patients["margin_mm"] = margin_width_mm(group, u["margin_width"])
    return patients


def operation_dates(u: np.ndarray) -> np.ndarray:
    """Working days (no elective operation falls on a weekend), more of them in later years."""
    days = np.floor(u**0.8 * ((LAST_DAY - FIRST_DAY).astype(int) + 1)).astype(int)
    return np.busday_offset(FIRST_DAY + days, 0, roll="backward")


def disease_free_interval_days(u: np.ndarray) -> np.ndarray:
    """Days from primary to liver metastasis: a third found with the primary, the others later; median 10 months, about
    53 % under 12 months. ('Synchronous 50 %' and 'median 10 months' agree only when synchronous means within the year.)"""
    later = np.clip((u - 0.33) / 0.67, 0, 1 - 1e-12)
    months = np.where(u < 0.33, 0.0, 1 - 30.7 * np.log(1 - later))
    return np.floor(np.minimum(months, 150) * DAYS_A_MONTH).astype(int)


def draw_margin_group(patients: pd.DataFrame, u: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
    """Group index 0..3 by a multinomial logit whose intercepts give the marginal shares exactly in expectation."""
    slopes = constants["margin_log_odds"]
    design = np.column_stack([patients[name].to_numpy(dtype=float) for name in slopes])
    effects = design @ np.array([slopes[name] for name in slopes])
    shares = np.asarray(constants["margin_group_shares"])

    def probabilities(intercepts: np.ndarray) -> np.ndarray:
        scores = np.exp(effects + np.append(intercepts, 0.0))
        return scores / scores.sum(axis=1, keepdims=True)

    start = np.log(shares[:3] / shares[3])
    solved = root(lambda intercepts: probabilities(intercepts).mean(axis=0)[:3] - shares[:3], start)
    return np.minimum((u[:, None] > probabilities(solved.x).cumsum(axis=1)).sum(axis=1), 3)


def margin_width_mm(group: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Width in mm to one decimal within the group; pathologists like whole and half millimetres."""
    below_one = np.round(0.1 + 0.8 * u, 1)
    middle = 1.0 + 8.9 * u**1.4
    middle = np.where(u * 97 % 1 < 0.8, np.clip(np.round(middle), 1, 9), np.round(middle, 1))
    wide = np.where(u * 89 % 1 < 0.85, np.round(10 + 22 * u**2), np.round(10 + 22 * u**2, 1))
    return np.choose(group, [np.zeros_like(u), below_one, middle, wide])
