"""Analyses tried one by one: one that the data do not allow leaves its reason and stops nothing else."""

import logging
from collections.abc import Callable, Iterable

import pandas as pd

NOT_DONE_COLUMNS = ["table", "endpoint", "reason"]
LOG = logging.getLogger(__name__)


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
