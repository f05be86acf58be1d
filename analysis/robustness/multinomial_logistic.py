"""Multinomial logistic regression (with two levels: ordinary logistic regression) by maximum likelihood."""

from dataclasses import dataclass

import numpy as np

MAX_ITERATIONS = 60
STEP_TOLERANCE = 1e-10
# Beyond this the probabilities of some are 0 or 1 to double precision: the levels are separated by the columns
LARGEST_LOG_ODDS = 30.0
ROWS_AT_ONCE = 16_384


@dataclass(frozen=True)
class MultinomialFit:
    """Coefficients (a row a level but the first, a column a column of the design) and the covariance of them all."""

    coefficients: np.ndarray
    covariance: np.ndarray
    is_separated: bool

    def probabilities(self, design: np.ndarray) -> np.ndarray:
        """Probability of each level (columns) for each row of a design."""
        return probabilities(design, self.coefficients)


def probabilities(design: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """exp(x b_k) / sum over levels of exp(x b_l), the first level's b being 0; a row a patient, a column a level."""
    probability = np.empty((len(coefficients) + 1, len(design)))
    probability[0], probability[1:] = 0.0, coefficients @ design.T
    probability -= probability.max(axis=0)
    np.exp(probability, out=probability)
    probability /= probability.sum(axis=0)
    return probability.T


def fit_multinomial(
    design: np.ndarray,
    level: np.ndarray,
    n_levels: int,
    case_weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    tolerance: float = STEP_TOLERANCE,
) -> MultinomialFit:
    """Newton's method on the log-likelihood (R's nnet::multinom; with two levels glm(family = binomial)).

    Args:
        design: n x p with a column of ones where an intercept is wanted, of full rank.
        level: n numbers 0 ... n_levels - 1, each of them present; case_weights: n, default 1.
        start: coefficients to begin from, where they are of this shape; tolerance: of the last step, of columns of unit size.
    Returns:
        `is_separated` when log-odds ran off beyond +-30: there is no maximum, and the coefficients mean nothing.
    Raises:
        ValueError: a level that nobody has.
    """
    counts = np.bincount(level, minlength=n_levels)
    if (counts == 0).any():
        raise ValueError(f"level: nobody has level {int(np.flatnonzero(counts == 0)[0])}")
    case_weights = np.ones(len(design)) if case_weights is None else np.asarray(case_weights, dtype=float)
    # Columns of unit size, so that one tolerance fits all
    scales = np.sqrt((design**2).mean(axis=0))
    x, shape = design / scales, (n_levels - 1, design.shape[1])
    has_start = start is not None and start.shape == shape
    coefficients, converged = start * scales if has_start else np.zeros(shape), False
    for _ in range(MAX_ITERATIONS):
        score, information = _derivatives(x, level, coefficients, case_weights)
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, score.ravel()).reshape(shape)
        # Far from the maximum a full step may overshoot
        coefficients = coefficients + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < tolerance:
            converged = True
            break
    is_separated = not converged or np.abs(x @ coefficients.T).max() > LARGEST_LOG_ODDS
    units = np.tile(scales, n_levels - 1)
    covariance = np.full((units.size, units.size), np.nan)
    if not is_separated:
        information = _derivatives(x, level, coefficients, case_weights)[1]
        covariance = np.linalg.inv(information) / np.outer(units, units)
    return MultinomialFit(coefficients / scales, covariance, bool(is_separated))


def _derivatives(
    x: np.ndarray, level: np.ndarray, coefficients: np.ndarray, case_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The log-likelihood's first derivative and minus its second, some rows at a time: few enough for a processor's cache."""
    score, information = np.zeros(coefficients.shape), np.zeros((coefficients.size, coefficients.size))
    for start in range(0, len(x), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        probability = probabilities(x[some], coefficients)[:, 1:]
        is_level = level[some, None] == np.arange(1, len(coefficients) + 1)
        score += (case_weights[some, None] * (is_level - probability)).T @ x[some]
        information += _information(x[some], probability, case_weights[some])
    return score, information


def _information(x: np.ndarray, probability: np.ndarray, case_weights: np.ndarray) -> np.ndarray:
    """Minus the second derivative of the log-likelihood, levels in the outer blocks."""
    n_levels, n_columns = probability.shape[1], x.shape[1]
    information = np.empty((n_levels * n_columns, n_levels * n_columns))
    for row in range(n_levels):
        for column in range(row + 1):
            weight = case_weights * probability[:, row] * ((row == column) - probability[:, column])
            block = (slice(row * n_columns, (row + 1) * n_columns), slice(column * n_columns, (column + 1) * n_columns))
            information[block] = (x * weight[:, None]).T @ x
            information[block[::-1]] = information[block].T
    return information
