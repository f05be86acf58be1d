"""The night's side of the process that computes the statistics: started early, given its frames once, asked for each family."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestration.computing.messages import Answer, Work
from orchestration.dbt_build.runs import path_with_reader

if TYPE_CHECKING:
    from analysis.patients.plan import Plan

LONGEST_FIRST = (
    "specifications", "imputation", "models", "interval_censored", "weighting", "curves", "effect_over_time", "by_width",
)  # fmt: skip
"""The families that take longest (docs/performance.md), which begin first: what begins last should be short."""
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Each family has a core of its own; and sums do not depend on how many cores there are."""


class ComputingEnded(Exception):
    """A process that computes statistics was ended from outside, most likely for want of memory."""


def longest_first(names: Iterable[str]) -> list[str]:
    """Names of families in the order in which they begin."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    return sorted(names, key=lambda name: rank.get(name, len(rank)))


class ComputingBeside:
    """A process that has imported what statistics need and waits for work; ends with this one, however that ends.

    Args:
        log: gets what it says of analyses that failed.
    """

    def __init__(self, log: Path) -> None:
        with _opened(log) as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.computing"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | ONE_CORE | {"PYTHONPATH": path_with_reader()},
            )
        self.left: set[str] = set()
        """Families that were begun and not yet asked for."""
        self._answers: dict[str, Answer] = {}
        self._has_news = threading.Condition()
        self._has_ended = False

    def begin(self, names: Sequence[str], frames: Iterable[tuple[str, Any]], plan: "Plan") -> None:
        """Give it the frames, one by one, and let it compute these families.

        Raises:
            ComputingEnded: see there.
        """
        self.left = set(names)
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._process.stdin is not None
        try:
            for name, frame in frames:
                pickle.dump((name, frame), self._process.stdin, protocol=5)
            pickle.dump(Work(longest_first(names), {}, plan), self._process.stdin, protocol=5)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def result(self, name: str) -> tuple[dict[str, Any], Any]:
        """The tables of a family by name and the reasons of what could not be done, when it is done. Can be had once.

        Raises:
            ComputingEnded: see there. Exception: what the computing of the family ended with.
        """
        with self._has_news:
            self._has_news.wait_for(lambda: name in self._answers or self._has_ended)
            answer = self._answers.pop(name, None)
        self.left.discard(name)
        if answer is None:
            raise self._ended()
        if answer.ended_by is not None:
            raise ComputingEnded(f"the process that computed it {_told(answer.ended_by)}")
        if answer.error is not None:
            raise answer.error
        assert answer.result is not None
        return answer.result

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def _listen(self) -> None:
        """Answers as they come, so that the other side never waits for this one."""
        assert self._process.stdout is not None
        try:
            while True:
                answer = pickle.load(self._process.stdout)
                with self._has_news:
                    self._answers[answer.name] = answer
                    self._has_news.notify_all()
        except (EOFError, ValueError, OSError, pickle.UnpicklingError):
            with self._has_news:
                self._has_ended = True
                self._has_news.notify_all()

    def _ended(self) -> ComputingEnded:
        return ComputingEnded(f"the process that computes the statistics {_told(self._process.wait())}")


def _opened(log: Path) -> IO[bytes]:
    """The log, or nothing to write to where it cannot be made: that is no reason to end a night."""
    try:
        return log.open("wb")
    except OSError:
        return Path(os.devnull).open("wb")


WAITING: list[ComputingBeside] = []
"""One that was started early and has no work yet."""


def start_early(log: Path) -> None:
    """Start the process that will compute, so that it has imported what it needs before there is work."""
    if not WAITING:
        WAITING.append(ComputingBeside(log))


def _told(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}; statistics.log of the build area says why"
    name = signal.Signals(-status).name
    memory = "; most likely the machine ran out of memory" if name == "SIGKILL" else ""
    return f"was ended by {name}{memory}"
