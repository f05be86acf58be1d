"""The published warehouse for notebooks: a connection that stays open for days, and says when a newer night is there."""

import warnings
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from analysis.figures.curves import Shown
from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from orchestration.files.encryption import attach, connect
from orchestration.settings import Settings
from orchestration.warehouse import open_scratch_file

NO_FILE = (0, 0)


class NewerNight(UserWarning):
    """What is read is no longer what is published; the message says since when, and what to do."""


class PublishedWarehouse:
    """A read-only connection to one published night. A new night replaces the file; who has the old one open goes on to read it,
    which is right within an analysis and wrong without knowing: `sql` warns of it, once a night."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.reopen()

    def reopen(self) -> None:
        """Read what is published now.

        Raises:
            FileNotFoundError: nothing is.
        """
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path}: nothing is published there yet: run `crlm refresh` first")
        self.close()
        self._file = self._file_told = self._file_now()
        self._connection = connect(self.path, read_only=True)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def newer_night(self) -> datetime | None:
        """When the night was published that has replaced the one that is read (UTC); None while there is none."""
        if self._file_now() in (self._file, NO_FILE):
            return None
        # by a database of its own: DuckDB gives a second connection to a path the file that the first one has open
        with open_scratch_file() as scratch:
            attach(scratch, self.path, "newer", read_only=True)
            return scratch.execute("SELECT published_at FROM newer.meta.publication").fetchall()[0][0]

    def sql(self, query: str, parameters: list[Any] | None = None) -> duckdb.DuckDBPyRelation:
        """As `sql` of a DuckDB connection; warns (NewerNight) when a newer night is there."""
        if self._connection is None:
            raise ValueError("the connection is closed: reopen() it")
        now = self._file_now()
        if now != self._file_told:
            self._file_told = now
            newer = self.newer_night()
            if newer is not None:
                warnings.warn(
                    f"a newer night was published ({newer:%Y-%m-%d %H:%M} UTC); this connection still reads the one before: reopen()",
                    NewerNight,
                    stacklevel=2,
                )
        return self._connection.sql(query, params=parameters)

    def plan(self) -> Plan:
        """The plan of analysis that the publication was computed by."""
        return plan_from_frames({name: self.sql(f"FROM meta.{name}").df() for name in PLAN_TABLES})

    def shown(self, endpoint: str) -> Shown:
        """What a figure of curves needs to know of an endpoint by the plan's first exposure."""
        plan = self.plan()
        return Shown(endpoint, plan.exposures[0], plan.days_a_year, plan.numbers("landmark_years")[-1])

    def _file_now(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return NO_FILE
        return (found.st_ino, found.st_mtime_ns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_published(path: str | Path | None = None) -> PublishedWarehouse:
    """The published warehouse of this installation (CRLM_DATA_DIR), or that of a path.

    Raises:
        FileNotFoundError: nothing is published there.
    """
    return PublishedWarehouse(Path(path) if path else Settings().published_file)
