"""Firth's penalised Cox regression: finite hazard ratios where a group has few events or none."""

from collections.abc import Sequence

import pandas as pd

from analysis.cox_models import ADJUSTMENT_COVARIATES, FIRTH, Covariate
from analysis.firth_fit import fit_firth, profile_row
from analysis.model_rows import CAUSE_SPECIFIC, hazard_ratio_frame, model_rows
from analysis.names import MARGIN_REFERENCE


def firth_cox(
    frame: pd.DataFrame,
    endpoint: str,
    margin_reference: str | None = MARGIN_REFERENCE,
    covariates: Sequence[Covariate] = ADJUSTMENT_COVARIATES,
    ties: str = "efron",
) -> pd.DataFrame:
    """Firth's model of one endpoint's cause-specific hazard, `model` 'unadjusted, Firth' and 'adjusted, Firth'.

    Columns as `cox_models.HAZARD_RATIO_COLUMNS`; limits and p-values from the profile penalised likelihood, `statistic`
    the penalised likelihood ratio of each term. See `fit_firth` for the method. Competing events are censored.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing),
            margin_group (not with margin_reference None: adjusted model only), the covariates' columns.
        ties: 'efron' (default, as in the other models) or 'breslow' (as R's coxphf).
    Raises:
        ValueError: names the column that is missing or holds what it must not, or the endpoint nobody has; unknown ties.
    """
    frames = []
    for model in ("unadjusted", "adjusted") if margin_reference is not None else ("adjusted",):
        data = model_rows(frame, endpoint, () if model == "unadjusted" else covariates, margin_reference)
        fit = fit_firth(data.time_days, data.is_event, data.design, ties)
        rows = [profile_row(fit, position) for position in range(len(fit.names))]
        frames.append(
            hazard_ratio_frame(rows, data, f"{model}, Firth", CAUSE_SPECIFIC, fit.problems, fit.model_warning, FIRTH)
        )
    return pd.concat(frames, ignore_index=True)
