"""E-values against R, the published examples and what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.robustness.e_values import e_value, risk_ratio, with_e_values
from tests.analysis.r_values import assert_equal_to_r
from tests.analysis.r_values_by_method import curves_models_and_weights


def ratios(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["hazard_ratio", "conf_low", "conf_high"])


@pytest.mark.parametrize(("column", "is_common"), [("rare", False), ("common", True)])
def test_e_values_equal_r(column, is_common):
    values = curves_models_and_weights("e_values")
    assert_equal_to_r(e_value(risk_ratio(values["hazard_ratio"], is_common)), values[column])


def test_the_examples_of_vanderweele_and_ding():
    """RR 3.9 (1.8 to 8.7), for which they print 7.2 (7.26 from the rounded ratio) and 3.0; and 0.80 (0.71 to 0.91)."""
    ours = with_e_values(ratios((3.9, 1.8, 8.7), (0.80, 0.71, 0.91)), is_outcome_common=False)
    assert ours["e_value"].round(1).tolist() == [7.3, 1.8]
    assert ours["e_value"].iloc[0] == pytest.approx(3.9 + np.sqrt(3.9 * 2.9))
    assert ours["e_value_limit"].round(1).tolist() == [3.0, 1.4]


def test_an_interval_that_holds_one_needs_no_confounding():
    for is_common in (False, True):
        ours = with_e_values(ratios((1.4, 0.9, 2.0), (0.7, 0.4, 1.1), (1.0, 0.8, 1.2)), is_common)
        assert ours["e_value_limit"].tolist() == [1, 1, 1]
        assert ours["e_value"].iloc[2] == 1


def test_a_ratio_and_its_inverse_need_the_same():
    for is_common in (False, True):
        ours = with_e_values(ratios((2.0, 1.5, 2.6), (1 / 2.0, 1 / 2.6, 1 / 1.5)), is_common)
        assert ours.loc[0, ["e_value", "e_value_limit"]].tolist() == pytest.approx(
            ours.loc[1, ["e_value", "e_value_limit"]].tolist(), rel=1e-12
        )
    # A common outcome makes risk ratios less extreme than hazard ratios
    common, rare = (with_e_values(ratios((2.0, 1.5, 2.6)), is_common)["e_value"].item() for is_common in (True, False))
    assert common < rare


def test_rows_without_estimate_stay_without():
    ours = with_e_values(ratios((np.nan, np.nan, np.nan), (1.4, np.nan, 2.0)).assign(term="margin"), False)
    assert ours.loc[0, ["e_value", "e_value_limit"]].isna().all()
    assert np.isnan(ours.loc[1, "e_value_limit"])
    assert ours["term"].tolist() == ["margin", "margin"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ratios((2.0, 1.5, 2.6)).drop(columns="conf_low"), "conf_low"),
        (ratios((-2.0, -3, 2.6)), "negative"),
        (ratios((2.0, 2.5, 2.6)), "outside their limits"),
    ],
)
def test_bad_rows_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        with_e_values(rows, is_outcome_common=False)
