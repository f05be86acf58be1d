"""How much of each headline number's change from one night to another is due to which kind of change.

The numbers are computed anew with some kinds of change made and the others not. A kind's part is the mean of what it does over all
orders in which the kinds could be made (Shapley's value), so the parts do not depend on an order and add up to the whole:
L. S. Shapley, A value for n-person games, 1953. What the published numbers moved beyond that is the remainder: other rules of the
statistics or another plan, and values that are published coarser than they are computed with.
"""

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.plan import Plan
from analysis.results.headline_numbers import NUMBER_KEYS, headline_numbers

COHORT, MARGINS, ENDPOINTS, COVARIATES = "cohort", "margins", "endpoints", "covariates"
KINDS = (COHORT, MARGINS, ENDPOINTS, COVARIATES)
REMAINDER = "remainder"
CHANGE_COLUMNS = [*NUMBER_KEYS, "before", "after", "difference", *KINDS, REMAINDER]


class Study(NamedTuple):
    """A night's patients: operations (a row a patient of the cohort) and times (study_id, endpoint, time_days, event_code)."""

    operations: pd.DataFrame
    times: pd.DataFrame


def changes_by_kind(
    before: Study, after: Study, plan: Plan, published_before: pd.Series, published_after: pd.Series
) -> pd.DataFrame:
    """One row a published headline number of either night: CHANGE_COLUMNS. A row's parts and its remainder add up to `difference`.

    Where a number cannot be computed for some mixture of the two nights its parts are missing and the remainder is all of it; where one
    of the nights has no such number (a group without patients has none), so is the difference.

    Args:
        plan: of the later night.
        published_before, published_after: a number by NUMBER_KEYS.
    """
    published = pd.DataFrame({"before": published_before, "after": published_after})
    published.index = published.index.set_names(NUMBER_KEYS)
    published["difference"] = published["after"] - published["before"]
    parts = parts_of_change(
        _kinds_that_changed(before, after, plan),
        lambda kinds: headline_numbers(*_mixed(before, after, kinds, plan), plan),
    )
    table = published.join(parts)
    is_known = table[list(KINDS)].notna().all(axis=1)
    table[REMAINDER] = (table["difference"] - table[list(KINDS)].sum(axis=1).where(is_known, 0.0)).where(
        table["difference"].notna()
    )
    return table.reset_index()[CHANGE_COLUMNS]


def parts_of_change(changed: tuple[str, ...], numbers_of: Callable[[frozenset[str]], pd.Series]) -> pd.DataFrame:
    """Shapley's value of each kind: a row a number, a column for each of KINDS; 0 for kinds that did not change, missing where a
    number is missing for a set of kinds.

    Args:
        changed: the kinds of which something changed.
        numbers_of: the numbers with the changes of a set of kinds made, called once for each subset of `changed`.
    """
    subsets = [frozenset(chosen) for size in range(len(changed) + 1) for chosen in combinations(changed, size)]
    values = pd.DataFrame({subset: numbers_of(subset) for subset in subsets})
    parts = pd.DataFrame(0.0, index=values.index, columns=list(KINDS))
    for kind in changed:
        for subset in subsets:
            if kind not in subset:
                rank, n = len(subset), len(changed)
                weight = factorial(rank) * factorial(n - rank - 1) / factorial(n)
                parts[kind] += weight * (values[subset | {kind}] - values[subset])
    parts.loc[values.isna().any(axis=1)] = np.nan
    return parts


def _columns_of(study: Study, plan: Plan) -> list[str]:
    """The operations' columns that a number can depend on beside the margin."""
    wanted = ["source_system", *(covariate.column for covariate in plan.covariates())]
    return [name for name in dict.fromkeys(wanted) if name in study.operations.columns]


def _kinds_that_changed(before: Study, after: Study, plan: Plan) -> tuple[str, ...]:
    a, b = before.operations.set_index("study_id"), after.operations.set_index("study_id")
    shared = a.index.intersection(b.index)
    columns = [name for name in _columns_of(after, plan) if name in a.columns]
    margin = [plan.exposure.column]
    found = {
        COHORT: len(shared) < max(len(a), len(b)),
        MARGINS: not _same(a.loc[shared, margin], b.loc[shared, margin]),
        ENDPOINTS: not _same(_times_of(before, shared), _times_of(after, shared)),
        COVARIATES: not _same(a.loc[shared, columns], b.loc[shared, columns]),
    }
    return tuple(kind for kind in KINDS if found[kind])


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    texts = [frame.astype("string").fillna("") for frame in (one, other)]
    return texts[0].equals(texts[1])


def _times_of(study: Study, patients: pd.Index) -> pd.DataFrame:
    columns = ["study_id", "endpoint", "time_days", "event_code"]
    rows = study.times.loc[study.times["study_id"].isin(patients), columns]
    return rows.sort_values(columns[:2], ignore_index=True)


def _mixed(before: Study, after: Study, kinds: frozenset[str], plan: Plan) -> Study:
    """The study with the changes of some kinds made. A patient of one night only has that night's values, whatever the kinds."""

    def night(kind: str) -> tuple[Study, Study]:
        return (after, before) if kind in kinds else (before, after)

    ids = night(COHORT)[0].operations["study_id"]
    covariates = [name for name in _columns_of(after, plan) if name in before.operations.columns]
    operations = pd.DataFrame({"study_id": ids}).reset_index(drop=True)
    for kind, columns in ((MARGINS, [plan.exposure.column]), (COVARIATES, covariates)):
        rows = pd.concat([study.operations[["study_id", *columns]] for study in night(kind)])
        operations = operations.merge(rows.drop_duplicates("study_id"), on="study_id", how="left")
    first, second = night(ENDPOINTS)
    others = second.times[~second.times["study_id"].isin(first.operations["study_id"])]
    times = pd.concat([first.times, others], ignore_index=True)
    return Study(operations, times[times["study_id"].isin(ids)].reset_index(drop=True))
