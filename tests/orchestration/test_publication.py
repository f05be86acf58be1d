"""Write, audit, publish: what leaves the build file, and that readers never see half of it."""

from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.warehouse import (
    WarehouseBusy,
    open_build_file,
    publish,
    publish_history,
    published_tables,
    read_publication,
    read_published,
)


@pytest.fixture
def build_file(tmp_path: Path) -> Path:
    """A build file with every table that is published, one patient in it, and one rejected record with a name in it."""
    path = tmp_path / "build.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_raw_schema(connection)
        for table in published_tables():
            if table.source_schema != "raw":
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.source_schema}")
                connection.execute(
                    f"CREATE TABLE {table.source_schema}.{table.source_name} AS SELECT 'P1' AS study_id, 1.0 AS estimate"
                )
        connection.execute(
            """INSERT INTO raw.rejected_records (feed, reason, value, payload)
               VALUES ('registry', 'unknown code', 'Doe', 'SIM0000001,Doe,Jane')"""
        )
        connection.execute("INSERT INTO raw.ingest_ledger (feed, is_simulated) VALUES ('registry', TRUE)")
    return path


def publish_as(build_file: Path, run_id: str):
    folder = build_file.parent / "published"
    return publish(build_file, folder / "warehouse.duckdb", folder / "history", run_id, "code-1")


def test_the_published_file_is_stamped_and_holds_neither_payload_nor_raw_tables(build_file):
    stamp, is_changed = publish_as(build_file, "run-1")
    published = build_file.parent / "published" / "warehouse.duckdb"

    assert is_changed
    assert (stamp.run_id, stamp.n_patients, stamp.is_simulated) == ("run-1", 1, True)
    assert read_publication(published) == stamp
    schemas = read_published(published, "SELECT DISTINCT table_schema FROM information_schema.tables")
    assert set(schemas["table_schema"]) == {"marts", "results", "quality", "meta"}
    rejected = read_published(published, "FROM quality.rejected_records")
    assert rejected["reason"].tolist() == ["unknown code"]
    assert not {"value", "payload"} & set(rejected.columns)
    assert b"Doe" not in published.read_bytes()


def test_an_unchanged_night_adds_nothing_to_the_history_and_a_changed_one_does(build_file):
    first, _ = publish_as(build_file, "run-1")
    second, is_changed = publish_as(build_file, "run-2")
    assert not is_changed
    assert second.data_hash == first.data_hash

    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE results.hazard_ratios SET estimate = 1.1")
    third, is_changed = publish_as(build_file, "run-3")
    assert is_changed
    assert third.data_hash != first.data_hash
    assert publish_history(build_file.parent / "published" / "history")["run_id"].tolist() == ["run-3", "run-1"]


def test_an_open_reader_keeps_yesterdays_file_while_the_new_one_is_published(build_file):
    publish_as(build_file, "run-1")
    published = build_file.parent / "published" / "warehouse.duckdb"
    with published.open("rb") as reader:
        before = reader.read()
        with duckdb.connect(str(build_file)) as connection:
            connection.execute("UPDATE marts.patients SET study_id = 'P2'")
        publish_as(build_file, "run-2")
        reader.seek(0)
        assert reader.read() == before
    assert read_published(published, "SELECT study_id FROM marts.patients").iloc[0, 0] == "P2"


def test_a_table_that_cannot_be_copied_leaves_yesterdays_publication_in_place(build_file):
    first, _ = publish_as(build_file, "run-1")
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("DROP TABLE results.table_one")
    with pytest.raises(duckdb.CatalogException):
        publish_as(build_file, "run-2")
    assert read_publication(build_file.parent / "published" / "warehouse.duckdb") == first


def test_a_build_file_in_use_is_said_to_be_busy(build_file):
    import subprocess
    import sys

    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb, sys; c = duckdb.connect({str(build_file)!r}); print('open', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(WarehouseBusy, match="in use by another process"), open_build_file(build_file):
            pass
    finally:
        holder.communicate("")
