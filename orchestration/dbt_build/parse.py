"""dbt's parse of the project, made once an installation: reading 120 models and their tests takes longer than many a night's SQL.

What dbt remembers of a parse (manifest.json, partial_parse.msgpack) depends on the code, the study and the versions of dbt and
Python, on nothing of a hospital. It is kept in the user's cache folder under a fingerprint of those and copied into each data
folder that lacks it. A cache that cannot be read or written costs a parse, nothing else.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

PARSED = ("manifest.json", "partial_parse.msgpack")
FINGERPRINT = "parsed_code.txt"
KEEP_PARSES = 12


def parse_folder() -> Path:
    """Where parses are kept; CRLM_CACHE_DIR says where instead of the user's cache folder."""
    return Path(os.environ.get("CRLM_CACHE_DIR") or platformdirs.user_cache_path("crlm-warehouse")) / "dbt_parses"


def parse_fingerprint(dbt_project_dir: Path, variables: Mapping[str, str], target: str) -> str:
    """One for all that a parse depends on."""
    fingerprint = hashlib.sha256()
    for told in (
        dbt_project_dir.as_posix(),
        json.dumps(dict(variables), sort_keys=True),
        target,
        sys.version,
        *(importlib.metadata.version(name) for name in ("dbt-core", "dbt-duckdb")),
    ):
        fingerprint.update(told.encode() + b"\0")
    for path in sorted(dbt_project_dir.rglob("*")):
        relative = path.relative_to(dbt_project_dir)
        if path.is_file() and "target" not in relative.parts:
            fingerprint.update(relative.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return fingerprint.hexdigest()[:32]


def current_parse(
    target: Path,
    dbt_project_dir: Path,
    variables: Mapping[str, str],
    command: Sequence[str],
    environment: Mapping[str, str],
) -> Path:
    """The manifest of the code as it is, in dbt's working folder `target`.

    Args:
        command, environment: how dbt is called, and with which environment.
    Raises:
        subprocess.CalledProcessError: dbt cannot parse the project.
    """
    manifest, told = target / PARSED[0], target / FINGERPRINT
    fingerprint = parse_fingerprint(dbt_project_dir, variables, environment["CRLM_DBT_TARGET"])
    target.mkdir(parents=True, exist_ok=True)
    with (target / "parse.lock").open("w") as lock:
        # page and daemon start at the same time, and neither may read what the other is about to write
        fcntl.flock(lock, fcntl.LOCK_EX)
        if manifest.exists() and told.exists() and told.read_text(encoding="utf-8") == fingerprint:
            return manifest
        kept = parse_folder() / fingerprint
        if not _copied(kept, target):
            parse = [*command, "--quiet", "parse", "--vars", json.dumps(dict(variables))]
            subprocess.run(parse, env=dict(environment), check=True)
            with contextlib.suppress(OSError):
                _keep(target, kept)
        told.write_text(fingerprint, encoding="utf-8")
    return manifest


def _copied(kept: Path, target: Path) -> bool:
    if not all((kept / name).exists() for name in PARSED):
        return False
    try:
        for name in PARSED:
            new = target / f"{name}.new"
            shutil.copyfile(kept / name, new)
            new.replace(target / name)
    except OSError:
        return False
    return True


def _keep(target: Path, kept: Path) -> None:
    """Under another name first: two processes may do so at once."""
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=kept.parent, prefix="new-"))
    for name in PARSED:
        shutil.copyfile(target / name, new / name)
    try:
        new.rename(kept)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
    older = sorted(kept.parent.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)[KEEP_PARSES:]
    for folder in older:
        shutil.rmtree(folder, ignore_errors=True)
