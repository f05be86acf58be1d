"""The one seam between dbt and the engine: dbt-spark's session cursor, which here translates what it is told."""

import os
import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestration.engines.spark.flavours import Flavour, flavour_of
from orchestration.engines.spark.session import ADDRESS, EngineLost, lost_or, session_of_environment, version_of
from orchestration.engines.spark.translate import to_spark

COMMENT = r"(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*"
CREATION = re.compile(
    rf"(?is)^\s*{COMMENT}(create\s+(?:or\s+replace\s+)?(?:table|view)\s+\S+\s+"
    r"(?:using\s+\w+\s+)?(?:location\s+'[^']*'\s+)?as\s+)(.*)$"
)
INSERTION = re.compile(
    rf"(?is)^\s*{COMMENT}(insert\s+(?:into|overwrite)\s+\S+\s+(?:\([^()]*\)\s+)?)((?:{COMMENT})(?:select|with)\b.*)$"
)
QUERY = re.compile(rf"(?is)^\s*{COMMENT}(?:select|with)\b")
_one_at_a_time = threading.Lock()


@cache
def _session() -> tuple[Any, Flavour]:
    from orchestration.engines.spark.report_reading import register_report_reader

    session = session_of_environment()
    register_report_reader(session)
    return session, flavour_of(version_of(session))


def translated(statement: str, flavour: Flavour, columns_of) -> tuple[str, bool]:
    """The statement in the engine's SQL, and whether it writes. What is neither a query nor made of one (create schema, drop, merge, show)
    is dbt-spark's own or the macros', and Spark's already."""
    writing = CREATION.match(statement) or INSERTION.match(statement)
    if writing:
        return writing[1] + to_spark(writing[2].replace("`", '"'), flavour, columns_of), True
    if QUERY.match(statement):
        return to_spark(statement.replace("`", '"'), flavour, columns_of), False
    return statement, False


class TranslatingCursor:
    """What dbt-spark expects of a cursor of its session method."""

    def __init__(self, *, server_side_parameters: Mapping[str, Any] | None = None) -> None:
        self._frame: Any = None
        self._rows: list | None = None

    def __enter__(self) -> "TranslatingCursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._frame = self._rows = None

    @property
    def description(self) -> list[tuple]:
        if self._frame is None:
            return []
        return [
            (field.name, field.dataType.simpleString(), None, None, None, None, field.nullable)
            for field in self._frame.schema.fields
        ]

    def execute(self, sql: str, *parameters: Any) -> None:
        """One statement.

        Raises:
            DbtRuntimeError: it is not translatable, the engine refuses it, or does not answer.
        """
        from dbt_common.exceptions import DbtRuntimeError

        try:
            with _one_at_a_time:
                session, flavour = _session()
            statement, is_writing = translated(sql % parameters if parameters else sql, flavour, _columns_of)
            frame = session.sql(statement)
        except EngineLost as error:
            raise DbtRuntimeError(str(error)) from error
        except Exception as error:
            raise DbtRuntimeError(str(lost_or(error, os.environ[ADDRESS]))) from error
        # what a CREATE or an INSERT answers is no result: Sail's is a number of a type that Arrow's conversion refuses
        self._frame, self._rows = None if is_writing else frame, None

    def fetchall(self) -> list | None:
        if self._rows is None and self._frame is not None:
            self._rows = self._collected()
        return self._rows

    def fetchone(self) -> Any:
        rows = self.fetchall()
        return rows.pop(0) if rows else None

    def _collected(self) -> list:
        from dbt_common.exceptions import DbtRuntimeError

        try:
            return self._frame.collect()
        except Exception as error:
            raise DbtRuntimeError(str(lost_or(error, os.environ[ADDRESS]))) from error


def _columns_of(table: str) -> Mapping[str, str]:
    session, _ = _session()
    return {field.name: "VARCHAR" for field in session.table(table).schema.fields}


def install() -> None:
    """Make dbt-spark use it, in this process."""
    import dbt.adapters.spark.session as seam

    seam.Cursor = TranslatingCursor
