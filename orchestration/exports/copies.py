"""The copies that each night makes of its publication, where settings ask for them, and what becomes of those that they ask for no more."""

import hashlib
import hmac
import json
from pathlib import Path

from orchestration.exports.folders import STAMP_FILE, remove_folder
from orchestration.exports.parquet_folder import export_parquet
from orchestration.exports.postgres_copy import export_postgres
from orchestration.files.encryption import encryption_key
from orchestration.files.problems import WarehouseProblem
from orchestration.settings import Settings

PARQUET_FOLDER = "parquet"
"""Beside the published warehouse."""
NOT_ENCRYPTED = "no Parquet files: the warehouse is encrypted, and they would not be"
"""Settings refuse this one: to try again would change nothing."""


def make_copies(settings: Settings) -> tuple[list[str], list[str]]:
    """What was made and what could not be, in words. A copy that fails leaves the one before, and the others are still made."""
    made, refused = [], []
    if settings.publish_parquet and encryption_key() is not None:
        refused.append(NOT_ENCRYPTED)
    elif settings.publish_parquet:
        target = _parquet_folder(settings)
        try:
            made.append(f"{export_parquet(settings.published_file, target)} tables as Parquet files")
            _remember(settings, parquet=True)
            for folder in (target, *(path for path in target.iterdir() if path.is_dir())):
                folder.chmod(settings.published_folder_mode)
                for file in folder.glob("*.*"):
                    file.chmod(settings.published_folder_mode & 0o666)
        except WarehouseProblem as problem:
            refused.append(f"no new Parquet files: {problem}")
    if settings.publish_postgres:
        try:
            reader = settings.publish_postgres_reader or None
            made.append(
                f"{export_postgres(settings.published_file, settings.publish_postgres, reader)} tables in PostgreSQL"
            )
            _remember(settings, postgres=_place(settings))
        except WarehouseProblem as problem:
            refused.append(f"no new copy in PostgreSQL: {problem}")
    return made, refused


def copies_no_more(settings: Settings) -> tuple[list[str], list[str]]:
    """What was removed and what is left, in words, of copies that earlier nights made and settings ask for no more. To be asked before
    new ones are made. A database that is named no more cannot be reached: that its copy stays is said once."""
    removed, left, known = [], [], _remembered(settings)
    folder = _parquet_folder(settings)
    if parquet_stamp(settings).exists() and not (settings.publish_parquet and encryption_key() is None):
        if known.get("parquet"):
            remove_folder(folder)
            _remember(settings, parquet=False)
            removed.append("the Parquet files of earlier nights")
        else:
            left.append(f"{folder.name}/ beside the warehouse is of an earlier publication, and no night renews it")
    if known.get("postgres") not in (None, _place(settings)):
        _remember(settings, postgres=None)
        left.append(
            "the copy of an earlier night stays in the database that CRLM_PUBLISH_POSTGRES named before: drop its"
            " schemas marts, results, quality and meta there"
        )
    return removed, left


def parquet_stamp(settings: Settings) -> Path:
    """Which publication the Parquet files are of; not there where there are none."""
    return _parquet_folder(settings) / STAMP_FILE


def _parquet_folder(settings: Settings) -> Path:
    return settings.published_file.with_name(PARQUET_FOLDER)


def _place(settings: Settings) -> str | None:
    """Says which database is named, and nothing of it."""
    address = settings.publish_postgres.encode("utf-8", "surrogateescape")
    return hmac.new(settings.study_id_key.encode(), address, hashlib.sha256).hexdigest() if address else None


def _memory(settings: Settings) -> Path:
    return settings.build_file.with_name("copies.json")


def _remembered(settings: Settings) -> dict[str, str | bool | None]:
    try:
        return dict(json.loads(_memory(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _remember(settings: Settings, **made: str | bool | None) -> None:
    new_file = _memory(settings).with_suffix(".new")
    new_file.write_text(json.dumps({**_remembered(settings), **made}), encoding="utf-8")
    new_file.replace(_memory(settings))
