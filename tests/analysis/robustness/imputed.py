"""All completed data sets and all traces of `imputations`, one below the other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.robustness.imputation import ImputedColumn, imputations

TRACE_COLUMNS = ["imputation", "iteration", "column", "mean", "std"]


class Imputed(NamedTuple):
    """`completed`: column `imputation`, 1 ... m, the index repeating; `trace`: TRACE_COLUMNS."""

    completed: pd.DataFrame
    trace: pd.DataFrame


def impute(patients: pd.DataFrame, columns: Sequence[ImputedColumn], *more: Any, **settings: Any) -> Imputed:
    """Arguments as `imputations`."""
    found = list(imputations(patients, columns, *more, **settings))
    completed = [data.assign(imputation=number) for number, (data, _) in enumerate(found, start=1)]
    traces = [(number, *row) for number, (_, trace) in enumerate(found, start=1) for row in trace]
    return Imputed(pd.concat(completed), pd.DataFrame(traces, columns=TRACE_COLUMNS))
