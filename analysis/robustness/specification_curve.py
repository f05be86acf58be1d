"""The margin effect over all reasonable choices at once: does it hang on one of them?"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd

from analysis.models.cox_fit import INFINITE, fit_cox
from analysis.models.fine_gray import fit_fine_gray
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    EFRON,
    FEW_EVENTS,
    FINE_GRAY,
    FIRTH,
    PENALISED,
    SUBDISTRIBUTION,
    wald_row,
)
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import ADJUSTMENT_COVARIATES, Covariate
from analysis.patients.missing_values import complete_rows, numbers_or_missing
from analysis.patients.names import COMPETING_RISK_ENDPOINTS, STRATA_NOT_COMPARED

ALL_ERAS = "all eras"
COX, FINE_GRAY_MODEL = "cause-specific Cox", "Fine-Gray"
ESTIMANDS = {COX: CAUSE_SPECIFIC, FINE_GRAY_MODEL: SUBDISTRIBUTION}
COVARIATE_SETS = {
    "unadjusted": (),
    "age and clinical risk score": (
        Covariate("age per 10 years", "age_at_operation_years", per=10.0),
        Covariate("clinical risk score", "clinical_risk_score"),
    ),
    "all covariates": ADJUSTMENT_COVARIATES,
}
ESTIMATE_COLUMNS = ["hazard_ratio", "conf_low", "conf_high", "p_value"]
SPECIFICATION_COLUMNS = [
    "endpoint", "model", "estimand", "definition", "compared", "reference", "covariate_set", "era",
    "synchronous_window_days", "method", "hazard_ratio", "conf_low", "conf_high",
    "p_value", "n", "n_event", "n_event_in_group", "n_excluded_unresolved", "n_excluded_missing", "rank", "warning",
]  # fmt: skip


def specification_curve(
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    endpoints: Sequence[str],
    covariate_sets: dict[str, tuple[Covariate, ...]] = COVARIATE_SETS,
    window_rows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Hazard ratio of the narrowest against the widest group, a row a specification, ranked by size.

    Simonsohn, Simmons and Nelson (2020, Nat Hum Behav 4:1208). A specification is an endpoint, a definition of the margin
    groups, a set of covariates, an era (or all), a model and a synchronous window. The groups between enter the model too.
    Models: Cox of the cause-specific hazard, and, for all eras and endpoints with competing events, Fine and Gray's of the
    subdistribution hazard. Where the events separate the groups the Cox model is Firth's (`method`). `rank` orders the
    ratios within an endpoint and model, 1 the smallest; a specification without an estimate has no rank but a `warning`.

    Args:
        frame: one row a patient and endpoint: study_id, endpoint, time_days, event_code, era and the covariates' columns.
        definitions: one row a patient and definition: study_id, definition, margin_group, group_order (1 the narrowest).
        window_rows: rows as `frame`'s under other synchronous windows, told apart by `synchronous_window_days`; analysed for
            all eras. In the curve that column is missing for the rows of `frame`: the window of meta.clinical_settings.
    Raises:
        ValueError: a column is missing, or a window is not a number.
    """
    columns = [covariate.column for covariates in covariate_sets.values() for covariate in covariates]
    needed = ["study_id", "endpoint", "time_days", "event_code", *columns]
    require_columns(frame, [*needed, "era"], "patient_rows")
    require_columns(definitions, ["study_id", "definition", "margin_group", "group_order"], "definitions")
    sets = list(covariate_sets)
    specified = [*_specifications(frame.assign(synchronous_window_days=np.nan), definitions, endpoints, sets)]
    if window_rows is not None:
        require_columns(window_rows, [*needed, "synchronous_window_days"], "window_rows")
        if not np.isfinite(numbers_or_missing(window_rows["synchronous_window_days"])).all():
            raise ValueError("window_rows.synchronous_window_days: must be numbers")
        for _, rows in window_rows.groupby("synchronous_window_days"):
            specified += _specifications(rows.assign(era=None), definitions, endpoints, sets)
    rows = [
        _specification(patients, order, labels, covariate_sets[labels["covariate_set"]])
        for labels, patients, order in specified
    ]
    curve = pd.DataFrame(rows, columns=[name for name in SPECIFICATION_COLUMNS if name != "rank"])
    curve["rank"] = curve.groupby(["endpoint", "model"])["hazard_ratio"].rank(method="first").astype("Int64")
    return curve[SPECIFICATION_COLUMNS].astype({"warning": "str", "synchronous_window_days": "float"})


def _specifications(
    frame: pd.DataFrame, definitions: pd.DataFrame, endpoints: Sequence[str], covariate_sets: list[str]
) -> Iterator[tuple[dict, pd.DataFrame, list[str]]]:
    """The labels of each specification, its patients, and the groups of its definition from the narrowest."""
    eras = [ALL_ERAS, *sorted(frame["era"].dropna().unique())]
    for definition, groups in definitions.groupby("definition", sort=True):
        named = groups[~groups["margin_group"].isin(STRATA_NOT_COMPARED)]
        order = list(named.drop_duplicates("margin_group").sort_values("group_order")["margin_group"])
        if len(order) < 2:
            continue
        grouped = frame.drop(columns="margin_group", errors="ignore").merge(
            groups[["study_id", "margin_group"]], on="study_id"
        )
        for endpoint in endpoints:
            of_endpoint = grouped[grouped["endpoint"] == endpoint]
            for era, covariate_set, model in product(eras, covariate_sets, ESTIMANDS):
                if of_endpoint.empty or (model == FINE_GRAY_MODEL and not _has_subdistribution(endpoint, era)):
                    continue
                patients = of_endpoint if era == ALL_ERAS else of_endpoint[of_endpoint["era"] == era]
                yield {
                    "endpoint": endpoint, "model": model, "estimand": ESTIMANDS[model], "definition": definition,
                    "compared": order[0], "reference": order[-1], "covariate_set": covariate_set, "era": era,
                    "synchronous_window_days": of_endpoint["synchronous_window_days"].iloc[0],
                }, patients, order  # fmt: skip


def _has_subdistribution(endpoint: str, era: str) -> bool:
    return era == ALL_ERAS and endpoint in COMPETING_RISK_ENDPOINTS


def _specification(patients: pd.DataFrame, order: list[str], labels: dict, covariates: Sequence[Covariate]) -> dict:
    settled = patients[patients["margin_group"].isin(order)]
    complete = complete_rows(settled, [covariate.column for covariate in covariates], "patient_rows")
    rows, group = complete.rows, complete.rows["margin_group"].to_numpy()
    is_event = (rows["event_code"] == 1).to_numpy(dtype=int)
    design = {name: (group == name).astype(float) for name in order[:-1]} | {
        covariate.term: numbers_or_missing(rows[covariate.column]) / covariate.per for covariate in covariates
    }
    times, codes = rows["time_days"].to_numpy(dtype=float), rows["event_code"].to_numpy(dtype=int)
    fit = fit_cox(times, is_event, design) if labels["model"] == COX else fit_fine_gray(times, codes, design)
    position = fit.names.index(labels["compared"])
    coefficient, std_error = fit.coefficients[position], fit.std_errors[position]
    n_event_in_group = int(is_event[group == labels["compared"]].sum())
    few = f"rests on {n_event_in_group} events" if n_event_in_group < FEW_EVENTS else None
    absent = None if (group == labels["reference"]).any() else "nobody is in the reference group"
    problem = fit.problems.get(labels["compared"]) or absent
    estimate = {} if problem else wald_row(labels["compared"], coefficient, std_error)
    method = EFRON if labels["model"] == COX else FINE_GRAY
    if problem == INFINITE and labels["model"] == COX:
        firth = fit_firth(times, is_event, design, profiled=[labels["compared"]])
        estimate, method, problem = profile_row(firth, position), FIRTH, f"{PENALISED}: the events separate the groups"
    return labels | {"method": method} | {name: estimate.get(name, np.nan) for name in ESTIMATE_COLUMNS} | {
        "n": len(rows), "n_event": int(is_event.sum()), "n_event_in_group": n_event_in_group,
        "n_excluded_unresolved": len(patients) - len(settled), "n_excluded_missing": complete.n_excluded_missing,
        "warning": "; ".join(filter(None, [problem, few, fit.model_warning])) or None,
    }  # fmt: skip
