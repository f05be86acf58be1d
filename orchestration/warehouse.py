"""The only module that opens DuckDB files: the restricted build file, and the published one that replaces it atomically."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from orchestration.ingestion.source_contract import SourceContract

PUBLISHED_TABLES_FILE = Path(__file__).parent / "published_tables.yml"
TABLES_WITHOUT_DATA_MEANING = {"check_results", "ingest_ledger", "rejected_records"}
"""Published, but with run times and run ids in them: left out of the hash that tells whether the data changed."""


class WarehouseBusy(Exception):
    """Another process has the build file open."""


@contextmanager
def open_build_file(path: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file for the length of a `with` block; DuckDB lets one process in while it writes.

    Raises:
        WarehouseBusy: another process holds it.
    """
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WarehouseBusy(
                f"{path.name} is in use by another process (a refresh under way?); try again later"
            ) from error
        raise
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def open_scratch_file() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, gone after the `with` block."""
    with duckdb.connect() as connection:
        yield connection


def copy_loaded_records(connection: duckdb.DuckDBPyConnection, build_file: Path, contract: SourceContract) -> None:
    """Into loaded.<feed> of the scratch file: patient, key, record_hash and file_name of the latest version of each record that
    the build file holds of the contract's system; empty where there is no build file.

    Raises:
        WarehouseBusy: another process holds the build file.
    """
    key = ", ".join(dict.fromkeys([contract.patient_column, *contract.key]))
    latest = f"SELECT {key}, record_hash, parse_filename(source_file) AS file_name FROM {{}}raw.{contract.feed}"
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS loaded; CREATE TABLE loaded.{contract.feed} AS {latest.format('')} LIMIT 0"
    )
    if not build_file.exists():
        return
    with open_build_file(build_file, read_only=True) as build:
        # a build file made before systems were told apart is mended by its next refresh
        if not column_exists(build, "raw", contract.feed, "system"):
            return
        records = build.execute(
            latest.format("")
            + f""" WHERE source_system = ? AND system = ?
                QUALIFY row_number() OVER (
                    PARTITION BY {", ".join(contract.key)} ORDER BY loaded_at DESC, source_file DESC, record_number DESC
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


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the file has this table or view."""
    rows = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
        [schema, table],
    ).fetchall()
    return rows[0][0] > 0


def column_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str) -> bool:
    """Whether the file has this table, and the table this column."""
    rows = connection.execute(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = ? AND table_name = ? AND column_name = ?",
        [schema, table, column],
    ).fetchall()
    return rows[0][0] > 0


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

    @property
    def query(self) -> str:
        """SQL on the build file that gives exactly what is published."""
        left_behind = f" EXCLUDE ({', '.join(self.without)})" if self.without else ""
        return f"SELECT *{left_behind} FROM {self.source_schema}.{self.source_name}"


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """All that leaves the build file, from published_tables.yml."""
    tables = []
    for schema, listed in yaml.safe_load(PUBLISHED_TABLES_FILE.read_text(encoding="utf-8")).items():
        for name, how in listed.items():
            source_schema, source_name = how.get("from", f"{schema}.{name}").split(".")
            tables.append(PublishedTable(schema, name, source_schema, source_name, tuple(how.get("without", ()))))
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
    """The stamp of the published warehouse; None if nothing is published yet."""
    if not published_file.exists():
        return None
    with duckdb.connect(str(published_file), read_only=True) as connection:
        row = connection.execute(
            "SELECT published_at, run_id, code_version, data_hash, n_patients, is_simulated FROM meta.publication"
        ).fetchall()[0]
    return Publication(*row)


def read_published(published_file: Path, query: str, parameters: list[Any] | None = None) -> pd.DataFrame:
    """The answer of a query on the published warehouse."""
    with duckdb.connect(str(published_file), read_only=True) as connection:
        return connection.execute(query, parameters or []).df()


def publish(
    build_file: Path, published_file: Path, history_folder: Path, run_id: str, code_version: str
) -> tuple[Publication, bool]:
    """Write the de-identified copy beside the published file and rename it into place; open readers keep the old one.

    Returns the stamp, and whether the data differ from what was published before. An unchanged night replaces the
    file too, so that its stamp tells of the last good run, but adds nothing to the history.
    """
    before = read_publication(published_file)
    published_file.parent.mkdir(parents=True, exist_ok=True)
    new_file = published_file.with_suffix(".new")
    new_file.unlink(missing_ok=True)
    with open_build_file(build_file) as connection:
        connection.execute("CHECKPOINT")
        connection.execute(f"ATTACH '{new_file}' AS published")
        for table in published_tables():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{table.schema}")
            connection.execute(f"CREATE TABLE published.{table.schema}.{table.name} AS {table.query}")
        stamp = _stamp(connection, run_id, code_version)
        connection.execute("DETACH published")
    is_changed = before is None or before.data_hash != stamp.data_hash
    _flush_to_disk(new_file)
    if is_changed:
        history_folder.mkdir(parents=True, exist_ok=True)
        kept = history_folder / f"{stamp.published_at:%Y%m%dT%H%M%S%f}Z.duckdb"
        kept.unlink(missing_ok=True)
        os.link(new_file, kept)
    new_file.replace(published_file)
    return stamp, is_changed


def _stamp(connection: duckdb.DuckDBPyConnection, run_id: str, code_version: str) -> Publication:
    n_patients = connection.execute("SELECT count(*) FROM published.marts.index_operations").fetchall()[0][0]
    is_simulated = connection.execute(
        "SELECT coalesce(bool_or(is_simulated), FALSE) FROM raw.ingest_ledger"
    ).fetchall()[0][0]
    stamp = Publication(
        datetime.now(UTC).replace(tzinfo=None),
        run_id,
        code_version,
        _data_hash(connection),
        n_patients,
        is_simulated,
    )
    connection.execute("CREATE SCHEMA IF NOT EXISTS published.meta")
    connection.execute(
        """CREATE TABLE published.meta.publication AS
           SELECT ?::TIMESTAMP AS published_at, ? AS run_id, ? AS code_version, ? AS data_hash,
                  ?::BIGINT AS n_patients, ?::BOOLEAN AS is_simulated""",
        [stamp.published_at, run_id, code_version, stamp.data_hash, n_patients, is_simulated],
    )
    return stamp


def _data_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """A digest of all published rows, whatever their order: per table the count and the sum of the rows' MD5 numbers."""
    digest = hashlib.sha256()
    for table in published_tables():
        if table.name not in TABLES_WITHOUT_DATA_MEANING:
            rows = connection.execute(
                f"""SELECT count(*), sum(md5_number_lower(to_json(t)::VARCHAR)::HUGEINT)
                    FROM published.{table.schema}.{table.name} AS t"""
            ).fetchall()
            digest.update(f"{table.schema}.{table.name}:{rows[0]}".encode())
    return digest.hexdigest()[:16]


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def publish_history(history_folder: Path) -> pd.DataFrame:
    """One row a kept publication, newest first: file, published_at, run_id, code_version, data_hash, n_patients."""
    rows = []
    for path in sorted(history_folder.glob("*.duckdb"), reverse=True):
        stamp = read_publication(path)
        if stamp:
            rows.append({"file": path.name, **vars(stamp)})
    return pd.DataFrame(rows)
