"""Hazard ratios within periods of follow-up, where they are not the same throughout."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.models.cox_fit import (
    INFINITE,
    CoxFit,
    LikelihoodOf,
    fit_cox,
    proportional_hazards_tests,
)
from analysis.models.firth_fit import fit_firth, profile_row
from analysis.models.hazard_ratio_rows import (
    CAUSE_SPECIFIC,
    EFRON,
    FIRTH,
    NO_ERROR,
    PENALISED,
    has_finite_limits,
    wald_row,
)
from analysis.models.likelihood_columns import pattern_codes
from analysis.models.partial_likelihood import ByPeriod
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import ModelRows, model_rows
from analysis.patients.result_rows import Row, number_of

TIME_VARYING_COLUMNS = [
    "endpoint", "model", "estimand", "method", "period", "period_start_days", "period_end_days", "term", "reference",
    "hazard_ratio", "conf_low", "conf_high", "p_value", "statistic", "degrees_of_freedom", "n", "n_event", "n_in_group",
    "n_event_in_group", "n_excluded_missing", "n_excluded_unresolved", "warning",
]  # fmt: skip


def time_varying_hazard_ratios(
    frame: pd.DataFrame,
    endpoint: str,
    exposure: Exposure,
    covariates: Sequence[Covariate],
    period_starts_years: Sequence[float],
    below_p: float,
    days_a_year: float,
    few_events: int = 0,
) -> pd.DataFrame:
    """Cause-specific hazard ratios by period of the margin groups, and of covariates, whose hazards are not proportional.

    For each model a row `margin group (proportional hazards)` with the test of all margin groups together (cox.zph of a factor).
    Where its p is below `below_p`, follow-up is split at the period starts (R's survSplit; an event on the day of a start belongs
    to the period before) and each margin group has a ratio for each period, the covariates one for all; Efron ties. A row
    `margin group by period (interaction)` has the likelihood-ratio test against one ratio for all periods. Where p is not
    below, the first row's `warning` says that follow-up was not split. Each covariate whose own test is below `below_p` has
    the same, in a model of its own in which all else has one ratio. Groups that the events of a period separate have Firth's
    estimate (`method`, `warning`); a ratio that rests on fewer than `few_events` carries a warning.

    `n` counts patients at risk after the period's start, `n_event` their events within it, of the test rows those of all.

    Args:
        frame: as `cause_specific_cox.cause_specific_cox`.
        period_starts_years: ascending, the first 0; the last period is open.
        below_p: of the test of proportional hazards, below which follow-up is split.
    Raises:
        ValueError: as `model_rows.model_rows`, or period starts that do not ascend from 0.
    """
    years = np.asarray(period_starts_years, dtype=float)
    if len(years) < 2 or years[0] != 0 or not (np.diff(years) > 0).all():
        raise ValueError("period_starts_years: must ascend from 0 and be two or more")
    labels = tuple(_period_label(years, period) for period in range(len(years)))
    periods = _Periods(years * days_a_year, labels, few_events)
    rows = []
    for model, model_covariates in (("unadjusted", ()), ("adjusted", covariates)):
        data = model_rows(frame, endpoint, model_covariates, exposure)
        labels = {
            "endpoint": endpoint,
            "model": model,
            "estimand": CAUSE_SPECIFIC,
            "method": EFRON,
            "n_excluded_missing": data.n_excluded_missing,
            "n_excluded_unresolved": data.n_excluded_unresolved,
        }
        rows += [labels | row for row in _model_rows_by_period(data, exposure, periods, below_p)]
    frame = pd.DataFrame(rows).reindex(columns=TIME_VARYING_COLUMNS)
    counts = dict.fromkeys(["n_in_group", "n_event_in_group"], "Int64")
    return frame.astype(counts | dict.fromkeys(["period", "reference", "warning"], "str"))


class _Periods(NamedTuple):
    """The day on which each begins, its name, and below how many events a ratio within it carries a warning."""

    starts: np.ndarray
    labels: tuple[str, ...]
    few_events: int


@dataclass(frozen=True)
class _Factor:
    """What may vary over the periods: its columns by term, its reference, and who is in that (nobody: a number)."""

    interaction: str
    columns: dict[str, np.ndarray]
    reference: str | None
    in_reference: np.ndarray


def _model_rows_by_period(data: ModelRows, exposure: Exposure, periods: _Periods, below_p: float) -> list[Row]:
    groups = {term: data.design[term] for term in data.group_terms}
    others = data.covariates
    fit = fit_cox(data.time_days, data.is_event, data.design, strata=data.strata)
    tests = proportional_hazards_tests(fit, data.time_days, data.is_event)
    statistic, degrees, p_value = tests.of_groups(data.group_terms)
    test = _test_row(exposure.proportionality, data, statistic, degrees, p_value)
    if np.isnan(p_value) or not data.in_reference.any():
        return [test | {"warning": "not split: proportional hazards could not be tested"}]
    codes = pattern_codes(list(data.design.values()), data.n)
    split = _split(data, periods.starts, codes)
    if p_value >= below_p:
        rows = [test | {"warning": f"not split: proportional hazards not rejected (p >= {below_p:g})"}]
    else:
        rows = [
            test,
            *_rows_of_factor(
                data, split, codes, fit, periods, _Factor(exposure.by_period, groups, data.reference, data.in_reference)
            ),
        ]
    of_term = {term: p for term, _, _, p in tests.rows()}
    for term, column in others.items():
        if of_term[term] < below_p:
            is_binary = bool(np.isin(column, (0, 1)).all())
            in_reference = (column == 0) & is_binary
            factor = _Factor(
                f"{term} by period (interaction)", {term: column}, "no" if is_binary else None, in_reference
            )
            rows += _rows_of_factor(data, split, codes, fit, periods, factor)
    return rows


def _rows_of_factor(
    data: ModelRows, split: "_Split", codes: np.ndarray | None, fit: CoxFit, periods: _Periods, factor: _Factor
) -> list[Row]:
    """The interaction's test and the ratios of each period; `fit` is the model with one ratio for all periods, `codes` are those of
    the design's columns."""
    starts = periods.starts
    varying = list(factor.columns.values())
    others = {term: column for term, column in data.design.items() if term not in factor.columns}
    design = _SplitDesign(split, factor.columns, others, len(starts))

    def likelihood_of(kept: Sequence[int]) -> ByPeriod:
        return ByPeriod(data.time_days, data.is_event, varying, list(others.values()), data.strata, starts, kept, codes)

    by_period = fit_cox(
        split.end_days,
        split.is_event,
        design,
        split.start_days,
        split.strata,
        likelihood_of=likelihood_of,
        n_alike=split.n,
    )
    penalised = _penalised_rows(by_period, split, design, likelihood_of)
    ratios = [
        _ratio_row(factor, split, periods, period, term, by_period, penalised)
        for period in range(len(starts))
        for term in factor.columns
    ]
    degrees = len(factor.columns) * (len(starts) - 1)
    return [_interaction_row(factor.interaction, data, fit, by_period, degrees), *ratios]


@dataclass(frozen=True)
class _Split:
    """A row a patient and period that the patient entered: at risk after `start_days`, to `end_days` inclusive.

    Where the patterns of the columns are known, a row stands for the `n` patients who entered the period with the same columns, of the
    same hospital, and had their event in it or had not; `patient` and `end_days` are those of one of them.
    """

    patient: np.ndarray
    period: np.ndarray
    start_days: np.ndarray
    end_days: np.ndarray
    is_event: np.ndarray
    n: np.ndarray
    strata: np.ndarray | None

    def n_event(self, rows: np.ndarray) -> int:
        """Events of the patients whom some rows stand for."""
        return int((self.n[rows] * self.is_event[rows]).sum())


class _SplitDesign(Mapping[str, np.ndarray]):
    """The columns of a model by period, a row a row of the split, each made when it is asked for: all at once would be the largest
    thing of the night where each patient is a row. Those of a term are 0 outside their period, the others' are the same in all."""

    def __init__(
        self, split: _Split, varying: Mapping[str, np.ndarray], constant: Mapping[str, np.ndarray], n_periods: int
    ):
        self.split, self.constant = split, constant
        self.by_name = {
            f"{term} | {period}": (column, period) for period in range(n_periods) for term, column in varying.items()
        }

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.constant:
            return self.constant[name][self.split.patient]
        column, period = self.by_name[name]
        return column[self.split.patient] * (self.split.period == period)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.by_name, *self.constant])

    def __len__(self) -> int:
        return len(self.by_name) + len(self.constant)


def _split(data: ModelRows, starts: np.ndarray, codes: np.ndarray | None) -> _Split:
    ends = np.append(starts[1:], np.inf)
    hospital = np.zeros(data.n, dtype=int) if data.strata is None else data.strata
    n_hospitals = int(hospital.max()) + 1
    pieces = []
    for period, (start, end) in enumerate(zip(starts, ends, strict=True)):
        # Whoever leaves on day 0 is at risk on it: the first period takes in its own start
        patient = np.flatnonzero((data.time_days > start) | (period == 0)).astype(np.int32)
        is_event = data.is_event[patient] * (data.time_days[patient] <= end)
        n_alike = np.ones(len(patient), dtype=int)
        if codes is not None:
            one_of, n_alike = _alike((codes[patient] * 2 + is_event) * n_hospitals + hospital[patient])
            patient, is_event = patient[one_of], is_event[one_of]
        entry = np.full(len(patient), start if period else -1.0)
        time = np.minimum(data.time_days[patient], end)
        pieces.append((patient, np.full(len(patient), period, dtype=np.int8), entry, time, is_event, n_alike))
    columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return _Split(*columns, strata=None if data.strata is None else data.strata[columns[0]])


def _alike(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The position of one of those who have the same key, and how many they are."""
    number, distinct = pd.factorize(keys)
    one_of = np.empty(len(distinct), dtype=int)
    one_of[number] = np.arange(len(number))
    return one_of, np.bincount(number)


def _penalised_rows(fit: CoxFit, split: _Split, design: _SplitDesign, likelihood_of: LikelihoodOf) -> dict[str, Row]:
    separated = [name for name in design.by_name if fit.problems.get(name) == INFINITE]
    if not separated:
        return {}
    firth = fit_firth(
        split.end_days,
        split.is_event,
        design,
        profiled=separated,
        strata=split.strata,
        likelihood_of=likelihood_of,
        n_alike=split.n,
        # a period without any event tells nothing of its ratios
        left_out={name: reason for name, reason in fit.problems.items() if reason != INFINITE},
    )
    rows = {name: profile_row(firth, firth.names.index(name)) for name in separated}
    return {
        name: row for name, row in rows.items() if has_finite_limits(row) and np.isfinite(number_of(row, "p_value"))
    }


def _ratio_row(
    factor: _Factor, split: _Split, periods: _Periods, period: int, term: str, fit: CoxFit, penalised: dict[str, Row]
) -> Row:
    name, starts = f"{term} | {period}", periods.starts
    in_period = split.period == period
    position = fit.names.index(name)
    row = penalised.get(name) or wald_row(name, fit.coefficients[position], fit.std_errors[position])
    counts, n_fewest, is_own = _events_of(factor, split, in_period, term)
    few = f"fewer than {periods.few_events} events in this or the reference group ({n_fewest})"
    problem = fit.problems.get(name) or (None if has_finite_limits(row) else NO_ERROR)
    warning = problem or (few if n_fewest < periods.few_events else None)
    if name in penalised:
        warning = f"{PENALISED}: no event in {'this' if is_own else 'the reference'} group in this period"
    end = starts[period + 1] if period + 1 < len(starts) else np.nan
    return (
        row
        | counts
        | {
            "method": FIRTH if name in penalised else EFRON,
            "period": periods.labels[period],
            "period_start_days": starts[period],
            "period_end_days": end,
            "term": term,
            "reference": factor.reference,
            "n": int(split.n[in_period].sum()),
            "n_event": split.n_event(in_period),
            "warning": "; ".join(filter(None, [warning, fit.model_warning])) or None,
        }
    )


def _events_of(factor: _Factor, split: _Split, in_period: np.ndarray, term: str) -> tuple[Row, int, bool]:
    """Patients and events of the term's group in a period, the fewer events of it and its reference, and whether its own."""
    if not factor.in_reference.any():
        return {}, split.n_event(in_period), False
    in_group = in_period & (factor.columns[term][split.patient] == 1)
    n_event = split.n_event(in_group)
    n_reference = split.n_event(in_period & factor.in_reference[split.patient])
    counts: Row = {"n_in_group": int(split.n[in_group].sum()), "n_event_in_group": n_event}
    return counts, min(n_event, n_reference), n_event == 0


def _period_label(starts_years: np.ndarray, period: int) -> str:
    """Such as '0-1 years' and '> 2 years'."""
    first = f"{starts_years[period]:.3g}"
    return f"> {first} years" if period + 1 == len(starts_years) else f"{first}-{starts_years[period + 1]:.3g} years"


def _interaction_row(term: str, data: ModelRows, fit: CoxFit, by_period: CoxFit, degrees: int) -> Row:
    from scipy.special import chdtrc

    # One ratio for all periods is the model without splitting: the same likelihood
    statistic = 2 * (by_period.log_likelihood - fit.log_likelihood)
    row = _test_row(term, data, statistic, degrees, float(chdtrc(degrees, max(statistic, 0.0))))
    separated = sorted({name.split(" | ")[0] for name in by_period.problems if " | " in name})
    return row | {"warning": f"a period has no estimate of {', '.join(separated)}" if separated else None}


def _test_row(term: str, data: ModelRows, statistic: float, degrees: int, p_value: float) -> Row:
    return {
        "period": "all", "term": term, "statistic": statistic, "degrees_of_freedom": degrees, "p_value": p_value,
        "n": data.n, "n_event": int(data.is_event.sum()),
    }  # fmt: skip
