"""Curves read off at landmarks, such as five years."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import STRATUM_COLUMNS, require_columns

ESTIMATES = ["estimate", "std_error", "conf_low", "conf_high"]
LANDMARK_COLUMNS = [
    *STRATUM_COLUMNS, "landmark_days", "landmark_label", "n_risk", *ESTIMATES, "estimator", "is_beyond_follow_up",
]  # fmt: skip


def landmark_estimates(curves: pd.DataFrame, estimator: str, landmarks_days: Mapping[str, float]) -> pd.DataFrame:
    """The estimate at the last time not after each landmark, one row a stratum and landmark.

    `n_risk` counts patients whose time is at or after the landmark. Where there are none the curve has ended: the
    estimate is missing and `is_beyond_follow_up` true, as R's summary.survfit leaves such times out.

    Args:
        curves: rows of `kaplan_meier` or `cumulative_incidence`.
        estimator: goes into the column of that name ('Kaplan-Meier', 'Aalen-Johansen').
        landmarks_days: label -> days.
    Raises:
        ValueError: a column is missing, or a landmark is not after time 0.
    """
    require_columns(curves, [*STRATUM_COLUMNS, "time_days", "n_risk", *ESTIMATES], "curves")
    if any(not days > 0 for days in landmarks_days.values()):
        raise ValueError("landmarks_days: landmarks must be after time 0")
    days = np.array(list(landmarks_days.values()), dtype=float)
    frames = [
        _read_off(curve.sort_values("time_days"), days).assign(
            **dict(zip(STRATUM_COLUMNS, map(str, names), strict=True)),
            landmark_label=list(landmarks_days),
            estimator=estimator,
        )
        for names, curve in curves.groupby(STRATUM_COLUMNS, sort=False)
    ]
    return pd.concat(frames, ignore_index=True)[LANDMARK_COLUMNS] if frames else pd.DataFrame(columns=LANDMARK_COLUMNS)


def _read_off(curve: pd.DataFrame, landmark_days: np.ndarray) -> pd.DataFrame:
    times = curve["time_days"].to_numpy(dtype=float)
    next_time = np.searchsorted(times, landmark_days, side="left")
    n_risk = np.append(curve["n_risk"].to_numpy(), 0)[next_time]
    last_time = np.searchsorted(times, landmark_days, side="right") - 1
    values = curve[ESTIMATES].iloc[last_time].reset_index(drop=True)
    values[n_risk == 0] = np.nan
    return values.assign(landmark_days=landmark_days, n_risk=n_risk, is_beyond_follow_up=n_risk == 0)
