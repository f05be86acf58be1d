"""The numbers of two publications, and how much of each one's change is due to which kind: read here, computed by `analysis`."""

import duckdb
import pandas as pd

from analysis.patients.plan import PLAN_TABLES, plan_from_frames
from analysis.results.changes_by_kind import CHANGE_COLUMNS, KINDS, REMAINDER, Study, changes_by_kind
from analysis.results.headline_numbers import NUMBER_KEYS

MOST_PATIENTS = 100_000
"""In larger cohorts the models are not fitted up to sixteen times for a comparison."""


def numbers_by_kind(connection: duckdb.DuckDBPyConnection, numbers: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    """`headline_changes` with a column for each kind of change and the remainder, and why these are missing, if they are.

    Args:
        connection: both publications attached as `a` and `b`.
        numbers: of `headline_changes`: number, endpoint, margin_group, before, after, difference.
    """
    published = numbers.set_index(NUMBER_KEYS)
    try:
        studies = [_study(connection, publication) for publication in "ab"]
        if max(len(study.operations) for study in studies) > MOST_PATIENTS:
            return _without(numbers), f"not taken apart in cohorts above {MOST_PATIENTS:,} patients"
        plan = plan_from_frames({name: connection.execute(f"FROM b.meta.{name}").df() for name in PLAN_TABLES})
        table = changes_by_kind(*studies, plan, published["before"], published["after"])
    except (duckdb.CatalogException, duckdb.BinderException):
        return _without(numbers), "a publication of an earlier version lacks the plan or the patients' rows"
    except ValueError as reason:
        return _without(numbers), str(reason)
    return table.sort_values(NUMBER_KEYS, ignore_index=True), None


def _study(connection: duckdb.DuckDBPyConnection, publication: str) -> Study:
    return Study(
        connection.execute(f"FROM {publication}.marts.index_operations ORDER BY study_id").df(),
        connection.execute(
            f"""SELECT study_id, endpoint, time_days, event_code FROM {publication}.marts.time_to_event
                ORDER BY endpoint, study_id"""
        ).df(),
    )


def _without(numbers: pd.DataFrame) -> pd.DataFrame:
    return numbers.assign(**dict.fromkeys([*KINDS, REMAINDER], float("nan")))[CHANGE_COLUMNS]
