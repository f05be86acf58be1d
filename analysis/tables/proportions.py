"""Proportions with Wilson limits, and the Cochran-Armitage trend."""

import numpy as np

from analysis.curves.confidence_limits import NORMAL_QUANTILE


def wilson_limits(n_with: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits of proportions by Wilson's score method without continuity correction.

    Source: Wilson 1927, J Am Stat Assoc 22:209; equals R's prop.test(x, n, correct = FALSE)$conf.int.

    >>> low, high = wilson_limits(np.array([13]), np.array([86]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.0905, 0.2416)

    Args:
        n_with: how many have the characteristic; n: of how many. Arrays of one shape.
    Returns:
        Lower and upper limits, shares of 1; NaN where n is 0.
    Raises:
        ValueError: a count is negative or missing, or n_with exceeds n.
    """
    x, total = _checked_counts(n_with, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / total
        spread = NORMAL_QUANTILE**2 / total
        centre = share + spread / 2
        half = NORMAL_QUANTILE * np.sqrt(share * (1 - share) / total + spread / (4 * total))
        low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    # at both ends the formula is exact only up to rounding: a share of 0 must not get a lower limit of 1e-18
    low = np.where((x == 0) & (total > 0), 0.0, low)
    high = np.where((x == total) & (total > 0), 1.0, high)
    return np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)


def cochran_armitage(n_with: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """Chi-square (1 degree of freedom) and two-sided P of a trend in proportions over groups scored 1, 2, 3, ...

    Source: Armitage 1955, Biometrics 11:375, without continuity correction; equals R's prop.trend.test(x, n). NaN when
    all or none have the characteristic, or when fewer than two groups hold anybody.

    Args and errors as in `wilson_limits`; the groups in the order of their scores.
    """
    from scipy.stats import chi2

    x, total = _checked_counts(n_with, n)
    if (total > 0).sum() < 2 or x.sum() in (0, total.sum()):
        return float("nan"), float("nan")
    scores = np.arange(1, len(x) + 1)
    share = x.sum() / total.sum()
    distance = scores - (scores * total).sum() / total.sum()
    variance = share * (1 - share) * (total * distance**2).sum()
    statistic = ((x - total * share) * distance).sum() ** 2 / variance
    return float(statistic), float(chi2.sf(statistic, 1))


def _checked_counts(n_with: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, total = np.asarray(n_with, dtype=float), np.asarray(n, dtype=float)
    if not ((x >= 0) & (x <= total)).all():
        raise ValueError("counts must be known, and 0 <= n_with <= n")
    return x, total
