"""What stays with an engine from night to night, so that a night computes the patients whose records changed (CRLM_SPARK_FORMAT=delta).

The tables that are kept by patient lie as Delta tables in a folder of their own, which this machine and the engine see under one name; a
catalogue may know them or not. A note beside them says by which rules, for which build file and on which engine they were made. It is taken
away when a night begins and written when the night's tables are whole: after a night that ended badly every table is made anew, in
another folder, where nothing that the engine may still be writing can reach it.
"""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.engines.leftovers import DELTA, removed
from orchestration.engines.spark.session import lost_or

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BUILT_PATIENTS = "intermediate.built_patients"
NOTE = "note.json"
MADE_BY_DELTA = "_delta_log"
NAME = re.compile(r"\w[\w.]*")


class DeltaRefused(Exception):
    """The engine answers, and makes no table of Delta's."""


@dataclass(frozen=True)
class KeptTables:
    """The folder of tonight's tables, whether they are there from an earlier night, and what is to be said of tables that are not kept
    any more and could not be taken away."""

    folder: Path
    are_there: bool
    left: str | None = None


def kept_tables(folder: Path, told: Mapping[str, str]) -> KeptTables:
    """Those of the last night if it ended well and all that is told of it (rules, build file, engine, translation) is the same, else none
    yet."""
    note = _note(folder)
    (folder / NOTE).unlink(missing_ok=True)
    if note is not None and note.told == dict(told):
        tables = folder / note.tables_in
        if all((tables / name / MADE_BY_DELTA).is_dir() for name in note.tables):
            return KeptTables(tables, True)
    left = removed(folder)
    tables = folder / uuid.uuid4().hex
    tables.mkdir(parents=True)
    return KeptTables(tables, False, left)


def remember(folder: Path, kept: KeptTables, told: Mapping[str, str]) -> None:
    """Note that the tables are whole."""
    tables: Sequence[str] = sorted(path.name for path in kept.folder.iterdir())
    note = {"told": dict(told), "tables_in": kept.folder.name, "tables": tables}
    (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def make_known(session: "SparkSession", kept: KeptTables) -> None:
    """Tell the engine's catalogue where the tables lie; without any, make the account of what patients' rows were built from.

    Raises:
        DeltaRefused: see there.
    """
    for path in sorted(kept.folder.iterdir()):
        session.sql(f"DROP TABLE IF EXISTS {path.name}").collect()
        with _statement_of_delta():
            session.sql(f"CREATE TABLE {path.name} USING {DELTA} LOCATION '{path}'").collect()
    if not kept.are_there:
        with _statement_of_delta():
            make_account(session, f"{DELTA} LOCATION '{kept.folder / BUILT_PATIENTS}'")


@contextlib.contextmanager
def _statement_of_delta() -> Iterator[None]:
    """An engine that is lost, or lets nobody make tables, says that; what else it says is that it knows no Delta."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if lost_or(error, "") is not error:
            raise
        raise DeltaRefused from error


def make_account(session: "SparkSession", using: str) -> None:
    """The account of what each patient's rows were built from, which nobody's were yet."""
    columns = "study_id STRING, fingerprint DECIMAL(38,0), derivation_version STRING"
    session.sql(f"CREATE TABLE {BUILT_PATIENTS} ({columns}) USING {using}").collect()


@dataclass(frozen=True)
class _Note:
    """What is noted of tables that are whole."""

    told: dict[str, str]
    tables_in: str
    tables: list[str]


def _note(folder: Path) -> _Note | None:
    """None where there is none, or none that this code wrote."""
    try:
        told: Any = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        note = _Note(told["told"], told["tables_in"], told["tables"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    names = [note.tables_in, *note.tables] if isinstance(note.tables, list) else [None]
    return note if all(isinstance(name, str) and NAME.fullmatch(name) for name in names) else None
