"""Patients' times beside their operations, an endpoint at a time: what models need, without a copy of everything."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns


class StudyRows:
    """`of(endpoint)` gives one row a patient: endpoint, time_days, event_code and every column of the operation."""

    def __init__(self, times: pd.DataFrame, operations: pd.DataFrame):
        """
        Args:
            times: study_id, endpoint, time_days, event_code; other columns are dropped.
            operations: one row a patient: study_id and what is known of the patient and the operation.
        Raises:
            ValueError: a column is missing, a patient stands twice among the operations, or has times but no operation.
        """
        require_columns(times, ["study_id", "endpoint", "time_days", "event_code"], "time_to_event")
        require_columns(operations, ["study_id"], "index_operations")
        if operations["study_id"].duplicated().any():
            raise ValueError("index_operations.study_id: a patient stands twice")
        self.operations = operations.sort_values("study_id", kind="stable", ignore_index=True)
        at = pd.Index(self.operations["study_id"]).get_indexer(pd.Index(times["study_id"]))
        if (at < 0).any():
            raise ValueError(f"time_to_event.study_id: {int((at < 0).sum())} row(s) of patients without an operation")
        code, names = pd.factorize(times["endpoint"])
        order = np.lexsort((at, code))
        self._at, self._code = at[order], code[order]
        self._times = times["time_days"].to_numpy()[order]
        self._events = times["event_code"].to_numpy()[order]
        self.endpoints: tuple[str, ...] = tuple(map(str, names))

    def of(self, endpoint: str) -> pd.DataFrame:
        """The rows of one endpoint in the order of study_id; none where nobody has it."""
        if endpoint not in self.endpoints:
            return self.operations.iloc[:0].assign(endpoint=endpoint, time_days=0.0, event_code=0)
        start, end = np.searchsorted(self._code, [self.endpoints.index(endpoint), self.endpoints.index(endpoint) + 1])
        rows = self.operations.take(self._at[start:end]).reset_index(drop=True)
        return rows.assign(endpoint=endpoint, time_days=self._times[start:end], event_code=self._events[start:end])

    def of_all(self, endpoints: Sequence[str]) -> pd.DataFrame:
        """The rows of several endpoints, one below the other."""
        frames = [self.of(endpoint) for endpoint in endpoints if endpoint in self.endpoints]
        return pd.concat(frames, ignore_index=True) if frames else self.of("")
