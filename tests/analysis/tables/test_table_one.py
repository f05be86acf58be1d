"""Table 1: what is known, what is missing, and who is compared."""

import pandas as pd
import pytest

from analysis.tables.table_one import TABLE_ONE_COLUMNS, median_text, share_text, table_one
from tests.analysis.study_plan import MARGIN, PLAN

VARIABLES = [variable.column for variable in PLAN.described]


def operations(**columns: list) -> pd.DataFrame:
    """Eight patients: two of each of positive, <1 mm, >=10 mm, one of 1.0-9.9 mm, one unresolved."""
    groups = ["positive", "positive", "<1 mm", "<1 mm", "1.0-9.9 mm", ">=10 mm", ">=10 mm", "unresolved"]
    return pd.DataFrame({"margin_group": groups} | dict.fromkeys(VARIABLES, [None] * 8) | columns)


def cell(table: pd.DataFrame, variable: str, stratum: str, level: str = "") -> pd.Series:
    found = table[(table["variable"] == variable) & (table["stratum"] == stratum) & (table["level"] == level)]
    assert len(found) == 1
    return found.iloc[0]


def test_patients_are_counted_by_group_and_unresolved_margins_only_in_all():
    table = table_one(operations(), MARGIN, PLAN.described, PLAN.all_covariates)
    assert list(table.columns) == TABLE_ONE_COLUMNS
    patients = table[table["variable"] == "Patients"].set_index("stratum")["n"]
    assert patients.to_dict() == {"all": 8, "positive": 2, "<1 mm": 2, "1.0-9.9 mm": 1, ">=10 mm": 2, "unresolved": 1}
    assert list(patients.index) == ["all", "positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "unresolved"]


def test_a_median_is_of_the_known_and_the_missing_are_counted():
    table = table_one(
        operations(cea_ng_ml=[1.0, 3.0, None, 4.25, None, 10.0, 2000.0, 7.0]),
        MARGIN,
        PLAN.described,
        PLAN.all_covariates,
    )
    assert cell(table, "CEA, ng/mL", "positive")["value_text"] == "2 (1.5-2.5)"
    one_known = cell(table, "CEA, ng/mL", "<1 mm")
    assert (one_known["value_text"], one_known["n"], one_known["n_missing"]) == ("4.2 (4.2-4.2)", 1, 1)
    none_known = cell(table, "CEA, ng/mL", "1.0-9.9 mm")
    assert (none_known["value_text"], none_known["n"], none_known["n_missing"]) == ("not available", 0, 1)
    assert cell(table, "CEA, ng/mL", "all")["n_missing"] == 2


def test_a_share_is_of_the_known_not_of_all():
    table = table_one(
        operations(is_node_positive=[True, None, True, False, None, False, False, True]),
        MARGIN,
        PLAN.described,
        PLAN.all_covariates,
    )
    positive = cell(table, "Node-positive primary", "positive")
    assert (positive["value_text"], positive["n"], positive["n_missing"]) == ("1 (100%)", 1, 1)
    assert cell(table, "Node-positive primary", "all")["value_text"] == "3 (50%)"


def test_levels_stand_in_order_and_missing_is_no_level():
    table = table_one(
        operations(clinical_risk_score=[2, 10, 0, None, 2, 0, 1, None]), MARGIN, PLAN.described, PLAN.all_covariates
    )
    rows = table[(table["variable"] == "Clinical risk score (Fong)") & (table["stratum"] == "all")]
    assert list(rows["level"]) == ["0", "1", "2", "10"]
    assert list(rows["n"]) == [2, 1, 2, 1]
    assert set(rows["n_missing"]) == {2}


def test_nullable_types_of_a_warehouse_give_the_same_table():
    truths = [True, None, True, False, None, False, False, True]
    scores = [2, 3, 0, None, 2, 0, 1, None]
    plain = operations(is_node_positive=truths, clinical_risk_score=scores)
    nullable = plain.assign(
        is_node_positive=pd.array(truths, dtype="boolean"), clinical_risk_score=pd.array(scores, dtype="Int32")
    )
    pd.testing.assert_frame_equal(
        table_one(plain, MARGIN, PLAN.described, PLAN.all_covariates),
        table_one(nullable, MARGIN, PLAN.described, PLAN.all_covariates),
    )


def test_the_difference_is_the_largest_between_the_four_groups_and_leaves_the_unresolved_out():
    groups = ["positive", "positive", "<1 mm", "<1 mm", "1.0-9.9 mm", ">=10 mm", ">=10 mm", "unresolved", "unresolved"]
    patients = pd.DataFrame({"margin_group": groups} | {name: [None] * 9 for name in VARIABLES})
    patients["age_at_operation_years"] = [50, 52, 50, 52, 51, 51, 53, 90, 91]
    patients["sex"] = ["male", "female", "male", "female", None, "male", "female", "male", "male"]
    differences = (
        table_one(patients, MARGIN, PLAN.described, PLAN.all_covariates)
        .groupby("variable")["max_standardised_difference"]
        .unique()
    )
    # means 51, 51 and 52 with variances of 2; a single patient has no variance, and those of 90 are no group to compare
    assert differences["Age at operation, years"].tolist() == pytest.approx([1 / 2**0.5])
    assert differences["Sex"].tolist() == [0.0]


def test_numbers_and_shares_are_never_rounded_into_something_else():
    assert share_text(1, 1770) == "1 (<1%)"
    assert share_text(1769, 1770) == "1,769 (>99%)"
    assert share_text(0, 1770) == "0 (0%)"
    assert share_text(0, 0) == "not available"
    assert median_text(pd.Series([1234.0, 1234.0]).to_numpy()) == "1,234 (1,234-1,234)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"margin_group": ["5 mm"] * 8}, "5 mm not among"),
        ({"margin_group": [None] * 8}, "missing in 8 row"),
        ({"is_node_positive": ["yes"] * 8}, "yes not among"),
    ],
)
def test_a_value_that_would_vanish_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        table_one(operations().assign(**change), MARGIN, PLAN.described, PLAN.all_covariates)


def test_a_lacking_column_is_named():
    with pytest.raises(ValueError, match="cea_ng_ml"):
        table_one(operations().drop(columns="cea_ng_ml"), MARGIN, PLAN.described, PLAN.all_covariates)
