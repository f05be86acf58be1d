"""What happens after the operation: a multi-state model of recurrence, salvage, further recurrence and death.

resected -> first recurrence {liver at margin, elsewhere, both; with or without extrahepatic sites; extrahepatic only}
-> salvage -> further recurrence -> death, each at its own hazard. First recurrence has one hazard for each group times one
baseline shape and one covariate effect, and its pattern depends on the group only: so every pattern's cause-specific hazard
is proportional between groups, with the published ratios.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

DAYS_A_YEAR = 365.25
DAYS_A_MONTH = DAYS_A_YEAR / 12
PATTERNS = (
    "margin", "elsewhere", "margin and elsewhere", "margin and extrahepatic", "elsewhere and extrahepatic",
    "one extrahepatic", "several extrahepatic",
)  # fmt: skip
EXTRAHEPATIC_BESIDE_LUNG = np.array(["lymph_node", "peritoneum", "pelvis", "bone", "brain", "other"])
EXTRAHEPATIC_WEIGHTS = np.array([0.38, 0.20, 0.16, 0.10, 0.06, 0.10])
SYNCHRONOUS_GAP_LIMIT = 20
NEW_SITE_AFTER = 46
"""Later sites come after this day, sites of one detection before SYNCHRONOUS_GAP_LIMIT: no pattern hangs on a 30-day edge."""


@dataclass(frozen=True)
class Course:
    """Days from operation (float arrays, inf = never) and the pattern of first recurrence of each patient."""

    follow_up_days: np.ndarray
    recurrence_days: np.ndarray
    pattern: np.ndarray
    death_days: np.ndarray
    new_liver_site_days: np.ndarray
    is_salvaged: np.ndarray
    salvage_days: np.ndarray
    no_evidence_days: np.ndarray


def pattern_shares(constants: dict[str, Any]) -> np.ndarray:
    """Share of each of PATTERNS among the first recurrences of each group, shape (4, 7).

    Raises:
        ValueError: the shares of a group would exceed one.
    """
    hazard = np.asarray(constants["first_recurrence_hazard"])
    relative = hazard[3] / hazard
    isolated = (
        constants["reference_isolated_liver_share"]
        * np.asarray(constants["published"]["isolated_liver_recurrence"])
        * relative
    )
    margin = constants["reference_margin_share"] * np.asarray(constants["published"]["margin_recurrence"]) * relative
    margin_alone = margin * constants["margin_recurrence_isolated_share"]
    with_others = constants["reference_liver_with_extrahepatic_share"] * np.exp(
        constants["liver_with_extrahepatic_log_shift"]
    )
    margin_with_extrahepatic = margin - margin_alone
    elsewhere = isolated - margin_alone
    rest = 1 - isolated - margin_with_extrahepatic - with_others
    if min(rest.min(), elsewhere.min()) < 0:
        raise ValueError("the shares of first recurrence patterns exceed one: lower the reference shares")
    lung, single, several = constants["extrahepatic_only_shares"]
    return np.column_stack(
        [
            margin_alone * 0.75,
            elsewhere,
            margin_alone * 0.25,
            margin_with_extrahepatic,
            with_others,
            rest * (lung + single),
            rest * several,
        ]
    )


def first_recurrence_days(patients: pd.DataFrame, u: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
    """Whole days to first recurrence by inversion of the cumulative hazard; inf for those who never recur."""
    slopes = constants["recurrence_log_hazard"]
    effect = sum(slope * patients[name].to_numpy(dtype=float) for name, slope in slopes.items())
    hazard = np.asarray(constants["first_recurrence_hazard"])[patients["margin_group_index"]] * np.exp(effect)
    scale, shape = constants["recurrence_hazard_scale_months"], constants["recurrence_hazard_shape"]
    spent = -np.log(1 - u) / hazard * (1 - np.exp(-((36 / scale) ** shape)))
    with np.errstate(divide="ignore"):
        months = np.where(spent < 1, scale * (-np.log1p(-np.minimum(spent, 1))) ** (1 / shape), np.inf)
    return np.maximum(np.ceil(months * DAYS_A_MONTH), 1)


def exponential_days(u: np.ndarray, yearly_hazard: np.ndarray | float) -> np.ndarray:
    """Whole days, at least one, of a constant hazard."""
    return np.maximum(np.ceil(-np.log(1 - u) / yearly_hazard * DAYS_A_YEAR), 1)


def follow_up_days(patients: pd.DataFrame, u: dict[str, np.ndarray]) -> np.ndarray:
    """Days of observation, independent of the course: to the end of 2014, or lost before (about 6 % a year)."""
    administrative = (
        np.datetime64("2014-12-31") - patients["operation_date"].to_numpy().astype("datetime64[D]")
    ).astype(int)
    lost = 90 + exponential_days(u["follow_up"], 0.06)
    return np.maximum(np.minimum(administrative, lost), 60).astype(float)


def draw_course(patients: pd.DataFrame, u: dict[str, np.ndarray], constants: dict[str, Any]) -> Course:
    """The course of every patient, before it is cut off at the end of follow-up."""
    group = patients["margin_group_index"].to_numpy()
    recurrence = first_recurrence_days(patients, u["first_recurrence_time"], constants)
    shares = pattern_shares(constants)[group]
    pattern = np.minimum((u["pattern"][:, None] > shares.cumsum(axis=1)).sum(axis=1), len(PATTERNS) - 1)

    age_effect = np.exp(constants["death_log_hazard_a_year_of_age"] * (patients["age_years"].to_numpy() - 61))
    other_death = exponential_days(
        u["death_without_recurrence"], constants["death_without_recurrence_at_61"] * age_effect
    )
    recurrence = np.where(recurrence <= other_death, recurrence, np.inf)

    single = np.isin(pattern, [0, 1, 2, 5])
    chance = np.where(
        single,
        np.asarray(constants["salvage_single_organ"])[group],
        np.asarray(constants["salvage_multiple_organs"])[group],
    )
    is_salvaged = np.isfinite(recurrence) & (u["salvage"] < chance)
    salvage = recurrence + 75 + np.floor(u["salvage_time"] * 60)
    no_evidence = salvage + 60 + np.floor(u["no_evidence_time"] * 60)

    after_recurrence = recurrence + exponential_days(u["death_after_recurrence"], constants["death_after_recurrence"])
    # a salvage is a fact only once a later assessment shows no disease, so death comes after that assessment
    after_salvage = no_evidence + 30 + exponential_days(u["death_after_recurrence"], constants["death_after_salvage"])
    disease_death = np.where(is_salvaged, after_salvage, after_recurrence)
    death = np.where(np.isfinite(recurrence), disease_death, other_death)

    liver_clock = np.where(is_salvaged, no_evidence, recurrence + NEW_SITE_AFTER)
    new_liver = liver_clock + exponential_days(
        u["new_liver_site"], constants["new_liver_site_after_extrahepatic_recurrence"]
    )
    new_liver = np.where(np.isin(pattern, [5, 6]) & (new_liver < death), new_liver, np.inf)
    return Course(follow_up_days(patients, u), recurrence, pattern, death, new_liver, is_salvaged, salvage, no_evidence)
