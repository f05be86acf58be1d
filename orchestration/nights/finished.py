"""Whether the night that published has ended: a mark in the build area, which goes when anything is made anew and to which each of a
night's last steps adds its word.

A night that was killed, or failed after it had published, leaves a mark that is not whole: the next `crlm refresh` finds something to
do. A run of single steps, or from failure, leaves none: what it did not make may be of other settings.
"""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from orchestration.nights.decided import decided_by
from orchestration.settings import Settings
from orchestration.warehouse import Publication

LAST_STEPS = frozenset(
    {
        "published__warehouse",
        "published__report",
        "published__copies",
        "restricted__adjudication_worklist",
        "quality__accepted_night",
        "restricted__retention",
    }
)
"""A night is over when each has ended well."""


@dataclass(frozen=True)
class Mark:
    """What a whole night says of itself."""

    run_id: str
    decided_by: str
    """What decided what it publishes, as it was when it began."""
    done: list[str] = field(default_factory=list)
    """Which of the last steps have ended well."""
    files: list[str] = field(default_factory=list)
    """What these left below the data folder."""


def begin_night(settings: Settings, run_id: str, is_whole: bool) -> None:
    """Before a step that makes anything: what stands there is of no whole night any more.

    Args:
        is_whole: the run makes everything, from the landed files to the report.
    """
    mark = _read(settings)
    if is_whole and mark is not None and mark.run_id == run_id:
        return
    # first, for there may be no room to write another
    _path(settings).unlink(missing_ok=True)
    if is_whole:
        _write(settings, Mark(run_id, decided_by(settings)))


def end_of_step(settings: Settings, step: str, files: Collection[Path] = ()) -> None:
    """One of the last steps has ended well, and left these files; nothing of a night that is not whole."""
    mark = _read(settings)
    if mark is not None:
        made = {path.relative_to(settings.data_dir.resolve()).as_posix() for path in files if path.exists()}
        done, kept = sorted({*mark.done, step}), sorted({*mark.files, *made})
        _write(settings, replace(mark, done=done, files=kept))


def not_as_published(settings: Settings, stamp: Publication) -> str | None:
    """Why what is published is not what a whole night would leave with these settings, for a person; None where it is."""
    mark = _read(settings)
    if mark is None or mark.run_id != stamp.run_id:
        return "the last night was not finished, or steps were run one by one"
    if undone := sorted(LAST_STEPS - set(mark.done)):
        return f"the last night was not finished: {', '.join(undone).replace('__', '/')}"
    if mark.decided_by != decided_by(settings):
        return "settings, contracts or libraries are not those of the last night"
    missing = [name for name in mark.files if not (settings.data_dir / name).exists()]
    return f"{', '.join(missing)} is not there any more" if missing else None


def run_of_last_night(settings: Settings) -> str | None:
    """The run that left the mark; None where there is none."""
    mark = _read(settings)
    return None if mark is None else mark.run_id


def _path(settings: Settings) -> Path:
    return settings.build_file.with_name("last_night.json")


def _read(settings: Settings) -> Mark | None:
    """None where there is none that can be read: a night is then made."""
    try:
        return Mark(**json.loads(_path(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write(settings: Settings, mark: Mark) -> None:
    new_file = _path(settings).with_suffix(".new")
    new_file.write_text(json.dumps(asdict(mark)), encoding="utf-8")
    new_file.replace(_path(settings))
