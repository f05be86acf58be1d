"""The only door: the de-identified copy is written beside the published file, asked for, and renamed into its place."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.verdicts import PublicationRefused, objections, verdict_runs
from orchestration.warehouse import (
    Publication,
    open_build_file,
    published_tables,
    read_publication,
)

TABLES_WITHOUT_DATA_MEANING = {
    "accepted_changes",
    "check_results",
    "gate_verdicts",
    "ingest_ledger",
    "rejected_records",
}
"""Published, but with run times and run ids in them: left out of the hash that tells whether the data changed."""
WHAT_TO_DO = "`crlm refresh --force` makes, judges and publishes everything in one night"


def now_utc() -> datetime:
    """The time of this machine, as publications are stamped."""
    return datetime.now(UTC).replace(tzinfo=None)


def publish(
    build_file: Path, published_file: Path, history_folder: Path, run_id: str, code_version: str
) -> tuple[Publication, bool]:
    """Write the de-identified copy beside the published file and rename it into place; open readers keep the old one.

    Returns the stamp, and whether the data differ from what was published before. An unchanged night replaces the
    file too, so that its stamp tells of the last good run, but adds nothing to the history.

    Raises:
        PublicationRefused: a gate is closed, has not judged, or judged something else than what stands in the build file now.
    """
    before = read_publication(published_file)
    published_file.parent.mkdir(parents=True, exist_ok=True)
    new_file = published_file.with_suffix(".new")
    new_file.unlink(missing_ok=True)
    with open_build_file(build_file) as connection:
        against = objections(connection, code_version)
        if against:
            raise PublicationRefused(f"not published: {'; '.join(against)}. {WHAT_TO_DO}")
        connection.execute("CHECKPOINT")
        connection.execute(f"ATTACH '{new_file}' AS published")
        for table in published_tables():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{table.schema}")
            connection.execute(f"CREATE TABLE published.{table.schema}.{table.name} AS {table.query}")
        stamp = _stamp(connection, run_id, code_version, before)
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


def _stamp(
    connection: duckdb.DuckDBPyConnection, run_id: str, code_version: str, before: Publication | None
) -> Publication:
    n_patients = connection.execute("SELECT count(*) FROM published.marts.index_operations").fetchall()[0][0]
    is_simulated = connection.execute(
        "SELECT coalesce(bool_or(is_simulated), FALSE) FROM raw.ingest_ledger"
    ).fetchall()[0][0]
    stamp = Publication(
        _later_than(before),
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
                  ?::BIGINT AS n_patients, ?::BOOLEAN AS is_simulated, ? AS judged_in_runs""",
        [stamp.published_at, run_id, code_version, stamp.data_hash, n_patients, is_simulated, verdict_runs(connection)],
    )
    return stamp


def _later_than(before: Publication | None) -> datetime:
    """Now; a moment after the publication before where the clock has gone back, so that the latest stays the latest."""
    now = now_utc()
    return now if before is None else max(now, before.published_at + timedelta(microseconds=1))


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
