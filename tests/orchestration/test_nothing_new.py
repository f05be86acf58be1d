"""`crlm refresh` has nothing to do only where all that was taken in is published, by a night that came to its end, with these settings."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.closed_folders import record_closed_folders
from orchestration.nightly import NothingLanded, nothing_new, prepare_dagster_home, refresh
from orchestration.nights.finished import LAST_STEPS, begin_night, end_of_step
from orchestration.nights.night_records import read_nights
from orchestration.nights.steps import NIGHTLY_JOB, PUBLISHES
from orchestration.warehouse import open_build_file
from tests.incremental.hospital import Hospital, small_hospital
from tests.permissions import bound_by_permissions

LOST = "00000000-0000-0000-0000-000000000001"


def publish_as_it_is(settings, run_id: str = "run") -> None:
    """A publication of the build file's ledger, by today's code."""
    settings.published_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.published_file)) as connection:
        connection.execute(f"ATTACH '{settings.build_file}' AS build")
        connection.execute("CREATE SCHEMA IF NOT EXISTS build.marts")
        connection.execute("CREATE OR REPLACE TABLE build.marts.index_operations AS SELECT 'P1' AS study_id")
        connection.execute("CREATE SCHEMA quality; CREATE TABLE quality.ingest_ledger AS FROM build.raw.ingest_ledger")
        connection.execute(
            f"""CREATE SCHEMA meta; CREATE TABLE meta.publication AS
                SELECT now()::TIMESTAMP AS published_at, '{run_id}' AS run_id, '{settings.code_version}' AS code_version,
                       'hash' AS data_hash, 20::BIGINT AS n_patients, true AS is_simulated"""
        )


def whole_night(settings, run_id: str = "run", ends_before: str | None = None) -> None:
    """Every step of a night that matters here; or those before one step, at which its process is killed."""
    begin_night(settings, run_id, is_whole=True)
    publish_as_it_is(settings, run_id)
    settings.report_file.write_text("tonight's report")
    for step in sorted(LAST_STEPS - {ends_before}):
        end_of_step(settings, step, [settings.report_file] if step == "published__report" else [])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Hospital:
    hospital = small_hospital(tmp_path_factory.mktemp("nothing") / "hospital", 20)
    hospital.load()
    return hospital


@pytest.fixture
def hospital(loaded, tmp_path) -> Hospital:
    """Twenty patients, taken in and published by a whole night."""
    hospital = loaded.copied_to(tmp_path / "hospital")
    whole_night(hospital.settings)
    assert nothing_new(hospital.settings).startswith("Nothing new")
    return hospital


def test_a_night_that_was_killed_after_taking_files_in_is_run_again(hospital):
    settings = hospital.settings
    registry = (hospital.landed / "registry" / "hepatectomy_registry.csv").read_text(encoding="utf-8")
    hospital.land("registry/later.csv", "".join(registry.splitlines(keepends=True)[:3]))
    assert nothing_new(settings) is None
    hospital.load()
    assert nothing_new(settings) is None
    whole_night(settings, "the next run")
    assert nothing_new(settings).startswith("Nothing new")


def test_a_folder_that_cannot_be_read_and_one_that_again_can_are_news(hospital, tmp_path):
    settings = hospital.settings
    registry = hospital.landed / "registry"
    registry.chmod(0)
    with bound_by_permissions(tmp_path):
        assert nothing_new(settings) is None
        with open_build_file(settings.build_file) as connection:
            record_closed_folders(connection, settings.landing, hospitals_of(settings), "night")
    registry.chmod(0o700)
    whole_night(settings, "the next run")
    assert nothing_new(settings) is None, "it can be read again"
    with open_build_file(settings.build_file) as connection:
        record_closed_folders(connection, settings.landing, hospitals_of(settings), "night")
    whole_night(settings, "the next run")
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


@pytest.mark.parametrize("step", sorted(LAST_STEPS))
def test_a_night_that_was_killed_after_it_had_published_is_run_again_and_why_is_said(hospital, step):
    said: list[str] = []
    whole_night(hospital.settings, "killed", ends_before=step)
    assert nothing_new(hospital.settings, said.append) is None
    assert said == [f"a whole night is made: the last night was not finished: {step.replace('__', '/')}"]
    whole_night(hospital.settings, "the next run")
    assert nothing_new(hospital.settings).startswith("Nothing new")


def test_a_night_that_had_begun_to_make_anything_is_run_again(hospital):
    """A forced one, or one of a build file made anew from the same files: the ledger counts as many files as are published."""
    begin_night(hospital.settings, "killed in dbt", is_whole=True)
    assert nothing_new(hospital.settings) is None


def test_what_somebody_ran_step_by_step_is_not_taken_for_a_whole_night(hospital):
    begin_night(hospital.settings, "by hand", is_whole=False)
    for step in LAST_STEPS:
        end_of_step(hospital.settings, step)
    assert nothing_new(hospital.settings) is None


def test_a_build_file_without_marts_is_nothing_that_a_night_left(hospital):
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        connection.execute("DROP TABLE marts.index_operations")
    assert nothing_new(hospital.settings) is None


def test_a_report_that_is_gone_is_made_again(hospital):
    said: list[str] = []
    hospital.settings.report_file.unlink()
    assert nothing_new(hospital.settings, said.append) is None
    assert said == ["a whole night is made: published/report.html is not there any more"]


def test_a_mark_that_cannot_be_read_is_none(hospital):
    mark = hospital.settings.build_file.with_name("last_night.json")
    for broken in ("", "[]", '{"run_id": "run"}', '{"run_id":'):
        mark.write_text(broken)
        assert nothing_new(hospital.settings) is None


@pytest.mark.parametrize("setting", ["disclosure_rules", "publish_shareable", "publish_parquet", "publish_postgres"])
def test_a_setting_that_decides_what_is_published_is_news(hospital, tmp_path, setting):
    rules = tmp_path / "officer.yml"
    rules.write_text("internal: [{column: sex, rule: withhold}]")
    other = {
        "disclosure_rules": rules,
        "publish_shareable": False,
        "publish_parquet": True,
        "publish_postgres": "host=db dbname=warehouse",
    }
    said: list[str] = []
    settings = hospital.settings.model_copy(update={setting: other[setting]})
    assert nothing_new(settings, said.append) is None
    assert said == ["a whole night is made: settings, contracts or libraries are not those of the last night"]
    whole_night(settings, "the next run")
    assert nothing_new(settings).startswith("Nothing new")
    rules.write_text("internal: []")
    assert (nothing_new(settings) is None) == (setting == "disclosure_rules")


def test_a_hospital_that_says_what_it_cannot_tell_is_news(hospital):
    file: Path = hospital.settings.contracts_dir / "simulated_hospital" / "hospital.yml"
    file.write_text(file.read_text() + "\nnot_derivable:\n  margin_group: the reports are not sent\n")
    assert nothing_new(hospital.settings) is None


def test_what_changed_while_the_night_was_made_is_news_after_it(hospital):
    settings = hospital.settings
    begin_night(settings, "run 2", is_whole=True)
    file = settings.contracts_dir / "simulated_hospital" / "hospital.yml"
    file.write_text(file.read_text() + "\nnot_derivable:\n  margin_group: the reports are not sent\n")
    publish_as_it_is(settings, "run 2")
    for step in LAST_STEPS:
        end_of_step(settings, step)
    assert nothing_new(settings) is None


def test_a_night_whose_process_went_after_its_last_step_is_ended_and_told_of(hospital, monkeypatch):
    """Dagster would take it for running, and keep every later night of the schedule out."""
    settings = hospital.settings
    monkeypatch.setenv("CRLM_STUDY_ID_KEY", "a test's key")
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    monkeypatch.setattr("orchestration.nights.lost_nights.SECONDS_TO_BEGIN", 0)
    whole_night(settings, LOST)
    prepare_dagster_home(settings)
    with dg.DagsterInstance.get() as instance:
        instance.add_run(dg.DagsterRun(job_name=NIGHTLY_JOB, run_id=LOST, status=dg.DagsterRunStatus.STARTED))
        outcomes = [refresh(settings, force=False, verbose=False) for _ in range(2)]
        assert instance.get_run_by_id(LOST).status == dg.DagsterRunStatus.FAILURE
    assert all(outcome.message.startswith("Nothing new") for outcome in outcomes)
    assert [(night.run_id, night.outcome) for night in read_nights(settings.nights_file)] == [(LOST, "failed")]


def test_the_last_steps_are_those_that_follow_the_publication():
    from orchestration.assets.publication import publication_assets
    from orchestration.nights.retention import retention

    assert {asset.op.name for asset in (*publication_assets, retention)} == LAST_STEPS
    assert PUBLISHES in LAST_STEPS
