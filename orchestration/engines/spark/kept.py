"""What stays with an engine from night to night, so that a night computes the patients whose records changed (CRLM_SPARK_FORMAT=delta).

The tables that are kept by patient lie as Delta tables in a folder of their own, which this machine and the engine see under one name; a
catalogue may know them or not. A note beside them says by which rules, for which build file and on which engine they were made. It is taken
away when a night begins and written when the night's tables are whole: after a night that ended badly every table is made anew, in
another folder, where nothing that the engine may still be writing can reach it.

Rows that a Delta table does not have any more lie in its older files, which an engine that knows VACUUM takes away when a night ends. Of
another engine the tables are made anew after some changes, and their folder goes.
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
from orchestration.engines.spark.session import kind_of, lost_or

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BUILT_PATIENTS = "intermediate.built_patients"
NOTE = "note.json"
MADE_BY_DELTA = "_delta_log"
NAME = re.compile(r"\w[\w.]*")
MOST_CHANGES = 30
"""A night of changed patients makes two of a table: rows removed, rows added."""
NOT_WHOLE = "the engine keeps none of these rules, or the last night there did not end well"
SIGNS_OF_NO_DELTA = ("DATA_SOURCE_NOT_FOUND", "Failed to find the data source", "DELTA_CONFIGURE_SPARK_SESSION")
SETTINGS_OF_DELTA = {
    # what is removed is not wanted back
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # rows that are only marked as removed would stay in files that VACUUM keeps
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    # the least and the greatest text of each file stand in the log, which keeps them for a month
    "spark.databricks.delta.properties.defaults.dataSkippingNumIndexedCols": "0",
}


class DeltaRefused(Exception):
    """The engine answers, and makes no table of Delta's."""


class DeltaFailed(Exception):
    """It knows Delta, and cannot make or read a table of it here: damage, or a folder that is not its; the message says of which kind."""


@dataclass(frozen=True)
class KeptTables:
    """The folder of tonight's tables, whether they are there from an earlier night, and what is to be said of tables that are not kept
    any more and could not be taken away."""

    folder: Path
    are_there: bool
    left: str | None = None
    why_anew: str = ""


def kept_tables(folder: Path, told: Mapping[str, str]) -> KeptTables:
    """Those of the last night if it ended well, all that is told of it (rules, build file, engine, translation) is the same, and not too
    much of what was removed from them lies in their files; else none yet."""
    note = _note(folder)
    (folder / NOTE).unlink(missing_ok=True)
    if note is None or note.told != dict(told):
        return none_yet(folder, NOT_WHOLE)
    tables = folder / note.tables_in
    if not all((tables / name / MADE_BY_DELTA).is_dir() for name in note.tables):
        return none_yet(folder, NOT_WHOLE)
    if not note.is_swept and max((_n_changes(tables / name) for name in note.tables), default=0) > MOST_CHANGES:
        return none_yet(folder, "the engine knows no VACUUM, and rows removed long ago lay in the tables' files still")
    return KeptTables(tables, True)


def none_yet(folder: Path, why_anew: str) -> KeptTables:
    """A folder for tables that are made anew; those that were there go."""
    left = removed(folder)
    tables = folder / uuid.uuid4().hex
    tables.mkdir(parents=True)
    return KeptTables(tables, False, left, why_anew)


def _n_changes(table: Path) -> int:
    """Of a Delta table: the number of its last commit."""
    names = [path.stem for path in (table / MADE_BY_DELTA).glob("*.json")]
    return max((int(name) for name in names if name.isdecimal()), default=0)


def remember(folder: Path, kept: KeptTables, told: Mapping[str, str], is_swept: bool = False) -> None:
    """Note that the tables are whole.

    Args:
        is_swept: whether their files hold nothing that was removed from them.
    """
    tables: Sequence[str] = sorted(path.name for path in kept.folder.iterdir())
    note = {"told": dict(told), "tables_in": kept.folder.name, "tables": tables, "is_swept": is_swept}
    (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def swept(session: "SparkSession", kept: KeptTables) -> bool:
    """Whether the engine has taken away the files of all that was removed from the tables. One that cannot, or does not answer any more,
    takes nothing from the night: its tables are back."""
    try:
        for path in sorted(kept.folder.iterdir()):
            session.sql(f"VACUUM {DELTA}.`{path}` RETAIN 0 HOURS").collect()
    except Exception:
        return False
    return True


def make_known(session: "SparkSession", kept: KeptTables) -> None:
    """Tell the engine's catalogue where the tables lie; without any, make the account of what patients' rows were built from.

    Raises:
        DeltaRefused, DeltaFailed: see there.
    """
    for name, value in SETTINGS_OF_DELTA.items():
        with contextlib.suppress(Exception):
            # an engine may not know them, or not let anybody set them
            session.conf.set(name, value)
    for path in sorted(kept.folder.iterdir()):
        session.sql(f"DROP TABLE IF EXISTS {path.name}").collect()
        with _statement_of_delta():
            session.sql(f"CREATE TABLE {path.name} USING {DELTA} LOCATION '{path}'").collect()
    if not kept.are_there:
        session.sql(f"DROP TABLE IF EXISTS {BUILT_PATIENTS}").collect()
        with _statement_of_delta():
            make_account(session, f"{DELTA} LOCATION '{kept.folder / BUILT_PATIENTS}'")


@contextlib.contextmanager
def _statement_of_delta() -> Iterator[None]:
    """An engine that is lost, or lets nobody make tables, says that; one that knows no Delta says so in words of its own."""
    try:
        yield
    except Exception as error:
        if lost_or(error, "") is not error:
            raise
        if any(sign.lower() in str(error).lower() for sign in SIGNS_OF_NO_DELTA):
            raise DeltaRefused from error
        raise DeltaFailed(kind_of(error)) from error


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
    is_swept: bool


def _note(folder: Path) -> _Note | None:
    """None where there is none, or none that this code wrote."""
    try:
        told: Any = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        note = _Note(told["told"], told["tables_in"], told["tables"], told.get("is_swept") is True)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    names = [note.tables_in, *note.tables] if isinstance(note.tables, list) else [None]
    return note if all(isinstance(name, str) and NAME.fullmatch(name) for name in names) else None
