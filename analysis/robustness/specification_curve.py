"""The margin effect over all reasonable choices at once: does it hang on one of them?"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
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
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import ModelColumns, ModelRows, model_columns
from analysis.patients.names import STRATA_NOT_COMPARED
from analysis.patients.result_rows import Row

BELOW_EVENTS_RULE = "fewer events than the plan asks for"
ALL_ERAS = "all eras"
COX, FINE_GRAY_MODEL = "cause-specific Cox", "Fine-Gray"
ESTIMANDS = {COX: CAUSE_SPECIFIC, FINE_GRAY_MODEL: SUBDISTRIBUTION}
ESTIMATE_COLUMNS = ["hazard_ratio", "conf_low", "conf_high", "p_value"]
SPECIFICATION_COLUMNS = [
    "endpoint", "exposure", "model", "estimand", "definition", "compared", "reference", "covariate_set", "era",
    "synchronous_window_days", "method", "hazard_ratio", "conf_low", "conf_high",
    "p_value", "n", "n_event", "n_event_in_group", "n_excluded_unresolved", "n_excluded_missing", "rank", "warning",
]  # fmt: skip


SUMMARY_COLUMNS = [
    "endpoint", "exposure", "model", "n_specifications", "n_estimated", "n_below_events_rule", "median_hazard_ratio",
    "primary_hazard_ratio",
    "share_same_direction", "share_significant_same_direction", "joint_p_value_of_median", "joint_p_value_of_share",
    "n_draws", "warning",
]  # fmt: skip
PUBLISHED, PRIMARY_SET = "published", "all covariates"
PATIENTS_AT_ONCE = 16_384
# an influence of so large a share of the patients is kept without their numbers
MOST_OF = 0.5
# what the groups of any definition are called within a specification
GROUP = "group"


class Influence(NamedTuple):
    """By how much each of some patients (by number; None: the first so many) moves the log ratio of a specification, whose standard
    error is `std_error`."""

    patient: np.ndarray | None
    moves: np.ndarray
    std_error: float

    def within(self, start: int, end: int) -> np.ndarray:
        """The moves of the patients of these numbers, 0 of whom it is not of."""
        if self.patient is None:
            own = self.moves[start:end]
            return np.pad(own, (0, end - start - len(own)))
        moves = np.zeros(end - start, dtype=self.moves.dtype)
        first, last = np.searchsorted(self.patient, [start, end])
        moves[self.patient[first:last] - start] = self.moves[first:last]
        return moves


class SpecificationCurve(NamedTuple):
    """The curve, a row a specification, and the influences by row number of those fitted by Cox's likelihood."""

    curve: pd.DataFrame
    influence: dict[int, Influence]
    n_patients: int


def specification_curve(
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    endpoints: Sequence[str],
    covariate_sets: Mapping[str, Sequence[Covariate]],
    events_per_parameter: float = 0.0,
    windows: Iterable[tuple[float, pd.DataFrame]] = (),
    survival_endpoints: Collection[str] = (),
    few_events: int = 0,
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
        definitions: one row a patient and definition: study_id, definition, margin_group (its group by that definition, of whatever
            exposure), group_order (1 the narrowest; the last is the reference).
        covariate_sets: label -> covariates of one number each.
        windows: days of another synchronous window and rows as `frame`'s under it, analysed for all eras; one is held at a time.
            In the curve `synchronous_window_days` is missing for the rows of `frame`: the window of meta.clinical_settings.
        survival_endpoints: those that nothing competes with; they have no Fine-Gray model.
        few_events: a ratio with fewer in its group carries a warning.
    Raises:
        ValueError: a column is missing, or a window's days are not a number.
    """
    covariates = tuple(
        {covariate.term: covariate for chosen in covariate_sets.values() for covariate in chosen}.values()
    )
    needed = ["study_id", "endpoint", "time_days", "event_code", *(covariate.column for covariate in covariates)]
    require_columns(frame, [*needed, "era"], "patient_rows")
    require_columns(definitions, ["study_id", "definition", "margin_group", "group_order"], "definitions")
    terms = {label: [covariate.term for covariate in chosen] for label, chosen in covariate_sets.items()}
    grouped = _groups_of(definitions)
    numbers, rows, influence = _Numbers(frame["study_id"]), [], {}
    for window, part in chain([(np.nan, frame)], _checked_windows(windows, needed)):
        for endpoint in endpoints:
            if not (part["endpoint"] == endpoint).any():
                continue
            columns = model_columns(part, endpoint, covariates, None)
            study_id = part.loc[columns.index, "study_id"]
            era = part.loc[columns.index, "era"] if np.isnan(window) else None
            columns = replace(columns, index=pd.Index(numbers.of(study_id)))
            has_competing = endpoint not in survival_endpoints
            for labels, of_model, chosen, fits in _specified(
                columns, study_id, era, grouped, terms, window, has_competing
            ):
                data = of_model.rows(terms[str(labels["covariate_set"])], chosen)
                for row, moves in _specification(data, labels, fits, events_per_parameter, few_events):
                    if moves is not None:
                        influence[len(rows)] = moves
                    rows.append(row)
    curve = pd.DataFrame(rows, columns=[name for name in SPECIFICATION_COLUMNS if name != "rank"])
    curve["rank"] = curve.groupby(["endpoint", "model"])["hazard_ratio"].rank(method="first").astype("Int64")
    typed = curve.reindex(columns=SPECIFICATION_COLUMNS).astype({"warning": "str", "synchronous_window_days": "float"})
    return SpecificationCurve(typed, influence, len(numbers.patients))


def _checked_windows(
    windows: Iterable[tuple[float, pd.DataFrame]], needed: Sequence[str]
) -> Iterator[tuple[float, pd.DataFrame]]:
    for days, part in windows:
        require_columns(part, list(needed), "windows")
        if not np.isfinite(days):
            raise ValueError("windows: the days of a synchronous window must be a number")
        yield days, part


class _Numbers:
    """The number of each patient, in the order in which they are first met."""

    def __init__(self, study_id: pd.Series):
        self.patients = pd.Index(study_id.unique())

    def of(self, study_id: pd.Series) -> np.ndarray:
        """The numbers of patients, of whom those not met before get the next ones."""
        known = pd.Index(study_id)
        at = self.patients.get_indexer(known)
        if (at < 0).any():
            self.patients = self.patients.append(known[at < 0].unique())
            at = self.patients.get_indexer(known)
        return at.astype(np.int32)


def specification_summary(
    found: SpecificationCurve, n_draws: int, seed: int, significant_below_p: float, primary_definition: str = PUBLISHED
) -> pd.DataFrame:
    """A row an endpoint and model: the median ratio, how many go the primary specification's way, and whether that is chance.

    The primary specification: the groups of `primary_definition`, all covariates, all eras, the window of the definitions.
    Joint tests, of Cox models: each patient's influence on every specification is multiplied by one normal draw, `n_draws` times,
    which gives the joint distribution of the ratios were each truly 1 (multiplier bootstrap); P is the share of draws whose
    median, or share of significant ratios in the primary's direction, is at least as extreme as that found.
    """
    curve = found.curve
    rows = []
    for (endpoint, model), of_model in curve.groupby(["endpoint", "model"], sort=False):
        known = of_model[of_model["hazard_ratio"].notna()]
        is_primary = (
            (of_model["definition"] == primary_definition)
            & (of_model["covariate_set"] == PRIMARY_SET)
            & (of_model["era"] == ALL_ERAS)
            & of_model["synchronous_window_days"].isna()
        )
        primary = of_model.loc[is_primary, "hazard_ratio"]
        primary = float(primary.iloc[0]) if len(primary) else np.nan
        direction = np.sign(np.log(primary)) if np.isfinite(primary) else np.nan
        log_ratios = np.log(known["hazard_ratio"].to_numpy(dtype=float))
        same = pd.Series(np.sign(log_ratios) == direction, index=known.index)
        is_significant = same & (known["p_value"] < significant_below_p)
        below = of_model["warning"].str.contains(BELOW_EVENTS_RULE, regex=False, na=False)
        row = {
            "endpoint": endpoint,
            "model": model,
            "n_specifications": len(of_model),
            "n_estimated": len(known),
            "n_below_events_rule": int(below.sum()),
            "primary_hazard_ratio": primary,
            "median_hazard_ratio": float(np.exp(np.median(log_ratios))) if len(known) else np.nan,
            "warning": None
            if np.isfinite(primary)
            else "the primary specification has no estimate: no direction to compare with",
        }
        if np.isfinite(primary):
            row |= {
                "share_same_direction": float(same.mean()),
                "share_significant_same_direction": float(is_significant.mean()),
            }
            row |= _joint_test(found, of_model.index, float(direction), significant_below_p, n_draws, seed)
        rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS).astype({"warning": "str", "n_draws": "Int64"})


def _joint_test(
    found: SpecificationCurve,
    positions: pd.Index,
    direction: float,
    significant_below_p: float,
    n_draws: int,
    seed: int,
) -> dict[str, float]:
    rows = [number for number in positions if number in found.influence]
    if not rows:
        return {}
    chosen = [found.influence[number] for number in rows]
    errors = np.array([influence.std_error for influence in chosen])
    estimates = np.log(found.curve.loc[rows, "hazard_ratio"].to_numpy(dtype=float)) * direction
    # normal multipliers of the patients' moves make a normal distribution with their products as its covariance: it is drawn itself
    spread, axes = np.linalg.eigh(_products(chosen, found.n_patients))
    shape = axes * np.sqrt(np.maximum(spread, 0.0))
    null = np.random.default_rng(seed).standard_normal((n_draws, len(rows))) @ shape.T
    threshold = NormalDist().inv_cdf(1 - significant_below_p / 2)
    median, share = np.median(estimates), (estimates / errors > threshold).mean()
    extreme = (
        (np.abs(np.median(null, axis=1)) >= abs(median)).sum(),
        ((null / errors > threshold).mean(axis=1) >= share).sum(),
    )
    of_median, of_share = ((count + 1) / (n_draws + 1) for count in extreme)
    return {"joint_p_value_of_median": float(of_median), "joint_p_value_of_share": float(of_share), "n_draws": n_draws}


def _products(chosen: Sequence[Influence], n_patients: int) -> np.ndarray:
    """Sums over patients of the products of their moves of each two specifications, some patients at a time."""
    products = np.zeros((len(chosen), len(chosen)))
    for start in range(0, n_patients, PATIENTS_AT_ONCE):
        end = min(start + PATIENTS_AT_ONCE, n_patients)
        moves = np.empty((len(chosen), end - start))
        for row, influence in enumerate(chosen):
            moves[row] = influence.within(start, end)
        products += moves @ moves.T
    return products


class _Definition(NamedTuple):
    """One definition of the margin groups: those compared, from the narrowest, and each patient's position among them."""

    name: str
    exposure: Exposure
    patients: pd.Index
    level: np.ndarray


def _groups_of(definitions: pd.DataFrame) -> list[_Definition]:
    found = []
    for definition, groups in definitions.groupby("definition", sort=True):
        named = groups[~groups["margin_group"].isin(STRATA_NOT_COMPARED)]
        order = tuple(named.drop_duplicates("margin_group").sort_values("group_order")["margin_group"])
        if len(order) < 2:
            continue
        numbers, names = pd.factorize(groups["margin_group"])
        positions = np.array(
            [*(float(order.index(name)) if name in order else np.nan for name in names), np.nan], dtype=np.float32
        )
        exposure = Exposure(GROUP, "group", GROUP, order, order[-1])
        found.append(_Definition(str(definition), exposure, pd.Index(groups["study_id"]), positions[numbers]))
    return found


def _specified(
    columns: ModelColumns,
    study_id: pd.Series,
    era: pd.Series | None,
    definitions: Sequence[_Definition],
    covariate_sets: Iterable[str],
    window: float,
    has_competing: bool,
) -> Iterator[tuple[Row, ModelColumns, np.ndarray, list[str]]]:
    """The labels of each specification, the columns of its definition, its patients, and the models fitted to it."""
    in_era = {} if era is None else {str(name): (era == name).to_numpy() for name in sorted(era.dropna().unique())}
    everybody = np.ones(len(columns.time_days), dtype=bool)
    for definition in definitions:
        at = definition.patients.get_indexer(pd.Index(study_id))
        of_definition = columns.with_exposure(definition.exposure, definition.level[at])
        for name, chosen in ((ALL_ERAS, everybody), *in_era.items()):
            chosen = chosen & (at >= 0)
            if not chosen.any():
                continue
            for covariate_set in covariate_sets:
                labels: Row = {
                    "endpoint": columns.endpoint,
                    "definition": definition.name,
                    "compared": definition.exposure.levels[0],
                    "reference": definition.exposure.reference,
                    "covariate_set": covariate_set,
                    "era": name,
                    "synchronous_window_days": window,
                }
                has_both = name == ALL_ERAS and has_competing
                yield labels, of_definition, chosen, [COX, FINE_GRAY_MODEL] if has_both else [COX]


def _specification(
    data: ModelRows, labels: Row, models: Sequence[str], events_per_parameter: float, few_events: int
) -> Iterator[tuple[Row, Influence | None]]:
    """The row of each model of a specification, and what moves its ratio."""
    compared = f"{GROUP} {labels['compared']}"
    n_event = int(data.is_event.sum())
    in_group = data.design.get(compared, np.zeros(data.n)) == 1
    n_event_in_group = int(data.is_event[in_group].sum())
    absent = (NOBODY if data.in_reference.any() else NO_REFERENCE) if compared in data.absent_terms else None
    problem = absent or reference_problem(data, compared)
    if n_event < events_per_parameter * len(data.design):
        problem = f"{BELOW_EVENTS_RULE}: {n_event} events for {len(data.design)} parameters"
    cox = None if problem else fit_cox(data.time_days, data.is_event, data.design, strata=data.strata)
    for model in models:
        row = labels | {
            "model": model,
            "estimand": ESTIMANDS[model],
            "method": EFRON if model == COX else FINE_GRAY,
            "n": data.n,
            "n_event": n_event,
            "n_event_in_group": n_event_in_group,
            "n_excluded_unresolved": data.n_excluded_unresolved,
            "n_excluded_missing": data.n_excluded_missing,
        }
        if cox is None:
            yield row | {"warning": problem}, None
        else:
            fit = cox
            if model == FINE_GRAY_MODEL:
                fit = fit_fine_gray(data.time_days, data.event_code, data.design, data.strata, cox, [compared])
            yield _estimated(data, fit, row, compared, n_event_in_group < few_events)


def _estimated(
    data: ModelRows, fit: CoxFit, row: Row, compared: str, has_few_events: bool
) -> tuple[Row, Influence | None]:
    is_cox = row["model"] == COX
    position = fit.names.index(compared)
    few = f"rests on {row['n_event_in_group']} events" if has_few_events else None
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
    if fit.fitted is None:
        return None
    moves = fit.fitted.influence_on(compared)
    error = float(np.sqrt(moves @ moves))
    if not (error > 0 and np.isfinite(error)):
        return None
    patient = data.index.to_numpy()
    if len(patient) > MOST_OF * (patient.max() + 1):
        of_all = np.zeros(patient.max() + 1, dtype=np.float32)
        of_all[patient] = moves
        return Influence(None, of_all, error)
    order = np.argsort(patient)
    return Influence(patient[order], moves[order].astype(np.float32), error)
