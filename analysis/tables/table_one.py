"""Table 1: patients and operations by exposure, with missing counts and standardised differences."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import GROUP, NUMBER, TRUTH, Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.plan import WORDS, DescribedVariable
from analysis.tables.checks import require_known
from analysis.tables.standardised_difference import (
    difference_of_counts,
    difference_of_numbers,
    largest_between_pairs,
)

ALL = "all"
Level = str | float
"""Of a variable that is counted: words, a number or a truth."""
PATIENTS = "Patients"
TABLE_ONE_COLUMNS = [
    "variable", "level", "grouping", "stratum", "statistic_label", "value_text", "n", "n_missing", "max_standardised_difference",
]  # fmt: skip


def table_one(
    index_operations: pd.DataFrame,
    exposure: Exposure,
    described: Sequence[DescribedVariable],
    covariates: Sequence[Covariate] = (),
) -> pd.DataFrame:
    """One row a variable, level and stratum: all patients, the levels of the exposure, those of whom it is not known.

    Numbers: median (first-third quartile) of those known; `n` is how many are known. Words and truths: count and share
    of those known; `n` is how many have the level. `n_missing` is how many of the stratum are not known, and
    `max_standardised_difference` the largest between any two levels of the exposure, of the variable as a whole (the
    same in all its rows). Who is of no known level counts in 'all' but is of no group to compare.

    Args:
        index_operations: marts.index_operations, one row a patient: the exposure's column and the variables'.
        described: the variables of the plan; its covariates that are not among them follow.
    Returns:
        TABLE_ONE_COLUMNS.
    Raises:
        ValueError: a column is missing, or a level of the exposure is missing or unknown.
    """
    variables = _variables(described, covariates)
    require_columns(
        index_operations, [exposure.column, *(variable.column for variable in variables)], "index_operations"
    )
    strata = exposure.of(index_operations[exposure.column])
    members = {ALL: np.ones(len(strata), dtype=bool)} | {name: (strata == name).to_numpy() for name in exposure.strata}
    rows = [
        [PATIENTS, "", name, "n", f"{chosen.sum():,}", int(chosen.sum()), 0, np.nan] for name, chosen in members.items()
    ]
    for column, label, kind in variables:
        of_kind = _rows_of_numbers if kind == NUMBER else _rows_of_levels
        rows += of_kind(label, index_operations[column], members, exposure.levels, kind)
    columns = [column for column in TABLE_ONE_COLUMNS if column != "grouping"]
    return pd.DataFrame(rows, columns=columns).assign(grouping=exposure.column)[TABLE_ONE_COLUMNS]


def _variables(
    described: Sequence[DescribedVariable], covariates: Sequence[Covariate]
) -> tuple[DescribedVariable, ...]:
    known = {variable.column for variable in described}
    others = {covariate.column: covariate for covariate in covariates if covariate.column not in known}
    kinds = {TRUTH: TRUTH, GROUP: WORDS}
    return (
        *described,
        *(
            DescribedVariable(
                column, covariate.term[:1].upper() + covariate.term[1:], kinds.get(covariate.kind, NUMBER)
            )
            for column, covariate in others.items()
        ),
    )


def _rows_of_numbers(
    label: str, values: pd.Series, members: dict[str, np.ndarray], compared: Sequence[str], kind: str
) -> list[list[object]]:
    numbers = pd.to_numeric(values, errors="raise").to_numpy(dtype=float, na_value=np.nan)
    known = {stratum: numbers[chosen & ~np.isnan(numbers)] for stratum, chosen in members.items()}
    difference = largest_between_pairs(difference_of_numbers, [known[group] for group in compared])
    return [
        [
            label,
            "",
            stratum,
            "median (IQR)",
            median_text(known[stratum]),
            len(known[stratum]),
            int(chosen.sum()) - len(known[stratum]),
            difference,
        ]
        for stratum, chosen in members.items()
    ]


def _rows_of_levels(
    label: str, values: pd.Series, members: dict[str, np.ndarray], compared: Sequence[str], kind: str
) -> list[list[object]]:
    levels = [True, False] if kind == TRUTH else _ordered(values.dropna().unique())
    require_known(values.dropna(), levels, f"index_operations.{values.name}")
    # -1 stands for missing
    codes = pd.Categorical(values, categories=levels).codes
    counts = {
        stratum: np.bincount(codes[chosen & (codes >= 0)], minlength=len(levels)) for stratum, chosen in members.items()
    }
    difference = largest_between_pairs(difference_of_counts, [counts[group] for group in compared])
    rows = []
    for rank, level in enumerate(levels):
        if kind == TRUTH and not level:
            continue
        for stratum, chosen in members.items():
            n, n_known = int(counts[stratum][rank]), int(counts[stratum].sum())
            text = "" if kind == TRUTH else _level_text(level)
            n_missing = int(chosen.sum()) - n_known
            rows.append([label, text, stratum, "n (%)", share_text(n, n_known), n, n_missing, difference])
    return rows


def _ordered(levels: Iterable[Level]) -> list[Level]:
    """Numbers by size, words by alphabet."""
    return sorted(levels, key=_place)


def _place(level: Level) -> tuple[float, str]:
    return (float("inf"), level) if isinstance(level, str) else (float(level), "")


def median_text(numbers: np.ndarray) -> str:
    """'3.4 (2.2-5.2)', or 'not available' of no numbers."""
    if not len(numbers):
        return "not available"
    low, middle, high = (_number_text(value) for value in np.quantile(numbers, [0.25, 0.5, 0.75]))
    return f"{middle} ({low}-{high})"


def _number_text(value: float) -> str:
    """One decimal, none where it would be zero or more than the eye needs: 3.4, 61, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}".removesuffix(".0")


def share_text(n: int, n_known: int) -> str:
    """'66 (55%)'; never 0% of somebody nor 100% of not all; 'not available' when none are known."""
    if n_known == 0:
        return "not available"
    share = n / n_known
    percent = "<1%" if 0 < share < 0.005 else ">99%" if 0.995 <= share < 1 else f"{share:.0%}"
    return f"{n:,} ({percent})"


def _level_text(level: Level) -> str:
    return str(int(level)) if isinstance(level, float | np.floating) else str(level).replace("_", " ")
