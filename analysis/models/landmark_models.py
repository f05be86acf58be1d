"""Landmark analysis: hazard ratios of the margin groups among those still event-free at given days."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.models.cause_specific_cox import cox_model_of
from analysis.models.hazard_ratio_rows import HAZARD_RATIO_COLUMNS
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import endpoint_rows, model_rows

LANDMARK_RATIO_COLUMNS = ["landmark_days", *HAZARD_RATIO_COLUMNS, "n_before_landmark"]


def landmark_hazard_ratios(
    frame: pd.DataFrame,
    endpoint: str,
    landmarks_days: Sequence[float],
    exposure: Exposure,
    covariates: Sequence[Covariate] = (),
    few_events: int = 0,
) -> pd.DataFrame:
    """The models of `cause_specific_cox.cause_specific_cox` from each landmark on; its hazard ratios with `landmark_days`.

    Anderson, Cain and Gelber (1983, J Clin Oncol 1:710): only patients followed beyond the landmark without event or
    competing event count, from the landmark on; `n_before_landmark` counts the others. A ratio that fades from landmark to
    landmark tells early from late effects; those who reach a late landmark are selected, and are compared as they are.

    Args:
        frame: as `cause_specific_cox.cause_specific_cox`; the covariates are those known at operation.
        landmarks_days: each >= 0, no two equal; 0 leaves out only those whose time is 0.
    Raises:
        ValueError: as `cause_specific_cox.cause_specific_cox`; a landmark that is negative, not a number or there twice; or one
            beyond which nobody is followed.
    """
    days = np.asarray(landmarks_days, dtype=float)
    if not (days >= 0).all() or np.isinf(days).any() or len(set(days)) < len(days):
        raise ValueError("landmarks_days: must be numbers of 0 or more, no two equal")
    patients = endpoint_rows(frame, endpoint)
    frames = []
    for landmark in days:
        followed = patients[patients["time_days"] > landmark]
        if followed.empty:
            raise ValueError(f"landmarks_days: nobody is followed beyond day {landmark:g}")
        later = followed.assign(time_days=followed["time_days"] - landmark)
        # of the ratios alone: proportional hazards are tested in everybody's models
        ratios = [
            cox_model_of(
                model_rows(later, endpoint, of_model, exposure),
                exposure,
                model,
                few_events=few_events,
                has_proportionality=False,
            ).hazard_ratios
            for model, of_model in (("unadjusted", ()), ("adjusted", covariates))
        ]
        frames.append(
            pd.concat(ratios, ignore_index=True).assign(
                landmark_days=landmark, n_before_landmark=len(patients) - len(followed)
            )
        )
    stacked = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=LANDMARK_RATIO_COLUMNS)
    return stacked[LANDMARK_RATIO_COLUMNS]
