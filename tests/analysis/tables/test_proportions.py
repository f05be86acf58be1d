"""Wilson limits, the trend and standardised differences are R's."""

import json
import math

import numpy as np
import pytest

from analysis.tables.proportions import cochran_armitage, wilson_limits
from analysis.tables.standardised_difference import (
    difference_of_counts,
    difference_of_numbers,
    largest_between_pairs,
)
from tests.analysis.r_values import FOLDER

REFERENCE = json.loads((FOLDER / "proportions.json").read_text(encoding="utf-8"))
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def test_wilson_limits_are_those_of_prop_test():
    cases = REFERENCE["wilson"]
    low, high = wilson_limits([case["n_with"] for case in cases], [case["n"] for case in cases])
    np.testing.assert_allclose(low, [case["conf_low"] for case in cases], **CLOSE)
    np.testing.assert_allclose(high, [case["conf_high"] for case in cases], **CLOSE)


def test_of_nobody_there_are_no_limits():
    low, high = wilson_limits([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert not np.isnan([low[1], high[1]]).any()


def test_none_and_all_reach_exactly_0_and_1():
    low, high = wilson_limits([0, 7], [7, 7])
    assert low[0] == 0.0
    assert high[1] == 1.0


@pytest.mark.parametrize("case", REFERENCE["trend"])
def test_the_trend_is_that_of_prop_trend_test(case):
    statistic, p_value = cochran_armitage(case["n_with"], case["n"])
    np.testing.assert_allclose([statistic, p_value], [case["statistic"], case["p_value"]], **CLOSE)


def test_the_trend_has_no_value_where_nothing_varies():
    assert all(math.isnan(value) for value in cochran_armitage([0, 0, 0], [5, 9, 2]))
    assert all(math.isnan(value) for value in cochran_armitage([5, 9, 2], [5, 9, 2]))
    assert all(math.isnan(value) for value in cochran_armitage([0, 3, 0], [0, 9, 0]))


def test_an_empty_group_keeps_its_place_in_the_order():
    scores_1_and_4, _ = cochran_armitage([2, 0, 0, 7], [10, 0, 0, 11])
    scores_1_and_2, _ = cochran_armitage([2, 7], [10, 11])
    assert scores_1_and_4 == pytest.approx(scores_1_and_2)


@pytest.mark.parametrize(("n_with", "n"), [([3], [2]), ([-1], [2]), ([np.nan], [2]), ([1], [np.nan])])
def test_impossible_counts_are_refused(n_with, n):
    for function in (wilson_limits, cochran_armitage):
        with pytest.raises(ValueError, match="counts"):
            function(n_with, n)


@pytest.mark.parametrize("case", REFERENCE["numbers"])
def test_the_difference_of_numbers_is_in_units_of_their_spread(case):
    one, other = np.array(case["one"], dtype=float), np.array(case["other"], dtype=float)
    assert difference_of_numbers(one, other) == pytest.approx(case["difference"], rel=1e-9)
    assert difference_of_numbers(other, one) == pytest.approx(case["difference"], rel=1e-9)


@pytest.mark.parametrize("case", REFERENCE["levels"])
def test_the_difference_of_levels_is_their_mahalanobis_distance(case):
    one, other = np.array(case["one"]), np.array(case["other"])
    assert difference_of_counts(one, other) == pytest.approx(case["difference"], rel=1e-9)
    # which level comes first must not matter
    assert difference_of_counts(one[::-1], other[::-1]) == pytest.approx(case["difference"], rel=1e-9)


def test_differences_that_are_not_defined_are_missing_and_equal_groups_do_not_differ():
    assert difference_of_counts(np.array([5, 0]), np.array([9, 0])) == 0.0
    assert math.isnan(difference_of_counts(np.array([5, 0]), np.array([0, 9])))
    assert math.isnan(difference_of_counts(np.array([0, 0]), np.array([3, 4])))
    assert difference_of_numbers(np.array([2.0, 2.0]), np.array([2.0, 2.0])) == 0.0
    assert math.isnan(difference_of_numbers(np.array([2.0, 2.0]), np.array([3.0, 3.0])))
    assert math.isnan(difference_of_numbers(np.array([2.0]), np.array([3.0, 4.0])))


def test_the_largest_difference_is_taken_over_all_pairs():
    groups = [np.array([10, 90]), np.array([20, 80]), np.array([60, 40]), np.array([0, 0])]
    assert largest_between_pairs(difference_of_counts, groups) == difference_of_counts(groups[0], groups[2])
    assert math.isnan(largest_between_pairs(difference_of_counts, groups[3:]))
