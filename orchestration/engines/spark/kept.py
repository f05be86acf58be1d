"""What stays with an engine from night to night, so that a night computes the patients whose records changed (CRLM_SPARK_FORMAT=delta).

The tables that are kept by patient lie as Delta tables in a folder of their own, which this machine and the engine see under one name; a
catalogue may know them or not. A note beside them says by which rules, for which build file and on which engine they were made. It is taken
away when a night begins and written when the night's tables are whole: after a night that ended badly every table is made anew, in
another folder, where nothing that the engine may still be writing can reach it.
"""

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DELTA = "delta"
BUILT_PATIENTS = "intermediate.built_patients"
NOTE = "note.json"
MADE_BY_DELTA = "_delta_log"


@dataclass(frozen=True)
class KeptTables:
    """The folder of tonight's tables, and whether they are there from an earlier night."""

    folder: Path
    are_there: bool


def kept_tables(folder: Path, told: Mapping[str, str]) -> KeptTables:
    """Those of the last night if it ended well and all that is told of it (rules, build file, engine) is the same, else none yet."""
    note = _note(folder)
    (folder / NOTE).unlink(missing_ok=True)
    if note is not None and note["told"] == dict(told):
        tables = folder / note["tables_in"]
        if all((tables / name / MADE_BY_DELTA).is_dir() for name in note["tables"]):
            return KeptTables(tables, True)
    forget(folder)
    tables = folder / uuid.uuid4().hex
    tables.mkdir(parents=True)
    return KeptTables(tables, False)


def remember(folder: Path, kept: KeptTables, told: Mapping[str, str]) -> None:
    """Note that the tables are whole."""
    tables: Sequence[str] = sorted(path.name for path in kept.folder.iterdir())
    note = {"told": dict(told), "tables_in": kept.folder.name, "tables": tables}
    (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def make_known(session: "SparkSession", kept: KeptTables) -> None:
    """Tell the engine's catalogue where the tables lie; without any, make the account of what patients' rows were built from."""
    for path in sorted(kept.folder.iterdir()):
        session.sql(f"DROP TABLE IF EXISTS {path.name}").collect()
        session.sql(f"CREATE TABLE {path.name} USING {DELTA} LOCATION '{path}'").collect()
    if not kept.are_there:
        make_account(session, f"{DELTA} LOCATION '{kept.folder / BUILT_PATIENTS}'")


def make_account(session: "SparkSession", using: str = "parquet") -> None:
    """The account of what each patient's rows were built from, which nobody's were yet."""
    columns = "study_id STRING, fingerprint DECIMAL(38,0), derivation_version STRING"
    session.sql(f"CREATE TABLE {BUILT_PATIENTS} ({columns}) USING {using}").collect()


def forget(folder: Path) -> None:
    """No table is kept any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _note(folder: Path) -> dict | None:
    try:
        return json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
