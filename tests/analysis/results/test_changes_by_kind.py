"""What moved a number: each kind of change alone, several at once, and that the parts add up."""

import numpy as np
import pandas as pd
import pytest

from analysis.results.changes_by_kind import KINDS, REMAINDER, Study, changes_by_kind, parts_of_change
from analysis.results.headline_numbers import headline_numbers
from tests.analysis.results.study import operations, times
from tests.analysis.study_plan import PLAN

THREE_YEARS = "3-year cumulative incidence of recurrence"


@pytest.fixture(scope="module")
def before() -> Study:
    return Study(operations(), times())


def changes(before: Study, after: Study) -> pd.DataFrame:
    numbers = [headline_numbers(*study, PLAN) for study in (before, after)]
    return changes_by_kind(before, after, PLAN, *numbers).set_index(["number", "endpoint", "margin_group"])


def moved(study: Study, **columns) -> Study:
    return Study(study.operations.assign(**columns), study.times)


def test_two_kinds_share_what_they_do_together_and_a_kind_that_did_not_change_has_no_part():
    values = {
        frozenset(): 1.0,
        frozenset({"cohort"}): 2.0,
        frozenset({"margins"}): 4.0,
        frozenset({"cohort", "margins"}): 11.0,
    }
    parts = parts_of_change(("cohort", "margins"), lambda kinds: pd.Series({"n": values[kinds]}))
    # first: 1 and 7, last: 7 and 3; together they do 6 more than each alone, half for each
    assert parts.loc["n"].to_dict() == {"cohort": 4.0, "margins": 6.0, "endpoints": 0.0, "covariates": 0.0}


def test_a_number_that_some_mixture_does_not_have_has_no_parts():
    parts = parts_of_change(("cohort",), lambda kinds: pd.Series({"a": 1.0} if kinds else {"a": 2.0, "b": 1.0}))
    assert parts.loc["a", "cohort"] == -1.0 and parts.loc["b"].isna().all()


def test_answered_margins_move_what_they_move_and_nothing_else_has_a_part(before):
    margins = before.operations["margin_group"].copy()
    margins[margins == "unresolved"] = "positive"
    table = changes(before, moved(before, margin_group=margins))
    assert table.loc[("patients", "", "positive"), "margins"] == 20
    assert np.allclose(table["difference"].fillna(0), table["margins"].fillna(0), atol=1e-12)
    assert (table[["cohort", "endpoints", "covariates"]].fillna(0) == 0).all(axis=None)


def test_all_kinds_at_once_add_up_to_the_difference_and_leave_no_remainder(before):
    operations_after = before.operations.iloc[60:].copy()
    operations_after.loc[100:120, "margin_group"] = "positive"
    operations_after["age_at_operation_years"] = operations_after["age_at_operation_years"] + np.arange(440) % 7
    kept = before.times[before.times["study_id"].isin(operations_after["study_id"])].copy()
    kept.loc[kept["study_id"] > "P0400", "event_code"] = 0
    table = changes(before, Study(operations_after, kept))
    parts = table[list(KINDS)]
    assert (parts.loc[(THREE_YEARS, "overall_recurrence", "positive"), ["cohort", "margins", "endpoints"]] != 0).all()
    assert (parts.loc["Liver recurrence at any time"] != 0).all(axis=None)
    known = table["difference"].notna() & parts.notna().all(axis=1)
    assert known.sum() >= 14
    assert np.allclose(table.loc[known, "difference"], parts[known].sum(axis=1), atol=1e-10)
    assert np.allclose(table.loc[known, REMAINDER], 0, atol=1e-10)


def test_what_was_published_beyond_the_patients_rows_is_the_remainder(before):
    numbers = headline_numbers(*before, PLAN)
    table = changes_by_kind(before, before, PLAN, numbers, numbers + 0.25)
    assert np.allclose(table[REMAINDER], 0.25) and (table[list(KINDS)] == 0).all(axis=None)
