"""Table 1: patients and operations by margin group, with missing counts and standardised differences."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import MARGIN_GROUPS, UNRESOLVED
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
TRUTHS = {
    "is_node_positive": "Node-positive primary",
    "has_disease_free_interval_under_12_months": "Disease-free interval < 12 months",
    "has_multiple_metastases": "More than one metastasis",
    "is_largest_metastasis_over_5_cm": "Largest metastasis > 5 cm",
    "is_cea_over_200_ng_ml": "CEA > 200 ng/mL",
    "has_extrahepatic_disease": "Extrahepatic disease",
    "has_hai_pump": "Hepatic artery infusion pump",
    "had_preoperative_chemotherapy": "Preoperative chemotherapy",
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
    "has_disease_free_interval_under_12_months", "metastasis_count", "has_multiple_metastases", "largest_metastasis_cm",
    "is_largest_metastasis_over_5_cm", "cea_ng_ml", "is_cea_over_200_ng_ml", "clinical_risk_score",
    "has_extrahepatic_disease", "had_preoperative_chemotherapy", "procedure_type", "has_hai_pump", "era",
)  # fmt: skip
ALL = "all"
STRATA = (ALL, *MARGIN_GROUPS, UNRESOLVED)
PATIENTS = "Patients"
TABLE_ONE_COLUMNS = [
    "variable", "level", "stratum", "statistic_label", "value_text", "n", "n_missing", "max_standardised_difference",
]  # fmt: skip


def table_one(index_operations: pd.DataFrame) -> pd.DataFrame:
    """One row a variable, level and stratum: all patients, the four margin groups, unresolved margins.

    Numbers: median (first-third quartile) of those known; `n` is how many are known. Words and truths: count and share
    of those known; `n` is how many have the level. `n_missing` is how many of the stratum are not known, and
    `max_standardised_difference` the largest between any two of the four margin groups, of the variable as a whole (the
    same in all its rows). Unresolved margins count in 'all' but are no group to compare.

    Args:
        index_operations: marts.index_operations, one row a patient: margin_group and the columns of VARIABLES.
    Returns:
        TABLE_ONE_COLUMNS.
    Raises:
        ValueError: a column is missing, or a margin group is missing or unknown.
    """
    require_columns(index_operations, ["margin_group", *VARIABLES], "index_operations")
    strata = index_operations["margin_group"]
    require_known(strata, (*MARGIN_GROUPS, UNRESOLVED), "index_operations.margin_group")
    members = {ALL: np.ones(len(strata), dtype=bool)} | {name: (strata == name).to_numpy() for name in STRATA[1:]}
    rows = [
        [PATIENTS, "", name, "n", f"{chosen.sum():,}", int(chosen.sum()), 0, np.nan] for name, chosen in members.items()
    ]
    for column in VARIABLES:
        values = index_operations[column]
        rows += (
            _rows_of_numbers(column, values, members) if column in NUMBERS else _rows_of_levels(column, values, members)
        )
    return pd.DataFrame(rows, columns=TABLE_ONE_COLUMNS)


def _rows_of_numbers(column: str, values: pd.Series, members: dict[str, np.ndarray]) -> list[list]:
    numbers = pd.to_numeric(values, errors="raise").to_numpy(dtype=float, na_value=np.nan)
    known = {stratum: numbers[chosen & ~np.isnan(numbers)] for stratum, chosen in members.items()}
    difference = largest_between_pairs(difference_of_numbers, [known[group] for group in MARGIN_GROUPS])
    return [
        [NUMBERS[column], "", stratum, "median (IQR)", median_text(known[stratum]), len(known[stratum]),
         int(chosen.sum()) - len(known[stratum]), difference]
        for stratum, chosen in members.items()
    ]  # fmt: skip


def _rows_of_levels(column: str, values: pd.Series, members: dict[str, np.ndarray]) -> list[list]:
    levels = [True, False] if column in TRUTHS else _ordered(values.dropna().unique())
    require_known(values.dropna(), levels, f"index_operations.{column}")
    # -1 stands for missing
    codes = pd.Categorical(values, categories=levels).codes
    counts = {
        stratum: np.bincount(codes[chosen & (codes >= 0)], minlength=len(levels)) for stratum, chosen in members.items()
    }
    difference = largest_between_pairs(difference_of_counts, [counts[group] for group in MARGIN_GROUPS])
    label = TRUTHS.get(column) or WORDS[column]
    rows = []
    for rank, level in enumerate(levels):
        if column in TRUTHS and not level:
            continue
        for stratum, chosen in members.items():
            n, n_known = int(counts[stratum][rank]), int(counts[stratum].sum())
            level_text = "" if column in TRUTHS else _level_text(level)
            rows.append(
                [
                    label,
                    level_text,
                    stratum,
                    "n (%)",
                    share_text(n, n_known),
                    n,
                    int(chosen.sum()) - n_known,
                    difference,
                ]
            )
    return rows


def _ordered(levels: Iterable) -> list:
    """Numbers by size, words by alphabet."""
    return sorted(levels, key=lambda level: (isinstance(level, str), level))


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


def _level_text(level) -> str:
    return str(int(level)) if isinstance(level, float | np.floating) else str(level).replace("_", " ")
