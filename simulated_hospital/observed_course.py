"""What of each course came to light before follow-up or life ended: sites of recurrence and their treatments."""

from typing import Any

import numpy as np
import pandas as pd

from simulated_hospital.disease_course import (
    EXTRAHEPATIC_BESIDE_LUNG,
    EXTRAHEPATIC_WEIGHTS,
    NEW_SITE_AFTER,
    SYNCHRONOUS_GAP_LIMIT,
    Course,
    exponential_days,
)

AT_MARGIN = (0, 2, 3)
ELSEWHERE = (1, 2, 4)
ONE_EXTRAHEPATIC = (3, 4, 5)
SEVERAL_EXTRAHEPATIC = (6,)


def _organ_beside_lung(u: np.ndarray) -> np.ndarray:
    return EXTRAHEPATIC_BESIDE_LUNG[np.minimum(np.searchsorted(EXTRAHEPATIC_WEIGHTS.cumsum(), u), 5)]


def _rows(patient: np.ndarray, day: np.ndarray, site: Any) -> pd.DataFrame:
    return pd.DataFrame({"patient_index": patient, "day": day.astype(int), "site": site})


def observe_sites(course: Course, u: dict[str, np.ndarray], constants: dict[str, Any]) -> pd.DataFrame:
    """patient_index, day, site: the first detection of each site, within follow-up and life."""
    last_day = np.minimum(course.follow_up_days, course.death_days - 1)
    recurred = course.recurrence_days <= last_day
    gap = np.where(
        u["synchronous_gap"] < 0.7, 0, np.floor((u["synchronous_gap"] - 0.7) / 0.3 * SYNCHRONOUS_GAP_LIMIT) + 1
    )
    second_day = course.recurrence_days + np.where(course.recurrence_days + gap <= last_day, gap, 0)
    beside_lung = _organ_beside_lung(u["second_organ"])
    lung, single, _ = constants["extrahepatic_only_shares"]
    lung_share = np.where(course.pattern == 5, lung / (lung + single), 0.55)
    first_organ = np.where(u["organ"] < lung_share, "lung", beside_lung)

    frames = []
    for members, sites, day in (
        (AT_MARGIN, "liver_at_margin", course.recurrence_days),
        (ELSEWHERE, "liver_elsewhere", np.where(course.pattern == 2, second_day, course.recurrence_days)),
        (ONE_EXTRAHEPATIC, first_organ, np.where(course.pattern == 5, course.recurrence_days, second_day)),
        (SEVERAL_EXTRAHEPATIC, np.full(len(gap), "lung"), course.recurrence_days),
        (SEVERAL_EXTRAHEPATIC, beside_lung, second_day),
    ):
        chosen = np.flatnonzero(recurred & np.isin(course.pattern, members))
        frames.append(_rows(chosen, day[chosen], sites if isinstance(sites, str) else sites[chosen]))

    chosen = np.flatnonzero(recurred & (course.new_liver_site_days <= last_day))
    frames.append(_rows(chosen, course.new_liver_site_days[chosen], "liver_elsewhere"))
    frames.append(_new_extrahepatic_sites(course, u, constants, recurred, last_day))
    events = pd.concat(frames, ignore_index=True).sort_values(["patient_index", "day", "site"], ignore_index=True)
    return events.drop_duplicates(["patient_index", "site"], ignore_index=True)


def _new_extrahepatic_sites(
    course: Course, u: dict[str, np.ndarray], constants: dict[str, Any], recurred: np.ndarray, last_day: np.ndarray
) -> pd.DataFrame:
    """A further site outside the liver; after a salvage only once the salvage has been shown to have succeeded."""
    after_recurrence = (
        course.recurrence_days
        + NEW_SITE_AFTER
        + exponential_days(u["new_site_time"], constants["new_extrahepatic_site_after_recurrence"])
    )
    after_salvage = (
        course.no_evidence_days
        + 30
        + exponential_days(u["recurrence_after_salvage"], constants["recurrence_after_salvage"])
    )
    day = np.where(course.is_salvaged, after_salvage, after_recurrence)
    site = np.where(u["site_after_salvage"] < 0.5, "lung", _organ_beside_lung(u["new_site"]))
    chosen = np.flatnonzero(recurred & (day <= last_day))
    return _rows(chosen, day[chosen], site[chosen])


def observe_treatments(course: Course, site_events: pd.DataFrame, u: dict[str, np.ndarray]) -> pd.DataFrame:
    """patient_index, day, treatment_type, sites, residual_disease, is_salvage, no_evidence_day (NaN unless salvaged)."""
    last_day = np.minimum(course.follow_up_days, course.death_days - 1)
    recurred = course.recurrence_days <= last_day
    salvaged = np.flatnonzero(recurred & course.is_salvaged & (course.salvage_days <= last_day))
    confirmed = course.no_evidence_days[salvaged] <= last_day[salvaged]
    kind = np.select(
        [u["salvage_treatment"] < 0.66, u["salvage_treatment"] < 0.88], ["resection", "ablation"], "radiotherapy"
    )
    first_sites = _initial_sites(course, site_events)
    salvage = pd.DataFrame(
        {
            "patient_index": salvaged,
            "day": course.salvage_days[salvaged].astype(int),
            "treatment_type": kind[salvaged],
            "sites": first_sites.reindex(salvaged).to_numpy(),
            "residual_disease": "none",
            "is_salvage": confirmed,
            "no_evidence_day": np.where(confirmed, course.no_evidence_days[salvaged], np.nan),
        }
    )
    return pd.concat(
        [salvage, _other_treatments(course, first_sites, recurred, last_day, u)], ignore_index=True
    ).sort_values(["patient_index", "day"], ignore_index=True)


def _initial_sites(course: Course, site_events: pd.DataFrame) -> pd.Series:
    """Sites of the first recurrence joined by ';', in order of detection, by patient_index."""
    patient = site_events["patient_index"].to_numpy()
    initial = site_events[site_events["day"] <= course.recurrence_days[patient] + SYNCHRONOUS_GAP_LIMIT]
    by_number = initial.set_index(["patient_index", initial.groupby("patient_index").cumcount()])["site"].unstack()
    by_number = by_number.astype(object).fillna("")
    joined = pd.Series("", index=by_number.index, dtype=object)
    for number in by_number:
        joined += np.where((by_number[number] != "") & (number > 0), ";", "") + by_number[number]
    return joined


def _other_treatments(
    course: Course, first_sites: pd.Series, recurred: np.ndarray, last_day: np.ndarray, u: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Treatment that did not eradicate the recurrence, of most patients who were not salvaged."""
    day = course.recurrence_days + 10 + np.floor(u["other_treatment_time"] * 50)
    chosen = np.flatnonzero(recurred & ~course.is_salvaged & (day <= last_day) & (u["other_treatment"] < 0.85))
    choice = u["other_treatment"][chosen] / 0.85
    kind = np.select(
        [choice < 0.70, choice < 0.78, choice < 0.86, choice < 0.94],
        ["chemotherapy", "resection", "ablation", "radiotherapy"],
        "supportive_care",
    )
    residual = np.where(
        np.isin(kind, ["resection", "ablation"]), "present", np.where(choice < 0.4, "unknown", "present")
    )
    return pd.DataFrame(
        {
            "patient_index": chosen,
            "day": day[chosen].astype(int),
            "treatment_type": kind,
            "sites": first_sites.reindex(chosen).to_numpy(),
            "residual_disease": residual,
            "is_salvage": False,
            "no_evidence_day": np.nan,
        }
    )
