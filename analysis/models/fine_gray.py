"""Fine-Gray regression of the subdistribution hazard with several covariates."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.models.cox_fit import NOT_CONVERGED, CoxFit, fit_cox
from analysis.models.hazard_ratio_rows import FINE_GRAY, SUBDISTRIBUTION, hazard_ratio_frame, wald_row
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import model_rows


def fine_gray_model(
    frame: pd.DataFrame,
    endpoint: str,
    exposure: Exposure | None,
    covariates: Sequence[Covariate],
    model: str,
    model_warning: str | None = None,
    few_events: int = 0,
) -> pd.DataFrame:
    """One Fine-Gray model of one endpoint; columns as `hazard_ratio_rows.HAZARD_RATIO_COLUMNS`.

    `estimand` is 'subdistribution': the ratios compare cumulative incidences, not the rates among those still event-free.
    See `fit_fine_gray` for the method. Terms: levels of the exposure, if one is given, against the reference, then covariates. A term
    that cannot be estimated has a `warning` and no number.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing), the
            exposure's and the covariates' columns (numbers or truths). Rows of other endpoints are ignored.
        model: its name in the rows; `model_warning` goes to every row.
        few_events: a term with fewer events says so.
    Raises:
        ValueError: names the column that is missing or holds what it must not, or the endpoint nobody has.
    """
    data = model_rows(frame, endpoint, covariates, exposure)
    fit = fit_fine_gray(data.time_days, data.event_code, data.design, data.strata)
    rows = [wald_row(*term) for term in zip(fit.names, fit.coefficients, fit.std_errors, strict=True)]
    warning = "; ".join(filter(None, [fit.model_warning, model_warning])) or None
    return hazard_ratio_frame(rows, data, model, SUBDISTRIBUTION, fit.problems, warning, FINE_GRAY, few_events)


def fit_fine_gray(
    time_days: np.ndarray,
    event_code: np.ndarray,
    design: Mapping[str, np.ndarray],
    strata: np.ndarray | None = None,
    cause_specific: CoxFit | None = None,
    wanted: Sequence[str] | None = None,
) -> CoxFit:
    """Fine and Gray's (1999, J Am Stat Assoc 94:496) model by weighted Cox regression with Efron ties.

    Patients with the competing event stay at risk with a weight that falls as censoring removes others (Geskus 2011,
    Biometrics 67:39): equal to R's survival::finegray, then coxph(weights = fgwt, cluster = patient) with robust covariance.
    cmprsk::crr treats ties by Breslow and differs where there are any. `log_likelihood` is the weighted one.

    >>> times, codes = np.array([1.0, 2, 3, 4, 5, 6]), np.array([1, 2, 1, 0, 1, 1])
    >>> fit = fit_fine_gray(times, codes, {"exposed": np.array([1.0, 0, 1, 0, 0, 1])})
    >>> round(float(fit.coefficients[0]), 3), round(float(fit.std_errors[0]), 3)
    (1.259, 0.95)

    Args:
        time_days: >= 0; event_code: 0 censored, 1 event, 2 competing; design: name -> numbers; all of one length.
        strata: whole numbers; each has a baseline and a censoring distribution of its own.
        cause_specific: `fit_cox` of the same rows, where it is known already.
        wanted: names whose error is asked for, default all; each costs a pass.
    Returns:
        Estimates in the order of the design, NaN with a reason in `problems` where there is none, as `cox_fit.fit_cox`.
    """
    # Columns without estimate in the cause-specific model (constant, determined by others, separated) have none here
    cause_specific = cause_specific or fit_cox(time_days, (event_code == 1).astype(int), design, strata=strata)
    names, problems = list(design), cause_specific.problems
    if cause_specific.fitted is None:
        return cause_specific
    kept = cause_specific.fitted.names
    likelihood = cause_specific.fitted.likelihood.with_competing_events(np.asarray(event_code))
    found, points = likelihood.maximum()
    asked = [at for at, name in enumerate(kept) if wanted is None or name in wanted]
    influence = likelihood.influence(points, np.linalg.pinv(found.information, hermitian=True)[:, asked])
    coefficients, covariance = np.full(len(names), np.nan), np.full((len(names), len(names)), np.nan)
    positions = [names.index(name) for name in kept]
    coefficients[positions] = found.coefficients
    asked = [positions[at] for at in asked]
    covariance[np.ix_(asked, asked)] = influence.T @ influence
    for position in (names.index(name) for name in problems):
        coefficients[position], covariance[position], covariance[:, position] = np.nan, np.nan, np.nan
    warning = cause_specific.model_warning or (None if found.has_converged else NOT_CONVERGED)
    return CoxFit(
        names,
        coefficients,
        covariance,
        found.log_likelihood_null,
        found.log_likelihood,
        cause_specific.n,
        cause_specific.n_event,
        problems,
        warning,
        None,
        kept,
    )
