"""Results that are tables of their own: from marts, or from other results."""

from collections.abc import Mapping

import pandas as pd

from analysis.curves.state_occupation import occupation_by_margin
from analysis.patients.plan import Plan
from analysis.results.attempts import Attempts
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
    attempts.add("table_one", None, lambda: table_one(inputs["index_operations"]))


def patterns(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """recurrence_patterns."""
    frames = [inputs[name] for name in ("first_recurrences", "recurrences", "index_operations")]
    attempts.add("recurrence_patterns", None, lambda: recurrence_patterns(*frames))


def salvage(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """salvage_by_margin."""
    attempts.add("salvage_by_margin", None, lambda: salvage_by_margin(inputs["first_recurrences"]))


def follow_up(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """follow_up_quality."""
    attempts.add("follow_up_quality", None, lambda: follow_up_quality(inputs["follow_up"], inputs["event_counts"]))


def states(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """state_occupation."""
    attempts.add("state_occupation", None, lambda: occupation_by_margin(inputs["state_paths"]))


def agreement(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """margin_agreement."""
    attempts.add("margin_agreement", None, lambda: margin_agreement(inputs["margin_adjudications"]))


def planned(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """planned_tests."""
    frames = [inputs[name] for name in ("hazard_ratios", "group_tests", "stratified_tests")]
    attempts.add("planned_tests", None, lambda: planned_tests(*frames, plan))


def published(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """published_comparison."""
    is_simulated = bool(inputs["ingest_ledger"]["is_simulated"].any())
    study = inputs["chosen_study"]["compared_with"].dropna()
    attempts.add(
        "published_comparison", None,
        lambda: published_comparison(
            inputs["hazard_ratios"], inputs["landmark_estimates"], inputs["planned_tests"], inputs["salvage_by_margin"],
            is_simulated, str(study.iloc[0]) if len(study) else None,
        ),
    )  # fmt: skip
