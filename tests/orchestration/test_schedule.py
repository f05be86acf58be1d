"""A missed hour, a night that outlasts the day, a backlog of nights: Dagster's own scheduler and queue, with the project's schedule and
dagster.yaml, at hours that the test gives."""

import logging
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._scheduler.scheduler import launch_scheduled_runs

from orchestration.nights.schedule import ONE_WAITS
from orchestration.page.dagster_yaml import dagster_yaml
from orchestration.settings import PROJECT_ROOT
from tests.patience import wait_until

LONG_NIGHT = "00000000-0000-0000-0000-000000000001"


class Daemon:
    """What `dagster-daemon` does in its rounds, one at a time."""

    def __init__(self, instance: dg.DagsterInstance, workspace) -> None:
        self.instance, self.workspace = instance, workspace
        self.queue = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def looks_at_the_clock(self, day: int, hour: int) -> None:
        now = datetime(2040, 3, day, hour, tzinfo=UTC)
        list(launch_scheduled_runs(self.workspace, logging.getLogger("scheduler"), now, iteration_times={}))

    def works_off_the_queue(self) -> None:
        list(self.queue.run_iteration(self.workspace))

    def n_runs(self, *statuses: str) -> int:
        asked = [dg.DagsterRunStatus[status] for status in statuses]
        return self.instance.get_runs_count(dg.RunsFilter(job_name="nightly_refresh", statuses=asked))

    def last_tick(self):
        (state,) = self.instance.all_instigator_state()
        return self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)[0]


@pytest.fixture
def daemon(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_NIGHTLY_CRON", "0 2 * * *")
    monkeypatch.setenv("CRLM_TIME_ZONE", "UTC")
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "dagster.yaml").write_text(dagster_yaml(in_postgres=False), encoding="utf-8")
    target = ModuleTarget("tests.orchestration.small_night", None, str(PROJECT_ROOT), "small_night")
    with (
        dg.DagsterInstance.from_config(str(tmp_path)) as instance,
        create_test_daemon_workspace_context(target, instance) as workspace,
    ):
        yield Daemon(instance, workspace)


def test_a_missed_hour_is_made_up_once_and_a_night_that_outlasts_the_day_leaves_one_waiting(daemon):
    daemon.looks_at_the_clock(day=1, hour=12)
    assert daemon.n_runs("QUEUED") == 0

    # the machine was off for three nights: the last of them is made up, the others are not
    daemon.looks_at_the_clock(day=4, hour=9)
    assert daemon.n_runs("QUEUED") == 1
    assert datetime.fromtimestamp(daemon.last_tick().timestamp, UTC) == datetime(2040, 3, 4, 2, tzinfo=UTC)

    # somebody's night has begun by hand, and lasts: the one in the queue does not begin beside it
    long_night = dg.DagsterRun("nightly_refresh", run_id=LONG_NIGHT, status=dg.DagsterRunStatus.STARTED)
    daemon.instance.add_run(long_night)
    daemon.works_off_the_queue()
    assert daemon.n_runs("QUEUED") == 1

    # two more hours pass: no backlog grows behind it
    for day in (5, 6):
        daemon.looks_at_the_clock(day, hour=2)
        assert daemon.n_runs("QUEUED") == 1
        assert daemon.last_tick().skip_reason == ONE_WAITS

    # three more were started by hand: they wait too, and begin one at a time once the long night has ended
    (waiting,) = daemon.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    for number in range(2, 5):
        run_id = LONG_NIGHT[:-1] + str(number)
        daemon.instance.add_run(waiting._replace(run_id=run_id))
    daemon.instance.report_run_failed(long_night)
    daemon.works_off_the_queue()
    assert daemon.n_runs("QUEUED") == 3
    wait_until(lambda: daemon.n_runs("SUCCESS", "FAILURE") == 2, "the end of the night that had waited")
    assert daemon.instance.get_run_by_id(waiting.run_id).status == dg.DagsterRunStatus.SUCCESS
    daemon.looks_at_the_clock(day=7, hour=2)
    assert daemon.last_tick().skip_reason == ONE_WAITS
