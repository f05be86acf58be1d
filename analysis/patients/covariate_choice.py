"""Which covariates of a set a model can use, and why not the others: never an empty model where a smaller one stands."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate, as_numbers
from analysis.patients.exposures import Exposure, NumberedLevels, numbered_levels
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.model_rows import HOSPITAL_COLUMN, endpoint_rows
from analysis.patients.names import STRATA_NOT_COMPARED
from analysis.patients.plan import CovariateRules

THE_EXPOSURE = "it is what is compared"
CHOICE_COLUMNS = [
    "endpoint",
    "model",
    "covariate",
    "is_used",
    "n",
    "n_known",
    "n_complete",
    "n_event_complete",
    "reason",
]


class CovariateChoice(NamedTuple):
    """`patients` of the endpoint with the columns of `used` (one number each), the reasons, and a warning for the model."""

    patients: pd.DataFrame
    used: tuple[Covariate, ...]
    reasons: pd.DataFrame
    warning: str | None


def choose_covariates(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate],
    exposure: Exposure,
    rules: CovariateRules,
    model: str = "adjusted",
) -> CovariateChoice:
    """Of a set, in its order: those that every hospital records, that leave most patients complete, and that events allow.

    Left out in turn, each with its reason: the exposure itself; a covariate that the frame lacks or that some hospital knows of fewer than
    `least_share_recorded` of its patients; one that is the same in everybody; the least known ones until
    `least_share_complete` of the patients have all that stay; the last ones of the set while there are fewer than
    `events_per_parameter` events for each parameter (a level of the exposure, or a covariate's column). Only the patients
    whose group is known count. Nothing is looked at but what is known of whom, and how many events there are.

    Args:
        frame: rows as `model_rows.endpoint_rows`, with the exposure's column.
        covariates: of any kind; `used` has one number each.
    Raises:
        ValueError: as `model_rows.endpoint_rows`.
    """
    patients = endpoint_rows(frame, endpoint)
    require_columns(patients, [exposure.column], "patient_rows")
    levels = numbered_levels(patients[exposure.column])
    is_compared = (levels.numbers >= 0) & ~levels.is_among(STRATA_NOT_COMPARED)
    is_event = (patients["event_code"] == 1).to_numpy()
    others = [covariate for covariate in covariates if covariate.column != exposure.column]
    kept, reasons = _recorded(patients, is_compared, others, rules)
    reasons |= {covariate.term: THE_EXPOSURE for covariate in covariates if covariate not in others}
    columns: dict[str, tuple[Covariate, ...]] = {}
    for covariate in kept:
        patients, columns[covariate.term] = as_numbers(patients, [covariate], rules.covariate_knot_quantiles)
    known = {
        covariate.term: np.asarray(~np.isnan(_matrix(patients, columns[covariate.term])).any(axis=1))
        for covariate in kept
    }
    for covariate in list(kept):
        values = _matrix(patients, columns[covariate.term])[known[covariate.term] & is_compared]
        if not len(values) or not (values.max(axis=0) > values.min(axis=0)).any():
            kept.remove(covariate)
            reasons[covariate.term] = "the same in everybody of whom it is known"
    _leave_most_complete(kept, known, is_compared, reasons, rules)
    n_levels = len(set(exposure.compared) & levels.occurring)
    warning = _leave_what_events_allow(kept, known, columns, is_compared, is_event, n_levels, reasons, rules)
    complete = _all_known(kept, known, is_compared)
    rows = [
        {
            "endpoint": endpoint,
            "model": model,
            "covariate": covariate.term,
            "is_used": covariate in kept,
            "n": int(is_compared.sum()),
            "n_known": _n_known(patients, covariate, is_compared),
            "n_complete": int(complete.sum()),
            "n_event_complete": int(is_event[complete].sum()),
            "reason": reasons.get(covariate.term),
        }
        for covariate in covariates
    ]
    table = pd.DataFrame(rows, columns=CHOICE_COLUMNS).astype({"reason": "str", "is_used": "bool"})
    used = tuple(single for covariate in kept for single in columns[covariate.term])
    return CovariateChoice(patients, used, table, warning)


def _recorded(
    patients: pd.DataFrame, is_compared: np.ndarray, covariates: Sequence[Covariate], rules: CovariateRules
) -> tuple[list[Covariate], dict[str, str]]:
    """Covariates that every hospital records of enough of its patients."""
    hospitals = (
        numbered_levels(patients[HOSPITAL_COLUMN])
        if HOSPITAL_COLUMN in patients.columns
        else NumberedLevels(np.zeros(len(patients), dtype=int), ("",))
    )
    of_compared = NumberedLevels(hospitals.numbers[is_compared], hospitals.names)
    kept, reasons = [], {}
    for covariate in covariates:
        if covariate.column not in patients.columns:
            reasons[covariate.term] = f"no column {covariate.column}"
            continue
        shares = _shares_known(patients[covariate.column].notna().to_numpy()[is_compared], of_compared)
        short = {name: share for name, share in shares.items() if share < rules.least_share_recorded}
        if not short:
            kept.append(covariate)
            continue
        where = ", ".join(f"{name or 'the hospital'} ({share:.0%})" for name, share in short.items())
        reasons[covariate.term] = f"known of fewer than {rules.least_share_recorded:.0%} of the patients of {where}"
    return kept, reasons


def _shares_known(is_known: np.ndarray, hospitals: NumberedLevels) -> dict[str, float]:
    """The share of each hospital's patients of whom something is known, by name; whoever is of none is of one that is not named."""
    at, names = hospitals.numbers + 1, ("not named", *hospitals.names)
    n = np.bincount(at, minlength=len(names))
    n_known = np.bincount(at, weights=is_known, minlength=len(names))
    of_name: dict[str, tuple[float, float]] = {}
    for name, known, everybody in zip(names, n_known, n, strict=True):
        before = of_name.get(name, (0.0, 0.0))
        of_name[name] = before[0] + known, before[1] + everybody
    return {name: known / everybody for name, (known, everybody) in sorted(of_name.items()) if everybody}


def _leave_most_complete(
    kept: list[Covariate],
    known: dict[str, np.ndarray],
    is_compared: np.ndarray,
    reasons: dict[str, str],
    rules: CovariateRules,
) -> None:
    n = int(is_compared.sum())
    while kept and _all_known(kept, known, is_compared).sum() < rules.least_share_complete * n:
        least = min(kept, key=lambda covariate: known[covariate.term][is_compared].sum())
        kept.remove(least)
        reasons[least.term] = f"with it fewer than {rules.least_share_complete:.0%} of the patients would be complete"


def _leave_what_events_allow(
    kept: list[Covariate],
    known: dict[str, np.ndarray],
    columns: dict[str, tuple[Covariate, ...]],
    is_compared: np.ndarray,
    is_event: np.ndarray,
    n_levels: int,
    reasons: dict[str, str],
    rules: CovariateRules,
) -> str | None:
    """Drop from the end; a warning where even those that stay have few events each."""
    while kept:
        n_event = int(is_event[_all_known(kept, known, is_compared)].sum())
        n_parameters = n_levels + sum(len(columns[covariate.term]) for covariate in kept)
        if n_event >= rules.events_per_parameter * n_parameters:
            break
        last = kept.pop()
        reasons[last.term] = (
            f"{n_event} events are fewer than {rules.events_per_parameter:g} for each of {n_parameters} parameters"
        )
    n_event = int(is_event[_all_known(kept, known, is_compared)].sum())
    n_parameters = n_levels + sum(len(columns[covariate.term]) for covariate in kept)
    if not kept:
        return "adjusted for nothing: see model_covariates"
    if n_event < rules.events_per_parameter_wanted * n_parameters:
        return f"{n_event} events for {n_parameters} parameters: fewer than {rules.events_per_parameter_wanted:g} each"
    return None


def _all_known(kept: Sequence[Covariate], known: dict[str, np.ndarray], is_compared: np.ndarray) -> np.ndarray:
    complete = is_compared.copy()
    for covariate in kept:
        complete &= known[covariate.term]
    return complete


def _matrix(patients: pd.DataFrame, covariates: Sequence[Covariate]) -> np.ndarray:
    if not covariates:
        return np.empty((len(patients), 0))
    return np.column_stack([numbers_or_missing(patients[covariate.column]) for covariate in covariates])


def _n_known(patients: pd.DataFrame, covariate: Covariate, is_compared: np.ndarray) -> int:
    if covariate.column not in patients.columns:
        return 0
    return int(patients.loc[is_compared, covariate.column].notna().sum())
