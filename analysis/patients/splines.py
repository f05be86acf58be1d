"""Restricted cubic splines: knots at quantiles, and the columns that a value bends into between them."""

from collections.abc import Sequence

import numpy as np


def spline_knots(values: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    """Knots at quantiles (interpolated, R's type 7) of the values, ascending; Harrell 2015, table 2.3, has quantiles for each number.

    Raises:
        ValueError: fewer than three; no values; or quantiles that coincide, as when many margins are 0 mm wide.
    """
    if not len(values):
        raise ValueError("no values to take knots from")
    return checked_knots(np.quantile(values, quantiles))


def spline_basis(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Truncated power basis of the cubic spline that is linear beyond the outer knots (Harrell 2015, section 2.4.5).

    The values themselves, then for each knot t_j but the last two
    [(x - t_j)+^3 - (x - t_k-1)+^3 (t_k - t_j) / (t_k - t_k-1) + (x - t_k)+^3 (t_k-1 - t_j) / (t_k - t_k-1)] / (t_k - t_1)^2,
    which has the unit of x, as Hmisc::rcspline.eval(norm = 2, inclx = TRUE).

    Args:
        values: of any length; knots: k >= 3, ascending.
    Returns:
        A matrix with a row a value and k - 1 columns.
    """
    x = np.asarray(values, dtype=float)
    first, before_last, last = knots[0], knots[-2], knots[-1]
    gap = last - before_last
    # a column after the other, each in one piece
    basis = np.empty((len(knots) - 1, len(x)))
    basis[0] = x
    of_before_last, of_last = (np.maximum(x - knot, 0.0) ** 3 for knot in (before_last, last))
    for column, knot in zip(basis[1:], knots[:-2], strict=True):
        bent = np.maximum(x - knot, 0.0) ** 3 - of_before_last * (last - knot) / gap
        column[:] = (bent + of_last * (before_last - knot) / gap) / (last - first) ** 2
    return basis.T


def checked_knots(knots_mm: Sequence[float] | np.ndarray) -> np.ndarray:
    """Three or more knots that ascend; ValueError otherwise."""
    knots = np.asarray(knots_mm, dtype=float)
    if len(knots) < 3 or not (np.diff(knots) > 0).all():
        raise ValueError(f"knots must be three or more that ascend, not {', '.join(f'{k:g}' for k in knots)}")
    return knots
