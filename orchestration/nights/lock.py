"""One night at a time: a lock that a process holds for the whole of it, whoever started it (command line, UI, schedule).

DuckDB's own lock is held by each step only while it has the file open: two nights would take turns step by step and mix. This
one is the operating system's lock on a file, so it is gone with the process that held it, however that ends.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
HELD: dict[Path, IO[str]] = {}
"""Locks of this process; one that a step of Dagster took is held until the process ends."""


class NightUnderWay(Exception):
    """Another process holds the night's lock; the message says which, and since when."""


def hold_until_exit(folder: Path, who: str, patience_seconds: float, say: Callable[[str], None]) -> bool:
    """Take the lock for the rest of this process, unless it has it; returns whether it was taken now.

    Raises:
        NightUnderWay: another process still holds it after `patience_seconds`.
    """
    path = folder / "night.lock"
    if path in HELD:
        return False
    HELD[path] = _taken(path, who, patience_seconds, say)
    return True


@contextlib.contextmanager
def whole_night(folder: Path, who: str, patience_seconds: float, say: Callable[[str], None]) -> Iterator[None]:
    """The lock for the length of a `with` block.

    Raises:
        NightUnderWay: see `hold_until_exit`.
    """
    is_new = hold_until_exit(folder, who, patience_seconds, say)
    try:
        yield
    finally:
        if is_new:
            HELD.pop(folder / "night.lock").close()


def holder_of(folder: Path) -> str | None:
    """Who holds the lock, in words; None where nobody does, or this process."""
    path = folder / "night.lock"
    if path in HELD or not path.exists():
        return None
    with path.open("r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return _holder(path)
    return None


def _taken(path: Path, who: str, patience_seconds: float, say: Callable[[str], None]) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="utf-8")
    deadline, wait = time.monotonic() + patience_seconds, FIRST_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            left = deadline - time.monotonic()
            if left <= 0:
                file.close()
                raise NightUnderWay(
                    f"a refresh is under way: {_holder(path)}. Nothing was started; try again when it has ended"
                ) from None
        say(f"waiting for {_holder(path)}; looking again in {min(wait, left):.0f} s")
        time.sleep(min(wait, left))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "who": who, "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}))
    file.flush()
    return file


def _holder(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f"process {told['pid']} ({told['who']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
