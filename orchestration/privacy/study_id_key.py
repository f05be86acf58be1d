"""The secret that study ids are made with: made once, never guessed, never silently replaced.

Whoever has the key can go from an MRN to the study id; who loses it gives every patient a new id. So a key that is empty, lost
or another than before stops the night, and says what to do.
"""

import os
import secrets
from pathlib import Path

from orchestration.ingestion.load_feed import key_fingerprint

SHORTEST_KEY = 8
KEY_FILE, FINGERPRINT_FILE = "study_id.key", "study_id_key.fingerprint"
BRING_IT_BACK = (
    "Bring it back from your backup of data/build/study_id.key, or give it as CRLM_STUDY_ID_KEY. Only if it is lost for good:"
    " move data/build/build.duckdb, the .wal beside it and data/build/study_id_key.fingerprint away; every patient then gets a new"
    " study id, and publications kept so far cannot be joined with those to come"
)


class StudyIdKeyProblem(Exception):
    """There is no usable study-id key; the message says what is wrong and what to do."""


def study_id_key(build_folder: Path, make: bool = True) -> str:
    """The installation's key: CRLM_STUDY_ID_KEY, or the file in the build area, which is made with the first build file.

    Args:
        build_folder: the restricted build area.
        make: whether a key may be made where there has never been one.
    Raises:
        StudyIdKeyProblem: the key is empty, too short, lost although the build area knows of one, or not the one it knows of.
    """
    key = _key_at_hand(build_folder, make)
    known = _known_fingerprint(build_folder)
    if known and known != key_fingerprint(key):
        raise StudyIdKeyProblem(
            "the study-id key is not the one that this installation's study ids were made with: every patient would get a"
            f" second id. {BRING_IT_BACK}"
        )
    if not known and make:
        _write_whole(build_folder / FINGERPRINT_FILE, key_fingerprint(key))
    return key


def _key_at_hand(build_folder: Path, make: bool) -> str:
    given = os.environ.get("CRLM_STUDY_ID_KEY")
    if given is not None:
        return _usable(given.strip(), "CRLM_STUDY_ID_KEY")
    key_file = build_folder / KEY_FILE
    if key_file.exists():
        return _usable(key_file.read_text(encoding="utf-8", errors="replace").strip("\0 \r\n\t"), str(key_file))
    if _known_fingerprint(build_folder) or _has_anything(build_folder / "build.duckdb"):
        raise StudyIdKeyProblem(f"the study-id key is gone: there is no {key_file}. {BRING_IT_BACK}")
    if not make:
        raise StudyIdKeyProblem("there is no study-id key yet: the first `crlm refresh` makes it")
    _write_whole(key_file, secrets.token_hex(32))
    return key_file.read_text(encoding="ascii")


def _usable(key: str, where: str) -> str:
    if len(key) < SHORTEST_KEY:
        what = "is empty" if not key else f"has fewer than {SHORTEST_KEY} characters"
        raise StudyIdKeyProblem(
            f"the study-id key in {where} {what}: anybody could compute which patient has which study id. {BRING_IT_BACK}"
        )
    return key


def _known_fingerprint(build_folder: Path) -> str:
    path = build_folder / FINGERPRINT_FILE
    return path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else ""


def _has_anything(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _write_whole(path: Path, text: str) -> None:
    """The file with all of its text, or no file; where another process was faster, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new_file = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(new_file)
    except FileExistsError:
        pass
    finally:
        new_file.unlink()
