"""Who may read what below the data folder; what is written once; what `make clean` keeps."""

import os
import stat
import subprocess
from pathlib import Path

import duckdb
import pytest

from orchestration.files.private_files import tighten
from orchestration.nightly import prepare_dagster_home
from orchestration.nights.healing import heal
from orchestration.settings import PROJECT_ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    before = os.umask(0o022)
    settings = Settings(data_dir=tmp_path / "data")
    settings.prepare_folders()
    yield settings
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_but_the_published_folder_is_its_owners_only(settings):
    for folder in (settings.landing, settings.build_file.parent, settings.dagster_home):
        assert mode(folder) == 0o700, folder
        (folder / "made later").write_text("by this process", encoding="utf-8")
        assert mode(folder / "made later") == 0o600
    assert mode(settings.published_file.parent) == 0o755
    assert mode(settings.data_dir) == 0o711


def test_the_published_folders_mode_is_a_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_PUBLISHED_MODE", "700")
    settings = Settings(data_dir=tmp_path / "data")
    settings.prepare_folders()
    assert mode(settings.published_file.parent) == mode(settings.data_dir) == 0o700


def test_kept_publications_are_their_owners_only_for_two_nights_side_by_side_tell_who_is_new(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    settings.prepare_folders()
    kept, current = settings.history / "20260101T000000000000Z.duckdb", settings.published_file.with_name("report.html")
    for file in (kept, current):
        file.write_text("x", encoding="utf-8")
    heal(settings, print)
    assert [mode(path) for path in (settings.history, kept, current)] == [0o700, 0o600, 0o644]
    open_history = Settings(data_dir=settings.data_dir, history_mode="750")
    open_history.prepare_folders()
    assert mode(settings.history) == 0o750


def test_files_of_an_older_installation_are_tightened(tmp_path):
    (tmp_path / "deep").mkdir(mode=0o755)
    wide = tmp_path / "deep" / "event_log.db"
    wide.write_text("x", encoding="utf-8")
    wide.chmod(0o664)
    assert tighten(tmp_path) >= 1
    assert mode(wide) == 0o600
    assert tighten(tmp_path) == 0


def test_dagster_yaml_is_written_once_and_never_overwritten(settings):
    prepare_dagster_home(settings)
    written = settings.dagster_home / "dagster.yaml"
    assert "max_concurrent_runs: 1" in written.read_text(encoding="utf-8")
    written.write_text("telemetry:\n  enabled: false\n# ours\n", encoding="utf-8")
    prepare_dagster_home(settings)
    assert "# ours" in written.read_text(encoding="utf-8")


def test_dagster_takes_that_configuration_and_queues_one_run_at_a_time(settings):
    import dagster as dg

    prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1


def open_storage(dagster_home: Path, begin: float) -> None:
    import time

    from orchestration.page.storage import make_dagster_storage

    while time.time() < begin:
        pass
    make_dagster_storage(dagster_home, None)


def test_page_daemon_and_night_may_begin_in_a_new_folder_at_once(tmp_path):
    """Without the lock one of four dies of `table ... already exists` in nearly every of these folders."""
    import multiprocessing
    import time

    import dagster  # noqa: F401  (imported here, so that the four are about the tables at the same moment)

    for home in (tmp_path / str(number) for number in range(5)):
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
        begin = time.time() + 0.2
        starting = [
            multiprocessing.get_context("fork").Process(target=open_storage, args=(home, begin)) for _ in range(4)
        ]
        for process in starting:
            process.start()
        for process in starting:
            process.join()
        assert [process.exitcode for process in starting] == [0] * 4
        assert (home / "history" / "runs.db").exists()


def test_make_clean_keeps_the_key_and_the_kept_publications(settings):
    for kept in (
        "build/study_id.key",
        "build/study_id_key.fingerprint",
        "published/history/a.duckdb",
        "published/SHA256SUMS",
    ):
        (settings.data_dir / kept).write_text("kept", encoding="utf-8")
    (settings.landing / "h").mkdir()
    for made in ("build/build.duckdb", "published/warehouse.duckdb", "dagster/dagster.yaml"):
        (settings.data_dir / made).write_text("made anew", encoding="utf-8")
    subprocess.run(["make", "clean", f"DATA={settings.data_dir}"], cwd=PROJECT_ROOT, check=True, capture_output=True)
    left = {path.relative_to(settings.data_dir).as_posix() for path in settings.data_dir.rglob("*") if path.is_file()}
    assert left == {
        "build/study_id.key",
        "build/study_id_key.fingerprint",
        "published/history/a.duckdb",
        "published/SHA256SUMS",
    }
    assert (settings.landing / "h").is_dir()


def test_an_opaque_name_leads_back_to_record_and_file(tmp_path):
    from orchestration.ingestion.load_feed import assign_study_ids
    from orchestration.ingestion.raw_schema import create_raw_schema
    from orchestration.reporting.patient_trace import UnknownPatient, follow_name

    with duckdb.connect() as connection:
        create_raw_schema(connection)
        connection.execute(
            """INSERT INTO raw.registry (source_system, mrn, record_id, source_file, source_line)
               VALUES ('h', '0001', '0123456789ab-6', 'h/registry.csv', 7)"""
        )
        connection.execute(
            "INSERT INTO raw.ingest_ledger (source_system, source_file, status) VALUES ('h', 'h/registry.csv', 'loaded')"
        )
        assign_study_ids(connection, "a key for tests")
        connection.execute(
            "CREATE SCHEMA staging; CREATE TABLE staging.stg_patient_identities AS FROM raw.patient_identifiers"
        )
        name = connection.execute("SELECT restricted.opaque_record('0123456789ab-6')").fetchall()[0][0]
        record = follow_name(connection, name).iloc[0]
        assert (record["feed"], record["source_file"], record["line"]) == ("registry", "h/registry.csv", 7)
        assert record["study_id"].startswith("P")
        assert follow_name(connection, "file 1")["source_file"].tolist() == ["h/registry.csv"]
        assert follow_name(connection, "P0123456789ab") is None
        with pytest.raises(UnknownPatient, match="no record and no file is published as file 2"):
            follow_name(connection, "file 2")
