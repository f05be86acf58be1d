"""The catalogue of results: one entry a table. Specs, lists, checks, comments and docs are made from it."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from analysis.curves.cumulative_incidence import INCIDENCE_COLUMNS
from analysis.curves.group_tests import TEST_COLUMNS
from analysis.curves.kaplan_meier import CURVE_COLUMNS, QUANTILE_COLUMNS
from analysis.curves.landmark_estimates import LANDMARK_COLUMNS
from analysis.curves.restricted_mean import MEAN_COLUMNS
from analysis.curves.restricted_mean_differences import DIFFERENCE_COLUMNS
from analysis.curves.state_occupation import OCCUPATION_COLUMNS
from analysis.curves.stratified_tests import STRATIFIED_TEST_COLUMNS
from analysis.curves.weighted_incidence import RISK_DIFFERENCE_COLUMNS, STANDARDISED_CURVE_COLUMNS
from analysis.models import dose_response
from analysis.models.between_hospitals import HOSPITAL_RATIO_COLUMNS
from analysis.models.cause_specific_cox import PROPORTIONAL_HAZARDS_COLUMNS
from analysis.models.hazard_ratio_rows import HAZARD_RATIO_COLUMNS
from analysis.models.interval_censored import INTERVAL_CURVE_COLUMNS, INTERVAL_RATIO_COLUMNS
from analysis.models.landmark_models import LANDMARK_RATIO_COLUMNS
from analysis.models.time_varying import TIME_VARYING_COLUMNS
from analysis.patients.covariate_choice import CHOICE_COLUMNS
from analysis.results import column_meanings
from analysis.results.attempts import NOT_DONE_COLUMNS
from analysis.results.of_robustness import E_VALUE_COLUMNS
from analysis.robustness import specification_curve, weighting
from analysis.robustness.imputed_models import IMPUTED_COLUMNS
from analysis.tables.follow_up_quality import FOLLOW_UP_COLUMNS
from analysis.tables.margin_agreement import AGREEMENT_COLUMNS
from analysis.tables.planned_tests import PLANNED_TEST_COLUMNS
from analysis.tables.published_comparison import COMPARISON_COLUMNS
from analysis.tables.recurrence_patterns import PATTERN_COLUMNS
from analysis.tables.salvage_by_margin import SALVAGE_COLUMNS
from analysis.tables.table_one import TABLE_ONE_COLUMNS


class Column(NamedTuple):
    """A column of a table of results: 'text', 'integer', 'number' or 'truth', its unit ('' where there is none), its meaning."""

    name: str
    type: str
    unit: str
    meaning: str

    @property
    def comment(self) -> str:
        """Unit and meaning as one text."""
        return f"{self.meaning} ({self.unit})" if self.unit else self.meaning


class ResultTable(NamedTuple):
    """A table of the results schema.

    `grain`: the columns of which each combination stands once (empty: rows have no key). `family`: the computation that makes
    it, see `families.FAMILIES`.
    """

    name: str
    description: str
    grain: tuple[str, ...]
    family: str
    columns: tuple[Column, ...]


def _table(
    family: str,
    name: str,
    description: str,
    grain: Sequence[str],
    columns: Sequence[str],
    meanings: dict[str, str] | None = None,
) -> ResultTable:
    described = []
    for column in columns:
        kind, unit, meaning = column_meanings.COLUMNS[column]
        described.append(Column(column, kind, unit, (meanings or {}).get(column, meaning)))
    return ResultTable(name, description, tuple(grain), family, tuple(described))


_STRATUM = ("endpoint", "grouping", "stratum")
_TERM = ("endpoint", "model", "term")
CATALOGUE: tuple[ResultTable, ...] = (
    _table(
        "curves",
        "kaplan_meier",
        "Kaplan-Meier estimates by endpoint and group, with numbers at risk; crude: hospitals are pooled",
        (*_STRATUM, "time_days"),
        CURVE_COLUMNS,
        {"estimate": "Probability of no event yet"},
    ),
    _table(
        "curves",
        "median_times",
        "Kaplan-Meier medians and quartiles with log, log-log and plain limits, by endpoint and group; crude",
        (*_STRATUM, "quantile", "conf_type"),
        QUANTILE_COLUMNS,
        {
            "time_days": "Day by which the share has had the event",
            "conf_low": "Lower 95 % limit of the day",
            "conf_high": "Upper 95 % limit of the day; missing: open",
        },
    ),
    _table(
        "curves",
        "cumulative_incidence",
        "Cumulative incidence (Aalen-Johansen) by endpoint and group, with numbers at risk; crude: hospitals are pooled",
        (*_STRATUM, "time_days"),
        INCIDENCE_COLUMNS,
        {"estimate": "Probability of having had the event"},
    ),
    _table(
        "curves",
        "landmark_estimates",
        "The curves read off at 1, 3, 5 and 10 years; crude",
        (*_STRATUM, "landmark_label"),
        LANDMARK_COLUMNS,
    ),
    _table(
        "curves",
        "group_tests",
        "Log-rank, Gray's and trend tests between groups, of all hospitals pooled; within hospitals: stratified_tests",
        ("endpoint", "grouping", "test"),
        TEST_COLUMNS,
    ),
    _table(
        "restricted_means",
        "restricted_means",
        "Mean time lived without the event, or lost to each cause, up to five years; crude: hospitals are pooled",
        (*_STRATUM, "measure"),
        [*MEAN_COLUMNS, "measure"],
        {"conf_low": "Lower 95 % limit, cut at 0", "conf_high": "Upper 95 % limit, cut at the horizon"},
    ),
    _table(
        "restricted_means",
        "restricted_mean_differences",
        "Those means of each group against the reference: differences, crude and, from two hospitals on, standardised over them",
        ("endpoint", "grouping", "measure", "stratum", "standardisation"),
        DIFFERENCE_COLUMNS,
    ),
    _table(
        "models",
        "hazard_ratios",
        "Cox and Fine-Gray models of the exposure, unadjusted and by covariate set, by endpoint, stratified by hospital",
        (*_TERM, "estimand"),
        HAZARD_RATIO_COLUMNS,
    ),
    _table(
        "models",
        "proportional_hazards",
        "Tests of proportional hazards of those models",
        _TERM,
        PROPORTIONAL_HAZARDS_COLUMNS,
    ),
    _table(
        "models",
        "model_covariates",
        "Which covariates each model could use, and why the others not",
        ("endpoint", "exposure", "model", "covariate"),
        [*CHOICE_COLUMNS, "exposure"],
    ),
    _table(
        "hospitals",
        "hospital_hazard_ratios",
        "The effect at each hospital, stratified by hospital, and summarised by random effects",
        (*_TERM, "summary", "hospital"),
        HOSPITAL_RATIO_COLUMNS,
    ),
    _table(
        "stratified_tests",
        "stratified_tests",
        "Log-rank and Gray's tests within eras and, from two hospitals on, within hospitals",
        ("endpoint", "grouping", "stratified_by", "test"),
        STRATIFIED_TEST_COLUMNS,
    ),
    _table(
        "effect_over_time",
        "time_varying_hazard_ratios",
        "Effects in the first, the second and the later years where hazards are not proportional",
        (*_TERM, "period"),
        TIME_VARYING_COLUMNS,
    ),
    _table(
        "effect_over_time",
        "landmark_hazard_ratios",
        "The models from half a year, one and two years on",
        (*_TERM, "landmark_days"),
        LANDMARK_RATIO_COLUMNS,
    ),
    _table(
        "effect_over_time",
        "pairwise_hazard_ratios",
        "The first two levels of the exposure against each other (positive against <1 mm)",
        _TERM,
        HAZARD_RATIO_COLUMNS,
    ),
    _table(
        "by_width",
        "dose_response",
        "Hazard ratio by margin width in mm, restricted cubic spline: of exact widths, and with bounded ones imputed",
        ("endpoint", "model", "widths", "width_mm"),
        dose_response.CURVE_COLUMNS,
    ),
    _table(
        "by_width",
        "dose_response_tests",
        "Tests of association and of non-linearity of the width",
        ("endpoint", "model", "widths", "test"),
        dose_response.TEST_COLUMNS,
    ),
    _table(
        "weighting",
        "covariate_balance",
        "Standardised differences before and after weighting",
        ("endpoint", "exposure", "term", "group"),
        [*weighting.BALANCE_COLUMNS, "endpoint", "exposure", "covariate_set"],
    ),
    _table(
        "weighting",
        "weight_summary",
        "Weights by group and the effective number of patients",
        ("endpoint", "exposure", "group"),
        [*weighting.SUMMARY_COLUMNS, "endpoint", "exposure", "covariate_set"],
    ),
    _table(
        "weighting",
        "weighted_hazard_ratios",
        "Effect in patients weighted to be alike (inverse probability of the group)",
        _TERM,
        [*HAZARD_RATIO_COLUMNS, "covariate_set"],
    ),
    _table(
        "weighting",
        "standardised_incidence",
        "Cumulative incidence in patients weighted to be alike",
        (*_STRATUM, "time_days"),
        STANDARDISED_CURVE_COLUMNS,
        {"estimate": "Probability of having had the event, standardised"},
    ),
    _table(
        "weighting",
        "risk_differences",
        "Differences of 3- and 5-year risk against the reference, crude (hospitals pooled) and standardised over covariates and hospitals",
        (*_STRATUM, "standardisation", "landmark_label"),
        RISK_DIFFERENCE_COLUMNS,
    ),
    _table(
        "imputation",
        "imputed_hazard_ratios",
        "Effect with missing covariates and unresolved margins imputed, pooled by Rubin's rules",
        (*_TERM, "estimand"),
        IMPUTED_COLUMNS,
    ),
    _table(
        "e_values",
        "e_values",
        "How strong an unmeasured confounder would have to be",
        ("endpoint", "term"),
        E_VALUE_COLUMNS,
    ),
    _table(
        "specifications",
        "specification_curve",
        "Effect over cut points, covariate sets, eras, models and synchronous windows",
        ("endpoint", "exposure", "model", "definition", "covariate_set", "era", "synchronous_window_days"),
        specification_curve.SPECIFICATION_COLUMNS,
    ),
    _table(
        "specifications",
        "specification_summary",
        "Median of the curve, how many specifications agree with the primary one, joint tests",
        ("endpoint", "exposure", "model"),
        specification_curve.SUMMARY_COLUMNS,
    ),
    _table(
        "interval_censored",
        "interval_censored_hazard_ratios",
        "Hazard ratios of a Weibull model with recurrence between two looks, and on the day of finding",
        (*_TERM, "dating"),
        INTERVAL_RATIO_COLUMNS,
    ),
    _table(
        "interval_censored",
        "interval_censored_curves",
        "Turnbull's estimate of recurrence between two looks, half-yearly to five years; competing events censor",
        (*_STRATUM, "time_days"),
        INTERVAL_CURVE_COLUMNS,
        {"estimate": "Probability of the event by then were there no competing one"},
    ),
    _table(
        "death_rules",
        "death_rule_estimates",
        "Incidence and recurrence-free survival under other rules for deaths long after the last look",
        (*_STRATUM, "death_rule", "landmark_label"),
        [*LANDMARK_COLUMNS, "death_rule"],
    ),
    _table(
        "planned_tests",
        "planned_tests",
        "The primary, secondary and exploratory tests of the plan, with adjusted P within the secondary family",
        ("endpoint",),
        PLANNED_TEST_COLUMNS,
    ),
    _table(
        "table_one",
        "table_one",
        "Patients and operations by margin group, or another exposure of the plan, with missing counts and standardised differences",
        ("variable", "level", "grouping", "stratum"),
        TABLE_ONE_COLUMNS,
    ),
    _table(
        "recurrence_patterns",
        "recurrence_patterns",
        "Patterns of initial and of overall recurrence by exposure, with Wilson limits",
        ("pattern_scope", "pattern", "grouping", "stratum"),
        PATTERN_COLUMNS,
        {"n": "Patients with the pattern"},
    ),
    _table(
        "salvage_by_margin",
        "salvage_by_margin",
        "Salvage after recurrence by exposure as a crude share, with Wilson limits, and its trend, within hospitals if there are several",
        ("grouping", "stratum"),
        SALVAGE_COLUMNS,
    ),
    _table(
        "follow_up_quality",
        "follow_up_quality",
        "Length, completeness and frequency of follow-up by exposure, and whether it differs, within hospitals where there are several",
        ("grouping", "stratum"),
        FOLLOW_UP_COLUMNS,
    ),
    _table(
        "state_occupation",
        "state_occupation",
        "Probability of being resected, recurred, salvaged or dead, by exposure, half-yearly to ten years",
        ("grouping", "stratum", "state", "time_days"),
        OCCUPATION_COLUMNS,
        {"estimate": "Probability of being in the state", "n_risk": "Patients in the state just before"},
    ),
    _table(
        "margin_agreement",
        "margin_agreement",
        "Cohen's kappa of margin groups: the rules and reviewers, two reviewers",
        ("comparison",),
        AGREEMENT_COLUMNS,
        {"n": "Margins judged twice"},
    ),
    _table(
        "published_comparison",
        "published_comparison",
        "Each published figure of Perrin et al. beside ours",
        ("figure", "stratum"),
        COMPARISON_COLUMNS,
    ),
    _table(
        "analyses_not_done", "analyses_not_done", "Analyses that the data did not allow, and why", (), NOT_DONE_COLUMNS
    ),
)
_DTYPES = {"text": "str", "integer": "Int64", "number": "float64", "truth": "boolean"}


def table_named(name: str) -> ResultTable:
    """The entry of a table; ValueError where there is none."""
    for table in CATALOGUE:
        if table.name == name:
            return table
    raise ValueError(f"results.{name}: no entry in the catalogue")


def checked_frame(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of its entry, in their order and of their types.

    Raises:
        ValueError: columns are missing or not in the catalogue, a value is not of its column's type, or a key stands twice.
    """
    table = table_named(name)
    wanted = [column.name for column in table.columns]
    missing, unknown = [c for c in wanted if c not in frame.columns], [c for c in frame.columns if c not in wanted]
    if missing or unknown:
        raise ValueError(
            f"results.{name}: lacks {', '.join(missing) or 'nothing'}; not in the catalogue: {', '.join(unknown)}"
        )
    typed = frame[wanted].copy()
    for column in table.columns:
        try:
            typed[column.name] = _typed(typed[column.name], column.type)
        except (ValueError, TypeError) as error:
            raise ValueError(f"results.{name}.{column.name}: not {column.type} ({error})") from error
    keys = list(table.grain)
    if keys and typed.duplicated(keys).any():
        raise ValueError(f"results.{name}: {int(typed.duplicated(keys).sum())} row(s) with a key that stands before")
    return typed


def _typed(values: pd.Series, kind: str) -> pd.Series:
    if kind == "text":
        return values.astype(object).where(values.notna(), None).astype("str")
    if kind == "integer" and not pd.api.types.is_integer_dtype(values.dtype):
        return values.astype("Float64").astype("Int64")
    if kind == "number":
        return values.astype("Float64").astype("float64")
    return values.astype(_DTYPES[kind])  # pyright: ignore[reportArgumentType, reportCallIssue]
