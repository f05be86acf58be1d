"""Where a night's models are made: in the build file itself, or on an engine that gets the raw records and gives the tables back."""

import contextlib
import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from orchestration.dbt_build.runs import dbt_environment, run_dbt
from orchestration.files.encryption import encryption_key
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file

SPARK = "spark"


class EngineRefused(Exception):
    """The settings of the engine cannot be used; the message says what to set."""


class BuildFile:
    """DuckDB: dbt writes into the build file, and there is nothing to bring back."""

    arguments: tuple[str, ...] = ()
    is_build_file = True

    def bring_back(self, manifest: Path) -> None:
        """Nothing to do."""

    def objection(self) -> str | None:
        """What is wrong with the engine itself, where dbt failed."""
        return None


class SparkConnect:
    """A Spark Connect server: one session for the night, shared by dbt's process and this one."""

    # every table anew; the first failure ends the build: without its engine each further model would wait for it too
    arguments = ("--full-refresh", "--fail-fast")
    is_build_file = False

    def __init__(self, settings: Settings, variables: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.settings, self.variables, self.say = settings, variables, say
        self.session_id = os.environ["CRLM_SPARK_SESSION"]
        self.folder = settings.spark_folder_of_night / self.session_id
        self.session = None
        self.given: list[tuple[str, str]] = []

    def begin(self) -> None:
        """Seeds into the build file, then raw records and seeds to the engine.

        Raises:
            EngineLost, EngineRefused: see there.
        """
        from orchestration.engines.spark.session import connect
        from orchestration.engines.spark.tables import give, given_tables

        self.session = connect(self.settings.spark, self.session_id)
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
        self.say(f"raw records and seeds are with the engine at {self.settings.spark}; every table is made anew there")

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
        self.say(f"{len(tables)} tables are back in the build file")

    def objection(self) -> str | None:
        """That the engine does not answer, where it does not."""
        from orchestration.engines.spark.session import EngineLost, connect

        try:
            connect(self.settings.spark, self.session_id)
        except EngineLost as lost:
            return (
                f"{lost}: the night ends here, and nothing is published. Start the engine again, then `crlm refresh`."
            )
        return None

    def end(self) -> None:
        """Forget the copies, the engine's tables and the session, whatever happened; what the engine keeps is said."""
        from orchestration.engines.spark.tables import drop, forget

        if self.session is not None and self.given:
            names = [f"{schema}.{name}" for schema, name in self.given]
            left = drop(self.session, names, self.settings.dbt_target / "manifest.json")
            if left:
                self.say(
                    f"{len(left)} tables of this night are still with the engine at {self.settings.spark}: drop them there"
                )
        forget(self.folder)
        os.environ.pop("CRLM_SPARK_SESSION", None)
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
        "CRLM_SPARK_SESSION": os.environ.get("CRLM_SPARK_SESSION") or str(uuid.uuid4()),
    }
