"""The rows of `hazard_ratios`: a term's estimate on its way out of any model, with its counts and warnings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.patients.model_rows import ModelRows

CAUSE_SPECIFIC, SUBDISTRIBUTION = "cause-specific", "subdistribution"
FEW_EVENTS = 5
PENALISED = "Firth penalised likelihood"
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
    "n_excluded_missing", "n_excluded_unresolved", "warning",
]  # fmt: skip


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
    """Rows of `wald_row` or the like (a row a term of `data.design`) with everything `hazard_ratio_rows.HAZARD_RATIO_COLUMNS` has.

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
