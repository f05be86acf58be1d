"""Copies of records in the folder that this machine shares with an engine: where a night puts them, and what a night that was killed left
of them. Knows nothing of any engine: a night on DuckDB takes them away too."""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from orchestration.files.encryption import encryption_key
from orchestration.settings import Settings

SPARK, DELTA = "spark", "delta"
SESSION = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def folder_of_night(settings: Settings, session_id: str) -> Path:
    """Where the night of that session puts records and finds its tables; its name tells which build file it is of."""
    return settings.spark_folder_of_night / f"{_digest(settings)}.{session_id}"


def clear_copies(settings: Settings, say: Callable[[str], None]) -> None:
    """Take away the folders of this build file's earlier nights, and the tables that an engine kept where none will use them. Called before
    a night begins, by the process that holds the night's lock: no folder of a night that runs is there yet."""
    try:
        for folder in _left_behind(settings):
            if said := removed(folder):
                say(said)
    except OSError as error:
        say(
            f"{settings.spark_folder_of_night} cannot be looked into ({error.strerror}): copies of records may be left there"
        )


def removed(folder: Path) -> str | None:
    """The folder is taken away with all that is in it; what is to be said where it is still there."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return None
    return f"copies of records are still in {folder}: they belong to another user of this machine, who must remove them"


def _left_behind(settings: Settings) -> list[Path]:
    folder, kept = settings.spark_folder_of_night, settings.spark_folder_of_kept_tables
    if not folder.is_dir():
        return []
    # a folder of the settings may be shared with other installations, against what the manual says
    is_own = settings.spark_folder is None
    name = re.compile(rf"{_digest(settings)}\.{SESSION}{f'|{SESSION}' if is_own else ''}")
    left = sorted(path for path in folder.iterdir() if name.fullmatch(path.name))
    return left + ([kept] if kept.exists() and not _keeps_tables(settings) else [])


def _digest(settings: Settings) -> str:
    return hashlib.sha256(str(settings.build_file).encode()).hexdigest()[:12]


def _keeps_tables(settings: Settings) -> bool:
    return settings.engine == SPARK and settings.spark_format == DELTA and encryption_key() is None
