"""Copies of records in the folder that this machine shares with an engine: where a night puts them, and what a night that was killed left
of them. Knows nothing of any engine: a night on DuckDB takes them away too."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestration.files.encryption import encryption_key
from orchestration.settings import Settings

SPARK, DELTA = "spark", "delta"
SESSION = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NOTED = "engine_folders.json"
"""In the build area: each folder outside of it that was used, and the build file that it was used for."""
MARK = "used_by_build_file"
"""In such a folder: where it is not, that is not the folder but the place where it is mounted."""


def folder_of_night(settings: Settings, session_id: str) -> Path:
    """Where the night of that session puts records and finds its tables; its name tells which build file it is of."""
    return settings.spark_folder_of_night / f"{_digest(settings.build_file)}.{session_id}"


def make_folder_of_night(settings: Settings, session_id: str) -> Path:
    """The same, made; a folder outside of the build area is noted before, because the next night's settings may be others.

    Raises:
        OSError: this machine's user cannot write there.
    """
    shared, folder = settings.spark_folder_of_night, folder_of_night(settings, session_id)
    if shared != _own_folder(settings):
        shared.mkdir(parents=True, exist_ok=True)
        (shared / MARK).write_text(_digest(settings.build_file), encoding="ascii")
        _write_notes(settings, _notes(settings) | {str(shared): str(settings.build_file)})
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def clear_copies(settings: Settings, say: Callable[[str], None]) -> None:
    """Take away the folders of this build file's earlier nights, and the tables that an engine kept where none will use them: in the build
    area, in the folder of the settings, and in those of earlier settings. Called before a night begins, by the process that holds the
    night's lock: no folder of a night that runs is there yet."""
    own, shared = _own_folder(settings), settings.spark_folder_of_night
    for folder in dict.fromkeys((own, shared)):
        is_for_tonight = folder == shared and _keeps_tables(settings)
        # a folder of the settings may be shared with other installations, against what the manual says
        _clear(folder, settings.build_file, say, is_own=folder == own, with_kept=not is_for_tonight)
    notes = _notes(settings, say)
    in_use = str(shared) if settings.engine == SPARK else None
    gone = {
        folder
        for folder, build_file in notes.items()
        if folder != in_use and _is_clear_of_notes(settings, Path(folder), Path(build_file), say)
    }
    if gone:
        _write_notes(settings, {folder: told for folder, told in notes.items() if folder not in gone})


def removed(folder: Path) -> str | None:
    """The folder is taken away with all that is in it; what is to be said where it is still there."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return None
    return f"copies of records are still in {folder}: they belong to another user of this machine, who must remove them"


def _clear(folder: Path, build_file: Path, say: Callable[[str], None], *, is_own: bool, with_kept: bool) -> bool:
    """Whether nothing is left there of what is that build file's."""
    name = re.compile(rf"{_digest(build_file)}\.{SESSION}{f'|{SESSION}' if is_own else ''}")
    try:
        left = sorted(path for path in folder.iterdir() if name.fullmatch(path.name)) if folder.is_dir() else []
    except OSError as error:
        say(f"{folder} cannot be looked into ({error.strerror}): copies of records may be left there")
        return False
    kept = folder / "kept"
    told = [removed(path) for path in (*left, *([kept] if with_kept and kept.exists() else []))]
    for said in filter(None, told):
        say(said)
    return not any(told)


def _is_clear_of_notes(settings: Settings, folder: Path, build_file: Path, say: Callable[[str], None]) -> bool:
    """Whether a folder of earlier settings need not be looked into again."""
    if build_file != settings.build_file and build_file.exists():
        # this data folder is a copy of another, whose own nights see to it
        return True
    try:
        user = (folder / MARK).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        say(
            f"an earlier night put copies of records into {folder}, which cannot be looked into ({error.strerror}): make it reachable"
            f" for one night, or, where it is gone for good, take it out of {settings.build_file.parent / NOTED}"
        )
        return False
    # where another installation has it now, the tables that are kept there are its own
    is_users = user == _digest(build_file)
    if not _clear(folder, build_file, say, is_own=False, with_kept=is_users):
        return False
    if is_users:
        (folder / MARK).unlink(missing_ok=True)
    return True


def _own_folder(settings: Settings) -> Path:
    return settings.build_file.parent / "spark"


def _notes(settings: Settings, say: Callable[[str], None] | None = None) -> dict[str, str]:
    """Folder -> the build file that it was used for."""
    path = settings.build_file.parent / NOTED
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {str(folder): str(build_file) for folder, build_file in told.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        if say is not None:
            say(
                f"{path} cannot be read: copies of records may be left in folders that earlier nights shared with engines"
            )
        return {}


def _write_notes(settings: Settings, notes: Mapping[str, str]) -> None:
    path = settings.build_file.parent / NOTED
    if not notes:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{NOTED}.new")
    new.write_text(json.dumps(dict(notes), indent=1), encoding="utf-8")
    new.replace(path)


def _digest(build_file: Path) -> str:
    return hashlib.sha256(str(build_file).encode()).hexdigest()[:12]


def _keeps_tables(settings: Settings) -> bool:
    return settings.engine == SPARK and settings.spark_format == DELTA and encryption_key() is None
