"""An engine that answers but does nothing: where executors are lost and none comes in their place, Spark's driver tells of its progress
every two seconds, for ever, and no statement ends or fails. Here the wait has an end."""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

LONGEST_IDLE_MINUTES = 10.0


class Stage(Protocol):
    """What pyspark tells of a stage of a statement."""

    num_completed_tasks: int


class EngineIdle(Exception):
    """No task of a statement ran or ended for as long as may be."""


class WatchOfProgress:
    """A progress handler of pyspark's (`SparkSession.registerProgressHandler`), of all statements of a session.

    A statement waits while none of its tasks runs and none has ended since it was told of before; what an engine that has other work, or
    starts executors only when they are needed, may do for a while.
    """

    def __init__(self, longest_idle_minutes: float, now: Callable[[], float] = time.monotonic) -> None:
        self._longest, self._now = 60 * longest_idle_minutes, now
        self._waiting: dict[str | None, tuple[int, float]] = {}
        """Statement -> its tasks that had ended, and since when no more did."""

    def __call__(
        self, stages: Iterable[Stage] | None, inflight_tasks: int, operation_id: str | None, done: bool
    ) -> None:
        """Told by pyspark.

        Raises:
            EngineIdle: see there.
        """
        if done or inflight_tasks:
            self._waiting.pop(operation_id, None)
            return
        n_ended = sum(stage.num_completed_tasks for stage in stages or ())
        before, since = self._waiting.get(operation_id, (n_ended, self._now()))
        if n_ended != before:
            since = self._now()
        self._waiting[operation_id] = n_ended, since
        if self._now() - since >= self._longest:
            raise EngineIdle(f"no task ran for {self._longest / 60:g} minutes")
