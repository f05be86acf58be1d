"""Table 1: patients and operations by exposure, with missing counts and standardised differences."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import GROUP, TRUTH, Covariate
from analysis.patients.exposures import Exposure
from analysis.tables.checks import require_known
from analysis.tables.standardised_difference import (
    difference_of_counts,
    difference_of_numbers,
    largest_between_pairs,
)

NUMBERS = {
    "age_at_operation_years": "Age at operation, years",
    "disease_free_interval_months": "Disease-free interval, months",
    "metastasis_count": "Number of metastases",
    "largest_metastasis_cm": "Largest metastasis, cm",
    "cea_ng_ml": "CEA, ng/mL",
}
WORDS = {
    "sex": "Sex",
    "primary_site": "Primary tumour",
    "procedure_type": "Procedure",
    "era": "Era of operation",
    "clinical_risk_score": "Clinical risk score (Fong)",
}
# The order of the published table: who, the primary tumour, the metastases, the treatment
VARIABLES = (
    "age_at_operation_years", "sex", "primary_site", "is_node_positive", "disease_free_interval_months",
    "has_short_disease_free_interval", "metastasis_count", "has_multiple_metastases", "largest_metastasis_cm",
    "has_large_metastasis", "cea_ng_ml", "has_high_cea", "clinical_risk_score",
    "has_extrahepatic_disease", "had_preoperative_chemotherapy", "procedure_type", "has_hai_pump", "era",
)  # fmt: skip
ALL = "all"
Level = str | float
"""Of a variable that is counted: words, a number or a truth."""
PATIENTS = "Patients"
TABLE_ONE_COLUMNS = [
    "variable", "level", "grouping", "stratum", "statistic_label", "value_text", "n", "n_missing", "max_standardised_difference",
]  # fmt: skip


def table_one(index_operations: pd.DataFrame, exposure: Exposure, covariates: Sequence[Covariate] = ()) -> pd.DataFrame:
    """One row a variable, level and stratum: all patients, the levels of the exposure, those of whom it is not known.

    Numbers: median (first-third quartile) of those known; `n` is how many are known. Words and truths: count and share
    of those known; `n` is how many have the level. `n_missing` is how many of the stratum are not known, and
    `max_standardised_difference` the largest between any two levels of the exposure, of the variable as a whole (the
    same in all its rows). Who is of no known level counts in 'all' but is of no group to compare.

    Args:
        index_operations: marts.index_operations, one row a patient: the exposure's column and those of VARIABLES.
        covariates: of the plan: they name truths, and those that are not among VARIABLES follow these.
    Returns:
        TABLE_ONE_COLUMNS.
    Raises:
        ValueError: a column is missing, or a level of the exposure is missing or unknown.
    """
    variables = _variables(covariates)
    require_columns(index_operations, [exposure.column, *variables], "index_operations")
    strata = exposure.of(index_operations[exposure.column])
    members = {ALL: np.ones(len(strata), dtype=bool)} | {name: (strata == name).to_numpy() for name in exposure.strata}
    rows = [
        [PATIENTS, "", name, "n", f"{chosen.sum():,}", int(chosen.sum()), 0, np.nan] for name, chosen in members.items()
    ]
    for column, (label, kind) in variables.items():
        of_kind = _rows_of_numbers if kind == "number" else _rows_of_levels
        rows += of_kind(label, index_operations[column], members, exposure.levels, kind)
    columns = [column for column in TABLE_ONE_COLUMNS if column != "grouping"]
    return pd.DataFrame(rows, columns=columns).assign(grouping=exposure.column)[TABLE_ONE_COLUMNS]


def _variables(covariates: Sequence[Covariate]) -> dict[str, tuple[str, str]]:
    """Column -> its label and whether it holds numbers, truths or words."""
    of_plan = {covariate.column: covariate for covariate in covariates}
    found = {}
    for column in (*VARIABLES, *(column for column in of_plan if column not in VARIABLES)):
        covariate = of_plan.get(column)
        term = covariate.term if covariate else column.removeprefix("is_").removeprefix("has_").replace("_", " ")
        if column in NUMBERS:
            found[column] = NUMBERS[column], "number"
        elif column in WORDS:
            found[column] = WORDS[column], "word"
        elif covariate is None or covariate.kind == TRUTH:
            found[column] = term[:1].upper() + term[1:], "truth"
        else:
            found[column] = term[:1].upper() + term[1:], "word" if covariate.kind == GROUP else "number"
    return found


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
    levels = [True, False] if kind == "truth" else _ordered(values.dropna().unique())
    require_known(values.dropna(), levels, f"index_operations.{values.name}")
    # -1 stands for missing
    codes = pd.Categorical(values, categories=levels).codes
    counts = {
        stratum: np.bincount(codes[chosen & (codes >= 0)], minlength=len(levels)) for stratum, chosen in members.items()
    }
    difference = largest_between_pairs(difference_of_counts, [counts[group] for group in compared])
    rows = []
    for rank, level in enumerate(levels):
        if kind == "truth" and not level:
            continue
        for stratum, chosen in members.items():
            n, n_known = int(counts[stratum][rank]), int(counts[stratum].sum())
            text = "" if kind == "truth" else _level_text(level)
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
