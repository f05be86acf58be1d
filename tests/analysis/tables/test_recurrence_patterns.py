"""Who recurred in which pattern, of whom."""

import pandas as pd
import pytest

from analysis.tables.proportions import wilson_limits
from analysis.tables.recurrence_patterns import PATTERN_COLUMNS, recurrence_patterns
from tests.analysis.report_builders import frame
from tests.analysis.study_plan import MARGIN

OPERATIONS = frame(
    "study_id margin_group",
    ("A", "positive"),
    ("B", "positive"),
    ("C", "positive"),
    ("D", "1.0-9.9 mm"),
    ("E", ">=10 mm"),
    ("F", "unresolved"),
)
FIRST = frame(
    "study_id initial_pattern has_margin_site",
    ("A", "liver only", True),
    ("B", "lung only", False),
    ("D", "multiple sites", True),
    ("F", "liver only", False),
)
# A's bone came later; of B two liver sites make one patient with a liver site; D's lung is in two rows
SITES = frame(
    "study_id site",
    ("A", "liver_at_margin"),
    ("A", "bone"),
    ("B", "lung"),
    ("B", "liver_elsewhere"),
    ("B", "liver_at_margin"),
    ("D", "liver_at_margin"),
    ("D", "lung"),
    ("D", "lung"),
    ("F", "liver_elsewhere"),
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return recurrence_patterns(FIRST, SITES, OPERATIONS, MARGIN)


def n_of(table: pd.DataFrame, scope: str, pattern: str) -> dict[str, int]:
    rows = table[(table["pattern_scope"] == scope) & (table["pattern"] == pattern)]
    return {row.stratum: row.n for row in rows.itertuples() if row.n}


def test_the_denominator_is_everybody_operated_on(table):
    assert list(table.columns) == PATTERN_COLUMNS
    at_risk = table.drop_duplicates("stratum").set_index("stratum")["n_at_risk"].to_dict()
    assert at_risk == {"positive": 3, "<1 mm": 0, "1.0-9.9 mm": 1, ">=10 mm": 1, "unresolved": 1, "all": 6}


def test_initial_patterns_are_those_of_the_first_recurrence_and_add_up_to_it(table):
    assert n_of(table, "initial", "liver only") == {"positive": 1, "unresolved": 1, "all": 2}
    assert n_of(table, "initial", "any initial margin site") == {"positive": 1, "1.0-9.9 mm": 1, "all": 2}
    classes = table[table["pattern"].isin(["liver only", "lung only", "other single site", "multiple sites"])]
    assert classes.groupby("stratum")["n"].sum()["all"] == n_of(table, "initial", "any recurrence")["all"] == 4


def test_sites_are_counted_once_a_patient_whenever_they_came(table):
    assert n_of(table, "overall", "bone") == {"positive": 1, "all": 1}
    assert n_of(table, "overall", "lung") == {"positive": 1, "1.0-9.9 mm": 1, "all": 2}
    assert n_of(table, "overall", "any liver site") == {"positive": 2, "1.0-9.9 mm": 1, "unresolved": 1, "all": 4}
    assert n_of(table, "overall", "any recurrence") == {"positive": 2, "1.0-9.9 mm": 1, "unresolved": 1, "all": 4}


def test_groups_and_the_unresolved_add_up_to_all(table):
    wide = table.pivot_table(index=["pattern_scope", "pattern"], columns="stratum", values="n")
    pd.testing.assert_series_equal(wide.drop(columns="all").sum(axis=1), wide["all"], check_names=False)


def test_proportions_have_wilson_limits_and_are_missing_in_an_empty_group(table):
    row = table[(table["pattern"] == "liver only") & (table["stratum"] == "positive")].iloc[0]
    low, high = wilson_limits([1], [3])
    assert (row["proportion"], row["conf_low"], row["conf_high"]) == pytest.approx((1 / 3, low[0], high[0]))
    empty = table[table["stratum"] == "<1 mm"]
    assert empty[["proportion", "conf_low", "conf_high"]].isna().all(axis=None)
    nobody = table[(table["pattern"] == "brain") & (table["stratum"] == "positive")].iloc[0]
    assert (nobody["n"], nobody["proportion"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("first", "sites", "operations", "words"),
    [
        (FIRST.assign(initial_pattern="spleen only"), SITES, OPERATIONS, "spleen only not among"),
        (FIRST, SITES.assign(site="spleen"), OPERATIONS, "spleen not among"),
        (FIRST, SITES, OPERATIONS.iloc[1:], "1 patient"),
        (FIRST, SITES, OPERATIONS.assign(margin_group="negative"), "negative not among"),
        (pd.concat([FIRST, FIRST]), SITES, OPERATIONS, "first_recurrences: study_id"),
    ],
)
def test_what_would_silently_vanish_is_refused(first, sites, operations, words):
    with pytest.raises(ValueError, match=words):
        recurrence_patterns(first, sites, operations, MARGIN)


def test_when_nobody_recurred_every_count_is_zero():
    table = recurrence_patterns(FIRST.iloc[:0], SITES.iloc[:0], OPERATIONS, MARGIN)
    assert (table["n"] == 0).all()
    assert table.loc[table["stratum"] == "all", "proportion"].eq(0).all()


def test_sites_that_were_not_stated_are_rows_of_their_own_and_only_where_there_are_any():
    unstated = FIRST.assign(initial_pattern="not stated", has_margin_site=None)
    table = recurrence_patterns(unstated, SITES.assign(site="not_stated").drop_duplicates(), OPERATIONS, MARGIN)
    n = table[table["stratum"] == "all"].set_index(["pattern_scope", "pattern"])["n"]
    assert n["initial", "not stated"] == n["initial", "resection margin not stated"] == len(FIRST)
    assert (n["initial", "any initial margin site"], n["overall", "any liver site"]) == (0, 0)
    assert "not stated" not in set(recurrence_patterns(FIRST, SITES, OPERATIONS, MARGIN)["pattern"])
