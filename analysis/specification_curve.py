"""The margin effect over all reasonable choices at once: does it hang on one of them?"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.collapsed_counts import require_columns
from analysis.cox_fit import fit_cox
from analysis.cox_models import ADJUSTMENT_COVARIATES, FEW_EVENTS, Covariate
from analysis.missing_values import complete_rows, numbers_or_missing
from analysis.model_rows import wald_row
from analysis.names import STRATA_NOT_COMPARED

ALL_ERAS = "all eras"
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
    "endpoint", "definition", "compared", "reference", "covariate_set", "era", "hazard_ratio", "conf_low", "conf_high",
    "p_value", "n", "n_event", "n_event_in_group", "n_excluded_unresolved", "n_excluded_missing", "rank", "warning",
]  # fmt: skip


def specification_curve(
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    endpoints: Sequence[str],
    covariate_sets: dict[str, tuple[Covariate, ...]] = COVARIATE_SETS,
) -> pd.DataFrame:
    """Cause-specific hazard ratio of the narrowest against the widest group, a row a specification, ranked by size.

    Simonsohn, Simmons and Nelson (2020, Nat Hum Behav 4:1208). A specification is an endpoint, a definition of the margin
    groups, a set of covariates and an era (or all). The groups between enter the model too. `rank` orders the ratios within an
    endpoint, 1 the smallest; a specification without an estimate has no rank but a `warning`.

    Args:
        frame: one row a patient and endpoint: study_id, endpoint, time_days, event_code, era and the covariates' columns.
        definitions: one row a patient and definition: study_id, definition, margin_group, group_order (1 the narrowest).
    Raises:
        ValueError: a column is missing.
    """
    columns = [covariate.column for covariates in covariate_sets.values() for covariate in covariates]
    require_columns(frame, ["study_id", "endpoint", "time_days", "event_code", "era", *columns], "patient_rows")
    require_columns(definitions, ["study_id", "definition", "margin_group", "group_order"], "definitions")
    rows = [
        _specification(patients, order, labels, covariate_sets[labels["covariate_set"]])
        for labels, patients, order in _specifications(frame, definitions, endpoints, list(covariate_sets))
    ]
    curve = pd.DataFrame(rows, columns=[name for name in SPECIFICATION_COLUMNS if name != "rank"])
    curve["rank"] = curve.groupby("endpoint")["hazard_ratio"].rank(method="first").astype("Int64")
    return curve[SPECIFICATION_COLUMNS].astype({"warning": "str"})


def _specifications(
    frame: pd.DataFrame, definitions: pd.DataFrame, endpoints: Sequence[str], covariate_sets: list[str]
) -> Iterator[tuple[dict, pd.DataFrame, list[str]]]:
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
            for era in eras:
                patients = of_endpoint if era == ALL_ERAS else of_endpoint[of_endpoint["era"] == era]
                for covariate_set in covariate_sets:
                    labels = {
                        "endpoint": endpoint,
                        "definition": definition,
                        "compared": order[0],
                        "reference": order[-1],
                    }
                    yield labels | {"covariate_set": covariate_set, "era": era}, patients, order


def _specification(patients: pd.DataFrame, order: list[str], labels: dict, covariates: Sequence[Covariate]) -> dict:
    settled = patients[patients["margin_group"].isin(order)]
    complete = complete_rows(settled, [covariate.column for covariate in covariates], "patient_rows")
    rows, group = complete.rows, complete.rows["margin_group"].to_numpy()
    is_event = (rows["event_code"] == 1).to_numpy(dtype=int)
    design = {name: (group == name).astype(float) for name in order[:-1]} | {
        covariate.term: numbers_or_missing(rows[covariate.column]) / covariate.per for covariate in covariates
    }
    fit = fit_cox(rows["time_days"].to_numpy(dtype=float), is_event, design)
    position = fit.names.index(labels["compared"])
    coefficient, std_error = fit.coefficients[position], fit.std_errors[position]
    n_event_in_group = int(is_event[group == labels["compared"]].sum())
    few = f"rests on {n_event_in_group} events" if n_event_in_group < FEW_EVENTS else None
    absent = None if (group == labels["reference"]).any() else "nobody is in the reference group"
    problem = fit.problems.get(labels["compared"]) or absent
    estimate = {} if problem else wald_row(labels["compared"], coefficient, std_error)
    return labels | {name: estimate.get(name, np.nan) for name in ESTIMATE_COLUMNS} | {
        "n": len(rows), "n_event": int(is_event.sum()), "n_event_in_group": n_event_in_group,
        "n_excluded_unresolved": len(patients) - len(settled), "n_excluded_missing": complete.n_excluded_missing,
        "warning": "; ".join(filter(None, [problem, few, fit.model_warning])) or None,
    }  # fmt: skip
