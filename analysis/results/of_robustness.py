"""Results by other roads: weights and standardised risks, imputation, unmeasured confounding, all reasonable choices."""

from collections.abc import Mapping

import pandas as pd

from analysis.curves.weighted_incidence import (
    CRUDE,
    STANDARDISED,
    crude_curves,
    curve_frame,
    risk_differences,
    standardised_curves,
)
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.exposures import Exposure, levels_of
from analysis.patients.plan import MAIN, SCORE, TREATMENT, Plan
from analysis.results.attempts import Attempts
from analysis.results.of_counts import counts_of_exposures, landmarks_days
from analysis.results.of_models import chosen, study_rows
from analysis.results.study_rows import StudyRows
from analysis.robustness.e_values import with_e_values
from analysis.robustness.imputed_models import imputed_hazard_ratios
from analysis.robustness.specification_curve import PRIMARY_SET, PUBLISHED, specification_curve, specification_summary
from analysis.robustness.weighting import balance_table, treatment_weights, weight_summary, weighted_cox

E_VALUE_COLUMNS = [
    "endpoint", "term", "hazard_ratio", "conf_low", "conf_high", "is_outcome_common", "e_value", "e_value_limit",
]  # fmt: skip


def weighting(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """covariate_balance, weight_summary, weighted_hazard_ratios, standardised_incidence and risk_differences."""
    rows, days = study_rows(inputs, plan, attempts), landmarks_days(plan, "risk_years")
    counts = counts_of_exposures(inputs, plan)
    for endpoint in (known.name for known in plan.endpoints):
        patients = rows.of(endpoint)
        for of_exposure in plan.by_exposure() if len(patients) else ():
            exposure = of_exposure.exposure
            attempts.add(
                "risk_differences",
                endpoint,
                lambda endpoint=endpoint, exposure=exposure: risk_differences(
                    crude_curves(counts, endpoint, exposure), endpoint, exposure, CRUDE, days
                ),
            )
            if endpoint in plan.modelled_endpoints or endpoint == "overall_recurrence":
                _weighted(patients, endpoint, of_exposure, attempts, days)


def _weighted(patients: pd.DataFrame, endpoint: str, plan: Plan, attempts: Attempts, days: dict[str, float]) -> None:
    exposure, low_high = plan.exposure, plan.numbers("weight_percentiles")
    # the set with treatment and era where the groups overlap on it, else the main one
    for covariate_set in (TREATMENT, MAIN):
        choice = chosen(patients, endpoint, plan, attempts, covariate_set)
        if choice is None or not choice.used:
            attempts.note("weighted_hazard_ratios", endpoint, f"no covariate of the set {covariate_set} can be used")
            continue
        try:
            weights = treatment_weights(
                choice.patients, exposure.column, choice.used, truncate_percentiles=(low_high[0], low_high[1])
            ).weights
        except ValueError as reason:
            attempts.note("weighted_hazard_ratios", endpoint, f"{covariate_set} set: {reason}")
            continue
        break
    else:
        return
    rows, labels = choice.patients, {"endpoint": endpoint, "exposure": exposure.column, "covariate_set": covariate_set}
    attempts.add(
        "covariate_balance",
        endpoint,
        lambda: balance_table(rows, exposure.column, choice.used, weights, exposure.reference).assign(**labels),
    )
    attempts.add("weight_summary", endpoint, lambda: weight_summary(rows, exposure.column, weights).assign(**labels))
    attempts.add(
        "weighted_hazard_ratios",
        endpoint,
        lambda: weighted_cox(rows, endpoint, exposure.column, weights, exposure.reference, exposure.prefix).assign(
            covariate_set=covariate_set
        ),
    )
    curves = standardised_curves(rows, endpoint, exposure, weights)
    attempts.add("standardised_incidence", endpoint, lambda: curve_frame(curves, endpoint, exposure))
    attempts.add("risk_differences", endpoint, lambda: risk_differences(curves, endpoint, exposure, STANDARDISED, days))


def imputation(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """imputed_hazard_ratios, of the further modelled endpoints."""
    rows, definitions = study_rows(inputs, plan, attempts), inputs["margin_definitions"]
    published = definitions[definitions["definition"] == PUBLISHED]

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        for of_exposure in plan.by_exposure() if len(patients) else ():
            exposure = of_exposure.exposure
            # of an exposure with bounds what is known in part of a patient is respected
            bounds = published if set(exposure.levels) <= set(published["margin_group"]) else None
            attempts.add(
                "imputed_hazard_ratios",
                endpoint,
                lambda patients=patients, endpoint=endpoint, of_exposure=of_exposure, bounds=bounds: plan.shown(
                    of_exposure.exposure, imputed_hazard_ratios(patients, endpoint, of_exposure, bounds)
                ),
            )

    attempts.each(plan.modelled_endpoints, of)


def e_values(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """e_values of the adjusted cause-specific ratios."""
    attempts.add("e_values", None, lambda: _e_values(inputs["hazard_ratios"], plan))


def _e_values(hazard_ratios: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    terms = [term for exposure in plan.exposures for term in exposure.terms]
    chosen_rows = hazard_ratios[
        hazard_ratios["term"].isin(terms)
        & hazard_ratios["endpoint"].isin(plan.modelled_endpoints)
        & (hazard_ratios["model"] == plan.model_names[MAIN])
        & (hazard_ratios["estimand"] == CAUSE_SPECIFIC)
    ]
    is_common = (chosen_rows["n_event"] / chosen_rows["n"]) > plan.number("common_outcome_share")
    frames = [
        with_e_values(rows, bool(common)).assign(is_outcome_common=bool(common))
        for common, rows in chosen_rows.groupby(is_common)
    ]
    return pd.concat(frames, ignore_index=True)[E_VALUE_COLUMNS] if frames else pd.DataFrame(columns=E_VALUE_COLUMNS)


def specifications(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """specification_curve and specification_summary, endpoint by endpoint and exposure by exposure."""
    rows = study_rows(inputs, plan, attempts)

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        for of_exposure in plan.by_exposure() if len(patients) else ():
            definitions, primary = _definitions(inputs, of_exposure.exposure)
            attempts.add(
                ("specification_curve", "specification_summary"),
                endpoint,
                lambda endpoint=endpoint, patients=patients, of_exposure=of_exposure, definitions=definitions, primary=primary: (
                    _specifications(patients, inputs, rows, definitions, primary, endpoint, of_exposure, attempts)
                ),
            )

    attempts.each(plan.modelled_endpoints, of)


def _definitions(inputs: Mapping[str, pd.DataFrame], exposure: Exposure) -> tuple[pd.DataFrame, str]:
    """All definitions of the exposure's groups and the name of the plan's; of one without others, its levels are the only one."""
    known = inputs["margin_groups_by_definition"]
    published = known.loc[known["definition"] == PUBLISHED, "margin_group"]
    if set(exposure.levels) & set(published):
        return known, PUBLISHED
    operations = inputs["operations"]
    levels = levels_of(operations[exposure.column])
    order = {level: number for number, level in enumerate((*exposure.compared, exposure.reference), start=1)}
    own = pd.DataFrame(
        {
            "study_id": operations["study_id"],
            "definition": exposure.label,
            "margin_group": levels.fillna(exposure.not_known),
            "group_order": levels.map(order),
        }
    )
    return own, exposure.label


def _specifications(
    patients: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    rows: StudyRows,
    definitions: pd.DataFrame,
    primary: str,
    endpoint: str,
    plan: Plan,
    attempts: Attempts,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    sets = {"unadjusted": ()}
    columns = pd.DataFrame({"study_id": patients["study_id"]})
    for label, covariate_set in (
        ("age and clinical risk score", SCORE),
        (PRIMARY_SET, MAIN),
        ("treatment and era", TREATMENT),
    ):
        choice = chosen(patients, endpoint, plan, attempts, covariate_set)
        if choice is not None and choice.used:
            sets[label] = choice.used
            added = [name for name in choice.patients.columns if name not in patients.columns]
            columns = columns.assign(**{name: choice.patients[name] for name in added})
    windows = inputs["time_to_event_by_window"]
    of_windows = []
    for _, of_window in windows[windows["endpoint"] == endpoint].groupby("synchronous_window_days"):
        window = of_window["synchronous_window_days"].iloc[0]
        joined = StudyRows(of_window, rows.operations).of(endpoint).merge(columns, on="study_id", how="left")
        of_windows.append(joined.assign(synchronous_window_days=window))
    found = specification_curve(
        patients.merge(columns, on="study_id"),
        definitions,
        [endpoint],
        sets,
        plan.number("events_per_parameter"),
        pd.concat(of_windows, ignore_index=True) if of_windows else None,
        plan.survival_endpoints,
    )
    summary = specification_summary(found, plan.count("random_draws"), plan.count("seed"), primary)
    exposure = plan.exposure.column
    return found.curve.assign(exposure=exposure), summary.assign(exposure=exposure)
