"""The night's side of the process that draws: its pages are had where it drew them, else the night draws them itself."""

import contextlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

from orchestration.dbt_build.runs import path_with_reader
from orchestration.reporting.pages import DrawnPages


class DrawingBeside:
    """A process that has imported what draws and waits for a publication; ends with this one, however that ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.reporting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # what goes wrong there is met again, and told, where this process draws itself
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path_with_reader()},
        )

    def begin(self, published_file: Path, before: Path | None, report_file: Path, least_k: int) -> None:
        """Let it draw; the arguments are those of `draw_pages`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            pickle.dump((published_file, before, report_file, least_k), self._process.stdin)
            self._process.stdin.flush()

    def pages(self) -> DrawnPages | None:
        """What it drew, when it is done; None where it was given nothing, failed or was ended."""
        with contextlib.suppress(BrokenPipeError):
            sent, _ = self._process.communicate()
            if self._process.returncode == 0 and sent:
                return pickle.loads(sent)
        return None

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.communicate()


DRAWING: dict[str, DrawingBeside] = {}
"""By the run whose publication it draws; of one run at a time."""


def start_drawing(run_id: str) -> DrawingBeside:
    """A process that waits for the publication of this run."""
    end_drawing()
    DRAWING[run_id] = beside = DrawingBeside()
    return beside


def drawn_pages(run_id: str) -> DrawnPages | None:
    """The pages of this run's publication, where they were drawn beside it. Can be had once."""
    beside = DRAWING.pop(run_id, None)
    return None if beside is None else beside.pages()


def end_drawing() -> None:
    """End what is under way."""
    while DRAWING:
        DRAWING.popitem()[1].close()
