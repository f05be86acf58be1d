"""Results by other roads: weights and standardised risks, imputation, unmeasured confounding, all reasonable choices."""

from collections.abc import Iterator

import numpy as np
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
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure, levels_of
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.patients.plan import MAIN, SCORE, TREATMENT, Plan
from analysis.results.attempts import Attempts
from analysis.results.each import Inputs, Subject, of_each
from analysis.results.of_counts import counts_of_exposures, landmarks_days
from analysis.results.study_rows import StudyRows
from analysis.robustness.e_values import with_e_values
from analysis.robustness.imputed_models import imputed_hazard_ratios
from analysis.robustness.specification_curve import PRIMARY_SET, PUBLISHED, specification_curve, specification_summary
from analysis.robustness.weighting import balance_table, treatment_weights, weight_summary, weighted_cox

E_VALUE_COLUMNS = [
    "endpoint", "term", "hazard_ratio", "conf_low", "conf_high", "is_outcome_common", "e_value", "e_value_limit",
]  # fmt: skip


def weighting(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """covariate_balance, weight_summary, weighted_hazard_ratios, standardised_incidence and risk_differences."""
    days, counts = landmarks_days(plan, "risk_years"), counts_of_exposures(inputs, plan)

    def of(subject: Subject) -> None:
        endpoint, exposure = subject.endpoint, subject.exposure
        subject.add(
            "risk_differences",
            lambda: risk_differences(crude_curves(counts, endpoint, exposure), endpoint, exposure, CRUDE, days),
        )
        if endpoint in plan.modelled_endpoints or endpoint == "overall_recurrence":
            _weighted(subject, days)

    of_each(inputs, plan, attempts, [endpoint.name for endpoint in plan.endpoints], of)


def _weighted(subject: Subject, days: dict[str, float]) -> None:
    plan, endpoint, exposure, attempts = subject.plan, subject.endpoint, subject.exposure, subject.attempts
    low_high = plan.numbers("weight_percentiles")
    # the set with treatment and era where the groups overlap on it, else the main one
    for covariate_set in (TREATMENT, MAIN):
        choice = subject.choice(covariate_set)
        if choice is None or not choice.used:
            attempts.note("weighted_hazard_ratios", endpoint, f"no covariate of the set {covariate_set} can be used")
            continue
        try:
            weighted = treatment_weights(
                choice.patients, exposure.column, choice.used, truncate_percentiles=(low_high[0], low_high[1])
            )
        except ValueError as reason:
            attempts.note("weighted_hazard_ratios", endpoint, f"{covariate_set} set: {reason}")
            continue
        break
    else:
        return
    weights, note = weighted.weights, None
    if weighted.hospitals_left_out:
        note = f"without {', '.join(weighted.hospitals_left_out)}: nobody there of one of the groups"
        attempts.note("weighted_hazard_ratios", endpoint, note)
    rows, labels = choice.patients, {"endpoint": endpoint, "exposure": exposure.column, "covariate_set": covariate_set}
    subject.add(
        "covariate_balance",
        lambda: balance_table(rows, exposure.column, choice.used, weights, exposure.reference).assign(**labels),
    )
    subject.add("weight_summary", lambda: weight_summary(rows, exposure.column, weights).assign(**labels))
    subject.add(
        "weighted_hazard_ratios",
        lambda: _noted(
            weighted_cox(
                rows, endpoint, exposure.column, weights, exposure.reference, exposure.prefix, subject.few_events
            ),
            note,
        ).assign(covariate_set=covariate_set),
    )
    curves = standardised_curves(rows, endpoint, exposure, weights)
    subject.add("standardised_incidence", lambda: curve_frame(curves, endpoint, exposure))
    subject.add("risk_differences", lambda: risk_differences(curves, endpoint, exposure, STANDARDISED, days))


def _noted(ratios: pd.DataFrame, note: str | None) -> pd.DataFrame:
    """The rows with a note behind their warnings."""
    texts = ["; ".join(filter(None, [text if isinstance(text, str) else None, note])) for text in ratios["warning"]]
    return ratios.assign(warning=pd.Series([text or None for text in texts], index=ratios.index, dtype="str"))


def imputation(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """imputed_hazard_ratios, of the further modelled endpoints."""
    definitions = inputs["margin_definitions"]
    published = definitions[definitions["definition"] == PUBLISHED]

    def of(subject: Subject) -> None:
        # of an exposure with bounds what is known in part of a patient is respected
        bounds = published if set(subject.exposure.levels) <= set(published["margin_group"]) else None
        subject.add(
            "imputed_hazard_ratios",
            lambda: subject.shown(imputed_hazard_ratios(subject.patients, subject.endpoint, subject.plan, bounds)),
        )

    of_each(inputs, plan, attempts, plan.modelled_endpoints, of)


def e_values(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
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


def specifications(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """specification_curve and specification_summary, endpoint by endpoint and exposure by exposure."""

    def of(subject: Subject) -> None:
        subject.add(("specification_curve", "specification_summary"), lambda: _specifications(inputs, subject))

    of_each(inputs, plan, attempts, plan.modelled_endpoints, of)


def _definitions(inputs: Inputs, exposure: Exposure) -> tuple[pd.DataFrame, str]:
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


def _specifications(inputs: Inputs, subject: Subject) -> tuple[pd.DataFrame, pd.DataFrame]:
    endpoint, patients, plan = subject.endpoint, subject.patients, subject.plan
    definitions, primary = _definitions(inputs, subject.exposure)
    sets: dict[str, tuple[Covariate, ...]] = {"unadjusted": ()}
    added: dict[str, np.ndarray] = {}
    for label, covariate_set in (
        ("age and clinical risk score", SCORE),
        (PRIMARY_SET, MAIN),
        ("treatment and era", TREATMENT),
    ):
        choice = subject.choice(covariate_set)
        if choice is not None and choice.used:
            sets[label] = choice.used
            made = [name for name in choice.patients.columns if name not in patients.columns]
            added |= {name: choice.patients[name].to_numpy() for name in made}
    # no other column than the curve reads
    read = {"study_id", "endpoint", "time_days", "event_code", "era", HOSPITAL_COLUMN}
    read |= {covariate.column for used in sets.values() for covariate in used}
    operations = subject.rows.operations
    operations = operations[[name for name in operations.columns if name in read]]
    windows = inputs["time_to_event_by_window"]
    windows = windows[(windows["endpoint"] == endpoint).to_numpy(dtype=bool)]

    numbered = pd.Index(patients["study_id"])

    def by_window() -> Iterator[tuple[float, pd.DataFrame]]:
        """The patients' rows of one window at a time."""
        for days in sorted(windows["synchronous_window_days"].unique()):
            of_window = windows[(windows["synchronous_window_days"] == days).to_numpy(dtype=bool)]
            rows = StudyRows(of_window, operations).of(endpoint)
            at = numbered.get_indexer(pd.Index(rows["study_id"]))
            yield float(days), rows.assign(**{name: np.where(at < 0, np.nan, of[at]) for name, of in added.items()})

    found = specification_curve(
        patients[[name for name in patients.columns if name in read]].assign(**added),
        definitions,
        [endpoint],
        sets,
        plan.number("events_per_parameter"),
        by_window(),
        plan.survival_endpoints,
        subject.few_events,
    )
    below_p = plan.number("significant_below_p")
    summary = specification_summary(found, plan.count("random_draws"), plan.count("seed"), below_p, primary)
    exposure = subject.exposure.column
    return found.curve.assign(exposure=exposure), summary.assign(exposure=exposure)
