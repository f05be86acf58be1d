"""Tests of scores between groups that compare patients within strata (hospitals) only."""

from typing import NamedTuple

import numpy as np
import pandas as pd


class ScoreTest(NamedTuple):
    """Chi-square, its degrees of freedom and P; NaN where nothing can be compared."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


NOT_COMPARED = ScoreTest(float("nan"), 0, float("nan"))


def association_test(score: np.ndarray, group: np.ndarray, stratum: np.ndarray) -> ScoreTest:
    """Whether the groups' scores differ within strata: sums over strata of what each group has beyond its expected share, with their
    permutation covariance (Landis, Heyman and Koch 1978, Int Stat Rev 46:237).

    Of 0/1 scores the generalised Cochran-Mantel-Haenszel test (R: mantelhaen.test, the score test of clogit); of ranks in one stratum
    Kruskal and Wallis' (R: kruskal.test), of `ranks_within` in several its stratified form (of two groups van Elteren's).

    >>> score, group = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 0, 1, 1, 1])
    >>> round(association_test(score, group, np.zeros(6, dtype=int)).statistic, 4)
    3.8571

    Args:
        score: a number a patient; group, stratum: whole numbers from 0.
    """
    observed, covariance = _beyond_expected(score, group, stratum)
    used = np.flatnonzero(covariance.diagonal() > 0)
    # what one group has beyond its share the others lack
    degrees = int(np.linalg.matrix_rank(covariance[np.ix_(used, used)])) if len(used) else 0
    if not degrees:
        return NOT_COMPARED
    inverse = np.linalg.pinv(covariance[np.ix_(used, used)], hermitian=True)
    return _chi_square(float(observed[used] @ inverse @ observed[used]), degrees)


def trend_test(score: np.ndarray, group: np.ndarray, stratum: np.ndarray) -> ScoreTest:
    """Whether scores rise or fall over the groups, numbered in their order, within strata: Mantel's extension test (Mantel 1963, J Am Stat
    Assoc 58:690), of 0/1 scores the score test of R's clogit with the group as a number. Arguments as above."""
    observed, covariance = _beyond_expected(score, group, stratum)
    order = np.arange(len(observed), dtype=float)
    variance = float(order @ covariance @ order)
    return _chi_square(float(order @ observed) ** 2 / variance, 1) if variance > 1e-12 else NOT_COMPARED


def ranks_within(values: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Mid-ranks within each stratum over one more than its size, so that a large stratum does not outweigh the others by its ranks alone
    (van Elteren 1960, Bull Inst Int Stat 37:351)."""
    ranks = pd.Series(values).groupby(stratum).rank().to_numpy()
    return ranks / (np.bincount(stratum)[stratum] + 1)


def _beyond_expected(score: np.ndarray, group: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each group the sum of its scores less what it would have by its share of each stratum, and their covariance."""
    if not len(score):
        return np.zeros(1), np.zeros((1, 1))
    n_groups, n_strata = int(group.max()) + 1, int(stratum.max()) + 1
    cell = stratum * n_groups + group
    size = np.bincount(cell, minlength=n_strata * n_groups).reshape(n_strata, n_groups).astype(float)
    total = np.bincount(cell, weights=score, minlength=n_strata * n_groups).reshape(n_strata, n_groups)
    n = np.maximum(size.sum(axis=1), 1.0)
    mean = total.sum(axis=1) / n
    squares = np.bincount(stratum, weights=(score - mean[stratum]) ** 2, minlength=n_strata)
    # the variance of one score drawn without replacement
    variance = squares / np.maximum(n - 1, 1.0)
    observed = (total - size * mean[:, None]).sum(axis=0)
    own = (variance[:, None] * size).sum(axis=0)
    shared = np.einsum("s,sg,sh->gh", variance / n, size, size)
    return observed, np.diag(own) - shared


def _chi_square(statistic: float, degrees: int) -> ScoreTest:
    from scipy.special import chdtrc

    return ScoreTest(statistic, degrees, float(chdtrc(degrees, max(statistic, 0.0))))
