"""The margin effect over all reasonable choices at once: does it hang on one of them?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cox_fit import INFINITE, CoxFit, fit_cox
from analysis.models.fine_gray import fit_fine_gray
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    EFRON,
    FEW_EVENTS,
    FINE_GRAY,
    FIRTH,
    NO_ERROR,
    NO_REFERENCE,
    NOBODY,
    PENALISED,
    SUBDISTRIBUTION,
    has_finite_limits,
    reference_problem,
    wald_row,
)
from analysis.models.subdistribution_likelihood import fit_subdistribution
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.model_rows import ModelRows, model_rows
from analysis.patients.names import COMPETING_RISK_ENDPOINTS, STRATA_NOT_COMPARED

BELOW_EVENTS_RULE = "fewer events than the plan asks for"
ALL_ERAS = "all eras"
COX, FINE_GRAY_MODEL = "cause-specific Cox", "Fine-Gray"
ESTIMANDS = {COX: CAUSE_SPECIFIC, FINE_GRAY_MODEL: SUBDISTRIBUTION}
ESTIMATE_COLUMNS = ["hazard_ratio", "conf_low", "conf_high", "p_value"]
SPECIFICATION_COLUMNS = [
    "endpoint", "model", "estimand", "definition", "compared", "reference", "covariate_set", "era",
    "synchronous_window_days", "method", "hazard_ratio", "conf_low", "conf_high",
    "p_value", "n", "n_event", "n_event_in_group", "n_excluded_unresolved", "n_excluded_missing", "rank", "warning",
]  # fmt: skip


SUMMARY_COLUMNS = [
    "endpoint", "model", "n_specifications", "n_estimated", "n_below_events_rule", "median_hazard_ratio", "primary_hazard_ratio",
    "share_same_direction", "share_significant_same_direction", "joint_p_value_of_median", "joint_p_value_of_share",
    "n_draws", "warning",
]  # fmt: skip
PRIMARY_DEFINITION, PRIMARY_SET = "published", "all covariates"
SIGNIFICANT_BELOW_P = 0.05


class Influence(NamedTuple):
    """By how much each patient (`study_id`) moves the log ratio of a specification, whose standard error is `std_error`."""

    study_id: np.ndarray
    moves: np.ndarray
    std_error: float


class SpecificationCurve(NamedTuple):
    """The curve, a row a specification, and the influences by row number of those fitted by Cox's likelihood."""

    curve: pd.DataFrame
    influence: dict[int, Influence]


def specification_curve(
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    endpoints: Sequence[str],
    covariate_sets: Mapping[str, Sequence[Covariate]],
    events_per_parameter: float = 0.0,
    window_rows: pd.DataFrame | None = None,
) -> SpecificationCurve:
    """Hazard ratio of the narrowest against the widest group, a row a specification, ranked by size.

    Simonsohn, Simmons and Nelson (2020, Nat Hum Behav 4:1208). A specification is an endpoint, a definition of the margin
    groups, a set of covariates, an era (or all), a model and a synchronous window. The groups between enter the model too.
    Models: Cox of the cause-specific hazard, and, for all eras and endpoints with competing events, Fine and Gray's of the
    subdistribution hazard, both stratified by hospital. Where the events separate the groups the Cox model is Firth's (`method`).
    `rank` orders the ratios within an endpoint and model, 1 the smallest; a specification without an estimate, or with fewer
    events than `events_per_parameter` for each parameter, has no rank but a `warning`.

    Args:
        frame: one row a patient and endpoint: study_id, endpoint, time_days, event_code, era and the covariates' columns.
        definitions: one row a patient and definition: study_id, definition, margin_group, group_order (1 the narrowest).
        covariate_sets: label -> covariates of one number each.
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
    rows, influence = [], {}
    for number, (labels, patients, order) in enumerate(specified):
        row, moves = _specification(
            patients, order, labels, covariate_sets[labels["covariate_set"]], events_per_parameter
        )
        rows.append(row)
        if moves is not None:
            influence[number] = moves
    curve = pd.DataFrame(rows, columns=[name for name in SPECIFICATION_COLUMNS if name != "rank"])
    curve["rank"] = curve.groupby(["endpoint", "model"])["hazard_ratio"].rank(method="first").astype("Int64")
    typed = curve[SPECIFICATION_COLUMNS].astype({"warning": "str", "synchronous_window_days": "float"})
    return SpecificationCurve(typed, influence)


def specification_summary(found: SpecificationCurve, n_draws: int, seed: int) -> pd.DataFrame:
    """A row an endpoint and model: the median ratio, how many go the primary specification's way, and whether that is chance.

    The primary specification: the published groups, all covariates, all eras, the window of the definitions. Joint tests, of Cox
    models: each patient's influence on every specification is multiplied by one normal draw, `n_draws` times, which gives the
    joint distribution of the ratios were each truly 1 (multiplier bootstrap); P is the share of draws whose median, or share of
    significant ratios in the primary's direction, is at least as extreme as that found.
    """
    curve = found.curve
    rows = []
    for (endpoint, model), of_model in curve.groupby(["endpoint", "model"], sort=False):
        known = of_model[of_model["hazard_ratio"].notna()]
        is_primary = (
            (of_model["definition"] == PRIMARY_DEFINITION) & (of_model["covariate_set"] == PRIMARY_SET)
            & (of_model["era"] == ALL_ERAS) & of_model["synchronous_window_days"].isna()
        )  # fmt: skip
        primary = of_model.loc[is_primary, "hazard_ratio"]
        primary = float(primary.iloc[0]) if len(primary) else np.nan
        direction = np.sign(np.log(primary)) if np.isfinite(primary) else np.nan
        same = np.sign(np.log(known["hazard_ratio"].astype(float))) == direction
        is_significant = same & (known["p_value"] < SIGNIFICANT_BELOW_P)
        below = of_model["warning"].str.contains(BELOW_EVENTS_RULE, regex=False, na=False)
        row = {
            "endpoint": endpoint, "model": model, "n_specifications": len(of_model), "n_estimated": len(known),
            "n_below_events_rule": int(below.sum()), "primary_hazard_ratio": primary,
            "median_hazard_ratio": float(np.exp(np.log(known["hazard_ratio"].astype(float)).median())) if len(known) else np.nan,
            "warning": None if np.isfinite(primary) else "the primary specification has no estimate: no direction to compare with",
        }  # fmt: skip
        if np.isfinite(primary):
            row |= {
                "share_same_direction": float(same.mean()), "share_significant_same_direction": float(is_significant.mean())
            }  # fmt: skip
            row |= _joint_test(found, of_model.index, float(direction), n_draws, seed)
        rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS).astype({"warning": "str", "n_draws": "Int64"})


def _joint_test(
    found: SpecificationCurve, positions: pd.Index, direction: float, n_draws: int, seed: int
) -> dict[str, float]:
    chosen = [found.influence[number] for number in positions if number in found.influence]
    if not chosen:
        return {}
    patients = pd.Index(np.unique(np.concatenate([influence.study_id for influence in chosen])))
    moves = np.zeros((len(patients), len(chosen)))
    for column, influence in enumerate(chosen):
        moves[patients.get_indexer(influence.study_id), column] = influence.moves
    errors = np.array([influence.std_error for influence in chosen])
    rows = [number for number in positions if number in found.influence]
    estimates = np.log(found.curve.loc[rows, "hazard_ratio"].to_numpy(dtype=float)) * direction
    random, drawn = np.random.default_rng(seed), []
    for start in range(0, n_draws, 20):
        multipliers = random.standard_normal((min(20, n_draws - start), len(patients)))
        drawn.append(multipliers @ moves)
    null = np.concatenate(drawn)
    threshold = NormalDist().inv_cdf(1 - SIGNIFICANT_BELOW_P / 2)
    median, share = np.median(estimates), (estimates / errors > threshold).mean()
    extreme = (
        (np.abs(np.median(null, axis=1)) >= abs(median)).sum(),
        ((null / errors > threshold).mean(axis=1) >= share).sum(),
    )
    of_median, of_share = ((count + 1) / (n_draws + 1) for count in extreme)
    return {
        "joint_p_value_of_median": float(of_median), "joint_p_value_of_share": float(of_share), "n_draws": n_draws
    }  # fmt: skip


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
        grouped.index = pd.Index(grouped["study_id"], name=None)
        for endpoint in endpoints:
            of_endpoint = grouped[grouped["endpoint"] == endpoint]
            for era, covariate_set, model in product(eras, covariate_sets, ESTIMANDS):
                if of_endpoint.empty or (model == FINE_GRAY_MODEL and not _has_subdistribution(endpoint, era)):
                    continue
                patients = of_endpoint if era == ALL_ERAS else of_endpoint[of_endpoint["era"] == era]
                if patients.empty:
                    continue
                yield {
                    "endpoint": endpoint, "model": model, "estimand": ESTIMANDS[model], "definition": definition,
                    "compared": order[0], "reference": order[-1], "covariate_set": covariate_set, "era": era,
                    "synchronous_window_days": of_endpoint["synchronous_window_days"].iloc[0],
                }, patients, order  # fmt: skip


def _has_subdistribution(endpoint: str, era: str) -> bool:
    return era == ALL_ERAS and endpoint in COMPETING_RISK_ENDPOINTS


def _specification(
    patients: pd.DataFrame,
    order: list[str],
    labels: dict,
    covariates: Sequence[Covariate],
    events_per_parameter: float,
) -> tuple[dict, Influence | None]:
    exposure = Exposure("margin_group", "margin group", "margin", tuple(order), labels["reference"])
    data = model_rows(patients, labels["endpoint"], covariates, exposure)
    compared = exposure.term(labels["compared"])
    is_cox, n_event = labels["model"] == COX, int(data.is_event.sum())
    in_group = data.design.get(compared, np.zeros(data.n)) == 1
    n_event_in_group = int(data.is_event[in_group].sum())
    row = labels | {"method": EFRON if is_cox else FINE_GRAY} | {
        "n": data.n, "n_event": n_event, "n_event_in_group": n_event_in_group,
        "n_excluded_unresolved": data.n_excluded_unresolved, "n_excluded_missing": data.n_excluded_missing,
    }  # fmt: skip
    if n_event < events_per_parameter * len(data.design):
        text = f"{BELOW_EVENTS_RULE}: {n_event} events for {len(data.design)} parameters"
        return row | {"warning": text}, None
    absent = (NOBODY if data.in_reference.any() else NO_REFERENCE) if compared in data.absent_terms else None
    problem = absent or reference_problem(data, compared)
    if problem:
        return row | {"warning": problem}, None
    return _estimated(data, row, compared, is_cox, n_event_in_group)


def _estimated(
    data: ModelRows, row: dict, compared: str, is_cox: bool, n_event_in_group: int
) -> tuple[dict, Influence | None]:
    fit = (
        fit_cox(data.time_days, data.is_event, data.design, strata=data.strata)
        if is_cox
        else fit_fine_gray(data.time_days, data.event_code, data.design, data.strata)
    )
    position = fit.names.index(compared)
    few = f"rests on {n_event_in_group} events" if n_event_in_group < FEW_EVENTS else None
    problem = fit.problems.get(compared)
    estimate = {} if problem else wald_row(compared, fit.coefficients[position], fit.std_errors[position])
    influence, note = None, None
    if problem == INFINITE and is_cox:
        firth = fit_firth(data.time_days, data.is_event, data.design, profiled=[compared], strata=data.strata)
        estimate, problem = profile_row(firth, position), None
        row, note = row | {"method": FIRTH}, f"{PENALISED}: the events separate the groups"
    elif is_cox and not problem:
        influence = _influence(data, fit, compared)
    if not problem and not has_finite_limits(estimate):
        estimate, problem, influence = {}, NO_ERROR, None
    texts = [problem, note, few, fit.model_warning]
    numbers = {name: np.nan if problem else estimate.get(name, np.nan) for name in ESTIMATE_COLUMNS}
    return row | numbers | {"warning": "; ".join(filter(None, texts)) or None}, influence


def _influence(data: ModelRows, fit: CoxFit, compared: str) -> Influence | None:
    usable = [name for name in fit.names if name not in fit.problems]
    columns = np.column_stack([data.design[name] for name in usable])
    found = fit_subdistribution(data.time_days, data.is_event, columns, data.strata)
    moves = found.influence[:, usable.index(compared)]
    error = float(np.sqrt(moves @ moves))
    return Influence(data.index.to_numpy(), moves, error) if error > 0 and np.isfinite(error) else None
