"""Proportions with Wilson limits, and the Cochran-Armitage trend."""

import numpy as np

Z_95 = 1.959963984540054


def wilson_limits(n_with: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % limits of proportions by Wilson's score method without continuity correction.

    Source: Wilson 1927; equals R's prop.test(x, n, correct = FALSE)$conf.int. NaN where n is 0.
    """
    x, total = np.asarray(n_with, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / total
        spread = Z_95**2 / total
        centre = share + spread / 2
        half = Z_95 * np.sqrt(share * (1 - share) / total + spread / (4 * total))
        low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    return np.where(x == 0, np.where(total > 0, 0.0, np.nan), low), np.where(
        x == total, np.where(total > 0, 1.0, np.nan), high
    )


def cochran_armitage(n_with: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """Chi-square (1 degree of freedom) and two-sided P of a trend in proportions over groups scored 1, 2, 3, ...

    Source: Armitage 1955; equals R's prop.trend.test(x, n). NaN when all or none have the characteristic, or when fewer
    than two groups hold anybody.
    """
    from scipy.stats import chi2

    x, total = np.asarray(n_with, dtype=float), np.asarray(n, dtype=float)
    scores = np.arange(1, len(x) + 1)
    share = x.sum() / total.sum() if total.sum() else np.nan
    mean_score = (scores * total).sum() / total.sum() if total.sum() else np.nan
    variance = share * (1 - share) * (total * (scores - mean_score) ** 2).sum()
    if not variance > 0:
        return float("nan"), float("nan")
    statistic = ((x - total * share) * (scores - mean_score)).sum() ** 2 / variance
    return float(statistic), float(chi2.sf(statistic, 1))
