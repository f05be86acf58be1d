"""Results that are tables of their own: from marts, or from other results."""

from collections.abc import Callable, Mapping

import pandas as pd

from analysis.curves.state_occupation import occupation_by
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import HOSPITAL_COLUMN, hospital_strata
from analysis.patients.plan import Plan
from analysis.results.attempts import Attempts
from analysis.results.of_counts import counts_by_hospital, counts_of_exposures, half_years_days
from analysis.results.study_rows import StudyRows
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
    operations = inputs["index_operations"]
    covariates = [covariate for covariate in plan.all_covariates if covariate.column in operations.columns]
    _of_each(
        "table_one",
        plan,
        attempts,
        lambda exposure: table_one(operations, exposure, plan.described, covariates),
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

    def of(exposure: Exposure) -> pd.DataFrame:
        rows = _with(inputs, "follow_up", exposure)
        by_hospital = None if hospital_strata(rows) is None else _survival_by_hospital(inputs, exposure)
        return follow_up_quality(rows, counts, exposure, below_p, by_hospital)

    _of_each("follow_up_quality", plan, attempts, of)


def _survival_by_hospital(inputs: Inputs, exposure: Exposure) -> pd.DataFrame:
    """Counts by day of overall survival, by exposure within each hospital."""
    rows = StudyRows(inputs["time_to_event"], inputs["operations"], {exposure.column, HOSPITAL_COLUMN})
    return counts_by_hospital(rows.of("overall_survival"), exposure)


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
    """A mart's rows with the exposure and the hospital of their patients, where the mart itself does not have them."""
    rows, operations = inputs[name], inputs["index_operations"]
    if exposure.column not in rows.columns:
        require_columns(operations, [exposure.column], "index_operations")
    lacking = [
        column
        for column in (exposure.column, HOSPITAL_COLUMN)
        if column not in rows.columns and column in operations.columns
    ]
    of_patient = operations.set_index("study_id")[lacking].reindex(rows["study_id"])
    return rows.assign(**{column: of_patient[column].to_numpy() for column in lacking})


def agreement(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """margin_agreement."""
    few = plan.count("few_pairs")
    attempts.add("margin_agreement", None, lambda: margin_agreement(inputs["margin_adjudications"], few))


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
            inputs["published_figures"],
            is_simulated,
            str(study.iloc[0]) if len(study) else None,
            significant_below_p=plan.number("significant_below_p"),
        ),
    )
