"""Patient rows on their way into a regression (checked, complete, as numbers) and its estimates on their way out.

Shared by the Fine-Gray, Firth, dose-response and weighted models; `cox_models` has the main cause-specific ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.collapsed_counts import checked_times, require_columns
from analysis.confidence_limits import NORMAL_QUANTILE
from analysis.cox_models import EFRON, FEW_EVENTS, HAZARD_RATIO_COLUMNS, Covariate, margin_term
from analysis.missing_values import complete_rows, numbers_or_missing
from analysis.names import MARGIN_GROUPS, MARGIN_REFERENCE, SURVIVAL_ENDPOINTS, UNRESOLVED

CAUSE_SPECIFIC, SUBDISTRIBUTION = "cause-specific", "subdistribution"


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


def wald_row(term: str, coefficient: float, std_error: float) -> dict:
    """A term's hazard ratio, its 95 % limits exp(b +- 1.96 se) and Wald's test (b / se)^2."""
    from scipy.special import ndtr

    return {
        "term": term,
        "hazard_ratio": float(np.exp(coefficient)),
        "conf_low": float(np.exp(coefficient - NORMAL_QUANTILE * std_error)),
        "conf_high": float(np.exp(coefficient + NORMAL_QUANTILE * std_error)),
        "p_value": float(2 * ndtr(-abs(coefficient / std_error))),
        "statistic": float((coefficient / std_error) ** 2),
        "degrees_of_freedom": 1,
    }


def hazard_ratio_frame(
    rows: list[dict],
    data: ModelRows,
    model: str,
    estimand: str,
    problems: Mapping[str, str],
    model_warning: str | None = None,
    method: str = EFRON,
) -> pd.DataFrame:
    """Rows of `wald_row` or the like (a row a term of `data.design`) with everything `cox_models.HAZARD_RATIO_COLUMNS` has.

    Args:
        problems: term -> why it has no estimate; such rows keep no numbers.
        model_warning: goes to every row. A ratio that rests on fewer than five events carries a warning as well.
        method: the likelihood, into the column of that name.
    """
    labels = {
        "endpoint": data.endpoint, "model": model, "estimand": estimand, "method": method, "n": data.n, "n_event": int(data.is_event.sum()),
        "n_excluded_missing": data.n_excluded_missing, "n_excluded_unresolved": data.n_excluded_unresolved,
    }  # fmt: skip
    filled = []
    for row in rows:
        term = row["term"]
        problem = problems.get(term) or _reference_problem(data, term)
        numbers = {"term": term, "degrees_of_freedom": 1} if problem else row
        texts = [text for text in (problem or _few_events(data, term), model_warning) if text]
        filled.append(labels | numbers | _group_counts(data, term) | {"warning": "; ".join(texts) or None})
    frame = pd.DataFrame(filled).reindex(columns=HAZARD_RATIO_COLUMNS)
    return frame.astype({"n_in_group": "Int64", "n_event_in_group": "Int64", "reference": "str", "warning": "str"})


def _reference_problem(data: ModelRows, term: str) -> str | None:
    if term not in data.group_terms or data.in_reference.any():
        return None
    return "not estimable: no patients in the reference group"


def _group_counts(data: ModelRows, term: str) -> dict:
    column = data.design[term]
    if not np.isin(column, (0, 1)).all():
        return {"reference": None}
    exposed = column == 1
    return {
        "reference": data.reference if term in data.group_terms else "no",
        "n_in_group": int(exposed.sum()),
        "n_event_in_group": int(data.is_event[exposed].sum()),
    }


def _few_events(data: ModelRows, term: str) -> str | None:
    column, is_event = data.design[term], data.is_event
    groups = [np.ones(data.n, dtype=bool)]
    if np.isin(column, (0, 1)).all():
        groups = [column == 1, data.in_reference if term in data.group_terms else column == 0]
    fewest = min(int(is_event[group].sum()) for group in groups)
    return f"fewer than {FEW_EVENTS} events in this or the reference group ({fewest})" if fewest < FEW_EVENTS else None
