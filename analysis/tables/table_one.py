"""Table 1: patients and operations by margin group, with missing counts and standardised differences."""

from itertools import combinations

import numpy as np
import pandas as pd

from analysis.names import MARGIN_GROUPS

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
TABLE_ONE_COLUMNS = [
    "variable", "level", "stratum", "statistic_label", "value_text", "n", "n_missing", "max_standardised_difference",
]  # fmt: skip


def table_one(index_operations: pd.DataFrame) -> pd.DataFrame:
    """One row a variable, level and stratum ('all', which includes unresolved margins, and the four margin groups).

    Numbers: median (first-third quartile) of those known. Words and truths: count (share of those known). `n` is how many
    are known in the stratum (words: how many have the level), `n_missing` how many are not.
    `max_standardised_difference` is the largest between any two margin groups (Yang and Dalton 2012 for one level:
    difference of means or shares over the root of the mean variance).

    Args:
        index_operations: marts.index_operations.
    """
    groups = {"all": index_operations} | {
        group: index_operations[index_operations["margin_group"] == group] for group in MARGIN_GROUPS
    }
    rows = [
        ["Patients", "", stratum, "n", f"{len(frame):,}", len(frame), 0, np.nan] for stratum, frame in groups.items()
    ]
    for name, label in NUMBERS.items():
        values = {stratum: pd.to_numeric(frame[name], errors="coerce") for stratum, frame in groups.items()}
        rows += _rows(label, "", "median (IQR)", values, _median_text)
    for name, label in TRUTHS.items():
        values = {stratum: frame[name].astype("boolean").astype("Float64") for stratum, frame in groups.items()}
        rows += _rows(label, "", "n (%)", values, _share_text)
    for name, label in WORDS.items():
        for level in sorted(index_operations[name].dropna().unique(), key=str):
            values = {
                stratum: (frame[name] == level).astype("Float64").where(frame[name].notna())
                for stratum, frame in groups.items()
            }
            rows += _rows(label, _level_text(level), "n (%)", values, _share_text)
    return pd.DataFrame(rows, columns=TABLE_ONE_COLUMNS)


def _rows(variable: str, level: str, statistic: str, values: dict[str, pd.Series], text) -> list[list]:
    known = {stratum: series.dropna().to_numpy(dtype=float) for stratum, series in values.items()}
    difference = max_standardised_difference([known[group] for group in MARGIN_GROUPS])
    rows = []
    for stratum, series in values.items():
        numbers = known[stratum]
        n = int(numbers.sum()) if statistic == "n (%)" else len(numbers)
        rows.append([variable, level, stratum, statistic, text(numbers), n, int(series.isna().sum()), difference])
    return rows


def max_standardised_difference(groups: list[np.ndarray]) -> float:
    """Largest absolute difference of means between two groups over the root of their mean variance; NaN if none is defined.

    Variances are p(1-p) for 0/1 values and the sample variance otherwise, as in R's tableone.
    """
    differences = []
    for one, other in combinations([group for group in groups if len(group) > 1], 2):
        is_truth = np.isin(np.concatenate([one, other]), (0, 1)).all()
        variance = np.mean([group.var(ddof=0 if is_truth else 1) for group in (one, other)])
        if variance > 0:
            differences.append(abs(one.mean() - other.mean()) / np.sqrt(variance))
    return float(max(differences)) if differences else float("nan")


def _median_text(numbers: np.ndarray) -> str:
    if not len(numbers):
        return "-"
    low, middle, high = np.quantile(numbers, [0.25, 0.5, 0.75])
    return f"{middle:.3g} ({low:.3g}-{high:.3g})"


def _share_text(numbers: np.ndarray) -> str:
    return f"{int(numbers.sum()):,} ({numbers.mean():.0%})" if len(numbers) else "-"


def _level_text(level) -> str:
    return str(int(level)) if isinstance(level, float | np.floating) else str(level).replace("_", " ")
