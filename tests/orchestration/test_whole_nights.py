"""Which runs of Dagster count as a whole night, and what a process that is killed (SIGKILL) in the middle of one leaves behind."""

import signal
import subprocess
import sys

import dagster as dg
import pytest

from orchestration.nights.finished import begin_night, end_of_step, run_of_last_night
from orchestration.nights.lock import HELD
from orchestration.nights.steps import NIGHTLY_JOB, night_step
from orchestration.settings import PROJECT_ROOT, Settings, load_settings


@dg.asset
@night_step
def loads(context: dg.AssetExecutionContext) -> None:
    """As all that comes before the publication."""


@dg.asset(deps=[loads])
@night_step
def computes(context: dg.AssetExecutionContext) -> None:
    """Fails where the disk is full."""
    if (load_settings().data_dir / "full").exists():
        raise OSError("No space left on device")


@dg.asset(key=["published", "report"], deps=[computes])
@night_step
def report(context: dg.AssetExecutionContext) -> None:
    """Where it draws, somebody may end the process."""
    settings = load_settings()
    if (settings.data_dir / "killed").exists():
        import os

        os.kill(os.getpid(), signal.SIGKILL)
    settings.report_file.write_text("tonight's")
    end_of_step(settings, context.op_def.name, [settings.report_file])


night = dg.Definitions(
    assets=[loads, computes, report], jobs=[dg.define_asset_job(NIGHTLY_JOB, executor_def=dg.in_process_executor)]
)
KILLED = f"""
import dagster as dg
from tests.orchestration.test_whole_nights import night
night.resolve_job_def({NIGHTLY_JOB!r}).execute_in_process(instance=dg.DagsterInstance.ephemeral())
"""


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    yield load_settings()
    # the lock of a night is its process's, which here goes on
    if lock := HELD.pop(tmp_path / "build" / "night.lock", None):
        lock.close()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(instance, **more) -> dg.ExecuteInProcessResult:
    return night.resolve_job_def(NIGHTLY_JOB).execute_in_process(instance=instance, raise_on_error=False, **more)


def test_a_run_of_all_steps_is_a_whole_night(settings, instance):
    whole = run(instance)
    assert run_of_last_night(settings) == whole.run_id
    assert settings.report_file.read_text() == "tonight's"


def test_a_run_of_chosen_steps_is_none_and_makes_one_of_before_none(settings, instance):
    run(instance)
    run(instance, asset_selection=[dg.AssetKey("computes")])
    assert run_of_last_night(settings) is None


def test_a_report_drawn_again_by_hand_changes_nothing_of_the_night_that_it_is_of(settings, instance):
    whole = run(instance)
    run(instance, asset_selection=[dg.AssetKey(["published", "report"])])
    assert run_of_last_night(settings) == whole.run_id


def test_a_run_from_failure_is_no_whole_night_since_what_it_did_not_make_may_be_of_other_settings(settings, instance):
    full = settings.data_dir / "full"
    full.touch()
    failed = run(instance)
    assert not failed.success and run_of_last_night(settings) == failed.run_id
    full.unlink()
    again = dg.execute_job(
        dg.reconstructable(the_night),
        instance=instance,
        reexecution_options=dg.ReexecutionOptions.from_failure(failed.run_id, instance),
    )
    assert again.success and run_of_last_night(settings) is None


def the_night() -> dg.JobDefinition:
    return night.resolve_job_def(NIGHTLY_JOB)


def test_a_process_that_is_killed_after_publishing_leaves_a_night_that_is_not_over(settings):
    (settings.data_dir / "killed").touch()
    begin_night(settings, "the night before", is_whole=True)
    end_of_step(settings, "published__report")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert run_of_last_night(settings) not in (None, "the night before")
    assert '"done": []' in settings.build_file.with_name("last_night.json").read_text()
