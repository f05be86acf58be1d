"""Patient rows on their way into a regression: checked, complete, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import checked_times, require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.missing_values import complete_rows, numbers_or_missing
from analysis.patients.names import MARGIN_GROUPS, MARGIN_REFERENCE, SURVIVAL_ENDPOINTS, UNRESOLVED, margin_term


@dataclass(frozen=True)
class ModelRows:
    """Complete rows of one model; arrays have an entry a patient, `design` a column of numbers a term.

    `group_terms` are the terms of the design that compare a group with the `reference` group (empty: no groups compared),
    `in_reference` says who is in that one. `index` is that of the frame's rows kept.
    """

    endpoint: str
    time_days: np.ndarray
    event_code: np.ndarray
    design: dict[str, np.ndarray]
    group_terms: tuple[str, ...]
    reference: str | None
    in_reference: np.ndarray
    index: pd.Index
    n_excluded_missing: int
    n_excluded_unresolved: int

    @property
    def is_event(self) -> np.ndarray:
        """1 where the endpoint's own event ended the observation; competing events are censorings."""
        return (self.event_code == 1).astype(int)

    @property
    def n(self) -> int:
        return len(self.time_days)


def endpoint_rows(frame: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """The rows of one endpoint, one a patient: endpoint, time_days >= 0, event_code 0 censored, 1 event, 2 competing.

    Raises:
        ValueError: a column is missing or holds what it must not, nobody has the endpoint, or a patient (`study_id`, when
            the frame has it) has it twice.
    """
    require_columns(frame, ["endpoint", "time_days", "event_code"], "patient_rows")
    patients = frame[frame["endpoint"] == endpoint]
    if patients.empty:
        raise ValueError(f"patient_rows.endpoint: nobody has {endpoint!r}")
    if "study_id" in patients.columns and patients["study_id"].duplicated().any():
        raise ValueError(f"patient_rows.study_id: a patient has more than one row of {endpoint}")
    checked_times(patients["time_days"], "patient_rows")
    if not patients["event_code"].isin([0, 1, 2]).all():
        raise ValueError("patient_rows.event_code: codes other than 0, 1, 2")
    if endpoint in SURVIVAL_ENDPOINTS and (patients["event_code"] == 2).any():
        raise ValueError(f"patient_rows.event_code: {endpoint} can have no competing events")
    return patients


def model_rows(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate],
    margin_reference: str | None = MARGIN_REFERENCE,
) -> ModelRows:
    """The complete rows of one model: margin groups against the reference as 0/1 columns, then the covariates.

    Patients with an unresolved margin are left out and counted, then those with a missing value. A margin group without
    patients has no column.

    Args:
        frame: see `endpoint_rows`, with margin_group and the covariates' columns (numbers or truths).
        margin_reference: None for a model without margin groups.
    Raises:
        ValueError: as `endpoint_rows`; unknown margin group or reference; a covariate that is neither numbers nor truths.
    """
    patients = endpoint_rows(frame, endpoint)
    require_columns(patients, [covariate.column for covariate in covariates], "patient_rows")
    has_margins = margin_reference is not None
    if has_margins:
        _check_margins(patients, margin_reference)
    margins = patients["margin_group"] if has_margins else pd.Series("all", index=patients.index)
    is_unresolved = margins == UNRESOLVED
    terms = {covariate.term: numbers_or_missing(patients[covariate.column]) / covariate.per for covariate in covariates}
    columns = pd.DataFrame({"margin_group": margins, **terms}, index=patients.index)
    complete, n_excluded_missing = complete_rows(columns[~is_unresolved], list(columns.columns))
    kept = patients.loc[complete.index]
    group = complete["margin_group"].to_numpy(dtype=object)
    dummies = {
        margin_term(name): (group == name).astype(float)
        for name in MARGIN_GROUPS
        if has_margins and name != margin_reference and (group == name).any()
    }
    design = dummies | {term: complete[term].to_numpy(dtype=float) for term in terms}
    return ModelRows(
        endpoint, kept["time_days"].to_numpy(dtype=float), kept["event_code"].to_numpy(dtype=int), design, tuple(dummies),
        margin_reference, group == margin_reference, complete.index, n_excluded_missing, int(is_unresolved.sum()),
    )  # fmt: skip


def _check_margins(patients: pd.DataFrame, margin_reference: str) -> None:
    require_columns(patients, ["margin_group"], "patient_rows")
    if margin_reference not in MARGIN_GROUPS:
        raise ValueError(f"margin_reference must be one of {', '.join(MARGIN_GROUPS)}, not {margin_reference!r}")
    unknown = set(patients["margin_group"].dropna()) - {*MARGIN_GROUPS, UNRESOLVED}
    if unknown:
        raise ValueError(f"patient_rows.margin_group: unknown group(s) {', '.join(sorted(map(str, unknown)))}")
