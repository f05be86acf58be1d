"""One fingerprint for many files: what was made by them is made anew when one of them changes."""

import hashlib
from pathlib import Path


def fingerprint_of_files(folder: Path, parts: tuple[str, ...]) -> str:
    """One for all files below the parts of a folder, or that are such a part: names and contents."""
    fingerprint = hashlib.sha256()
    for part in parts:
        files = [folder / part] if (folder / part).is_file() else sorted((folder / part).rglob("*"))
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                fingerprint.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return fingerprint.hexdigest()[:16]
