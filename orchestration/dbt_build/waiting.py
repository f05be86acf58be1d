"""dbt started before there is work: it loads itself and its parse of the project while files are loaded, stops before it opens the
build file (waiting_plugin.py), and goes on when the night's step says so. Loading takes as long as a fifth of a small night's models.
"""

import atexit
import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.dbt_build.arguments import dbt_build_arguments
from orchestration.dbt_build.child import WAITS
from orchestration.dbt_build.parse import PARSED
from orchestration.dbt_build.runs import dbt_command
from orchestration.engines.night import SPARK, dbt_environment_of_night
from orchestration.settings import Settings


@dataclass(frozen=True)
class WaitingDbt:
    """A dbt process that has its arguments and waits with the first question to the build file; ends with this process."""

    process: subprocess.Popen[bytes]
    arguments: tuple[str, ...]
    target: Path
    """Its working folder of this night."""

    def go(self) -> None:
        """Let it open the build file."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"go\n")
            self.process.stdin.close()

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


WAITING: list[WaitingDbt] = []
"""One that was started early and has no work yet."""


def start_dbt_early(settings: Settings) -> None:
    """Start the dbt that tonight's step will want, as far as can be known before files are loaded. What stands in the way is told
    by the step itself, which starts its own dbt then. Not for an engine: its session is not begun yet."""
    if settings.engine == SPARK or WAITING:
        return
    with contextlib.suppress(Exception):
        WAITING.append(_started(settings, dbt_build_arguments(settings)))


def waiting_dbt(arguments: Sequence[str]) -> WaitingDbt | None:
    """The one that was started early, where these are its arguments and it still waits. Can be had once."""
    while WAITING:
        waiting = WAITING.pop()
        if waiting.arguments == tuple(arguments) and waiting.process.poll() is None:
            return waiting
        waiting.close()
    return None


def end_waiting_dbt() -> None:
    """End the one that waits, if there is one."""
    while WAITING:
        WAITING.pop().close()


def _started(settings: Settings, arguments: Sequence[str]) -> WaitingDbt:
    target = settings.dbt_target / f"dbt_models-{uuid.uuid4().hex[:7]}"
    target.mkdir(parents=True)
    for name in PARSED:
        shutil.copyfile(settings.dbt_target / name, target / name)
    environment = {
        # as Dagster's own call of dbt has it
        "DAGSTER_DBT_CLI": "true",
        "PYTHONUNBUFFERED": "1",
        "DBT_LOG_FORMAT": "json",
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        WAITS: "true",
    }
    process = subprocess.Popen(
        [*dbt_command(), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | dbt_environment_of_night(settings) | environment,
        cwd=settings.dbt_project_dir,
    )
    return WaitingDbt(process, tuple(arguments), target)


atexit.register(end_waiting_dbt)
