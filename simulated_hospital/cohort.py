"""A cohort drawn from the model: who was operated on, what was found when, how recurrences were treated."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from simulated_hospital.decisions import draw_decisions
from simulated_hospital.disease_course import Course, draw_course
from simulated_hospital.observed_course import observe_sites, observe_treatments

CALIBRATION_FILE = Path(__file__).parent / "calibration.yml"


@dataclass(frozen=True)
class Cohort:
    """Three frames; days are whole days (>= 1) from the index operation.

    patients: one row each (patient_index 0..n-1): demographics, tumour burden, margin_mm (0 = positive), margin_group,
        first_recurrence_days (NaN if none), last_assessment_days, last_contact_days, is_dead, death_days, cause_of_death.
    site_events: patient_index, day, site - the first detection of each site.
    treatments: patient_index, day, treatment_type, sites, residual_disease, is_salvage, no_evidence_day.
    """

    patients: pd.DataFrame
    site_events: pd.DataFrame
    treatments: pd.DataFrame


@cache
def load_constants() -> dict[str, Any]:
    """The constants of calibration.yml."""
    return yaml.safe_load(CALIBRATION_FILE.read_text(encoding="utf-8"))


def draw_cohort(
    n_patients: int, seed: int, quasi_random: bool = False, constants: dict[str, Any] | None = None
) -> Cohort:
    """Draw a cohort; the same arguments give the same cohort.

    Args:
        quasi_random: spread the random numbers evenly (scrambled Sobol points), for large cohorts with little noise.
        constants: instead of those of calibration.yml, while tuning.

    Raises:
        ValueError: fewer than one patient.
    """
    from simulated_hospital.patients import draw_patients

    constants = constants or load_constants()
    u = draw_decisions(n_patients, seed, quasi_random)
    patients = draw_patients(u, constants)
    course = draw_course(patients, u, constants)
    site_events = observe_sites(course, u, constants)
    treatments = observe_treatments(course, site_events, u)
    return Cohort(_with_observed_end(patients, course, site_events, treatments, u), site_events, treatments)


def _with_observed_end(
    patients: pd.DataFrame,
    course: Course,
    site_events: pd.DataFrame,
    treatments: pd.DataFrame,
    u: dict[str, np.ndarray],
) -> pd.DataFrame:
    """Add what was observed of each patient: disease until the end of follow-up, life until the last contact after it."""
    last_contact = course.follow_up_days + np.floor(u["last_contact"] * 90)
    # until the last contact, not the last assessment: nobody is heard of as alive after their death
    is_dead = course.death_days <= last_contact
    recurred = course.recurrence_days <= np.minimum(course.follow_up_days, course.death_days)
    last_event = np.zeros(len(patients))
    for frame, column in ((site_events, "day"), (treatments, "day"), (treatments, "no_evidence_day")):
        latest = frame.groupby("patient_index")[column].max()
        last_event[latest.index] = np.fmax(last_event[latest.index], latest.to_numpy(dtype=float))
    look_before_death = np.maximum(course.death_days - 5 - np.floor(u["last_look"] * 85), 1)
    last_assessment = np.where(
        is_dead, np.maximum(np.minimum(look_before_death, course.follow_up_days), last_event), course.follow_up_days
    )
    # the death record knows of a recurrence that came after the last assessment
    of_cancer = (course.recurrence_days < course.death_days) & (u["cause_of_death"] < 0.95)
    return patients.assign(
        first_recurrence_days=np.where(recurred, course.recurrence_days, np.nan),
        last_assessment_days=last_assessment.astype(int),
        last_contact_days=np.where(is_dead, course.death_days, last_contact).astype(int),
        is_dead=is_dead,
        death_days=np.where(is_dead, course.death_days, np.nan),
        cause_of_death=np.where(is_dead, np.where(of_cancer, "cancer", "other"), None),
    )


def endpoint_times(cohort: Cohort) -> pd.DataFrame:
    """The truth's time-to-event rows: patient_index, endpoint, time_days, event_code (0 censored, 1 event, 2 competing).

    Endpoints as in the study: overall_recurrence, isolated_liver_recurrence, margin_recurrence, liver_recurrence_any_time.
    """
    patients = cohort.patients
    sites = cohort.site_events
    first = patients["first_recurrence_days"]
    initial = sites[sites["day"] - first.reindex(sites["patient_index"]).to_numpy() <= 30]
    is_liver = initial["site"].isin(["liver_at_margin", "liver_elsewhere"])
    has_margin = patients["patient_index"].isin(initial.loc[initial["site"] == "liver_at_margin", "patient_index"])
    outside_liver = patients["patient_index"].isin(initial.loc[~is_liver, "patient_index"])
    liver_sites = sites[sites["site"].isin(["liver_at_margin", "liver_elsewhere"])]
    liver_day = liver_sites.groupby("patient_index")["day"].min().reindex(patients["patient_index"]).to_numpy()

    recurred = first.notna()
    rows = [
        _ended(patients, "overall_recurrence", first, recurred),
        _ended(patients, "isolated_liver_recurrence", first, recurred & ~outside_liver),
        _ended(patients, "margin_recurrence", first, recurred & has_margin),
        _ended(patients, "liver_recurrence_any_time", pd.Series(liver_day), pd.Series(~np.isnan(liver_day))),
    ]
    return pd.concat(rows, ignore_index=True)


def _ended(patients: pd.DataFrame, endpoint: str, day: pd.Series, is_event: pd.Series) -> pd.DataFrame:
    """Event at `day` where `is_event`; another first pattern (a day without the event) or death competes."""
    other_pattern = day.notna() & ~is_event
    death = patients["is_dead"] & day.isna()
    time = np.select(
        [day.notna(), death], [day.fillna(0), patients["death_days"].fillna(0)], patients["last_assessment_days"]
    )
    code = np.select([is_event, other_pattern | death], [1, 2], 0)
    return pd.DataFrame(
        {
            "patient_index": patients["patient_index"],
            "endpoint": endpoint,
            "time_days": time.astype(int),
            "event_code": code,
        }
    )
