"""E-values: how strong unmeasured confounding would have to be to explain a hazard ratio away."""

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns

RATIO_COLUMNS = ["hazard_ratio", "conf_low", "conf_high"]
E_VALUE_COLUMNS = ["e_value", "e_value_limit"]


def with_e_values(hazard_ratios: pd.DataFrame, is_outcome_common: bool) -> pd.DataFrame:
    """The rows with `e_value` of the estimate and `e_value_limit` of the limit nearer to 1 (1 where the interval holds 1).

    VanderWeele and Ding (2017, Ann Intern Med 167:268): the least risk ratio that an unmeasured confounder would need with
    both the exposure and the outcome, beyond the measured covariates, to account for the whole estimate.

    Args:
        hazard_ratios: with the columns hazard_ratio, conf_low, conf_high; rows where they are missing get no E-value.
        is_outcome_common: whether more than about 15 % have the event by the end of follow-up; see `risk_ratio`.
    Raises:
        ValueError: a column is missing, or a ratio is negative or outside its limits.
    """
    require_columns(hazard_ratios, RATIO_COLUMNS, "hazard_ratios")
    ratio, low, high = (hazard_ratios[column].to_numpy(dtype=float, na_value=np.nan) for column in RATIO_COLUMNS)
    if (np.stack([ratio, low, high]) < 0).any():
        raise ValueError("hazard_ratios: negative ratio(s)")
    if ((low > ratio) | (ratio > high)).any():
        raise ValueError("hazard_ratios: ratio(s) outside their limits")
    nearer = np.where(ratio >= 1, np.maximum(low, 1.0), np.minimum(high, 1.0))
    nearer = np.where(np.isnan(low) | np.isnan(high), np.nan, nearer)
    return hazard_ratios.assign(
        e_value=e_value(risk_ratio(ratio, is_outcome_common)),
        e_value_limit=e_value(risk_ratio(nearer, is_outcome_common)),
    )


def risk_ratio(hazard_ratio: np.ndarray, is_outcome_common: bool) -> np.ndarray:
    """The hazard ratio itself for a rare outcome; for a common one (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)).

    The latter is VanderWeele and Ding's (2017, table 2) approximation for outcomes that more than 15 % have.
    """
    hazard_ratio = np.asarray(hazard_ratio, dtype=float)
    if not is_outcome_common:
        return hazard_ratio
    # Ratios of 0 and infinity stay what they are
    with np.errstate(divide="ignore", invalid="ignore"):
        return (1 - 0.5 ** np.sqrt(hazard_ratio)) / (1 - 0.5 ** np.sqrt(1 / hazard_ratio))


def e_value(ratio: np.ndarray) -> np.ndarray:
    """RR + sqrt(RR (RR - 1)) of a risk ratio RR >= 1, and of 1 / RR for one below 1.

    >>> np.round(e_value(np.array([2.0, 0.5, 1.0])), 3).tolist()
    [3.414, 3.414, 1.0]
    """
    ratio = np.asarray(ratio, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(ratio < 1, 1 / ratio, ratio)
        return away + np.sqrt(away * (away - 1))
