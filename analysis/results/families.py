"""The computations of the results: what each needs and which function makes its tables. One failure stops nothing else."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from analysis.patients.plan import Plan
from analysis.results import of_counts, of_models, of_robustness, of_tables
from analysis.results.attempts import Attempts
from analysis.results.catalogue import CATALOGUE, ResultTable, checked_frame

Compute = Callable[[Mapping[str, pd.DataFrame], Plan, Attempts], None]
NOT_DONE = "analyses_not_done"


class Family(NamedTuple):
    """Tables computed together; `needs` names the inputs, `title` says what the night shows meanwhile."""

    name: str
    title: str
    needs: tuple[str, ...]
    compute: Compute

    @property
    def tables(self) -> tuple[ResultTable, ...]:
        """The entries of the catalogue that it makes."""
        return tuple(table for table in CATALOGUE if table.family == self.name)


_PATIENTS = ("time_to_event", "operations")
FAMILIES: tuple[Family, ...] = (
    Family("curves", "Curves and tests between groups", ("event_counts", *_PATIENTS), of_counts.curves),
    Family("restricted_means", "Restricted means", ("event_counts", *_PATIENTS), of_counts.restricted_means),
    Family("models", "Cox and Fine-Gray models", _PATIENTS, of_models.models),
    Family("hospitals", "Effects hospital by hospital", _PATIENTS, of_models.hospitals),
    Family("stratified_tests", "Tests within eras and hospitals", _PATIENTS, of_models.stratified_tests),
    Family("effect_over_time", "Effects over time", _PATIENTS, of_models.effect_over_time),
    Family("by_width", "Effect by margin width", _PATIENTS, of_models.by_width),
    Family("weighting", "Weights and standardised risks", (*_PATIENTS, "event_counts"), of_robustness.weighting),
    Family("imputation", "Imputation", (*_PATIENTS, "margin_definitions"), of_robustness.imputation),
    Family("e_values", "Unmeasured confounding", ("hazard_ratios",), of_robustness.e_values),
    Family(
        "specifications", "Specification curve",
        (*_PATIENTS, "time_to_event_by_window", "margin_groups_by_definition"), of_robustness.specifications,
    ),
    Family(
        "interval_censored", "Recurrence between two looks", (*_PATIENTS, "recurrence_intervals"),
        of_models.interval_censored,
    ),
    Family("death_rules", "Other rules for late deaths", ("time_to_event_by_death_rule", "operations"), of_counts.death_rules),
    Family(
        "planned_tests", "Tests of the plan", ("hazard_ratios", "group_tests", "stratified_tests"), of_tables.planned
    ),
    Family("table_one", "Table 1", ("index_operations",), of_tables.one),
    Family(
        "recurrence_patterns", "Patterns of recurrence", ("first_recurrences", "recurrences", "index_operations"),
        of_tables.patterns,
    ),
    Family("salvage_by_margin", "Salvage by margin", ("first_recurrences", "index_operations"), of_tables.salvage),
    Family(
        "follow_up_quality", "Quality of follow-up", ("follow_up", "event_counts", "index_operations", *_PATIENTS), of_tables.follow_up
    ),
    Family("state_occupation", "States over time", ("state_paths", "index_operations"), of_tables.states),
    Family("margin_agreement", "Agreement on margins", ("margin_adjudications",), of_tables.agreement),
    Family(
        "published_comparison", "Comparison with the published figures",
        ("hazard_ratios", "landmark_estimates", "planned_tests", "salvage_by_margin", "ingest_ledger", "chosen_study",
         "published_figures"),
        of_tables.published,
    ),
)  # fmt: skip


def compute_family(
    family: Family, inputs: Mapping[str, pd.DataFrame], plan: Plan
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The family's tables as the catalogue describes them, and the reasons of what could not be done.

    Args:
        inputs: the frames that `needs` names; `operations` is marts.index_operations beside what is known of the margin.
    """
    attempts = Attempts()
    try:
        family.compute(inputs, plan, attempts)
    except ValueError as reason:
        attempts.note(family.tables[0].name, None, str(reason))
    tables = {}
    for entry in family.tables:
        frame = attempts.table(entry.name, [column.name for column in entry.columns])
        tables[entry.name] = checked_frame(entry.name, frame)
    return tables, attempts.not_done()
