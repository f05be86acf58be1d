"""The two Fine-Gray models of an endpoint, one below the other, as the hazard ratios publish them."""

from collections.abc import Sequence

import pandas as pd

from analysis.models.fine_gray import fine_gray_model
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure


def fine_gray(
    frame: pd.DataFrame, endpoint: str, exposure: Exposure | None, covariates: Sequence[Covariate] = ()
) -> pd.DataFrame:
    """Unadjusted and adjusted; without an exposure only the adjusted one."""
    models = {"unadjusted": (), "adjusted": covariates} if exposure else {"adjusted": covariates}
    return pd.concat(
        [fine_gray_model(frame, endpoint, exposure, used, model) for model, used in models.items()], ignore_index=True
    )
