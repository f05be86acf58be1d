"""Standardised differences between groups: how unlike they are, in units of spread rather than of chance."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np


def difference_of_numbers(one: np.ndarray, other: np.ndarray) -> float:
    """Absolute difference of means over the root of the mean of the two sample variances.

    Source: Austin 2009, Stat Med 28:3083. NaN when a group has fewer than two values, or both have no spread but
    different means; 0 when both hold one and the same value.
    """
    if min(len(one), len(other)) < 2:
        return float("nan")
    distance = abs(np.mean(one) - np.mean(other))
    spread = np.sqrt((np.var(one, ddof=1) + np.var(other, ddof=1)) / 2)
    if spread == 0:
        return 0.0 if distance == 0 else float("nan")
    return float(distance / spread)


def difference_of_counts(one: np.ndarray, other: np.ndarray) -> float:
    """Mahalanobis distance of two distributions over the same levels, under the mean of their multinomial covariances.

    Two levels give the usual |p1 - p2| / sqrt((p1(1-p1) + p2(1-p2)) / 2).
    Source: Yang and Dalton 2012, SAS Global Forum 335-2012. NaN when a group is empty, or when no patient of either group
    varies (all of one group in one level, all of the other in another).

    Args:
        one, other: patients at each level, the levels in the same order.
    """
    if not (one.sum() > 0 and other.sum() > 0):
        return float("nan")
    in_use = (one + other) > 0
    shares = [counts[in_use] / counts.sum() for counts in (one, other)]
    # one level is determined by the rest: without it the covariance can be inverted
    first, second = (share[1:] for share in shares)
    if np.array_equal(first, second):
        return 0.0
    covariance = (_multinomial_covariance(first) + _multinomial_covariance(second)) / 2
    if np.linalg.matrix_rank(covariance) < len(first):
        return float("nan")
    distance = first - second
    return float(np.sqrt(distance @ np.linalg.solve(covariance, distance)))


def _multinomial_covariance(shares: np.ndarray) -> np.ndarray:
    return np.diag(shares) - np.outer(shares, shares)


def largest_between_pairs(difference: Callable[[np.ndarray, np.ndarray], float], groups: Sequence[np.ndarray]) -> float:
    """The largest `difference` between any two of `groups`; NaN when none is defined."""
    values = [difference(one, other) for one, other in combinations(groups, 2)]
    return float(np.nanmax(values)) if not np.isnan(values).all() else float("nan")
