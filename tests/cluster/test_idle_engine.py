"""When an engine counts as doing nothing, by what it tells of its progress."""

from types import SimpleNamespace

import pytest

from orchestration.engines.spark.idle_engine import EngineIdle, WatchOfProgress
from orchestration.engines.spark.session import EngineLost, lost_or


class Clock:
    minutes = 0.0

    def __call__(self) -> float:
        return 60 * self.minutes


def tell(watch: WatchOfProgress, ended: int, running: int = 0, statement: str = "one", done: bool = False) -> None:
    watch([SimpleNamespace(num_completed_tasks=ended)], running, statement, done)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> WatchOfProgress:
    return WatchOfProgress(10, clock)


def test_a_statement_of_which_no_task_runs_any_more_ends_after_ten_minutes(watch: WatchOfProgress, clock: Clock):
    tell(watch, ended=3)
    clock.minutes = 9.9
    tell(watch, ended=3)
    clock.minutes = 10
    with pytest.raises(EngineIdle, match="no task ran for 10 minutes"):
        tell(watch, ended=3)


@pytest.mark.parametrize(("ended", "running"), [(3, 1), (4, 0)], ids=["a task runs", "a task has ended"])
def test_while_something_is_done_the_wait_begins_anew(watch: WatchOfProgress, clock: Clock, ended: int, running: int):
    tell(watch, ended=3)
    clock.minutes = 9
    tell(watch, ended=ended, running=running)
    clock.minutes = 18.9
    tell(watch, ended=ended)
    clock.minutes = 30
    with pytest.raises(EngineIdle):
        tell(watch, ended=ended)


def test_statements_beside_each_other_wait_each_for_itself(watch: WatchOfProgress, clock: Clock):
    tell(watch, ended=0, statement="one")
    clock.minutes = 9
    tell(watch, ended=0, statement="other")
    tell(watch, ended=0, statement="one", done=True)
    clock.minutes = 12
    tell(watch, ended=0, statement="one")
    tell(watch, ended=0, statement="other")
    clock.minutes = 19
    with pytest.raises(EngineIdle):
        tell(watch, ended=0, statement="other")


def test_a_person_is_told_that_executors_may_be_lost_and_which_setting_waits_longer():
    told = lost_or(EngineIdle("no task ran for 10 minutes"), "sc://cluster:443/;token=secret")
    assert isinstance(told, EngineLost)
    assert "sc://cluster:443 answers but does nothing (no task ran for 10 minutes" in str(told)
    assert "CRLM_SPARK_IDLE_MINUTES" in str(told)
    assert "secret" not in str(told)
