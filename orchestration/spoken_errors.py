"""What may be said of an error where others read it (Dagster's store, terminal, mails of cron): its kind, never a value."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from orchestration.files.problems import MORE_MEMORY_ADVICE, ROOM_ADVICE, is_disk_full, is_out_of_memory
from orchestration.ingestion.interruptions import interruption_behind

QUOTED = re.compile(r"""(['"`])(?:(?!\1).)*\1|«[^»]*»""", re.DOTALL)
NUMBER_OR_DATE = re.compile(r"\b\d[\d.,:/-]{3,}\d\b|\b\d{5,}\b")
LONGEST = 300
SPEAKS_PLAINLY = {
    "WarehouseBusy", "DamagedFile", "DiskFull", "NotAccessible", "PublicationRefused", "StudyIdKeyProblem",
    "OtherStudyIdKey", "NightUnderWay", "ContractError", "WorklistFailed", "PartialBuild", "NothingLanded",
    "EngineLost", "EngineRefused",
}  # fmt: skip
"""The project's own exceptions, which are written to be read: they name tables, columns and files of the warehouse only."""


class StepFailed(Exception):
    """A step ended with an error; the message holds no value of the data."""


def spoken(error: BaseException) -> str:
    """The error's class and the first line of its message, without anything quoted and without long numbers or dates."""
    kind = type(error).__name__
    if kind in SPEAKS_PLAINLY:
        return str(error)
    if is_disk_full(str(error)):
        return f"DiskFull: {ROOM_ADVICE}"
    if is_out_of_memory(str(error)):
        return f"OutOfMemory: {MORE_MEMORY_ADVICE}"
    lines = str(error).strip().splitlines()
    first = NUMBER_OR_DATE.sub("…", QUOTED.sub("'…'", lines[0])) if lines else ""
    # a quotation that does not end on its line is one all the same
    first = re.sub(r"""['"`](?!…).*$""", "'…'", first.replace("'…'", "\0")).replace("\0", "'…'")
    return f"{kind}: {first[:LONGEST]}" if first else kind


def without_values(step: Callable[..., Any]) -> Callable[..., Any]:
    """The same step; an error comes out as StepFailed, of which only the place in the code and the kind of error are kept."""
    if inspect.isgeneratorfunction(step):

        @functools.wraps(step)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from step(*args, **kwargs)
            except Exception as error:
                raise _failed(error) from None

        return generate

    @functools.wraps(step)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            raise _failed(error) from None

    return run


def _failed(error: Exception) -> BaseException:
    if interruption := interruption_behind(error):
        return interruption
    if type(error).__module__.startswith("dagster."):
        return error
    frames = inspect.trace()
    of_project = [frame for frame in frames if "/orchestration/" in frame.filename or "/analysis/" in frame.filename]
    last = (of_project or frames)[-1] if frames else None
    place = f" ({last.filename.rsplit('/', 1)[-1]}, line {last.lineno})" if last else ""
    return StepFailed(f"{spoken(error)}{place}")
