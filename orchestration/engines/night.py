"""Where a night's models are made: in the build file itself, or on an engine that gets the raw records and gives the tables back."""

import contextlib
import importlib.util
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.dbt_build.runs import dbt_environment, run_dbt
from orchestration.engines.spark.session import (
    EngineLost,
    EngineRefused,
    connect,
    lost_or,
    said_of_loss,
    shown,
    version_of,
)
from orchestration.files.encryption import encryption_key
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file

if TYPE_CHECKING:
    from orchestration.engines.spark.kept import KeptTables

SPARK = "spark"
KEPT = "CRLM_SPARK_KEPT"
FULL_REFRESH = "--full-refresh"
HOW_TO_KEEP = "CRLM_SPARK_FORMAT=delta keeps them by patient, where the engine has Delta tables"


class BuildFile:
    """DuckDB: dbt writes into the build file, and there is nothing to bring back."""

    is_build_file = True

    def told(self, arguments: Sequence[str]) -> list[str]:
        """dbt's arguments, as they are."""
        return list(arguments)

    def bring_back(self, manifest: Path) -> None:
        """Nothing to do."""

    def objection(self, messages: Iterable[str]) -> str | None:
        """What is wrong with the engine itself, where dbt failed with these messages."""
        return None


class SparkConnect:
    """A Spark Connect server: one session for the night, shared by dbt's process and this one."""

    is_build_file = False

    def __init__(self, settings: Settings, variables: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.settings, self.variables, self.say = settings, variables, say
        self.where = shown(settings.spark)
        self.session_id = os.environ["CRLM_SPARK_SESSION"]
        self.folder = settings.spark_folder_of_night / self.session_id
        self.session = None
        self.given: list[tuple[str, str]] = []
        self.kept: KeptTables | None = None
        self.kept_as: dict[str, str] = {}

    def told(self, arguments: Sequence[str]) -> list[str]:
        """dbt's arguments: whether every table is made anew follows from what the engine keeps, not from the build file. The first
        failure ends the build: without its engine each further model would wait for it too."""
        is_anew = self.kept is None or not self.kept.are_there
        others = [one for one in arguments if one != FULL_REFRESH]
        return [*others, *([FULL_REFRESH] if is_anew else []), "--fail-fast"]

    def begin(self) -> None:
        """Seeds into the build file, then raw records and seeds to the engine.

        Raises:
            EngineLost, EngineRefused: see there.
        """
        from orchestration.engines.spark.report_reading import try_report_reader
        from orchestration.engines.spark.tables import give, given_tables

        self.session = connect(self.settings.spark, self.session_id, self.settings.spark_idle_minutes)
        try_report_reader(self.session, self.settings.spark)
        target = self.settings.dbt_target.with_name("dbt_target_seeds")
        seeded = run_dbt(
            self.settings.build_file,
            ["seed"],
            self.variables,
            target=target,
            dbt_project_dir=self.settings.dbt_project_dir,
        )
        if seeded.returncode:
            raise EngineRefused(f"dbt seed failed; its log is in {target.name}/logs of the build area")
        with open_build_file(self.settings.build_file) as connection:
            self.given = given_tables(connection)
            give(connection, self.session, self.given, self.folder, self.settings.spark)
        self.say(f"raw records and seeds are with the engine at {self.where}; {self._keep()}")

    def _keep(self) -> str:
        """Make known what the engine keeps of earlier nights, and say what the night computes.

        Raises:
            EngineLost: it does not answer. EngineRefused: it has no Delta tables.
        """
        from orchestration.engines.spark import kept

        folder = self.settings.spark_folder_of_kept_tables
        is_kept = self.settings.spark_format == kept.DELTA
        try:
            if not is_kept:
                kept.forget(folder)
                kept.make_account(self.session)
                return f"every table is made anew there ({HOW_TO_KEEP})"
            version = version_of(self.session)
            rules = self.variables["derivation_version"]
            self.kept_as = {"rules": rules, "build file": str(self.settings.build_file), "engine": version}
            self.kept = kept.kept_tables(folder, self.kept_as)
            kept.make_known(self.session, self.kept)
        except Exception as error:
            told = lost_or(error, self.settings.spark)
            if told is error and is_kept:
                told = EngineRefused(
                    f"CRLM_SPARK_FORMAT=delta, and the engine at {self.where} makes no Delta tables:"
                    " unset it, or give the engine Delta Lake"
                )
            raise told from None
        os.environ[KEPT] = str(self.kept.folder)
        if self.kept.are_there:
            return "the rows of patients whose records changed are made anew there, the others are kept"
        return "every table is made anew there, once: the engine keeps none of these rules, or the last night there did not end well"

    def bring_back(self, manifest: Path) -> None:
        """Every table that dbt made, into the build file: all or none.

        Raises:
            EngineLost: it does not answer.
        """
        from orchestration.engines.spark.tables import fetch, made_tables, take

        tables = made_tables(manifest)
        fetch(self.session, tables, self.folder, self.settings.spark)
        with open_build_file(self.settings.build_file) as connection:
            take(connection, tables, self.folder)
            ((n_changed,),) = connection.execute("SELECT count(*) FROM intermediate.changed_patients").fetchall()
        if self.kept is not None:
            from orchestration.engines.spark import kept

            kept.remember(self.settings.spark_folder_of_kept_tables, self.kept, self.kept_as)
        anew = f"; the rows of {n_changed:,} patients were made anew" if self.kept is not None else ""
        self.say(f"{len(tables)} tables are back in the build file{anew}")

    def objection(self, messages: Iterable[str]) -> str | None:
        """That the engine does not answer, or did not when dbt asked it."""
        if said := said_of_loss(messages):
            return said
        try:
            connect(self.settings.spark, self.session_id)
        except EngineLost as lost:
            return str(lost)
        return None

    def end(self) -> None:
        """Forget the copies, the engine's tables and the session, whatever happened; what the engine keeps is said."""
        from orchestration.engines.spark.tables import drop, forget

        if self.session is not None and self.given:
            names = [f"{schema}.{name}" for schema, name in self.given]
            left = drop(self.session, names, self.settings.dbt_target / "manifest.json")
            if left:
                self.say(f"{len(left)} tables of this night are still with the engine at {self.where}: drop them there")
        forget(self.folder)
        for name in ("CRLM_SPARK_SESSION", KEPT):
            os.environ.pop(name, None)
        if self.session is not None:
            with contextlib.suppress(Exception):
                self.session.stop()


@contextlib.contextmanager
def engine_of_night(
    settings: Settings, variables: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[BuildFile | SparkConnect]:
    """The engine that the settings name, with all that dbt needs there.

    Raises:
        EngineLost, EngineRefused: see there.
    """
    if settings.engine != SPARK:
        yield BuildFile()
        return
    check(settings)
    engine = SparkConnect(settings, variables, say)
    try:
        engine.begin()
        yield engine
    finally:
        engine.end()


def check(settings: Settings) -> None:
    """Whether the settings of the engine can be used.

    Raises:
        EngineRefused: they cannot.
    """
    if settings.engine != SPARK:
        return
    if not settings.spark.startswith("sc://"):
        raise EngineRefused("CRLM_ENGINE=spark needs CRLM_SPARK=sc://host:port, the address of a Spark Connect server")
    if encryption_key() is not None:
        raise EngineRefused(
            "the build file is encrypted, and an engine would read raw records from plain files: unset CRLM_ENGINE, or do without the key"
        )
    if importlib.util.find_spec("dbt.adapters.spark") is None:
        raise EngineRefused(
            "CRLM_ENGINE=spark needs the packages of requirements-spark.lock: `make setup-spark`, or the extra `spark`"
        )


def dbt_environment_of_night(settings: Settings) -> dict[str, str]:
    """What dbt's process of a night reads from its environment, on whichever engine."""
    environment = dbt_environment(settings.build_file, settings.dbt_target, settings.dbt_project_dir)
    try:
        check(settings)
    except EngineRefused:
        # the night says so, at the step that needs it
        return environment
    if settings.engine != SPARK:
        return environment
    return environment | {
        "CRLM_DBT_TARGET": SPARK,
        "CRLM_SPARK": settings.spark,
        "CRLM_SPARK_FORMAT": settings.spark_format,
        "CRLM_SPARK_IDLE_MINUTES": str(settings.spark_idle_minutes),
        "CRLM_SPARK_SESSION": os.environ.get("CRLM_SPARK_SESSION") or str(uuid.uuid4()),
    }
