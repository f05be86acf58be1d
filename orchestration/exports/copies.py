"""The copies that each night makes of its publication, where settings ask for them."""

from orchestration.exports.parquet_folder import export_parquet
from orchestration.exports.postgres_copy import export_postgres
from orchestration.files.encryption import encryption_key
from orchestration.files.problems import WarehouseProblem
from orchestration.settings import Settings

PARQUET_FOLDER = "parquet"
"""Beside the published warehouse."""


def make_copies(settings: Settings) -> tuple[list[str], list[str]]:
    """What was made and what could not be, in words. A copy that fails leaves the one before, and the others are still made."""
    made, refused = [], []
    if settings.publish_parquet and encryption_key() is not None:
        refused.append("no Parquet files: the warehouse is encrypted, and they would not be")
    elif settings.publish_parquet:
        target = settings.published_file.with_name(PARQUET_FOLDER)
        try:
            made.append(f"{export_parquet(settings.published_file, target)} tables as Parquet files")
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
        except WarehouseProblem as problem:
            refused.append(f"no new copy in PostgreSQL: {problem}")
    return made, refused
