"""Write, audit, publish: what leaves the build file, and that readers never see half of it."""

import errno
import re
import stat
import subprocess
import sys
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.load_feed import assign_study_ids
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.night_profile.records import create_night_tables
from orchestration.publication.publish import publish, publish_history
from orchestration.publication.verdicts import MAKE_TABLES, STAGES, PublicationRefused, record_verdict
from orchestration.warehouse import (
    WarehouseBusy,
    open_build_file,
    published_tables,
    read_publication,
    read_published,
    read_table,
    write_table,
)

PATIENT = "P00000000000a"
HOLD_OPEN = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for _ in range(2):
        print(connection.execute("SELECT count(*) FROM meta.publication").fetchall(), flush=True)
        sys.stdin.readline()
"""


def judge(connection: duckdb.DuckDBPyConnection, *stages: str, is_open: bool = True, code: str = "code-1") -> None:
    for stage in stages or STAGES:
        record_verdict(connection, stage, is_open, [] if is_open else ["patients: too_few"], "run-1", code)


def compute_results(connection: duckdb.DuckDBPyConnection) -> None:
    """Each table of results made anew, as it is, from the marts that are judged now."""
    for table in published_tables():
        if table.schema == "results":
            write_table(connection, "results", table.name, read_table(connection, "results", table.name))


@pytest.fixture
def build_file(tmp_path: Path) -> Path:
    """A judged build file with every table that is published, one patient in it, and one rejected record with a name in it."""
    path = tmp_path / "build.duckdb"
    path.write_bytes(judged_build())
    return path


@cache
def judged_build() -> bytes:
    """That file, made once for all tests that publish it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "build.duckdb"
        make_judged_build(path)
        return path.read_bytes()


def make_judged_build(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        create_raw_schema(connection)
        connection.execute(MAKE_TABLES)
        create_night_tables(connection)
        assign_study_ids(connection, "a key for tests")
        connection.execute(
            f"CREATE SCHEMA staging; CREATE TABLE staging.stg_registry_operations AS SELECT '{PATIENT}' AS study_id"
        )
        for table in published_tables():
            if table.source_schema != "raw" and table.source_name not in ("gate_verdicts", "accepted_changes"):
                opaque = "".join(f", '0123456789ab-7' AS {column}" for column in table.opaque)
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.source_schema}")
                connection.execute(
                    f"CREATE TABLE {table.source_schema}.{table.source_name} AS SELECT '{PATIENT}' AS study_id, 1.0 AS estimate{opaque}"
                )
        connection.execute(
            """INSERT INTO raw.rejected_records (source_system, source_file, feed, reason, value, payload)
               VALUES ('h', 'h/registry/Doe_Jane_1999-03-04.csv', 'registry', 'unknown code', 'Doe', 'SIM0000001,Doe,Jane')"""
        )
        connection.execute(
            """INSERT INTO raw.ingest_ledger (source_system, source_file, feed, is_simulated)
               VALUES ('h', 'h/registry/Doe_Jane_1999-03-04.csv', 'registry', TRUE)"""
        )
        judge(connection)
        compute_results(connection)
        judge(connection, "results")


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
    assert rejected["source_file"].tolist() == ["file 1"]
    assert b"Doe" not in published.read_bytes()
    operation = read_published(published, "FROM marts.index_operations").iloc[0]
    assert re.fullmatch(r"R[0-9a-f]{16}", operation["source_record_id"])


def test_rows_are_published_in_the_order_of_their_published_values(build_file):
    """Whether no rule changes a table's values, so that it is put in order once, or one does: both are 85 by then."""
    with duckdb.connect(str(build_file)) as connection:
        connection.execute(
            f"""INSERT INTO marts.state_paths SELECT '{PATIENT}', unnest([3, 2, 1.5]);
                CREATE OR REPLACE TABLE marts.patients AS
                SELECT '{PATIENT}' AS study_id, unnest([90, 88]) AS age_at_operation_years, unnest([1.0, 2.0]) AS estimate"""
        )
        judge(connection)
        compute_results(connection)
        judge(connection, "results")
    publish_as(build_file, "run-1")
    published = build_file.parent / "published" / "warehouse.duckdb"
    assert read_published(published, "FROM marts.state_paths")["estimate"].tolist() == [1.0, 1.5, 2.0, 3.0]
    patients = read_published(published, "FROM marts.patients")
    assert patients[["age_at_operation_years", "estimate"]].to_numpy().tolist() == [[85, 1], [85, 2]]


def test_the_run_that_took_a_file_in_leads_to_no_moment_of_a_publication(build_file):
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE raw.ingest_ledger SET run_id = 'run-1', loaded_at = TIMESTAMP '2026-11-28 03:10'")
        connection.execute("UPDATE raw.rejected_records SET run_id = 'run-1'")
        judge(connection)
        compute_results(connection)
        judge(connection, "results")
    publish_as(build_file, "run-1")
    published = build_file.parent / "published" / "warehouse.duckdb"
    runs = read_published(
        published,
        "SELECT l.run_id AS taken_in_by, r.run_id AS rejected_by FROM quality.ingest_ledger AS l, quality.rejected_records AS r",
    ).iloc[0]
    assert runs["taken_in_by"] == runs["rejected_by"] and runs["taken_in_by"] != "run-1"
    assert read_published(published, "FROM quality.ingest_ledger JOIN meta.publication USING (run_id)").empty


def test_who_draws_reads_the_new_file_before_it_has_its_name(build_file):
    folder = build_file.parent / "published"
    told = []

    def read(new_file: Path, is_changed: bool):
        told.append((is_changed, read_publication(new_file), (folder / "warehouse.duckdb").exists()))

    for run_id in ("run-1", "run-2"):
        stamp, _ = publish(
            build_file, folder / "warehouse.duckdb", folder / "history", run_id, "code-1", when_written=read
        )
    (first_is_changed, _, was_there), (second_is_changed, seen, _) = told
    assert (first_is_changed, was_there, second_is_changed) == (True, False, False)
    assert seen == stamp


def test_another_process_reads_the_new_file_while_it_is_looked_through_and_renamed(build_file):
    published = build_file.parent / "published" / "warehouse.duckdb"
    readers = []

    def hold_open(new_file: Path, _is_changed: bool):
        reader = subprocess.Popen(
            [sys.executable, "-c", HOLD_OPEN, str(new_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        readers.append(reader)
        assert reader.stdout.readline() == "[(1,)]\n"

    publish(build_file, published, published.parent / "history", "run-1", "code-1", when_written=hold_open)
    told, _ = readers[0].communicate("go on\n")
    assert (told, readers[0].returncode) == ("[(1,)]\n", 0)
    assert read_publication(published).run_id == "run-1"


def refusal(build_file: Path) -> str:
    with pytest.raises(PublicationRefused) as refused:
        publish_as(build_file, "run-2")
    return str(refused.value)


def test_nothing_is_published_past_a_closed_gate_whoever_starts_it(build_file):
    first, _ = publish_as(build_file, "run-1")
    with duckdb.connect(str(build_file)) as connection:
        judge(connection, "marts", is_open=False)
    assert "the marts gate is closed (patients: too_few)" in refusal(build_file)
    assert read_publication(build_file.parent / "published" / "warehouse.duckdb") == first


def test_nothing_is_published_that_no_gate_has_seen_or_that_changed_since(build_file):
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE marts.recurrences SET estimate = 2")
    assert "changed since the marts gate judged: marts.recurrences" in refusal(build_file)
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("DELETE FROM quality.gate_verdicts WHERE stage = 'results'")
        judge(connection, "marts")
    assert "the results gate has not judged" in refusal(build_file)


def test_a_file_taken_in_after_the_gate_looked_is_another_night(build_file):
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("INSERT INTO raw.ingest_ledger (source_system, source_file) VALUES ('h', 'later.csv')")
    assert "changed since the marts gate judged: raw.ingest_ledger" in refusal(build_file)


def test_results_of_one_night_are_not_published_beside_marts_of_another(build_file):
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE marts.recurrences SET estimate = 2")
        judge(connection, "marts")
        write_table(connection, "results", "table_one", read_table(connection, "results", "table_one"))
        judge(connection, "results")
    told = refusal(build_file)
    assert "computed from other marts than those that the marts gate judged: results.kaplan_meier" in told
    assert "results.table_one" not in told


def test_a_verdict_of_other_code_does_not_count_and_a_commit_of_documents_is_no_other_code(build_file):
    with duckdb.connect(str(build_file)) as connection:
        judge(connection, code="commit-1+code-1")
        compute_results(connection)
    stamp, _ = publish(
        build_file, build_file.parent / "p" / "w.duckdb", build_file.parent / "p" / "h", "run", "commit-2+code-1"
    )
    assert stamp.n_patients == 1
    with pytest.raises(PublicationRefused, match="judged with other code"):
        publish(
            build_file, build_file.parent / "p" / "w.duckdb", build_file.parent / "p" / "h", "run", "commit-1+code-2"
        )


def test_a_clock_that_goes_back_does_not_make_todays_publication_older_than_yesterdays(build_file, monkeypatch):
    first, _ = publish_as(build_file, "run-1")
    monkeypatch.setattr("orchestration.publication.publish.now_utc", lambda: first.published_at - timedelta(hours=3))
    second, _ = publish_as(build_file, "run-2")
    assert second.published_at > first.published_at


def test_an_unchanged_night_adds_nothing_to_the_history_and_a_changed_one_does(build_file):
    first, _ = publish_as(build_file, "run-1")
    second, is_changed = publish_as(build_file, "run-2")
    assert not is_changed
    assert second.data_hash == first.data_hash

    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE results.hazard_ratios SET estimate = 1.1")
        judge(connection, "results")
    third, is_changed = publish_as(build_file, "run-3")
    assert is_changed
    assert third.data_hash != first.data_hash
    assert publish_history(build_file.parent / "published" / "history")["run_id"].tolist() == ["run-3", "run-1"]


def test_a_publication_leaves_the_kept_ones_to_their_owner(build_file):
    publish_as(build_file, "run-1")
    history = build_file.parent / "published" / "history"
    history.chmod(0o700)
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE results.hazard_ratios SET estimate = 1.1")
        judge(connection, "results")
    publish_as(build_file, "run-2")
    kept = sorted(history.iterdir())
    assert [path.suffix for path in kept] == [".duckdb", ".duckdb"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (history, kept[-1])] == [0o700, 0o600]


def test_where_there_is_no_room_for_the_kept_copy_nothing_of_it_stays_and_nothing_is_published(build_file, monkeypatch):
    first, _ = publish_as(build_file, "run-1")
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE results.hazard_ratios SET estimate = 1.1")
        judge(connection, "results")

    def half_a_copy(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("orchestration.publication.publish.shutil.copyfile", half_a_copy)
    with pytest.raises(OSError, match="No space left"):
        publish_as(build_file, "run-2")
    published = build_file.parent / "published"
    assert [path.name for path in (published / "history").iterdir()] == [
        f"{first.published_at:%Y%m%dT%H%M%S%f}Z.duckdb"
    ]
    assert read_publication(published / "warehouse.duckdb").run_id == "run-1"


def test_an_open_reader_keeps_yesterdays_file_while_the_new_one_is_published(build_file):
    publish_as(build_file, "run-1")
    published = build_file.parent / "published" / "warehouse.duckdb"
    with published.open("rb") as reader:
        before = reader.read()
        with duckdb.connect(str(build_file)) as connection:
            connection.execute("UPDATE marts.patients SET study_id = 'P00000000000b'")
            judge(connection, "marts")
            compute_results(connection)
        publish_as(build_file, "run-2")
        reader.seek(0)
        assert reader.read() == before
    assert read_published(published, "SELECT study_id FROM marts.patients").iloc[0, 0] == "P00000000000b"


def test_a_table_that_cannot_be_copied_leaves_yesterdays_publication_in_place(build_file):
    first, _ = publish_as(build_file, "run-1")
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("DROP TABLE results.table_one")
        judge(connection, "results")
    with pytest.raises(duckdb.CatalogException):
        publish_as(build_file, "run-2")
    assert read_publication(build_file.parent / "published" / "warehouse.duckdb") == first


def test_a_build_file_in_use_is_said_to_be_busy(build_file):
    import subprocess
    import sys

    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb, sys; c = duckdb.connect({str(build_file)!r}); print('open', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(WarehouseBusy, match="in use by another process"), open_build_file(build_file):
            pass
    finally:
        holder.communicate("")
