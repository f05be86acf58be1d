"""Pointwise 95 % limits of survival and of incidence probabilities, transformed as R's survfit does.

Limits that the transform leaves undefined stay missing, as in survfit: log at 0, log-log at 0 and 1 (so an incidence has
none before its first event), and all where a survival of 0 has no error.
"""

from statistics import NormalDist

import numpy as np

CONFIDENCE_TYPES = ("log", "log-log", "plain")
NORMAL_QUANTILE = NormalDist().inv_cdf(0.975)


def survival_limits(survival: np.ndarray, log_std_error: np.ndarray, conf_type: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of a Kaplan-Meier estimate.

    Args:
        survival: estimates in [0, 1]; log_std_error: standard error of their logarithm (Greenwood), infinite at 0.
        conf_type: 'log', 'log-log' (Kalbfleisch and Prentice) or 'plain'.
    Raises:
        ValueError: an unknown conf_type.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        std_error = np.where(survival > 0, survival * log_std_error, np.nan)
        return _limits(survival, std_error, conf_type)


def incidence_limits(incidence: np.ndarray, std_error: np.ndarray, conf_type: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of a cumulative incidence from its standard error; arguments and errors as above."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return _limits(incidence, std_error, conf_type)


def _limits(probability: np.ndarray, std_error: np.ndarray, conf_type: str) -> tuple[np.ndarray, np.ndarray]:
    width = NORMAL_QUANTILE * std_error
    if conf_type == "plain":
        return np.maximum(probability - width, 0.0), np.minimum(probability + width, 1.0)
    inside = np.where(probability > 0, probability, np.nan)
    if conf_type == "log":
        return inside * np.exp(-width / inside), np.minimum(inside * np.exp(width / inside), 1.0)
    if conf_type == "log-log":
        inside = np.where(inside < 1, inside, np.nan)
        # log(inside) is negative, so the quotient is: a power above 1 gives the lower limit
        power = np.exp(-width / (inside * np.log(inside)))
        return inside**power, inside ** (1 / power)
    raise ValueError(f"conf_type must be one of {', '.join(CONFIDENCE_TYPES)}, not {conf_type!r}")
