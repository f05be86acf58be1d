"""A folder of exported files appears whole or not at all, and replaces only what an earlier export wrote."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from orchestration.files.problems import WarehouseProblem
from orchestration.warehouse import Publication

NEW, OLD = ".new", ".old"
STAMP_FILE = "publication.json"
"""In every exported folder: which publication it was made from."""


class ExportRefused(WarehouseProblem):
    """An export cannot be made as asked; the message says why and what to do."""


@contextmanager
def whole_folder(target: Path, stamp: Publication, what: str) -> Iterator[Path]:
    """A folder to write into, which takes the target's place when the `with` block ends well.

    Raises:
        ExportRefused: the target is a file, or a folder that no export has written.
    """
    target = target.absolute()
    if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or (target / STAMP_FILE).exists())):
        raise ExportRefused(f"{target} holds something that no export wrote: name an empty or a new folder")
    new, old = target.with_name(f".{target.name}{NEW}"), target.with_name(f".{target.name}{OLD}")
    _clear(new, old, target)
    new.mkdir(parents=True)
    try:
        yield new
        told = {**asdict(stamp), "published_at": stamp.published_at.isoformat(), "export": what}
        (new / STAMP_FILE).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        _clear(new, old, target)


def clear_unfinished_folders(parent: Path) -> None:
    """What exports into a folder that were killed left there: the half-written one goes, and one that was moved aside before the
    new one had taken its place comes back."""
    for left in [*parent.glob(f".*{NEW}"), *parent.glob(f".*{OLD}")]:
        if left.is_dir() and not left.is_symlink():
            name = left.name.removeprefix(".").removesuffix(left.suffix)
            _clear(parent / f".{name}{NEW}", parent / f".{name}{OLD}", parent / name)


def remove_folder(target: Path) -> None:
    """An exported folder, whole or not at all to whoever reads it; what a kill leaves of it is cleared away as half-written."""
    gone = target.with_name(f".{target.name}{NEW}")
    shutil.rmtree(gone, ignore_errors=True)
    target.rename(gone)
    shutil.rmtree(gone)


def _clear(new: Path, old: Path, target: Path) -> None:
    if old.exists() and not target.exists():
        old.rename(target)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
