"""Analyses tried one by one: one that the data do not allow leaves its reason and stops nothing else."""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pandas as pd

NOT_DONE_COLUMNS = ["table", "endpoint", "reason"]
LOG = logging.getLogger(__name__)


AT_ONCE = 2
"""Endpoints computed at a time: most of the work is numpy's, which lets two cores work beside each other."""
MANY_PATIENTS = 500_000
"""From so many on one endpoint at a time: what two need at once is more memory than a night has."""


class Attempts:
    """Frames by table, and the reasons of those that could not be made."""

    def __init__(self) -> None:
        self.frames: dict[str, list[pd.DataFrame]] = {}
        self.reasons: list[tuple[str, str | None, str]] = []

    def add(self, tables: str | tuple[str, ...], endpoint: str | None, compute: Callable[[], object]) -> bool:
        """Keep what `compute` gives: a frame, or as many frames as there are tables. Whether it gave anything.

        A ValueError's words are the reason; of any other error the reason names the kind only (its words might hold data) and
        the log has the rest.
        """
        names = (tables,) if isinstance(tables, str) else tables
        try:
            result = compute()
        except ValueError as reason:
            self.note(names[0], endpoint, str(reason))
            return False
        except Exception as error:  # a fault of one analysis must not end the night
            LOG.exception("%s of %s failed", names[0], endpoint or "all endpoints")
            self.note(names[0], endpoint, f"failed: {type(error).__name__}; the log of the night has the details")
            return False
        frames = (result,) if isinstance(result, pd.DataFrame) else tuple(result)  # type: ignore[arg-type]
        for name, frame in zip(names, frames, strict=True):
            if len(frame):
                self.frames.setdefault(name, []).append(frame)
        return True

    def each(self, names: Sequence[str], compute: "Callable[[str, Attempts], None]", n_patients: int = 0) -> None:
        """`compute` of each name with attempts of its own, some at a time; what it leaves stands in the order of the names."""
        own = [Attempts() for _ in names]
        at_once = 1 if n_patients > MANY_PATIENTS else min(AT_ONCE, os.cpu_count() or 1)
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            # the context holds how numpy treats what overflows
            running = [
                pool.submit(copy_context().run, compute, name, attempts)
                for name, attempts in zip(names, own, strict=True)
            ]
        for future, attempts in zip(running, own, strict=True):
            future.result()
            for name, frames in attempts.frames.items():
                self.frames.setdefault(name, []).extend(frames)
            for reason in attempts.reasons:
                self.note(*reason)

    def note(self, table: str, endpoint: str | None, reason: str) -> None:
        """A reason that something was not done; the same one stands once."""
        row = (table, endpoint, reason)
        if row not in self.reasons:
            self.reasons.append(row)

    def table(self, name: str, columns: Iterable[str]) -> pd.DataFrame:
        """All rows of a table, with its columns; empty where nothing could be made."""
        frames = self.frames.get(name, [])
        if not frames:
            return pd.DataFrame({column: pd.Series(dtype="object") for column in columns})
        stacked = pd.concat(frames, ignore_index=True)
        return stacked.reindex(columns=[*columns, *(name for name in stacked.columns if name not in columns)])

    def not_done(self) -> pd.DataFrame:
        """The reasons as a table."""
        return pd.DataFrame(self.reasons, columns=NOT_DONE_COLUMNS).astype("str")
