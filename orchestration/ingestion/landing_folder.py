"""What lies in the landing folder. A folder that cannot be read is told of and hides nothing else; linked folders are looked through."""

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.ingestion.landed_names import names_behind

OF_THE_DISK = "lost+found"
"""At the root of a disk of its own: root's, closed to everybody else, and nobody's delivery."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Landing:
    """All that could be found."""

    files: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    """A folder, or a link to what cannot be looked at -> why, as the system says it."""


def look_through(landing_folder: Path) -> Landing:
    """Every file, in no order. A folder counts as readable when its names can be read and it can be entered.

    Linked folders are entered last and each once a hospital, so that a ring of links comes to an end. One that lies in the
    landing folder itself, or around it, is not: what it holds is found under its own name.
    """
    landing = Landing()
    met = {("", *around) for around in map(_identity_of, landing_folder.resolve().parents) if around}
    folders, links = [(landing_folder, "")], []
    while folders or links:
        folder, hospital = folders.pop() if folders else links.pop()
        try:
            # its dot: only who may enter a folder can ask for it
            status = os.stat(f"{folder}/.")  # noqa: PTH116 - pathlib drops the dot
            identity = status.st_dev, status.st_ino
            if ("", *identity) in met or (hospital, *identity) in met:
                continue
            met.add((hospital, *identity))
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            if error.errno not in GONE:
                landing.unreadable[folder] = error.strerror
            continue
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_file():
                    landing.files.append(path)
                elif entry.is_dir() and entry.is_symlink():
                    links.append((path, path.relative_to(landing_folder).parts[0]))
                elif entry.is_dir():
                    folders.append((path, hospital))
            except OSError as error:
                landing.unreadable[path] = error.strerror
    landing.unreadable.pop(landing_folder / OF_THE_DISK, None)
    return landing


def is_a_file(path: Path) -> bool:
    """Whether a name that was found is a file's. One that cannot be looked at is one too, and whoever reads it says why not;
    but not in a folder that cannot be entered, of which `look_through` tells."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return os.path.lexists(path)
    except OSError as error:
        return error.errno not in GONE


def is_landed(landing_folder: Path, name: str) -> bool:
    """Whether the file that the ledger calls so is there, as far as can be told: in a folder that cannot be read it may be."""
    return any(_may_be_there(landing_folder / one) for one in names_behind(name))


def size_of(path: Path) -> int:
    """In bytes; 0 of a file that is gone or cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _may_be_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno not in GONE
    return True


def _identity_of(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
