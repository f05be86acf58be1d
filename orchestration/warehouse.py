"""The only module that opens DuckDB files: the restricted build file, and the published one that replaces it atomically."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from orchestration.files.encryption import connect, create_build_file
from orchestration.files.memory import limited, with_room_for_replaced_rows
from orchestration.files.problems import NotAccessible, WarehouseBusy, named_problem
from orchestration.ingestion.contract import SourceContract

PUBLISHED_TABLES_FILE = Path(__file__).parent / "published_tables.yml"
OPAQUE = {
    "record": "restricted.opaque_record({})",
    "records": "restricted.opaque_records({})",
    "file": "restricted.opaque_file(source_system, {})",
    "keys": "restricted.opaque_keys({})",
}
"""Kinds of `opaque` in published_tables.yml, and the functions of the build file that make the names (raw_schema.sql)."""
LOG_LEFT_BYTES = 16 * 2**20
"""A log up to so long is not folded into a larger build file when a step closes it; what it costs the next opening does not grow."""
SMALL_BUILD_BYTES = 256 * 2**20
"""Into a build file up to so large the log is folded at each closing: that takes some hundredths of a second, and each opening that reads
the log of the steps before it some tenths."""
BUSY_PATIENCE_SECONDS = 3.0
"""A process that was killed takes its dbt with it, but not in the same instant."""


@contextmanager
def open_build_file(path: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file for the length of a `with` block; DuckDB lets one process in while it writes.

    A file that is not there yet, or that has no byte in it, is made under another name first: whatever kills a process, the
    file under its own name is whole.

    Raises:
        WarehouseBusy: another process holds it.
        DamagedFile: it was cut short or overwritten, found on opening or while it was read.
        DiskFull, NotAccessible: see there.
    """
    if not read_only and not is_born(path):
        _give_birth(path)
    connection = _connect_with_patience(path, read_only)
    try:
        with_room_for_replaced_rows(connection, path)
        yield connection
    except (duckdb.Error, OSError) as error:
        problem = named_problem(error, path)
        if problem is None or isinstance(problem, WarehouseBusy | NotAccessible):
            raise
        raise problem from None
    finally:
        with suppress(duckdb.Error, OSError):
            if not read_only and _log_may_stay(path):
                # to fold it in, DuckDB looks at every row that was ever replaced: 23 s of a country's, after each step
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        with suppress(duckdb.Error):
            connection.close()


def _log_may_stay(path: Path) -> bool:
    """Whether folding DuckDB's log into the file, which looks through what was ever replaced in it, is not worth what it takes."""
    log = path.with_name(f"{path.name}.wal")
    is_long = log.exists() and log.stat().st_size > LOG_LEFT_BYTES
    return not is_long and path.stat().st_size > SMALL_BUILD_BYTES


@contextmanager
def connect_read_only(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A published file, or any other, for reading.

    Raises:
        DamagedFile, NotAccessible: it cannot be.
    """
    try:
        connection = connect(path, read_only=True)
    except duckdb.Error as error:
        raise named_problem(error, path) or error from None
    try:
        yield connection
    except duckdb.Error as error:
        problem = named_problem(error, path)
        if problem is None:
            raise
        raise problem from None
    finally:
        connection.close()


def is_born(path: Path) -> bool:
    """Whether there is a file with anything in it; DuckDB itself makes files of no bytes before it writes to them."""
    return path.exists() and path.stat().st_size > 0


def clear_unborn(path: Path) -> None:
    """A file without a byte is none, and DuckDB's log of a file that is gone would keep the next one of its name from being opened."""
    log = path.with_name(f"{path.name}.wal")
    # in this order: a log that was there before its file was looked for, and not found, is nobody's, however fast others are
    has_log, is_there = log.exists(), path.exists()
    if is_there and path.stat().st_size == 0:
        path.unlink()
    elif is_there or not has_log:
        return
    log.unlink(missing_ok=True)


def _give_birth(path: Path) -> None:
    newborn = path.with_name(f".{path.name}.{os.getpid()}.born")
    newborn.unlink(missing_ok=True)
    try:
        create_build_file(newborn)
    except duckdb.Error as error:
        newborn.unlink(missing_ok=True)
        raise named_problem(error, path) or error from None
    clear_unborn(path)
    # a link, not a renaming: should another process have been faster, its file stays
    with suppress(FileExistsError):
        path.hardlink_to(newborn)
    newborn.unlink()


def _connect_with_patience(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + BUSY_PATIENCE_SECONDS
    while True:
        try:
            return connect(path, read_only=read_only)
        except (duckdb.Error, OSError) as error:
            problem = named_problem(error, path)
            if problem is None:
                raise
            if not isinstance(problem, WarehouseBusy) or time.monotonic() > deadline:
                raise problem from error
        time.sleep(0.2)


@contextmanager
def open_scratch_file() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, gone after the `with` block."""
    with limited(duckdb.connect()) as connection:
        yield connection


def copy_loaded_records(connection: duckdb.DuckDBPyConnection, build_file: Path, contract: SourceContract) -> None:
    """Into loaded.<feed> of the scratch file: patient, key, record_hash and file_name of the latest version of each record that
    the build file holds of the contract's system; empty where there is no build file.

    Raises:
        WarehouseBusy: another process holds the build file.
    """
    identity = list(dict.fromkeys(["record_key", contract.patient_column, *contract.key]))
    key = ", ".join(identity)
    latest = f"SELECT {key}, record_hash, parse_filename(source_file) AS file_name FROM {{}}raw.{contract.feed}"
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS loaded; CREATE TABLE loaded.{contract.feed} AS {latest.format('')} LIMIT 0"
    )
    if not build_file.exists():
        return
    with open_build_file(build_file, read_only=True) as build:
        # a build file made before loads were counted is mended by its next refresh
        if not column_exists(build, "raw", contract.feed, "load_number"):
            return
        records = build.execute(
            latest.format("")
            + f""" WHERE source_system = ? AND system = ? AND superseded_by IS NULL
                QUALIFY row_number() OVER (
                    PARTITION BY {key} ORDER BY load_number DESC, loaded_at DESC, record_number DESC
                ) = 1""",
            [contract.source_system, contract.system],
        ).to_arrow_table()
    connection.register("records_so_far", records)
    connection.execute(f"INSERT INTO loaded.{contract.feed} SELECT * FROM records_so_far")
    connection.unregister("records_so_far")


def read_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> pd.DataFrame:
    """A whole table as a frame, in one order: sums of floats, and so the last digits of results, depend on it."""
    return connection.execute(f'SELECT * FROM "{schema}"."{table}" ORDER BY ALL').df()


def write_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str, frame: pd.DataFrame) -> None:
    """Replace a table by a frame."""
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    connection.register("frame_to_write", frame)
    connection.execute(f'CREATE OR REPLACE TABLE "{schema}"."{table}" AS SELECT * FROM frame_to_write')
    connection.unregister("frame_to_write")
    if schema == "results":
        note_origin(connection, table)


def note_origin(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Beside each table of results, which judged marts it was computed from: results of two nights are not published together.
    `inputs`, what exactly it was computed from, is said by whoever knows (orchestration/computing/unchanged.py)."""
    connection.execute(
        """CREATE SCHEMA IF NOT EXISTS quality;
           CREATE TABLE IF NOT EXISTS quality.result_origins (table_name VARCHAR, marts_digest VARCHAR, written_at TIMESTAMP);
           ALTER TABLE quality.result_origins ADD COLUMN IF NOT EXISTS inputs VARCHAR"""
    )
    digest = "NULL"
    if table_exists(connection, "quality", "gate_verdicts"):
        digest = "(SELECT any_value(digest) FROM quality.gate_verdicts WHERE stage = 'marts' AND is_open)"
    connection.execute("DELETE FROM quality.result_origins WHERE table_name = ?", [table])
    connection.execute(f"INSERT INTO quality.result_origins SELECT ?, {digest}, now()::TIMESTAMP, NULL", [table])


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the file has this table or view. Asked often: the views of information_schema take ten times as long."""
    return columns_of(connection, schema, table) is not None


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str] | None:
    """Name and type of each column of a table or view, in their order; None where the file has none of that name."""
    try:
        described = connection.execute(f'DESCRIBE "{schema}"."{table}"').fetchall()
    except duckdb.CatalogException:
        return None
    return {name: kind for name, kind, *_ in described}


def columns_by_table(
    connection: duckdb.DuckDBPyConnection, database: str | None = None
) -> dict[tuple[str, str], dict[str, str]]:
    """Schema and name of every table and view of an attached file (by default the one that is in use) -> name and type of each column, in
    their order; in one look at the catalogue, which takes its time."""
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, name, kind in connection.execute(
        """SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
           WHERE database_name = coalesce(?, current_database()) ORDER BY schema_name, table_name, column_index""",
        [database],
    ).fetchall():
        columns.setdefault((schema, table), {})[name] = kind
    return columns


def column_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str) -> bool:
    """Whether the file has this table, and the table this column."""
    return column in (columns_of(connection, schema, table) or {})


def derivation_versions(build_file: Path) -> set[str]:
    """The versions of the rules that the build file's patients were derived by; empty where there are none.

    Raises:
        WarehouseBusy: another process holds the build file.
    """
    if not build_file.exists():
        return set()
    with open_build_file(build_file, read_only=True) as connection:
        if not table_exists(connection, "intermediate", "built_patients"):
            return set()
        rows = connection.execute("SELECT DISTINCT derivation_version FROM intermediate.built_patients").fetchall()
    return {version for (version,) in rows}


def has_unpublished_files(connection: duckdb.DuckDBPyConnection, published_file: Path) -> bool:
    """Whether the build file has taken in files that a publication does not tell of: the night ended before it published."""
    taken_in = connection.execute("SELECT count(*) AS n FROM raw.ingest_ledger").fetchall()[0][0]
    return taken_in != read_published(published_file, "SELECT count(*) AS n FROM quality.ingest_ledger")["n"].item()


@dataclass(frozen=True)
class PublishedTable:
    """A table of the published warehouse and the build file's table it is copied from."""

    schema: str
    name: str
    source_schema: str
    source_name: str
    without: tuple[str, ...]
    opaque: dict[str, str]
    """Column -> SQL that stands in its place: a name that says nothing and leads back only in the build file."""

    @property
    def query(self) -> str:
        """SQL on the build file that gives what the gates judge: no column that stays behind, names made opaque, values exact.
        What is published is coarser yet (disclosure.yml)."""
        left_behind = f" EXCLUDE ({', '.join(self.without)})" if self.without else ""
        replaced = ", ".join(f"{sql} AS {column}" for column, sql in self.opaque.items())
        opaque = f" REPLACE ({replaced})" if replaced else ""
        return f"SELECT *{left_behind}{opaque} FROM {self.source_schema}.{self.source_name}"


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """All that leaves the build file, from published_tables.yml; of the results, what the catalogue has."""
    from analysis.results.catalogue import CATALOGUE

    tables = []
    for schema, listed in yaml.safe_load(PUBLISHED_TABLES_FILE.read_text(encoding="utf-8")).items():
        of_schema = dict.fromkeys((table.name for table in CATALOGUE), {}) if listed == "catalogue" else listed
        for name, how in of_schema.items():
            source_schema, source_name = how.get("from", f"{schema}.{name}").split(".")
            opaque = {column: OPAQUE[kind].format(column) for column, kind in how.get("opaque", {}).items()}
            tables.append(
                PublishedTable(schema, name, source_schema, source_name, tuple(how.get("without", ())), opaque)
            )
    return tuple(tables)


def published_names(schema: str) -> list[str]:
    """The published tables of one schema."""
    return [table.name for table in published_tables() if table.schema == schema]


@dataclass(frozen=True)
class Publication:
    """The stamp of a published warehouse (its table meta.publication)."""

    published_at: datetime
    run_id: str
    code_version: str
    data_hash: str
    n_patients: int
    is_simulated: bool


def read_publication(published_file: Path) -> Publication | None:
    """The stamp of the published warehouse; None if nothing is published yet.

    Raises:
        DamagedFile: the file is not what was published.
    """
    if not published_file.exists():
        return None
    with connect_read_only(published_file) as connection:
        row = connection.execute(
            "SELECT published_at, run_id, code_version, data_hash, n_patients, is_simulated FROM meta.publication"
        ).fetchall()[0]
    return Publication(*row)


@dataclass(frozen=True)
class LastAttempt:
    """How the last night ended, where it did not publish: the data are those of the last good night."""

    ended_at: datetime
    outcome: str
    step: str
    reason: str


def read_last_attempt(published_file: Path) -> LastAttempt | None:
    """The night after the published one that did not publish; None where the published one is the last (or nobody wrote it down).

    Raises:
        DamagedFile: the file is not what was published.
    """
    columns = "last_attempt_at, last_attempt_outcome, last_attempt_step, last_attempt_reason"
    with connect_read_only(published_file) as connection:
        try:
            row = connection.execute(f"SELECT {columns} FROM meta.publication").fetchall()[0]
        except duckdb.BinderException:
            # published before the warehouse wrote it down
            return None
    return None if row[1] == "published" else LastAttempt(*row)


def ask_published(published_file: Path, query: str) -> pd.DataFrame:
    """The answer of anybody's query on the published warehouse: it can neither write nor open another file.

    Raises:
        duckdb.Error: the query is wrong, or wants what it may not.
    """
    with connect(published_file, read_only=True) as connection:
        connection.execute("SET enable_external_access = FALSE; SET lock_configuration = TRUE")
        return connection.execute(query).df()


def read_many_published(published_file: Path, queries: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The answers of queries by their names, all of one opening of the published warehouse, which takes its time."""
    with connect_read_only(published_file) as connection:
        return {name: connection.execute(query).df() for name, query in queries.items()}


def read_published(published_file: Path, query: str, parameters: list[Any] | None = None) -> pd.DataFrame:
    """The answer of a query on the published warehouse."""
    with connect_read_only(published_file) as connection:
        return connection.execute(query, parameters or []).df()
