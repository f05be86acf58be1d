"""A night whose process is gone must not keep the next ones out of the queue, nor end untold."""

import subprocess
import sys
from datetime import datetime

import dagster as dg
import pytest

from orchestration.nights.lock import HELD
from orchestration.nights.lost_nights import LOST, end_lost_nights
from orchestration.nights.night_records import read_nights
from orchestration.nights.run_outcome import night_of_run
from orchestration.nights.telling import tell_of_lost_nights
from orchestration.settings import Settings

NIGHT = "00000000-0000-0000-0000-00000000000{}"


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        for number, (job, status) in enumerate(
            [
                ("nightly_refresh", "STARTED"),
                ("nightly_refresh", "SUCCESS"),
                ("another_job", "STARTED"),
                ("nightly_refresh", "NOT_STARTED"),
            ]
        ):
            instance.add_run(
                dg.DagsterRun(job_name=job, run_id=NIGHT.format(number), status=dg.DagsterRunStatus[status])
            )
        yield instance


def statuses(instance) -> list[str]:
    return [instance.get_run_by_id(NIGHT.format(number)).status.value for number in range(4)]


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    settings.prepare_folders()
    return settings


def test_a_run_without_a_process_is_marked_as_failed_and_only_that(settings, instance):
    assert end_lost_nights(settings, instance, "nightly_refresh", seconds_to_begin=0) == [NIGHT.format(0)]
    assert statuses(instance) == ["FAILURE", "SUCCESS", "STARTED", "NOT_STARTED"]
    night = night_of_run(instance, NIGHT.format(0))
    assert (night.outcome, night.message) == ("failed", "the process ended before any step said why")
    assert "machine was restarted" in LOST
    assert HELD == {}


def test_a_lost_night_ended_when_it_was_found_and_not_when_it_is_told_of(settings, instance):
    end_lost_nights(settings, instance, "nightly_refresh", seconds_to_begin=0)
    found = instance.get_run_record_by_id(NIGHT.format(0)).end_time
    assert datetime.fromisoformat(night_of_run(instance, NIGHT.format(0)).ended_at).timestamp() == int(found)


def test_the_command_line_tells_of_the_nights_that_it_ends_without_a_daemon(settings, instance):
    tell_of_lost_nights(settings, instance)
    tell_of_lost_nights(settings, instance)
    assert [(night.run_id, night.outcome) for night in read_nights(settings.nights_file)] == [
        (NIGHT.format(0), "failed")
    ]


def test_a_run_that_has_just_begun_is_left_alone(settings, instance):
    assert end_lost_nights(settings, instance, "nightly_refresh") == []
    assert statuses(instance)[0] == "STARTED"


def test_while_another_process_has_the_night_nothing_is_marked(settings, instance, tmp_path):
    holder = (
        "import pathlib, sys; from orchestration.nights.lock import hold_until_exit;"
        "hold_until_exit(pathlib.Path(sys.argv[1]), 'a test', 0, print); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(settings.build_file.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        assert end_lost_nights(settings, instance, "nightly_refresh", seconds_to_begin=0) == []
        process.kill()
    assert end_lost_nights(settings, instance, "nightly_refresh", seconds_to_begin=0) == [NIGHT.format(0)]
