"""What may be wrong with a file of the warehouse, named as what it is, and where a damaged one is put."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb

BUSY = ("could not set lock", "conflicting lock", "being used by another process")
NO_SPACE = ("no space left", "quota exceeded", "file too large", "disk full", "could not write all bytes")
NO_MEMORY = ("out of memory", "could not allocate", "failed to allocate")
NO_ACCESS = ("permission denied", "read-only file system", "is a directory", "too many open files", "no such file")
DAMAGED = (
    "not a valid duckdb database", "corrupt", "checksum", "could not read enough bytes", "failed to deserialize",
    "serialization error", "invalidated because of a previous fatal error", "failed to load metadata",
    "attempted to access index", "internal error", "wal does not match",
)  # fmt: skip
OTHER_KEY = ("wrong encryption key", "cannot open encrypted database", "is not encrypted")
HOLDER = re.compile(r"PID (\d+)")
ROOM_ADVICE = "no space left: make room on the disk of the data folder and start again; no record is lost"
MORE_MEMORY_ADVICE = (
    "DuckDB needed more memory than it may take: raise CRLM_MEMORY_LIMIT (docs/deploy.md) and start again; no record is"
    " lost"
)
NO_SPACE_ADVICE = "make room on the disk of the data folder and start again: nothing was published, no record is lost"


def is_out_of_memory(text: str) -> bool:
    """Whether words of DuckDB say that it reached its limit of memory, or the machine's end."""
    return any(words in text.lower() for words in NO_MEMORY)


def is_disk_full(text: str) -> bool:
    """Whether words of the operating system or of DuckDB say that there is no room."""
    return any(words in text.lower() for words in NO_SPACE)


class WarehouseProblem(Exception):
    """A file of the warehouse cannot be used; the message says which, why, and what to do."""


class WarehouseBusy(WarehouseProblem):
    """Another process has the file open."""


class DamagedFile(WarehouseProblem):
    """The file's bytes are not what DuckDB wrote: cut short, overwritten, or no DuckDB file at all."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is damaged (cut short, overwritten or no DuckDB file); `crlm doctor` says what to do"
        )
        self.path = path


class NotLookedThrough(WarehouseProblem):
    """Whether a file is whole could not be found out."""


class DiskFull(WarehouseProblem):
    """There is no room to write."""


class NotAccessible(WarehouseProblem):
    """The file may not be opened by this user, or its folder is not there."""


def named_problem(error: BaseException, path: Path) -> WarehouseProblem | None:
    """What an error on a DuckDB file (or of the operating system) means; None where it tells of no trouble with the file.

    Room, memory and locks come first: a full disk, too, makes DuckDB call its database invalid.
    """
    text = str(error).lower()
    if is_disk_full(text):
        return DiskFull(f"no space left while writing {path.name}: {NO_SPACE_ADVICE}")
    # a log that does not fit into memory makes DuckDB call its database invalid as well
    if not isinstance(error, duckdb.Error) or is_out_of_memory(text):
        return None
    if any(words in text for words in BUSY):
        holder = HOLDER.search(str(error))
        by = f" (process {holder.group(1)})" if holder else ""
        return WarehouseBusy(f"{path.name} is in use by another process{by}; a refresh under way? Try again later")
    if any(words in text for words in OTHER_KEY):
        return NotAccessible(
            f"{path.name} is encrypted otherwise than CRLM_ENCRYPTION_KEY says (another key, none, or a file from before it was set):"
            " bring the key back; or move the file away, and the .wal beside it: the next refresh makes it anew from the landing folder"
        )
    if any(words in text for words in NO_ACCESS):
        return NotAccessible(f"{path.name} cannot be opened: {_first_known(text, NO_ACCESS)}")
    if isinstance(error, duckdb.InternalException | duckdb.FatalException) or any(words in text for words in DAMAGED):
        return DamagedFile(path)
    return None


def _first_known(text: str, known: tuple[str, ...]) -> str:
    return next(words for words in known if words in text)


def set_aside(path: Path, folder: Path) -> Path:
    """Move a damaged file, and DuckDB's log beside it, out of the way into `folder`; returns where it is now."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    kept = folder / f"{path.name}.{moment}"
    for found in (path, path.with_name(f"{path.name}.wal")):
        if found.exists():
            target = folder / f"{found.name}.{moment}"
            shutil.move(found, target)
            target.chmod(0o600)
    return kept
