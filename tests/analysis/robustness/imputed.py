"""All completed data sets and all traces of `imputations`, one below the other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.robustness.imputation import Chains, ImputedColumn, imputations

TRACE_COLUMNS = ["imputation", "iteration", "column", "mean", "std"]


class Imputed(NamedTuple):
    """`completed`: column `imputation`, 1 ... m, the index repeating; `trace`: TRACE_COLUMNS."""

    completed: pd.DataFrame
    trace: pd.DataFrame


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
) -> Imputed:
    """Arguments as `imputations` and `Chains`."""
    settings = Chains(n_imputations, n_iterations, seed, n_donors, largest_fit)
    found = list(imputations(patients, columns, predictors, settings, **known))
    completed = [data.assign(imputation=number) for number, (data, _) in enumerate(found, start=1)]
    traces = [(number, *row) for number, (_, trace) in enumerate(found, start=1) for row in trace]
    return Imputed(pd.concat(completed), pd.DataFrame(traces, columns=TRACE_COLUMNS))
