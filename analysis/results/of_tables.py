"""Results that are tables of their own: from marts, or from other results."""

from collections.abc import Callable, Mapping

import pandas as pd

from analysis.curves.state_occupation import occupation_by
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.patients.plan import Plan
from analysis.results.attempts import Attempts
from analysis.results.of_counts import counts_of_exposures, half_years_days
from analysis.tables.follow_up_quality import follow_up_quality
from analysis.tables.margin_agreement import margin_agreement
from analysis.tables.planned_tests import planned_tests
from analysis.tables.published_comparison import published_comparison
from analysis.tables.recurrence_patterns import recurrence_patterns
from analysis.tables.salvage_by_margin import salvage_by_margin
from analysis.tables.table_one import table_one

Inputs = Mapping[str, pd.DataFrame]


def one(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """table_one."""
    operations, covariates = inputs["index_operations"], plan.all_covariates
    _of_each(
        "table_one",
        plan,
        attempts,
        lambda exposure: table_one(operations, exposure, [c for c in covariates if c.column in operations.columns]),
    )


def patterns(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """recurrence_patterns."""
    frames = [inputs[name] for name in ("first_recurrences", "recurrences", "index_operations")]
    _of_each(
        "recurrence_patterns",
        plan,
        attempts,
        lambda exposure: recurrence_patterns(frames[0], frames[1], frames[2], exposure),
    )


def salvage(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """salvage_by_margin."""
    _of_each(
        "salvage_by_margin",
        plan,
        attempts,
        lambda exposure: salvage_by_margin(_with(inputs, "first_recurrences", exposure), exposure),
    )


def follow_up(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """follow_up_quality."""
    counts, below_p = counts_of_exposures(inputs, plan), plan.number("significant_below_p")
    _of_each(
        "follow_up_quality",
        plan,
        attempts,
        lambda exposure: follow_up_quality(_with(inputs, "follow_up", exposure), counts, exposure, below_p),
    )


def states(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """state_occupation."""
    read_at = half_years_days(plan, "landmark_years")

    def of(exposure: Exposure) -> pd.DataFrame:
        paths = _with(inputs, "state_paths", exposure)
        return occupation_by(
            paths.assign(**{exposure.column: exposure.of(paths[exposure.column])}), exposure.column, read_at
        )

    _of_each("state_occupation", plan, attempts, of)


def _of_each(table: str, plan: Plan, attempts: Attempts, compute: Callable[[Exposure], pd.DataFrame]) -> None:
    """The table's rows of each exposure of the plan, told apart by `grouping`."""
    for exposure in plan.exposures:
        attempts.add(table, None, lambda exposure=exposure: compute(exposure))


def _with(inputs: Inputs, name: str, exposure: Exposure) -> pd.DataFrame:
    """A mart's rows with the exposure of their patients, where the mart itself does not have it."""
    rows = inputs[name]
    if exposure.column in rows.columns:
        return rows
    require_columns(inputs["index_operations"], [exposure.column], "index_operations")
    levels = inputs["index_operations"].set_index("study_id")[exposure.column]
    return rows.assign(**{exposure.column: levels.reindex(rows["study_id"]).to_numpy()})


def agreement(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """margin_agreement."""
    attempts.add("margin_agreement", None, lambda: margin_agreement(inputs["margin_adjudications"]))


def planned(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """planned_tests."""
    ratios, tests, within = (inputs[name] for name in ("hazard_ratios", "group_tests", "stratified_tests"))
    attempts.add("planned_tests", None, lambda: planned_tests(ratios, tests, within, plan))


def published(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """published_comparison."""
    is_simulated = bool(inputs["ingest_ledger"]["is_simulated"].any())
    study = inputs["chosen_study"]["compared_with"].dropna()
    attempts.add(
        "published_comparison",
        None,
        lambda: published_comparison(
            inputs["hazard_ratios"],
            inputs["landmark_estimates"],
            inputs["planned_tests"],
            inputs["salvage_by_margin"],
            plan.exposure,
            is_simulated,
            str(study.iloc[0]) if len(study) else None,
            significant_below_p=plan.number("significant_below_p"),
        ),
    )
