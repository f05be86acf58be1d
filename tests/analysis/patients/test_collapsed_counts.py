"""Counts by day are checked before anything is computed, and carry the patients exactly."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.collapsed_counts import by_stratum, count_events
from analysis.patients.missing_values import complete_rows, numbers_or_missing
from analysis.patients.names import ordered_strata


def counts(*rows: tuple) -> pd.DataFrame:
    """Rows (stratum, time_days, n_event, n_competing, n_censored) of overall recurrence by margin group."""
    frame = pd.DataFrame(rows, columns=["stratum", "time_days", "n_event", "n_competing", "n_censored"])
    return frame.assign(endpoint="overall_recurrence", grouping="margin_group")


def test_patients_at_risk_are_those_who_leave_on_that_day_or_later():
    (stratum,) = by_stratum(counts(("positive", 30, 1, 0, 1), ("positive", 10, 2, 1, 0), ("positive", 40, 0, 0, 3)))
    assert stratum.time_days.tolist() == [10, 30, 40]
    assert stratum.n_risk.tolist() == [8, 5, 3]
    assert stratum.n == 8


def test_two_hospitals_counts_of_one_day_add_up_and_empty_days_vanish():
    (stratum,) = by_stratum(counts(("positive", 10, 1, 0, 0), ("positive", 10, 2, 0, 4), ("positive", 20, 0, 0, 0)))
    assert (stratum.time_days.tolist(), stratum.n_event.tolist(), stratum.n_censored.tolist()) == ([10], [3], [4])


def test_strata_come_in_the_order_a_surgeon_reads_them():
    groups = ["unresolved", ">=10 mm", "<1 mm", "positive", "1.0-9.9 mm"]
    strata = [stratum.stratum for stratum in by_stratum(counts(*[(group, 5, 1, 0, 0) for group in groups]))]
    assert strata == ["positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "unresolved"]
    assert ordered_strata(["10", "unknown", "2", "0"]) == ["0", "2", "10", "unknown"]
    assert ordered_strata([">3", "2-3", "unknown", "1"]) == ["1", "2-3", ">3", "unknown"]
    assert ordered_strata(["after 2012", "1991-1998", "before 1991"]) == ["before 1991", "1991-1998", "after 2012"]


def test_patient_rows_collapse_to_counts():
    rows = pd.DataFrame(
        {
            "endpoint": "overall_recurrence",
            "time_days": [5, 5, 5, 9],
            "event_code": [1, 1, 2, 0],
            "era": ["a", "a", "a", "b"],
        }
    )
    collapsed = count_events(rows, "era")
    assert collapsed.to_dict("records") == [
        {"endpoint": "overall_recurrence", "grouping": "era", "stratum": "a", "time_days": 5.0, "n_event": 2,
         "n_competing": 1, "n_censored": 0},
        {"endpoint": "overall_recurrence", "grouping": "era", "stratum": "b", "time_days": 9.0, "n_event": 0,
         "n_competing": 0, "n_censored": 1},
    ]  # fmt: skip
    assert count_events(rows)["stratum"].unique().tolist() == ["all"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("time_days", np.nan, r"event_counts\.time_days: 1 missing"),
        ("time_days", -1, r"event_counts\.time_days: 1 negative"),
        ("time_days", "soon", r"event_counts\.time_days: not a number"),
        ("n_event", -2, r"event_counts\.n_event: 1 negative"),
        ("n_censored", 0.5, r"event_counts\.n_censored: counts must be whole"),
        ("n_competing", np.inf, r"event_counts\.n_competing: 1 missing or infinite"),
        ("stratum", None, r"event_counts\.stratum: 1 missing"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_column(column, value, message):
    frame = counts(("positive", 10, 1, 0, 0), ("positive", 20, 1, 0, 0)).astype({column: object})
    frame.loc[1, column] = value
    with pytest.raises(ValueError, match=message):
        list(by_stratum(frame))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="lacks the column.*n_competing"):
        list(by_stratum(counts(("positive", 10, 1, 0, 0)).drop(columns="n_competing")))


def test_an_event_code_nobody_defined_is_refused():
    with pytest.raises(ValueError, match="event_code"):
        count_events(pd.DataFrame({"endpoint": ["e"], "time_days": [1], "event_code": [3]}))


def test_missing_is_not_zero():
    truths = pd.Series([True, None, False], dtype=object, name="has_hai_pump")
    np.testing.assert_array_equal(numbers_or_missing(truths), [1.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="has_hai_pump"):
        numbers_or_missing(pd.Series(["maybe"], name="has_hai_pump"))


def test_rows_with_missing_values_are_dropped_and_counted_once():
    frame = pd.DataFrame({"age": [60.0, np.nan, 70.0, np.nan], "cea": [1.0, 2.0, np.nan, np.nan], "note": [None] * 4})
    kept, n_excluded_missing = complete_rows(frame, ["age", "cea"])
    assert kept.index.tolist() == [0]
    assert n_excluded_missing == 3
