"""All that decides what a night publishes beside the landed files and the code: settings, the files that they name, libraries.

Each setting stands in one of the lists here: what it says counts, what it names is read, or why neither matters. A digest of it all
says nothing of what any of them holds.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from orchestration.files.encryption import encryption_key
from orchestration.libraries import OF_A_NIGHT, versions
from orchestration.settings import Settings

COUNTED = (
    "study", "engine", "publish_shareable", "publish_parquet", "publish_postgres", "publish_postgres_reader",
    "keep_publication_days", "keep_publication_weeks", "keep_publication_months",
)  # fmt: skip
"""Settings whose value decides what is published, or what stays published."""
READ = ("contracts_dir", "dbt_project_dir", "disclosure_rules")
"""Settings that name files: what stands in these counts, not where they are."""
WITHOUT_EFFECT = {
    "data_dir": "where everything is, this digest too",
    "landing_dir": "what lies there is compared file by file with what was taken in",
    "accepted_changes": "for one refresh, which then runs",
    "compute_anew": "for one refresh, which then runs",
    "published_mode": "every start of a refresh sets it",
    "history_mode": "every start of a refresh sets it",
    "notify": "who is told",
    "overdue_after_hours": "who is told",
    "owners": "a word on Dagster's page",
    "docs_url": "a link on Dagster's page",
    "nightly_cron": "when a night begins",
    "time_zone": "when a night begins",
    "quiet_minutes": "when a night begins",
    "wait_for_night_minutes": "when a night begins",
    "dagster_postgres_url": "where Dagster keeps its runs",
    "keep_runs": "how many runs Dagster keeps",
    "memory_limit": "with how much memory it is computed",
    "spark": "where it is computed; by which engine counts",
    "spark_folder": "where it is computed; by which engine counts",
    "spark_format": "how an engine keeps its tables",
    "spark_idle_minutes": "how long an engine is waited for",
}
PARTS_OF_DBT = ("dbt_project.yml", "profiles.yml", "macros", "models", "seeds", "tests")
CONTRACT_SUFFIXES = (".yml", ".yaml")


def decided_by(settings: Settings) -> str:
    """One digest for all of it: while it stays the same, a night over the same files by the same code publishes the same."""
    digest = hashlib.sha256()
    for told in _all(settings):
        digest.update(f"{len(told)}:".encode() + told)
    return digest.hexdigest()


def _all(settings: Settings) -> Iterator[bytes]:
    for name in COUNTED:
        yield f"{name}={getattr(settings, name)!r}".encode("utf-8", "surrogateescape")
    yield f"encrypted={encryption_key() is not None}".encode()
    yield from (library.encode() for library in versions(OF_A_NIGHT))
    yield from _contents(settings.contracts_dir, _contracts(settings.contracts_dir))
    yield from _contents(settings.dbt_project_dir, _files_of_dbt(settings.dbt_project_dir))
    if settings.disclosure_rules is not None:
        yield from _contents(settings.disclosure_rules.parent, [settings.disclosure_rules])


def _contracts(folder: Path) -> list[Path]:
    """Contracts and hospital.yml of every hospital, also those that lie where nobody reads them: the night says so."""
    hospitals = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [
        path
        for hospital in hospitals
        for path in sorted(hospital.rglob("*"))
        if path.suffix.lower() in CONTRACT_SUFFIXES
    ]


def _files_of_dbt(folder: Path) -> list[Path]:
    return [path for part in PARTS_OF_DBT for path in (folder / part, *sorted((folder / part).rglob("*")))]


def _contents(folder: Path, paths: list[Path]) -> Iterator[bytes]:
    """Name below the folder and content of each file; one that cannot be read has none, which the night tells of."""
    for path in paths:
        if path.is_dir():
            continue
        yield os.fsencode(path.relative_to(folder))
        try:
            yield path.read_bytes()
        except OSError:
            yield b""
