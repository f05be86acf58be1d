"""Patients' times beside their operations, an endpoint at a time: what models need, without a copy of everything."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns


class StudyRows:
    """`of(endpoint)` gives one row a patient: endpoint, time_days, event_code and every column of the operation.

    Texts are kept as codes (categories): a country's patients have some twenty of them, and an endpoint's rows are made anew for each
    analysis.
    """

    def __init__(self, times: pd.DataFrame, operations: pd.DataFrame, read: Collection[str] | None = None):
        """
        Args:
            times: study_id, endpoint, time_days, event_code; other columns are dropped.
            operations: one row a patient: study_id and what is known of the patient and the operation.
            read: the columns of the operation that are wanted, default all.
        Raises:
            ValueError: a column is missing, a patient stands twice among the operations, or has times but no operation.
        """
        require_columns(times, ["study_id", "endpoint", "time_days", "event_code"], "time_to_event")
        require_columns(operations, ["study_id"], "index_operations")
        if operations["study_id"].duplicated().any():
            raise ValueError("index_operations.study_id: a patient stands twice")
        if read is not None:
            operations = operations[[name for name in operations.columns if name == "study_id" or name in read]]
        if not operations["study_id"].is_monotonic_increasing:
            operations = operations.sort_values("study_id", kind="stable")
        self.operations = as_codes(operations.reset_index(drop=True), without=("study_id",))
        at = pd.Index(self.operations["study_id"]).get_indexer(pd.Index(times["study_id"])).astype(np.int32)
        if (at < 0).any():
            raise ValueError(f"time_to_event.study_id: {int((at < 0).sum())} row(s) of patients without an operation")
        code, names = pd.factorize(times["endpoint"])
        code = code.astype(np.int16)
        order = np.lexsort((at, code))
        self._at, code = at[order], code[order]
        self._start = np.searchsorted(code, np.arange(len(names) + 1))
        self._times = times["time_days"].to_numpy()[order]
        self._events = times["event_code"].to_numpy()[order]
        self.endpoints: tuple[str, ...] = tuple(map(str, names))

    def of(self, endpoint: str) -> pd.DataFrame:
        """The rows of one endpoint in the order of study_id; none where nobody has it."""
        if endpoint not in self.endpoints:
            return self.operations.iloc[:0].assign(endpoint=endpoint, time_days=0.0, event_code=0)
        number = self.endpoints.index(endpoint)
        of_it = slice(self._start[number], self._start[number + 1])
        at = self._at[of_it]
        # whoever has all patients needs no copy of what is known of them
        is_everybody = len(at) == len(self.operations) and bool((at == np.arange(len(at))).all())
        rows = self.operations if is_everybody else self.operations.take(at).reset_index(drop=True)
        return rows.assign(
            endpoint=pd.Categorical.from_codes(np.zeros(len(at), dtype=np.int8), dtype=pd.CategoricalDtype([endpoint])),
            time_days=self._times[of_it],
            event_code=self._events[of_it],
        )


def as_codes(frame: pd.DataFrame, without: Collection[str] = ()) -> pd.DataFrame:
    """The frame with its columns of texts as categories, and those of truths that may be missing as masked ones, of a byte each.

    Args:
        without: columns that stay as they are, such as what names a row.
    """
    changed = {}
    for name in frame.columns:
        values = frame[name]
        if name in without or not (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
            continue
        kind = "string" if isinstance(values.dtype, pd.StringDtype) else pd.api.types.infer_dtype(values, skipna=True)
        if kind == "string":
            changed[name] = values.astype("category")
        elif kind == "boolean":
            changed[name] = values.astype("boolean")
    return frame.assign(**changed)
