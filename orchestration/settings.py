"""Where things are. Every setting can be given as an environment variable with the prefix CRLM_."""

import hashlib
import importlib.metadata
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.engines.spark.idle_engine import LONGEST_IDLE_MINUTES
from orchestration.files.memory import DEFAULT as DEFAULT_MEMORY_LIMIT
from orchestration.files.memory import checked_memory_limit
from orchestration.files.private_files import be_private, open_to_others
from orchestration.privacy.study_id_key import study_id_key

PROJECT_ROOT = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (PROJECT_ROOT / "pyproject.toml").exists()
DISTRIBUTION = "crlm-outcomes-warehouse"
EXPLORE_PAGE = "explore.html"
CODE_FOLDERS = ("orchestration", "dbt_project", "report_reader", "quality", "analysis")
CODE_SUFFIXES = {".py", ".sql", ".yml", ".csv", ".html", ".jinja", ".css", ".js"}


def default_data_dir() -> Path:
    """Of a checkout its own `data`; of an installed wheel `data` in the working folder: never inside site-packages."""
    return (PROJECT_ROOT if IS_CHECKOUT else Path.cwd()) / "data"


def default_contracts_dir() -> Path:
    """An installed wheel reads the hospitals of `contracts` in the working folder where there is one, else its own."""
    own, beside_data = PROJECT_ROOT / "orchestration" / "ingestion" / "contracts", Path.cwd() / "contracts"
    return beside_data if not IS_CHECKOUT and beside_data.is_dir() else own


class Settings(BaseSettings):
    """Folders of one installation; `data_dir` holds all that is not code."""

    model_config = SettingsConfigDict(env_prefix="CRLM_")

    data_dir: Path = Field(default_factory=default_data_dir)
    landing_dir: Path | None = None
    contracts_dir: Path = Field(default_factory=default_contracts_dir)
    dbt_project_dir: Path = PROJECT_ROOT / "dbt_project"
    notify: Annotated[tuple[str, ...], NoDecode] = ()
    """Who is told how nights end: apprise's addresses (mailto://..., https://..., slack://...), separated by blanks."""
    overdue_after_hours: float = 26
    """After so long without a good night somebody is told."""
    owners: Annotated[tuple[str, ...], NoDecode] = ("team:outcomes-warehouse",)
    """Whom Dagster names as the owners of all assets: mail addresses or team:NAME, separated by blanks."""
    docs_url: str = ""
    """Where the site of `make docs` is served: Dagster's assets link to its pages."""
    nightly_cron: str = "0 2 * * *"
    time_zone: str = "UTC"
    """Of `nightly_cron`, such as Europe/Berlin."""
    quiet_minutes: float = 0
    """A file dropped by day starts a night once the landing folder has been quiet for so long; 0: only the schedule does."""
    dagster_postgres_url: str = ""
    """Dagster's storage in PostgreSQL, when dagster.yaml is first written; else SQLite in the data folder."""
    study: str = "crlm"
    """Which of seeds.studies the cohort is made for: its disease, organ, criteria, and what it is compared with (docs/study.md)."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """Where dbt's models are made: in the build file, or on a Spark Connect server (docs/cluster.md)."""
    spark: str = ""
    """The address of that server, sc://host:port; a token, if it asks for one, stands behind it as Spark Connect has it."""
    spark_folder: Path | None = None
    """A folder that this machine and the server see under one name, for raw records on their way; default: in the build area."""
    spark_format: str = "parquet"
    """The format of the tables that dbt makes there; `delta`: those that are kept by patient stay there from night to night."""
    spark_idle_minutes: float = LONGEST_IDLE_MINUTES
    """A night ends when no task of a statement ran there for so long: executors are lost, or busy with others' work."""
    memory_limit: str = DEFAULT_MEMORY_LIMIT
    """How much memory DuckDB may take in each process, as 2.5GB; `machine`: four fifths of the machine's, DuckDB's own limit."""
    accepted_changes: dict[str, str] = {}
    """For one refresh: the name of a change that is right although the gate would stop it, and why (`crlm refresh --accept`)."""
    compute_anew: bool = False
    """Compute the statistics also where their inputs are those of the night before (`crlm refresh --force`)."""
    keep_publication_days: int = 14
    """Every publication of so many days is kept; of older ones the last of a week, then of a month."""
    keep_publication_weeks: int = 8
    keep_publication_months: int = 24
    keep_runs: int = 14
    """Dagster's runs with all their events; how older nights ended stays in the nights' records."""
    published_mode: str = "755"
    """Who may read the published folder, as for chmod: 755 everybody on the machine, 750 the group, 700 its owner only."""
    history_mode: str = "700"
    """The same of the kept publications: two nights side by side show in which of them a patient first appears, which is near
    the day of operation. Their owner's only, unless the readers may know that."""
    disclosure_rules: Path | None = None
    """An installation's own copy of orchestration/privacy/disclosure.yml: how exact patients' values are published."""
    publish_shareable: bool = True
    """Whether a coarser file for others, shareable.duckdb, is published beside the warehouse."""
    publish_parquet: bool = False
    """Whether each night also writes its tables as Parquet files, beside the warehouse (docs/exports.md)."""
    publish_postgres: str = ""
    """Where each night is also copied to: a connection to PostgreSQL without its password (PGPASSWORD, or a password file)."""
    publish_postgres_reader: str = ""
    """The role that may read that copy."""
    wait_for_night_minutes: float = 60.0
    """How long a second start waits for a refresh under way before it is refused."""

    @field_validator("notify", "owners", mode="before")
    @classmethod
    def split_addresses(cls, addresses: object) -> object:
        return tuple(addresses.split()) if isinstance(addresses, str) else addresses

    @field_validator("spark_format")
    @classmethod
    def as_formats_are_written(cls, told: str) -> str:
        return told.strip().lower() or "parquet"

    @field_validator("memory_limit")
    @classmethod
    def check_memory_limit(cls, limit: str) -> str:
        return checked_memory_limit(limit.strip() or DEFAULT_MEMORY_LIMIT)

    @property
    def nights_file(self) -> Path:
        """One record a night: published, gate closed or failed."""
        return self.dagster_home / "nights.jsonl"

    @property
    def landing(self) -> Path:
        """Raw files as the hospitals send them, one folder a hospital."""
        return (self.landing_dir or self.data_dir / "landing").resolve()

    @property
    def build_file(self) -> Path:
        """The restricted working copy; holds identifiers and free text."""
        return self.data_dir.resolve() / "build" / "build.duckdb"

    @property
    def dbt_target(self) -> Path:
        """dbt's compiled SQL and logs; beside the build file because failing rows may be quoted there."""
        return self.data_dir.resolve() / "build" / "dbt_target"

    @property
    def spark_folder_of_night(self) -> Path:
        """Where records are put for a Spark Connect server, and its tables for this machine; emptied when the night ends."""
        return (self.spark_folder or self.data_dir / "build" / "spark").resolve()

    @property
    def spark_folder_of_kept_tables(self) -> Path:
        """What a Spark Connect server keeps from night to night, if it keeps anything."""
        return self.spark_folder_of_night / "kept"

    @property
    def worklist_folder(self) -> Path:
        """The reviewers' questions, with report texts."""
        return self.data_dir.resolve() / "build" / "adjudication"

    @property
    def set_aside_folder(self) -> Path:
        """Where damaged files are put; in the build area, for they may hold anything."""
        return self.data_dir.resolve() / "build" / "set_aside"

    @property
    def suspicion(self) -> Path:
        """There when a step met with damage in the build file: the next start reads all of it."""
        return self.data_dir.resolve() / "build" / "build.suspect"

    @property
    def refresh_log(self) -> Path:
        """What dbt printed during the last refresh."""
        return self.data_dir.resolve() / "build" / "refresh.log"

    @property
    def statistics_log(self) -> Path:
        """What the process that computes the statistics said of analyses that failed in the last night, and what each family took."""
        return self.data_dir.resolve() / "build" / "statistics.log"

    @property
    def published_file(self) -> Path:
        """The de-identified warehouse that everybody queries."""
        return self.data_dir.resolve() / "published" / "warehouse.duckdb"

    @property
    def shareable_file(self) -> Path:
        """The coarser publication, for others; not there where it is not asked for, or the cohort is too small."""
        return self.published_file.with_name("shareable.duckdb")

    @property
    def history(self) -> Path:
        """Every published warehouse, by the time of its publication."""
        return self.data_dir.resolve() / "published" / "history"

    @property
    def report_file(self) -> Path:
        """The one-page report of the latest publication."""
        return self.data_dir.resolve() / "published" / "report.html"

    @property
    def explore_file(self) -> Path:
        """The page of the latest publication on which subgroups are chosen."""
        return self.report_file.with_name(EXPLORE_PAGE)

    @property
    def dagster_home(self) -> Path:
        """Dagster's run history and its dagster.yaml."""
        return self.data_dir.resolve() / "dagster"

    def prepare_folders(self) -> None:
        """Make the folders; all but the published one are for their owner only, now and whatever this process makes."""
        be_private()
        private = [self.dagster_home, self.build_file.parent]
        if self.landing_dir is None:
            private.append(self.landing)
        for folder in (*private, self.landing, self.history):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in private:
            if open_to_others(folder):
                folder.chmod(0o700)
        self.published_file.parent.chmod(self.published_folder_mode)
        self.history.chmod(self.history_folder_mode)
        # whoever may read the published folder must be able to go through the folder above it, without seeing what is in it
        self.data_dir.chmod(0o711 if self.published_folder_mode & 0o077 else 0o700)

    @property
    def published_folder_mode(self) -> int:
        """`published_mode` as a number."""
        return int(self.published_mode, 8)

    @property
    def history_folder_mode(self) -> int:
        """`history_mode` as a number."""
        return int(self.history_mode, 8)

    @cached_property
    def study_id_key(self) -> str:
        """The secret that study ids are made with: CRLM_STUDY_ID_KEY, or a file in the build area made on first use.

        Raises:
            StudyIdKeyProblem: it is empty, lost, or not the one that the build file was made with.
        """
        return study_id_key(self.build_file.parent)

    @cached_property
    def code_version(self) -> str:
        """The git commit where there is one, always a digest of the code that makes the results, and the study if it is not the first."""
        digest = hashlib.sha256()
        for path in sorted(self._code_files()):
            digest.update(path.relative_to(PROJECT_ROOT).as_posix().encode())
            digest.update(path.read_bytes())
        study = "" if self.study == "crlm" else f"+{self.study}"
        return f"{_commit_or_version()}+{digest.hexdigest()[:12]}{study}"

    def _code_files(self) -> list[Path]:
        return [
            path
            for folder in CODE_FOLDERS
            for path in (PROJECT_ROOT / folder).rglob("*")
            if path.suffix in CODE_SUFFIXES and not {"target", "logs", "__pycache__"} & set(path.parts)
        ]


def _commit_or_version() -> str:
    if not IS_CHECKOUT:
        return importlib.metadata.version(DISTRIBUTION)
    commit = subprocess.run(
        ["git", "-C", str(PROJECT_ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return commit or "no-commit"


def load_settings() -> Settings:
    """The settings of this process, folders made."""
    settings = Settings()
    settings.prepare_folders()
    return settings
