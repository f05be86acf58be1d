"""A folder of exported files appears whole or not at all, and replaces only what an earlier export wrote."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from orchestration.files.problems import WarehouseProblem
from orchestration.warehouse import Publication

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
    new, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        told = {**asdict(stamp), "published_at": stamp.published_at.isoformat(), "export": what}
        (new / STAMP_FILE).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
