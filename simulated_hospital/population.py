"""Everybody in the simulated hospital: the cohort, the patients who do not belong to it, and who they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simulated_hospital.cohort import Cohort, draw_cohort
from simulated_hospital.pieces import n_ineligible
from simulated_hospital.practices import PRACTICES, stop_surveillance
from simulated_hospital.writers.specimens import choose_unresolved_kinds

# of synchronous patients, those whose bowel and liver were operated on the same day
COMBINED_OPERATION_SHARE = 0.30
FIRST_NAMES = ("Alix", "Bao", "Chris", "Dana", "Eden", "Finley", "Gael", "Harper", "Indigo", "Jules", "Kim", "Lou")
# why a patient is not in the cohort, in turn
INELIGIBLE_KINDS = {
    "hepatocellular carcinoma": "not a colorectal liver metastasis",
    "other diagnosis": "not a colorectal liver metastasis",
    "palliative intent": "no operation with curative intent",
    "earlier hepatectomy": "liver resected before",
    "R2": "macroscopically incomplete resection (R2)",
    "R2 again": "macroscopically incomplete resection (R2)",
    "no follow-up": "no follow-up after the operation",
    "completeness not recorded": "completeness of the resection not recorded",
    "intent not recorded": "intent of the operation not recorded",
    "diagnosis not recorded": "diagnosis not recorded",
}
# what the registry's abstractor could not find, by the column of the registry's file
NOT_RECORDED = {
    "completeness not recorded": "residual",
    "intent not recorded": "intent",
    "diagnosis not recorded": "diagnosis",
}


@dataclass(frozen=True)
class Population:
    """Frames whose `patient` column is the row number in `patients`; `operations` has one row a hepatectomy; `practices` the
    patients (row numbers) whom a practice of the hospital befell."""

    patients: pd.DataFrame
    site_events: pd.DataFrame
    treatments: pd.DataFrame
    operations: pd.DataFrame
    practices: dict[str, np.ndarray]


def draw_population(
    n_patients: int, seed: int, constants: dict[str, Any] | None = None, numbers_before: int = 0
) -> Population:
    """The cohort of `n_patients` and about 4 % who are not eligible, as the registry and the laboratory see them.

    Args:
        constants: instead of those of calibration.yml, for a hospital of its own.
        numbers_before: the numbers in MRNs that other patients have already.
    Raises:
        ValueError: fewer than 1 patient.
    """
    rng = np.random.default_rng([seed, 1])
    patients, site_events, treatments = _together(
        draw_cohort(n_patients, seed, constants=constants),
        draw_cohort(n_ineligible(n_patients), seed + 1_000_003, constants=constants),
    )
    habits = np.random.default_rng([seed, 7])
    patients, site_events, treatments, stopped = stop_surveillance(patients, site_events, treatments, habits)
    patients = _with_identity(_with_ineligibility(patients, n_patients), rng, numbers_before)
    patients["unresolved_kind"] = choose_unresolved_kinds(patients["margin_mm"].to_numpy(), rng)
    _combine_operations(patients, rng)
    lost = patients.index[patients["ineligible_kind"] == "no follow-up"]
    ineligible = patients.index[~patients["is_eligible"]]
    site_events = site_events[~site_events["patient"].isin(lost)]
    # a later curative resection of an ineligible patient's liver could be taken for an index operation
    resected = (treatments["treatment_type"] == "resection") & treatments["patient"].isin(ineligible)
    treatments = treatments[~treatments["patient"].isin(lost) & ~resected]
    resected_before = np.flatnonzero(
        patients["is_eligible"]
        & (habits.random(len(patients)) < PRACTICES["earlier hepatectomy for another disease"].share)
    )
    operations = pd.concat(
        [
            _index_operations(patients),
            _earlier_operations(patients, rng),
            _operations_for_another_disease(patients.loc[resected_before], habits),
            _repeat_operations(patients, treatments, rng),
        ],
        ignore_index=True,
    )
    practices = {"surveillance stops early": stopped, "earlier hepatectomy for another disease": resected_before}
    return Population(
        patients, site_events.reset_index(drop=True), treatments.reset_index(drop=True), operations, practices
    )


def _together(cohort: Cohort, others: Cohort) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    n = len(cohort.patients)
    frames = []
    for name in ("patients", "site_events", "treatments"):
        own, foreign = getattr(cohort, name), getattr(others, name)
        foreign = foreign.assign(patient_index=foreign["patient_index"] + n)
        frames.append(pd.concat([own, foreign], ignore_index=True).rename(columns={"patient_index": "patient"}))
    return frames[0], frames[1], frames[2]


def _with_ineligibility(patients: pd.DataFrame, n_patients: int) -> pd.DataFrame:
    number = np.arange(len(patients)) - n_patients
    kinds = np.asarray(list(INELIGIBLE_KINDS), dtype=object)
    kind = np.where(number >= 0, kinds[number % len(kinds)], None)
    patients = patients.assign(is_eligible=number < 0, ineligible_kind=kind)
    patients["exclusion_reason"] = [INELIGIBLE_KINDS.get(name, "") for name in kind]
    patients["not_recorded"] = [NOT_RECORDED.get(name, "") for name in kind]
    diagnoses = {"hepatocellular carcinoma": "hepatocellular_carcinoma", "other diagnosis": "other"}
    patients["diagnosis"] = [diagnoses.get(name, "colorectal_liver_metastasis") for name in kind]
    patients["intent"] = np.where(kind == "palliative intent", "palliative", "curative")
    involved = np.where(patients["margin_group"] == "positive", "R1", "R0")
    patients["residual_disease"] = np.where(np.isin(kind, ["R2", "R2 again"]), "R2", involved)
    return patients


def _with_identity(patients: pd.DataFrame, rng: np.random.Generator, numbers_before: int) -> pd.DataFrame:
    # MRNs in no order, or they would tell who is eligible
    number = numbers_before + rng.permutation(len(patients)) + 1
    first_names = np.asarray(FIRST_NAMES, dtype=object)[rng.integers(0, len(FIRST_NAMES), len(patients))]
    age_days = np.round(patients["age_years"].to_numpy() * 365.25).astype(int).astype("timedelta64[D]")
    birth = patients["operation_date"].to_numpy(dtype="datetime64[D]") - age_days
    return patients.assign(
        mrn=[f"SIM{value:07d}" for value in number],
        last_name=[f"Simpat{value:05d}" for value in number],
        first_name=first_names,
        birth_date=birth.astype("datetime64[s]"),
    )


def _combine_operations(patients: pd.DataFrame, rng: np.random.Generator) -> None:
    """Some metastases were found at the operation of the bowel and resected with it: the interval stays zero days."""
    is_synchronous = patients["primary_resection_date"] == patients["liver_metastasis_date"]
    is_combined = is_synchronous & (rng.random(len(patients)) < COMBINED_OPERATION_SHARE)
    patients["has_colon"] = is_combined & (patients["diagnosis"] == "colorectal_liver_metastasis")
    for column in ("primary_resection_date", "liver_metastasis_date"):
        patients[column] = patients[column].where(~patients["has_colon"], patients["operation_date"])


def _index_operations(patients: pd.DataFrame) -> pd.DataFrame:
    return patients.assign(patient=patients.index, role="index")


def _earlier_operations(patients: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The hepatectomy for the same disease, without curative intent, that some patients had had years before."""
    earlier = patients[patients["ineligible_kind"] == "earlier hepatectomy"]
    years_before = rng.integers(200, 1500, len(earlier)).astype("timedelta64[D]")
    return _another_operation(earlier, -years_before, rng).assign(
        role="earlier", intent="palliative", residual_disease="R0", procedure_type="wedge_resection"
    )


def _operations_for_another_disease(patients: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The hepatectomy for another disease that some patients of the cohort had had years before."""
    years_before = rng.integers(400, 3000, len(patients)).astype("timedelta64[D]")
    diagnosis = np.asarray(["other", "hepatocellular_carcinoma"], dtype=object)[rng.integers(0, 2, len(patients))]
    return _another_operation(patients, -years_before, rng).assign(
        role="earlier", diagnosis=diagnosis, residual_disease="R0", procedure_type="wedge_resection"
    )


def _repeat_operations(patients: pd.DataFrame, treatments: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Recurrences in the liver that were resected: hepatectomies too, each with a specimen of its own."""
    is_repeat = (treatments["treatment_type"] == "resection") & treatments["sites"].str.contains("liver")
    repeated = treatments[is_repeat]
    before = patients.loc[repeated["patient"]]
    days = repeated["day"].to_numpy().astype(int).astype("timedelta64[D]")
    found = _another_operation(before, days, rng).assign(role="repeat", diagnosis="colorectal_liver_metastasis")
    residual = np.where(found["margin_mm"] == 0, "R1", "R0")
    return found.assign(residual_disease=np.where(repeated["residual_disease"] == "present", "R2", residual))


def _another_operation(patients: pd.DataFrame, after: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Another hepatectomy of the same patients with its own findings: the margin above all is not the index margin."""
    n = len(patients)
    dates = patients["operation_date"].to_numpy(dtype="datetime64[D]") + after
    return patients.assign(
        patient=patients.index,
        operation_date=dates.astype("datetime64[s]"),
        procedure_type=np.asarray(["minor_hepatectomy", "wedge_resection"], dtype=object)[rng.integers(0, 2, n)],
        metastasis_count=rng.integers(1, 3, n),
        largest_metastasis_cm=rng.integers(8, 45, n) / 10,
        margin_mm=np.asarray([0.0, 0.5, 1.0, 3.0, 6.0, 11.0, 15.0])[rng.integers(0, 7, n)],
        unresolved_kind="",
        has_colon=False,
        intent="curative",
        not_recorded="",
    ).reset_index(drop=True)
