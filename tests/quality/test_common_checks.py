"""Tables without a suite of their own are judged by what holds of a column wherever it stands."""

import pandas as pd
import pytest

from quality.common_checks import common_suite
from quality.run_expectations import judge_frame

RATIOS = pd.DataFrame(
    {
        "endpoint": ["overall_recurrence", "overall_recurrence"], "term": ["margin positive", "margin <1 mm"],
        "hazard_ratio": [2.0, None], "conf_low": [1.5, None], "conf_high": [2.7, None], "p_value": [0.001, None],
        "n": [300, 300], "n_event": [90, 90], "warning": [None, "no events"],
    }
)  # fmt: skip


def failed(frame: pd.DataFrame, table: str = "weighted_hazard_ratios") -> set[str]:
    checks, _ = judge_frame(common_suite(table, list(frame.columns), "results"), frame)
    assert {check[6] for check in checks} <= {"passed", "failed"}
    return {check[2] for check in checks if check[6] == "failed"}


def test_a_sound_table_passes_every_check_that_its_columns_have():
    assert failed(RATIOS) == set()
    assert len(common_suite("weighted_hazard_ratios", list(RATIOS.columns), "results").checks) >= 10


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("hazard_ratio", -1.0, "ratios_are_positive"),
        ("hazard_ratio", 3.0, "ratio_is_not_above_its_limit"),
        ("conf_low", 2.2, "ratio_is_not_below_its_limit"),
        ("conf_high", 1.0, "limits_are_in_order"),
        ("p_value", 1.2, "probabilities_are_between_0_and_1"),
        ("n_event", 301, "events_are_of_patients"),
        ("n", -1, "counts_are_not_negative_n"),
        ("endpoint", None, "rows_are_named"),
    ],
)
def test_a_value_that_cannot_be_is_found(column, value, check):
    wrong = RATIOS.astype({column: object})
    wrong.loc[0, column] = value
    assert check in failed(wrong.infer_objects())


def test_a_row_without_a_number_says_why():
    assert failed(RATIOS.assign(warning=None)) == {"no_number_without_a_reason"}


def test_what_stands_once_stands_once():
    margins = pd.DataFrame(
        {"study_id": ["P1", "P1"], "lesion_number": [1, 1], "margin_mm": [2.0, 3.0], "margin_group": "1.0-9.9 mm"}
    )
    assert failed(margins, "lesion_margins") == {"one_row_a_key"}
    assert failed(margins.assign(lesion_number=[1, 2]), "lesion_margins") == set()


def test_an_empty_table_is_no_fault():
    assert failed(RATIOS.iloc[:0]) == set()


def test_an_analysis_that_was_done_for_no_endpoint_need_not_name_one():
    not_done = pd.DataFrame({"table": ["stratified_tests"], "endpoint": [None], "reason": ["no patient has an era"]})
    assert failed(not_done, "analyses_not_done") == set()
    assert failed(not_done, "planned_tests") == {"rows_are_named_endpoint"}
