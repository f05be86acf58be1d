"""Is the effect the same at each hospital? Each hospital's own model, and its summary by random effects."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.models.cause_specific_cox import cox_model_of
from analysis.patients.covariate_choice import choose_covariates
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import HOSPITAL_COLUMN, endpoint_rows, model_rows
from analysis.patients.plan import CovariateRules
from analysis.patients.result_rows import Row

OF_HOSPITAL, STRATIFIED, RANDOM_EFFECTS = "one hospital", "stratified by hospital", "random effects"
HOSPITAL_RATIO_COLUMNS = [
    "endpoint", "model", "term", "reference", "summary", "hospital", "hazard_ratio", "conf_low", "conf_high", "p_value",
    "prediction_low", "prediction_high", "i_squared", "tau_squared", "heterogeneity_statistic", "heterogeneity_p_value",
    "n_hospitals", "n", "n_event", "n_in_group", "n_event_in_group", "covariates", "warning",
]  # fmt: skip


def between_hospitals(
    frame: pd.DataFrame,
    endpoint: str,
    exposure: Exposure,
    covariates: Sequence[Covariate],
    rules: CovariateRules,
    few_events: int = 0,
) -> pd.DataFrame:
    """For each level of the exposure: a row a hospital, one of the model stratified by hospital, one of random effects.

    Each hospital's model has the covariates of the set that this hospital records and its events allow (`covariates`); the
    stratified one those common to all. Random effects: DerSimonian and Laird (1986, Control Clin Trials 7:177) on the log
    ratios, I2 of Higgins and Thompson (2002, Stat Med 21:1539), from three hospitals on the 95 % prediction interval for a
    further hospital (Higgins, Thompson and Spiegelhalter 2009, J R Stat Soc A 172:137, t with k - 2 degrees of freedom).
    Hospitals whose events separate a level have Firth's ratio and no part in the summary.

    Returns:
        No rows where the frame has fewer than two hospitals.
    """
    patients = endpoint_rows(frame, endpoint)
    hospitals = _hospitals(patients)
    if len(hospitals) < 2:
        return pd.DataFrame(columns=HOSPITAL_RATIO_COLUMNS)
    frames, by_name = [], [(name, patients[patients[HOSPITAL_COLUMN] == name]) for name in hospitals]
    for model, of_model in (("unadjusted", ()), ("adjusted", tuple(covariates))):
        own = [
            _ratios(of_hospital, endpoint, exposure, of_model, rules, model, few_events).assign(
                hospital=name, summary=OF_HOSPITAL
            )
            for name, of_hospital in by_name
        ]
        stratified = _ratios(patients, endpoint, exposure, of_model, rules, model, few_events).assign(
            summary=STRATIFIED
        )
        stacked = pd.concat([*own, stratified], ignore_index=True)
        summaries = [_random_effects(rows) for _, rows in pd.concat(own, ignore_index=True).groupby("term", sort=False)]
        frames.append(pd.concat([stacked, pd.DataFrame(summaries)], ignore_index=True))
    result = pd.concat(frames, ignore_index=True).reindex(columns=HOSPITAL_RATIO_COLUMNS)
    texts = dict.fromkeys(["hospital", "reference", "covariates", "warning"], "str")
    counts = dict.fromkeys(["n", "n_event", "n_in_group", "n_event_in_group", "n_hospitals"], "Int64")
    return result.astype(texts | counts)


def random_effects(log_ratios: np.ndarray, variances: np.ndarray) -> dict[str, float]:
    """DerSimonian and Laird's summary of k >= 2 log ratios: estimate, std_error, tau_squared, i_squared, Q and its p.

    >>> found = random_effects(np.array([0.2, 0.9, 0.5]), np.array([0.04, 0.05, 0.06]))
    >>> {name: round(value, 3) for name, value in found.items() if name in ("i_squared", "tau_squared")}
    {'tau_squared': 0.085, 'i_squared': 0.633}
    """
    from scipy.special import chdtrc, stdtrit

    weight = 1 / variances
    fixed = (weight @ log_ratios) / weight.sum()
    k, q = len(log_ratios), float(weight @ (log_ratios - fixed) ** 2)
    spread = weight.sum() - (weight @ weight) / weight.sum()
    tau_squared = max((q - (k - 1)) / spread, 0.0)
    own = 1 / (variances + tau_squared)
    estimate, std_error = (own @ log_ratios) / own.sum(), 1 / np.sqrt(own.sum())
    width = stdtrit(k - 2, 0.975) * np.sqrt(tau_squared + std_error**2) if k > 2 else np.nan
    return {
        "estimate": float(estimate),
        "std_error": float(std_error),
        "tau_squared": float(tau_squared),
        "i_squared": max((q - (k - 1)) / q, 0.0) if q > 0 else 0.0,
        "statistic": q,
        "p_value": float(chdtrc(k - 1, q)),
        "prediction_width": float(width),
    }


def _hospitals(patients: pd.DataFrame) -> list[str]:
    if HOSPITAL_COLUMN not in patients.columns:
        return []
    return sorted(map(str, patients[HOSPITAL_COLUMN].dropna().unique()))


def _ratios(
    patients: pd.DataFrame,
    endpoint: str,
    exposure: Exposure,
    covariates: Sequence[Covariate],
    rules: CovariateRules,
    model: str,
    few_events: int,
) -> pd.DataFrame:
    choice = choose_covariates(patients, endpoint, covariates, exposure, rules, model)
    # of each level alone: no trend, no test of all of them
    levels, data = exposure._replace(is_ordered=False), model_rows(choice.patients, endpoint, choice.used, exposure)
    ratios = cox_model_of(data, levels, model, has_tests=False, few_events=few_events).hazard_ratios
    used = "; ".join(covariate.term for covariate in choice.used) or None
    return ratios[ratios["term"].isin(exposure.terms)].assign(covariates=used)


def _random_effects(rows: pd.DataFrame) -> Row:
    from scipy.special import ndtr

    known = rows[rows["hazard_ratio"].notna() & (rows["method"] == "Efron")]
    labels: Row = {
        **{name: rows.iloc[0][name] for name in ("endpoint", "model", "term", "reference")},
        "summary": RANDOM_EFFECTS,
        "n_hospitals": len(known),
    }
    if len(known) < 2:
        return labels | {"warning": "not estimable: fewer than two hospitals have an estimate"}
    low, high = (np.log(known[name].to_numpy(dtype=float)) for name in ("conf_low", "conf_high"))
    found = random_effects(
        np.log(known["hazard_ratio"].to_numpy(dtype=float)), ((high - low) / (2 * NORMAL_QUANTILE)) ** 2
    )
    estimate, std_error = found["estimate"], found["std_error"]
    width = NORMAL_QUANTILE * std_error
    few = "two hospitals: heterogeneity is hardly estimable, and no prediction interval" if len(known) == 2 else None
    return labels | {
        "hazard_ratio": float(np.exp(estimate)),
        "conf_low": float(np.exp(estimate - width)),
        "conf_high": float(np.exp(estimate + width)),
        "p_value": float(2 * ndtr(-abs(estimate / std_error))),
        "prediction_low": float(np.exp(estimate - found["prediction_width"])),
        "prediction_high": float(np.exp(estimate + found["prediction_width"])),
        "i_squared": found["i_squared"],
        "tau_squared": found["tau_squared"],
        "heterogeneity_statistic": found["statistic"],
        "heterogeneity_p_value": found["p_value"],
        "n": int(known["n"].sum()),
        "n_event": int(known["n_event"].sum()),
        "n_in_group": int(known["n_in_group"].sum()),
        "n_event_in_group": int(known["n_event_in_group"].sum()),
        "warning": few,
    }
