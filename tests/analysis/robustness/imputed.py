"""All completed data sets of `imputed_numbers` as frames, one below the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.patients.names import ordered_strata
from analysis.robustness.imputation import Chains, ImputedColumn, imputed_numbers


def impute(
    patients: pd.DataFrame,
    columns: Sequence[ImputedColumn],
    predictors: Sequence[str] = (),
    n_imputations: int = 20,
    n_iterations: int = 10,
    *,
    seed: int = 1,
    n_donors: int = 5,
    largest_fit: int = 10_000,
    **known: Any,
) -> pd.DataFrame:
    """The frames with their missing values filled in and `imputation`, 1 ... m; `predictors` are complete columns."""
    settings = Chains(n_imputations, n_iterations, seed, n_donors, largest_fit)
    all_columns = [*columns, *(ImputedColumn(name, "numeric") for name in predictors)]
    completed = []
    for number, numbers in enumerate(imputed_numbers(patients, all_columns, settings, **known), start=1):
        filled = {column.column: _filled(patients[column.column], numbers[column.column], column) for column in columns}
        completed.append(patients.assign(**filled, imputation=number))
    return pd.concat(completed)


def _filled(original: pd.Series, numbers: np.ndarray, column: ImputedColumn) -> pd.Series:
    is_missing = original.isna().to_numpy()
    drawn = numbers[is_missing]
    if column.kind == "categorical":
        by_text = {str(value): value for value in original.dropna().unique()}
        levels = np.array([by_text[text] for text in ordered_strata(by_text)], dtype=object)
        drawn = levels[drawn.astype(int)]
    elif pd.api.types.infer_dtype(original, skipna=True) == "boolean":
        drawn = drawn.astype(bool)
    filled = original.copy()
    filled[is_missing] = drawn
    return filled
