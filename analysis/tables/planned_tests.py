"""The tests that the plan names, with P values adjusted for their number within the secondary family."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.curves.stratified_tests import STRATIFIED_TEST_COLUMNS
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.patients.plan import EXPLORATORY, MAIN, PRIMARY, SECONDARY, SURVIVAL, Plan
from analysis.patients.result_rows import Row

PLANNED_TEST_COLUMNS = [
    "endpoint", "exposure", "analysis_role", "test", "hypothesis", "statistic", "degrees_of_freedom", "p_value",
    "p_value_adjusted", "n_in_family", "n", "n_event", "warning",
]  # fmt: skip
LOG_RANK, GRAY, WITHIN_HOSPITALS = "log-rank", "Gray", "within hospitals"
ROLES = (PRIMARY, SECONDARY, EXPLORATORY)


def planned_tests(
    hazard_ratios: pd.DataFrame, group_tests: pd.DataFrame, stratified_tests: pd.DataFrame, plan: Plan
) -> pd.DataFrame:
    """One row an endpoint: its role in the plan, its one test of the primary exposure, P as it is and adjusted.

    Modelled endpoints: the likelihood-ratio test of all levels in the adjusted cause-specific model. Others: the log-rank test of
    survival, Gray's test of cumulative incidence, within hospitals where there are several. The primary test stands alone; P of
    the secondary family are adjusted by Holm (1979, Scand J Stat 6:65), so that the chance of any false claim among them is at most
    the level; exploratory ones are not adjusted and claim nothing.

    Args:
        hazard_ratios, group_tests, stratified_tests: the tables of results.
    """
    require_columns(hazard_ratios, ["endpoint", "model", "estimand", "term", "p_value"], "hazard_ratios")
    require_columns(group_tests, ["endpoint", "grouping", "test", "p_value"], "group_tests")
    within = stratified_tests.reindex(columns=STRATIFIED_TEST_COLUMNS)
    rows = []
    for endpoint in plan.endpoints:
        found = (
            _of_model(hazard_ratios, endpoint.name, plan)
            if endpoint.is_modelled_further
            else _of_curves(group_tests, within, endpoint.name, endpoint.kind, plan)
        )
        labels = {"endpoint": endpoint.name, "exposure": plan.exposure.column, "analysis_role": endpoint.role}
        rows.append(labels | found)
    table = pd.DataFrame(rows).reindex(columns=PLANNED_TEST_COLUMNS)
    is_secondary = (table["analysis_role"] == SECONDARY) & table["p_value"].notna()
    table["p_value_adjusted"] = np.nan
    table.loc[is_secondary, "p_value_adjusted"] = holm(table.loc[is_secondary, "p_value"].to_numpy(dtype=float))
    is_primary = table["analysis_role"] == PRIMARY
    table.loc[is_primary, "p_value_adjusted"] = table.loc[is_primary, "p_value"]
    table["n_in_family"] = table["analysis_role"].map({PRIMARY: 1, SECONDARY: int(is_secondary.sum())})
    order = table["analysis_role"].map({role: number for number, role in enumerate(ROLES)})
    typed = table.astype({"n_in_family": "Int64", "n": "Int64", "n_event": "Int64", "warning": "str"})
    return typed.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted P values (R: p.adjust(method = 'holm')).

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _of_model(hazard_ratios: pd.DataFrame, endpoint: str, plan: Plan) -> Row:
    chosen = hazard_ratios[
        (hazard_ratios["endpoint"] == endpoint)
        & (hazard_ratios["model"] == plan.model_names[MAIN])
        & (hazard_ratios["estimand"] == CAUSE_SPECIFIC)
        & (hazard_ratios["term"] == plan.exposure.omnibus)
    ]
    labels = {"test": "likelihood ratio, adjusted Cox model", "hypothesis": "equal cause-specific hazards"}
    return labels | _numbers(chosen)


def _of_curves(group_tests: pd.DataFrame, within: pd.DataFrame, endpoint: str, kind: str, plan: Plan) -> Row:
    chosen = chosen_test(group_tests, within, endpoint, kind, plan.exposure.column)
    test = f"{chosen.test}, {WITHIN_HOSPITALS}" if chosen.is_within_hospitals else chosen.test
    labels = {"test": test, "hypothesis": chosen.rows["hypothesis"].iloc[0] if len(chosen.rows) else None}
    return labels | _numbers(chosen.rows)


class ChosenTest(NamedTuple):
    """The log-rank test of a survival endpoint or Gray's of another, and its row (none where it was not done)."""

    test: str
    rows: pd.DataFrame
    is_within_hospitals: bool


def chosen_test(
    group_tests: pd.DataFrame, stratified_tests: pd.DataFrame, endpoint: str, kind: str, grouping: str
) -> ChosenTest:
    """The test between the strata of a grouping: within hospitals where there are several, else of all patients.

    Args:
        group_tests, stratified_tests: the tables of results; kind: 'survival' or 'competing', of the endpoint.
    """
    test = LOG_RANK if kind == SURVIVAL else GRAY
    within = stratified_tests[
        (stratified_tests["endpoint"] == endpoint)
        & (stratified_tests["stratified_by"] == HOSPITAL_COLUMN)
        & (stratified_tests["test"] == f"stratified {test}")
        & (stratified_tests["grouping"] == grouping)
    ]
    if len(within):
        return ChosenTest(test, within, True)
    is_it = (
        (group_tests["endpoint"] == endpoint) & (group_tests["test"] == test) & (group_tests["grouping"] == grouping)
    )
    return ChosenTest(test, group_tests[is_it], False)


def _numbers(chosen: pd.DataFrame) -> Row:
    if chosen.empty:
        return {"warning": "not tested: see analyses_not_done"}
    row = chosen.iloc[0]
    names = ("statistic", "degrees_of_freedom", "p_value", "n", "n_event")
    warning = row["warning"] if isinstance(row["warning"], str) else None
    return {**{name: row[name] for name in names}, "warning": warning}
