"""`crlm refresh` has nothing to do only where all that was taken in is published."""

import duckdb
import pytest

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.closed_folders import record_closed_folders
from orchestration.nightly import NothingLanded, nothing_new
from orchestration.warehouse import open_build_file
from tests.incremental.hospital import small_hospital
from tests.permissions import bound_by_permissions


def publish_as_it_is(settings) -> None:
    """A publication of the build file's ledger, by today's code."""
    settings.published_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.published_file)) as connection:
        connection.execute(f"ATTACH '{settings.build_file}' AS build (READ_ONLY)")
        connection.execute("CREATE SCHEMA quality; CREATE TABLE quality.ingest_ledger AS FROM build.raw.ingest_ledger")
        connection.execute(
            f"""CREATE SCHEMA meta; CREATE TABLE meta.publication AS
                SELECT now()::TIMESTAMP AS published_at, 'run' AS run_id, '{settings.code_version}' AS code_version,
                       'hash' AS data_hash, 20::BIGINT AS n_patients, true AS is_simulated"""
        )


def test_a_night_that_was_killed_after_taking_files_in_is_run_again(tmp_path):
    hospital = small_hospital(tmp_path / "hospital", 20)
    settings = hospital.settings
    hospital.load()
    publish_as_it_is(settings)
    assert nothing_new(settings).startswith("Nothing new")

    registry = (hospital.landed / "registry" / "hepatectomy_registry.csv").read_text(encoding="utf-8")
    hospital.land("registry/later.csv", "".join(registry.splitlines(keepends=True)[:3]))
    assert nothing_new(settings) is None
    hospital.load()
    assert nothing_new(settings) is None
    publish_as_it_is(settings)
    assert nothing_new(settings).startswith("Nothing new")


def test_a_folder_that_cannot_be_read_and_one_that_again_can_are_news(tmp_path):
    hospital = small_hospital(tmp_path / "hospital", 20)
    settings = hospital.settings
    hospital.load()
    publish_as_it_is(settings)
    registry = hospital.landed / "registry"
    registry.chmod(0)
    with bound_by_permissions(tmp_path):
        assert nothing_new(settings) is None
        with open_build_file(settings.build_file) as connection:
            record_closed_folders(connection, settings.landing, hospitals_of(settings), "night")
    registry.chmod(0o700)
    publish_as_it_is(settings)
    assert nothing_new(settings) is None, "it can be read again"
    with open_build_file(settings.build_file) as connection:
        record_closed_folders(connection, settings.landing, hospitals_of(settings), "night")
    publish_as_it_is(settings)
    assert nothing_new(settings).startswith("Nothing new")

    scans = hospital.landed / "scans"
    scans.mkdir()
    scans.chmod(0)
    with bound_by_permissions(tmp_path):
        assert nothing_new(settings).endswith("cannot be read (Permission denied); `crlm doctor` names it")
    scans.chmod(0o700)


def test_where_nothing_landed_a_folder_that_cannot_be_read_is_said(tmp_path):
    hospital = small_hospital(tmp_path / "hospital", 20)
    hospital.landed.chmod(0)
    with bound_by_permissions(tmp_path), pytest.raises(NothingLanded, match="cannot be read") as told:
        nothing_new(hospital.settings)
    hospital.landed.chmod(0o700)
    assert hospital.landed.name in str(told.value)
