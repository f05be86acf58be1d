"""Messages on the disk: appended to one hidden file a folder, which becomes a landed file when it is full or old enough."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import BinaryIO

START, END = b"\x0b", b"\x1c\r"
MAX_MESSAGES = 5_000
MAX_SECONDS = 60


class AlreadyListening(Exception):
    """Another listener writes into this folder."""


class Spool:
    """The messages of one contract; each stays in its MLLP frame, so that it is verbatim and its end is certain."""

    def __init__(self, folder: Path, name_pattern: str) -> None:
        self.folder, self.name_pattern = folder, name_pattern
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / ".listening.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise AlreadyListening(f"another listener writes into {folder}") from error
        self.current = folder / ".received.part"
        self._file: BinaryIO | None = None
        self.n_messages = 0
        self.opened_at = datetime.now(UTC)
        self._take_over()

    def _take_over(self) -> None:
        """What a listener that was killed left behind: its whole messages land, one cut off was never acknowledged."""
        if not self.current.exists():
            return
        content = self.current.read_bytes()
        whole = content.rfind(END) + len(END) if END in content else 0
        if whole == 0:
            self.current.unlink()
            return
        with self.current.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
        self._land()

    def write(self, messages: list[bytes]) -> None:
        """All of these to the disk, in one go; when this returns they are there.

        Raises:
            OSError: the disk is full or gone; none of them counts as received.
        """
        if self._file is None:
            descriptor = os.open(self.current, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "ab", buffering=0)
            self.opened_at = datetime.now(UTC)
            _sync_folder(self.folder)
        before = os.fstat(self._file.fileno()).st_size
        try:
            self._file.write(b"".join(START + message + END for message in messages))
            if os.fstat(self._file.fileno()).st_size - before != sum(len(m) + len(START) + len(END) for m in messages):
                raise OSError("not all bytes were written")
            os.fsync(self._file.fileno())
        except OSError:
            os.ftruncate(self._file.fileno(), before)
            raise
        self.n_messages += len(messages)

    def land_if_due(self, now: bool = False) -> Path | None:
        """The file of what was received so far, where it is full, old enough or wanted now."""
        if self._file is None or self.n_messages == 0:
            return None
        age = (datetime.now(UTC) - self.opened_at).total_seconds()
        if not now and self.n_messages < MAX_MESSAGES and age < MAX_SECONDS:
            return None
        self._file.close()
        self._file, self.n_messages = None, 0
        return self._land()

    def _land(self) -> Path:
        stamp = f"received_{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        path = self.folder / self.name_pattern.replace("*", stamp, 1).replace("*", "").replace("?", "x")
        self.current.replace(path)
        _sync_folder(self.folder)
        return path

    def close(self) -> None:
        self.land_if_due(now=True)
        self._lock.close()


def place_of(file_pattern: str) -> tuple[PurePath, str]:
    """Folder and name pattern of the files that the contract names, below the hospital's landing folder."""
    pattern = PurePath(file_pattern)
    folders = [part for part in pattern.parts[:-1] if "*" not in part and "?" not in part]
    name = pattern.name if "*" in pattern.name else f"*{pattern.suffix}"
    return PurePath(*folders), name


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
