"""Everything below the data folder is its owner's only, but the published folder, whose mode is a setting."""

import os
import stat
from pathlib import Path

PRIVATE_UMASK = 0o077


def be_private() -> None:
    """From now on this process, and those that it starts, make files (0600) and folders (0700) for their owner only."""
    os.umask(PRIVATE_UMASK)


def tighten(folder: Path) -> int:
    """Take from group and others what they may do in a folder and all below it; returns how many entries that changed.

    What belongs to another user is left as it is: the folder above it keeps others out.
    """
    n_changed = 0
    for path in [folder, *folder.rglob("*")]:
        n_changed += _without(path, stat.S_IRWXG | stat.S_IRWXO)
    return n_changed


def open_to_others(path: Path) -> bool:
    """Whether group or others may do anything with a file or folder."""
    try:
        return bool(path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)) and not path.is_symlink()
    except OSError:
        return False


def publish_mode(folder: Path, mode: int, but: Path | None = None) -> None:
    """The published folder's mode, and its files' (the same without the right to enter); `but` a folder below it, and what is in it."""
    file_mode = mode & 0o666
    for path in [folder, *folder.rglob("*")]:
        if but is not None and path.is_relative_to(but):
            continue
        wanted = mode if path.is_dir() else file_mode
        try:
            if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) != wanted:
                path.chmod(wanted)
        except OSError:
            continue


def _without(path: Path, bits: int) -> bool:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or not status.st_mode & bits:
            return False
        path.chmod(stat.S_IMODE(status.st_mode) & ~bits)
    except OSError:
        return False
    return True
