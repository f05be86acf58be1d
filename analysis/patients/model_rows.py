"""Patient rows on their way into a regression: checked, complete, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import checked_times, require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure, numbered_levels
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.names import STRATA_NOT_COMPARED

# whose patients share a baseline hazard
HOSPITAL_COLUMN = "source_system"


@dataclass(frozen=True)
class ModelRows:
    """Complete rows of one model; arrays have an entry a patient, `design` a column of numbers a term.

    `group_terms` are the terms of the design that compare a level of the exposure with its `reference` (empty: nothing is
    compared), `absent_terms` those of levels that nobody has; `level` is the position of each patient's level (-1: of none, or nothing
    is compared). `strata` has the number of each patient's hospital, None where all are of one; who is of no level is of a stratum
    apart. `index` is that of the frame's rows kept.
    """

    endpoint: str
    time_days: np.ndarray
    event_code: np.ndarray
    design: dict[str, np.ndarray]
    group_terms: tuple[str, ...]
    absent_terms: tuple[str, ...]
    reference: str | None
    in_reference: np.ndarray
    level: np.ndarray
    strata: np.ndarray | None
    index: pd.Index
    n_excluded_missing: int
    n_excluded_unresolved: int

    @property
    def is_event(self) -> np.ndarray:
        """1 where the endpoint's own event ended the observation; competing events are censorings."""
        return (self.event_code == 1).astype(int)

    @property
    def n(self) -> int:
        """Patients in the model."""
        return len(self.time_days)

    @property
    def n_hospitals(self) -> int:
        """Hospitals in the model, each with a baseline hazard of its own."""
        if self.strata is None:
            return 1
        is_of_a_level = self.level >= 0
        compared = self.strata[is_of_a_level] if is_of_a_level.any() else self.strata
        return int((np.bincount(compared) > 0).sum())

    @property
    def covariates(self) -> dict[str, np.ndarray]:
        """The columns of the design that are no level of the exposure."""
        return {term: column for term, column in self.design.items() if term not in self.group_terms}


def endpoint_rows(frame: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """The rows of one endpoint, one a patient: endpoint, time_days >= 0, event_code 0 censored, 1 event, 2 competing.

    Raises:
        ValueError: a column is missing or holds what it must not, nobody has the endpoint, or a patient (`study_id`, when
            the frame has it) has it twice.
    """
    require_columns(frame, ["endpoint", "time_days", "event_code"], "patient_rows")
    is_of_it = (frame["endpoint"] == endpoint).to_numpy(dtype=bool)
    # rows of one endpoint, as most are, are not copied
    patients = frame if is_of_it.all() else frame[is_of_it]
    if patients.empty:
        raise ValueError(f"patient_rows.endpoint: nobody has {endpoint!r}")
    if "study_id" in patients.columns and _is_any_twice(patients["study_id"]):
        raise ValueError(f"patient_rows.study_id: a patient has more than one row of {endpoint}")
    checked_times(patients["time_days"], "patient_rows")
    if not patients["event_code"].isin([0, 1, 2]).all():
        raise ValueError("patient_rows.event_code: codes other than 0, 1, 2")
    return patients


def _is_any_twice(study_id: pd.Series) -> bool:
    """Whether a patient stands twice; numbers that ascend need no looking up."""
    if pd.api.types.is_integer_dtype(study_id.dtype) and (np.diff(study_id.to_numpy()) > 0).all():
        return False
    return bool(study_id.duplicated().any())


@dataclass(frozen=True)
class ModelColumns:
    """An endpoint's patients as numbers, those that are missing as NaN: what the rows of several models are taken from.

    They stand in the order of time, `index` says where in the frame. `numbers` has a column a covariate's term, `level` the position of
    each patient's level, `hospital` a number each or None.
    """

    endpoint: str
    time_days: np.ndarray
    event_code: np.ndarray
    numbers: dict[str, np.ndarray]
    exposure: Exposure | None
    level: np.ndarray
    is_unresolved: np.ndarray
    hospital: np.ndarray | None
    index: pd.Index

    def with_exposure(self, exposure: Exposure, level: np.ndarray) -> "ModelColumns":
        """The same patients by another exposure; `level`: position of each patient's, NaN where it is not known (unresolved), -1 where
        there is none to compare: such patients are of a stratum of their own (at each hospital)."""
        return replace(self, exposure=exposure, level=level, is_unresolved=np.isnan(level))

    def _strata(self, position: np.ndarray, taken: np.ndarray | slice) -> np.ndarray | None:
        """Hospitals, those of no level apart from the others."""
        is_apart = position < 0
        if not is_apart.any():
            return _of_hospitals(self.hospital, taken)
        hospital = np.zeros(len(position), dtype=int) if self.hospital is None else self.hospital[taken]
        return _renumbered(hospital + is_apart * (hospital.max() + 1))

    def rows(self, terms: Sequence[str] | None = None, chosen: np.ndarray | None = None) -> ModelRows:
        """The complete rows of one model: the exposure's levels against its reference as 0/1 columns, then the covariates.

        Args:
            terms: of the covariates, default all; chosen: True for the patients it is of, default all.
        """
        exposure = self.exposure
        columns = {term: self.numbers[term] for term in (self.numbers if terms is None else terms)}
        is_of_it = np.ones(len(self.time_days), dtype=bool) if chosen is None else chosen
        is_missing = np.zeros(len(self.time_days), dtype=bool)
        for column in (*columns.values(), *([self.level] if exposure else [])):
            is_missing |= np.isnan(column)
        kept = is_of_it & ~self.is_unresolved & ~is_missing
        # whoever is complete needs no copy
        taken = slice(None) if kept.all() else np.flatnonzero(kept)
        position = np.where(np.isnan(self.level), -1, self.level).astype(int)[taken]
        dummies, absent = {}, []
        for number, name in enumerate(exposure.levels if exposure else ()):
            if exposure is None or name == exposure.reference:
                continue
            column = (position == number).astype(float)
            if column.any():
                dummies[exposure.term(name)] = column
            else:
                absent.append(exposure.term(name))
        reference = exposure.levels.index(exposure.reference) if exposure else -2
        return ModelRows(
            self.endpoint,
            self.time_days[taken],
            self.event_code[taken],
            dummies | {term: column[taken] for term, column in columns.items()},
            tuple(dummies),
            tuple(absent),
            exposure.reference if exposure else None,
            position == reference,
            position,
            self._strata(position, taken) if exposure else _of_hospitals(self.hospital, taken),
            self.index[taken],
            int((is_missing & ~self.is_unresolved & is_of_it).sum()),
            int((self.is_unresolved & is_of_it).sum()),
        )


def _of_hospitals(hospital: np.ndarray | None, taken: np.ndarray | slice) -> np.ndarray | None:
    return None if hospital is None else _renumbered(hospital[taken])


def model_columns(
    frame: pd.DataFrame, endpoint: str, covariates: Sequence[Covariate], exposure: Exposure | None
) -> ModelColumns:
    """The patients of an endpoint as numbers; arguments and errors as `model_rows`."""
    patients = endpoint_rows(frame, endpoint)
    # likelihoods want the order of time: sorted once for all models of these rows
    times = patients["time_days"].to_numpy(dtype=float)
    order = np.argsort(times, kind="stable") if (np.diff(times) < 0).any() else slice(None)
    require_columns(patients, [covariate.column for covariate in covariates], "patient_rows")
    level, is_unresolved = _levels(patients, exposure)
    numbers = {
        covariate.term: (numbers_or_missing(patients[covariate.column]) / covariate.per)[order]
        for covariate in covariates
    }
    hospital = _hospital_numbers(patients)
    return ModelColumns(
        endpoint,
        times[order],
        patients["event_code"].to_numpy(dtype=int)[order],
        numbers,
        exposure,
        level[order],
        is_unresolved[order],
        None if hospital is None else hospital[order],
        patients.index[order],
    )


def model_rows(
    frame: pd.DataFrame, endpoint: str, covariates: Sequence[Covariate], exposure: Exposure | None
) -> ModelRows:
    """The complete rows of one model: the exposure's levels against its reference as 0/1 columns, then the covariates.

    Patients whose group is not known (unresolved) are left out and counted, then those with a missing value. A level that
    nobody has has no column. From two hospitals on (`HOSPITAL_COLUMN`, when the frame has it) each is a stratum.

    Args:
        frame: see `endpoint_rows`, with the exposure's column and the covariates' (numbers or truths).
        exposure: None for a model that compares no groups.
    Raises:
        ValueError: as `endpoint_rows`; a level that is none of the exposure's; a covariate that is neither numbers nor truths.
    """
    return model_columns(frame, endpoint, covariates, exposure).rows()


def hospital_strata(patients: pd.DataFrame) -> np.ndarray | None:
    """The number of each patient's hospital in alphabetical order; None where there is one, or none is named.

    A patient without a hospital is of a stratum of those without one.
    """
    numbers = _hospital_numbers(patients)
    return None if numbers is None else _renumbered(numbers)


def _hospital_numbers(patients: pd.DataFrame) -> np.ndarray | None:
    if HOSPITAL_COLUMN not in patients.columns:
        return None
    numbers, names = numbered_levels(patients[HOSPITAL_COLUMN])
    # in alphabetical order of those that occur; who is of none has no name
    occurs = np.bincount(numbers + 1, minlength=len(names) + 1) > 0
    texts = ("", *names)
    in_order = sorted({text for text, is_there in zip(texts, occurs, strict=True) if is_there})
    if len(in_order) < 2:
        return None
    number_of = {text: number for number, text in enumerate(in_order)}
    return np.array([number_of.get(text, -1) for text in texts])[numbers + 1]


def _renumbered(numbers: np.ndarray) -> np.ndarray | None:
    """Numbers 0, 1, ... of those that occur; None where one does."""
    if not len(numbers):
        return None
    occurs = np.bincount(numbers) > 0
    return (np.cumsum(occurs) - 1)[numbers] if occurs.sum() > 1 else None


def _levels(patients: pd.DataFrame, exposure: Exposure | None) -> tuple[np.ndarray, np.ndarray]:
    """The position of each patient's level (NaN: missing or not known), and who is of a group that is not known."""
    if exposure is None:
        return np.full(len(patients), np.nan), np.zeros(len(patients), dtype=bool)
    require_columns(patients, [exposure.column], "patient_rows")
    if exposure.reference not in exposure.levels:
        raise ValueError(f"reference must be one of {', '.join(exposure.levels)}, not {exposure.reference!r}")
    levels = numbered_levels(patients[exposure.column])
    positions = {name: float(number) for number, name in enumerate(exposure.levels)}
    unknown = levels.occurring - set(positions) - set(STRATA_NOT_COMPARED)
    if unknown:
        raise ValueError(f"patient_rows.{exposure.column}: unknown group(s) {', '.join(sorted(unknown))}")
    # the last entry stands for missing ones, whose number is -1
    codes = np.array([*(positions.get(name, np.nan) for name in levels.names), np.nan])[levels.numbers]
    return codes, levels.is_among(STRATA_NOT_COMPARED)
