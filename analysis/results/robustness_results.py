"""What a reviewer would ask next: other estimands, other scales, other models of the same margin effect."""

from collections.abc import Callable

import pandas as pd

from analysis.curves.landmark_estimates import DAYS_A_YEAR
from analysis.curves.restricted_mean import restricted_mean_survival, restricted_mean_time_lost
from analysis.curves.restricted_mean_differences import restricted_mean_differences
from analysis.curves.stratified_tests import stratified_gray_test, stratified_logrank_test
from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.dose_response import CURVE_COLUMNS, TEST_COLUMNS, dose_response
from analysis.models.landmark_models import landmark_hazard_ratios
from analysis.models.time_varying import time_varying_hazard_ratios
from analysis.patients.collapsed_counts import count_events, require_columns
from analysis.patients.covariates import ADJUSTMENT_COVARIATES
from analysis.patients.names import (
    COMPETING_RISK_ENDPOINTS,
    ENDPOINT_LABELS,
    MARGIN_GROUPS,
    MARGIN_REFERENCE,
    SURVIVAL_ENDPOINTS,
    UNRESOLVED,
    margin_term,
)
from analysis.results.robustness_tables import FURTHER_TABLES
from analysis.robustness.dose_response_imputed import dose_response_imputed
from analysis.robustness.e_values import with_e_values
from analysis.robustness.imputation import ImputedColumn, impute
from analysis.robustness.rubin import pooled_hazard_ratios
from analysis.robustness.specification_curve import specification_curve
from analysis.robustness.weighting import balance_table, treatment_weights, weight_summary, weighted_cox

# the paper's three, and the negative control
MODELLED_ENDPOINTS = (
    "isolated_liver_recurrence",
    "margin_recurrence",
    "liver_recurrence_any_time",
    "extrahepatic_only_recurrence",
)
RESTRICTED_TO_DAYS = 5 * DAYS_A_YEAR
LANDMARKS_DAYS = (182, 365, 730)
TRUNCATED_AT_PERCENTILES = (1, 99)
N_IMPUTATIONS = 10
NARROW_PAIR = ("positive", "<1 mm")
# more than about 15 % have these events by the end of follow-up, so a hazard ratio overstates the risk ratio (VanderWeele 2017)
COMMON_FROM_SHARE = 0.15


def compute_further_results(
    event_counts: pd.DataFrame,
    patient_rows: pd.DataFrame,
    hazard_ratios: pd.DataFrame,
    definitions: pd.DataFrame,
    window_rows: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """The tables of FURTHER_TABLES; what the data do not allow leaves its reason in `analyses_not_done`.

    Args:
        event_counts, hazard_ratios: the mart and results.hazard_ratios.
        patient_rows: marts.time_to_event beside marts.index_operations and margin_mm of marts.resection_margins.
        definitions: marts.margin_groups_by_definition.
        window_rows: patient rows under other synchronous windows; see `specification_curve`.
    Returns:
        table name -> frame; `analyses_not_done` has table, endpoint and reason.
    Raises:
        ValueError: a column is missing.
    """
    require_columns(patient_rows, ["study_id", "endpoint", "margin_group", "margin_mm", "era"], "patient_rows")
    done = _Done()
    endpoints = [endpoint for endpoint in MODELLED_ENDPOINTS if (patient_rows["endpoint"] == endpoint).any()]
    is_survival = event_counts["endpoint"].isin(list(SURVIVAL_ENDPOINTS))
    done.add("restricted_means", None, lambda: _restricted_means(event_counts, is_survival))
    done.add(
        "restricted_mean_differences", None,
        lambda: restricted_mean_differences(_restricted_means(event_counts, is_survival)),
    )  # fmt: skip
    done.add("stratified_tests", None, lambda: _stratified_tests(patient_rows))
    for endpoint in ENDPOINT_LABELS:
        if (patient_rows["endpoint"] == endpoint).any():
            done.add(
                "time_varying_hazard_ratios", endpoint,
                lambda endpoint=endpoint: time_varying_hazard_ratios(patient_rows, endpoint),
            )  # fmt: skip
    for endpoint in endpoints:
        _of_endpoint(done, patient_rows, endpoint)
    done.add("e_values", None, lambda: _e_values(hazard_ratios, endpoints))
    done.add(
        "specification_curve",
        None,
        lambda: specification_curve(patient_rows, definitions, endpoints, window_rows=window_rows),
    )
    return done.tables()


class _Done:
    """Frames by table; an analysis that raises ValueError leaves its reason instead of stopping the others."""

    def __init__(self) -> None:
        self.frames: dict[str, list[pd.DataFrame]] = {table: [] for table in FURTHER_TABLES}
        self.reasons: list[tuple[str, str | None, str]] = []

    def add(self, table: str, endpoint: str | None, compute: Callable[[], pd.DataFrame]) -> None:
        try:
            frame = compute()
        except ValueError as reason:
            self.reasons.append((table, endpoint, str(reason)))
            return
        if len(frame):
            self.frames[table].append(frame)

    def tables(self) -> dict[str, pd.DataFrame]:
        tables = {
            table: pd.concat(frames, ignore_index=True)
            if frames
            else pd.DataFrame({"endpoint": pd.Series(dtype="str")})
            for table, frames in self.frames.items()
        }
        return tables | {
            # the unadjusted and the adjusted model fail for the same reason
            "analyses_not_done": pd.DataFrame(
                list(dict.fromkeys(self.reasons)), columns=["table", "endpoint", "reason"], dtype="str"
            )
        }


def _of_endpoint(done: _Done, patient_rows: pd.DataFrame, endpoint: str) -> None:
    done.add("pairwise_hazard_ratios", endpoint, lambda: _pairwise(patient_rows, endpoint))
    for covariates in ((), ADJUSTMENT_COVARIATES):
        for respond in (dose_response, dose_response_imputed):
            try:
                response = respond(patient_rows, endpoint, covariates)
            except ValueError as reason:
                done.reasons.append(("dose_response", endpoint, str(reason)))
                continue
            done.add("dose_response", endpoint, lambda response=response: response.curve[CURVE_COLUMNS])
            done.add("dose_response_tests", endpoint, lambda response=response: response.tests[TEST_COLUMNS])
    done.add("landmark_hazard_ratios", endpoint, lambda: landmark_hazard_ratios(patient_rows, endpoint, LANDMARKS_DAYS))
    patients = patient_rows[patient_rows["endpoint"] == endpoint]
    try:
        weights = treatment_weights(
            patients, "margin_group", ADJUSTMENT_COVARIATES, truncate_percentiles=TRUNCATED_AT_PERCENTILES
        ).weights
    except ValueError as reason:
        done.reasons.append(("weighted_hazard_ratios", endpoint, str(reason)))
    else:
        balance = balance_table(patients, "margin_group", ADJUSTMENT_COVARIATES, weights, MARGIN_REFERENCE)
        done.add("covariate_balance", endpoint, lambda: balance.assign(endpoint=endpoint))
        summary = weight_summary(patients, "margin_group", weights)
        done.add("weight_summary", endpoint, lambda: summary.assign(endpoint=endpoint))
        done.add(
            "weighted_hazard_ratios", endpoint,
            lambda: weighted_cox(patients, endpoint, "margin_group", weights, MARGIN_REFERENCE),
        )  # fmt: skip
    done.add("imputed_hazard_ratios", endpoint, lambda: _imputed(patients, endpoint))


def _restricted_means(event_counts: pd.DataFrame, is_survival: pd.Series) -> pd.DataFrame:
    lived = restricted_mean_survival(event_counts[is_survival], RESTRICTED_TO_DAYS).assign(
        measure="lived without the event"
    )
    lost = restricted_mean_time_lost(event_counts[~is_survival], RESTRICTED_TO_DAYS)
    lost = lost.assign(measure="lost to the " + lost["cause"].map({"event": "event", "competing": "competing events"}))
    return pd.concat([frame for frame in (lived, lost.drop(columns="cause")) if len(frame)], ignore_index=True)


def _stratified_tests(patient_rows: pd.DataFrame) -> pd.DataFrame:
    of_era = patient_rows[patient_rows["era"].notna()]
    if of_era.empty:
        raise ValueError("no patient has an era of operation")
    counts = pd.concat(
        [count_events(rows, "margin_group").assign(era=era) for era, rows in of_era.groupby("era")], ignore_index=True
    )
    competing = counts[counts["endpoint"].isin(list(COMPETING_RISK_ENDPOINTS))]
    return pd.concat(
        [stratified_logrank_test(counts, "era"), stratified_gray_test(competing, "era")], ignore_index=True
    )


def _pairwise(patient_rows: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    compared, reference = NARROW_PAIR
    ratios = cause_specific_cox(patient_rows, endpoint, margin_reference=reference).hazard_ratios
    return ratios[ratios["term"] == margin_term(compared)]


def _e_values(hazard_ratios: pd.DataFrame, endpoints: list[str]) -> pd.DataFrame:
    margins = [margin_term(group) for group in MARGIN_GROUPS]
    chosen = hazard_ratios[
        hazard_ratios["term"].isin(margins) & hazard_ratios["endpoint"].isin(endpoints) & (hazard_ratios["model"] == "adjusted")
        & (hazard_ratios["estimand"] == "cause-specific")
    ]  # fmt: skip
    is_common = (chosen["n_event"] / chosen["n"]) > COMMON_FROM_SHARE
    frames = [
        with_e_values(rows, bool(common)).assign(is_outcome_common=bool(common))
        for common, rows in chosen.groupby(is_common)
    ]
    columns = [
        "endpoint",
        "term",
        "hazard_ratio",
        "conf_low",
        "conf_high",
        "is_outcome_common",
        "e_value",
        "e_value_limit",
    ]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _imputed(patients: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Numeric columns by matching, truths by logistic draws, an unresolved margin as a missing one."""
    named = patients.assign(margin_group=patients["margin_group"].where(patients["margin_group"] != UNRESOLVED))
    columns = [ImputedColumn("margin_group", "categorical")]
    for covariate in ADJUSTMENT_COVARIATES:
        kind = "numeric" if covariate.column == "age_at_operation_years" else "binary"
        columns.append(ImputedColumn(covariate.column, kind))
    completed = impute(named, columns, n_imputations=N_IMPUTATIONS, n_iterations=5).completed
    # Rubin's rules need Wald's limits, which Firth's model does not have
    fits = [
        cause_specific_cox(rows, endpoint, is_firth_where_separated=False).hazard_ratios
        for _, rows in completed.groupby("imputation")
    ]
    return pooled_hazard_ratios(fits)
