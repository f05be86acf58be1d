"""The rows of `hazard_ratios`: a term's estimate on its way out of any model, with its counts and warnings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.patients.model_rows import ModelRows
from analysis.patients.result_rows import Row, number_of, text_of

CAUSE_SPECIFIC, SUBDISTRIBUTION = "cause-specific", "subdistribution"
PENALISED = "Firth penalised likelihood"
NO_ERROR = "not estimable: no finite standard error above 0"
NO_REFERENCE, NOBODY = ("not estimable: no patients in the reference group", "not estimable: no patients in this group")
# the likelihood that a row's number maximises: the column `method`
EFRON, FIRTH, FINE_GRAY, WEIGHTED_EFRON = (
    "Efron",
    "Firth",
    "Efron, weighted by censoring",
    "Efron, weighted by treatment",
)
HAZARD_RATIO_COLUMNS = [
    "endpoint", "model", "estimand", "method", "term", "reference", "hazard_ratio", "conf_low", "conf_high", "p_value",
    "statistic", "degrees_of_freedom", "n", "n_event", "n_in_group", "n_event_in_group",
    "n_excluded_missing", "n_excluded_unresolved", "n_hospitals", "warning",
]  # fmt: skip
RATIO_NUMBERS = ("hazard_ratio", "conf_low", "conf_high", "p_value", "statistic")


def wald_row(term: str, coefficient: float, std_error: float) -> Row:
    """A term's hazard ratio, its 95 % limits exp(b +- 1.96 se) and Wald's test (b / se)^2; no numbers without an error."""
    from scipy.special import ndtr

    if not (np.isfinite(coefficient) and np.isfinite(std_error) and std_error > 0):
        return {"term": term, **dict.fromkeys(RATIO_NUMBERS, np.nan), "degrees_of_freedom": 1}
    with np.errstate(over="ignore"):
        return {
            "term": term,
            "hazard_ratio": float(np.exp(coefficient)),
            "conf_low": float(np.exp(coefficient - NORMAL_QUANTILE * std_error)),
            "conf_high": float(np.exp(coefficient + NORMAL_QUANTILE * std_error)),
            "p_value": float(2 * ndtr(-abs(coefficient / std_error))),
            "statistic": float((coefficient / std_error) ** 2),
            "degrees_of_freedom": 1,
        }


def has_finite_limits(row: Mapping[str, object]) -> bool:
    """Whether a ratio stands strictly between finite limits above 0: the condition on which it may be shown."""
    low, ratio, high = (number_of(row, name) for name in ("conf_low", "hazard_ratio", "conf_high"))
    return bool(np.isfinite([low, ratio, high]).all() and 0 < low < ratio < high)


def hazard_ratio_frame(
    rows: list[Row],
    data: ModelRows,
    model: str,
    estimand: str,
    problems: Mapping[str, str],
    model_warning: str | None = None,
    method: str = EFRON,
    few_events: int = 0,
) -> pd.DataFrame:
    """Rows of `wald_row` or the like (a row a term of `data.design`, or a test) with everything HAZARD_RATIO_COLUMNS has.

    A term of a level that nobody has gets a row that says so. A ratio without finite limits on either side is not shown.

    Args:
        rows: may bring a `method` and a `warning` of their own.
        problems: term -> why it has no estimate; such rows keep no numbers.
        model_warning: goes to every row.
        few_events: a ratio that rests on fewer events carries a warning as well; 0: none does.
        method: the likelihood, into the column of that name.
    """
    labels: Row = {
        "endpoint": data.endpoint,
        "model": model,
        "estimand": estimand,
        "method": method,
        "n": data.n,
        "n_event": int(data.is_event.sum()),
        "n_excluded_missing": data.n_excluded_missing,
        "n_excluded_unresolved": data.n_excluded_unresolved,
        "n_hospitals": data.n_hospitals,
    }
    filled = [_absent_row(labels, data, term, model_warning) for term in data.absent_terms]
    for row in rows:
        term = str(row["term"])
        is_ratio = term in data.design
        problem = text_of(row, "problem") or (reference_problem(data, term) or problems.get(term) if is_ratio else None)
        if is_ratio and not problem and not has_finite_limits(row):
            problem = NO_ERROR
        numbers: Row = {"term": term, "degrees_of_freedom": 1} if problem else row
        own = (
            problem or text_of(row, "warning") or (warning_of_few_events(data, term, few_events) if is_ratio else None)
        )
        text = "; ".join(filter(None, [own, model_warning])) or None
        filled.append(labels | numbers | (_group_counts(data, term) if is_ratio else {}) | {"warning": text})
    frame = pd.DataFrame(filled).reindex(columns=HAZARD_RATIO_COLUMNS)
    return frame.astype({"n_in_group": "Int64", "n_event_in_group": "Int64", "reference": "str", "warning": "str"})


def reference_problem(data: ModelRows, term: str) -> str | None:
    """Why a term of the exposure means nothing: nobody is in the reference group."""
    if term not in data.group_terms or data.in_reference.any():
        return None
    return NO_REFERENCE


def warning_of_few_events(data: ModelRows, term: str, few_events: int) -> str | None:
    """A warning where a term's own or its reference group has fewer events."""
    column, is_event = data.design[term], data.is_event
    groups = [np.ones(data.n, dtype=bool)]
    if np.isin(column, (0, 1)).all():
        groups = [column == 1, data.in_reference if term in data.group_terms else column == 0]
    fewest = min(int(is_event[group].sum()) for group in groups)
    return f"fewer than {few_events} events in this or the reference group ({fewest})" if fewest < few_events else None


def _absent_row(labels: Row, data: ModelRows, term: str, model_warning: str | None) -> Row:
    reason = NOBODY if data.in_reference.any() or not data.n else NO_REFERENCE
    return labels | {
        "term": term,
        "reference": data.reference,
        "degrees_of_freedom": 1,
        "n_in_group": 0,
        "n_event_in_group": 0,
        "warning": "; ".join(filter(None, [reason, model_warning])),
    }


def _group_counts(data: ModelRows, term: str) -> Row:
    column = data.design[term]
    if not np.isin(column, (0, 1)).all():
        return {"reference": None}
    exposed = column == 1
    return {
        "reference": data.reference if term in data.group_terms else "no",
        "n_in_group": int(exposed.sum()),
        "n_event_in_group": int(data.is_event[exposed].sum()),
    }
