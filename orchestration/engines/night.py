"""Where a night's models are made: in the build file itself, or on an engine that gets the raw records and gives the tables back."""

import contextlib
import importlib.metadata
import importlib.util
import os
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.dbt_build.runs import dbt_environment, run_dbt
from orchestration.engines.leftovers import DELTA, SPARK, folder_of_night, make_folder_of_night, removed
from orchestration.engines.spark.session import (
    SESSION_ID,
    EngineLost,
    EngineRefused,
    check_address,
    connect,
    lost_or,
    said_of_loss,
    shown,
    version_of,
)
from orchestration.files.encryption import encryption_key
from orchestration.files.fingerprints import fingerprint_of_files
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import open_build_file

if TYPE_CHECKING:
    from orchestration.engines.spark.kept import KeptTables

KEPT, TABLES = "CRLM_SPARK_KEPT", "CRLM_SPARK_TABLES"
PARQUET = "parquet"
FORMATS = (PARQUET, DELTA)
FULL_REFRESH = "--full-refresh"
HOW_TO_KEEP = "CRLM_SPARK_FORMAT=delta keeps them by patient, where the engine has Delta tables"


class BuildFile:
    """DuckDB: dbt writes into the build file, and there is nothing to bring back."""

    is_build_file = True

    def told(self, arguments: Sequence[str]) -> list[str]:
        """dbt's arguments, as they are."""
        return list(arguments)

    def dbt_begins(self, process: subprocess.Popen) -> None:
        """Nothing to do: dbt ends with its parent."""

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
        self.session_id = os.environ[SESSION_ID]
        self.folder = folder_of_night(settings, self.session_id)
        self.session = None
        self.is_lost = False
        self.dbt: subprocess.Popen | None = None
        self.given: list[tuple[str, str]] = []
        self.build_id = ""
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
        from orchestration.engines.spark.tables import MADE, give, given_tables, id_of_build_file

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
        with self._folder_is_named():
            make_folder_of_night(self.settings, self.session_id)
        with open_build_file(self.settings.build_file) as connection:
            self.build_id = id_of_build_file(connection)
            self.given = given_tables(connection)
            give(connection, self.session, self.given, self.folder, self.settings.spark)
        os.environ[TABLES] = str(self.folder / MADE)
        self.say(f"raw records and seeds are with the engine at {self.where}; {self.keep()}")

    def keep(self) -> str:
        """Make known what the engine keeps of earlier nights, and say what the night computes.

        Raises:
            EngineLost: it does not answer. EngineRefused: it has no Delta tables, or cannot use their folder.
        """
        from orchestration.engines.spark import kept
        from orchestration.engines.spark.tables import MADE

        folder = self.settings.spark_folder_of_kept_tables
        try:
            if self.settings.spark_format != DELTA:
                self._say_what_is_left(removed(folder))
                kept.make_account(self.session, f"parquet LOCATION '{self.folder / MADE / kept.BUILT_PATIENTS}'")
                return f"every table is made anew there ({HOW_TO_KEEP})"
            self.kept_as = self._told_of_kept_tables()
            self.kept = self._known_tables(folder)
            self._say_what_is_left(self.kept.left)
        except kept.DeltaRefused:
            raise EngineRefused(
                f"CRLM_SPARK_FORMAT=delta, and the engine at {self.where} makes no Delta tables:"
                " unset it, or give the engine Delta Lake"
            ) from None
        except kept.DeltaFailed as failed:
            raise EngineRefused(
                f"CRLM_SPARK_FORMAT=delta, and the engine at {self.where} makes Delta tables, but none in {folder} ({failed}): its workers"
                " must be able to read and write there, as this machine's user"
            ) from None
        except Exception as error:
            raise lost_or(error, self.settings.spark, "create tables") from None
        os.environ[KEPT] = str(self.kept.folder)
        if self.kept.are_there:
            return "the rows of patients whose records changed are made anew there, the others are kept"
        return f"every table is made anew there, once: {self.kept.why_anew}"

    def _known_tables(self, folder: Path) -> "KeptTables":
        """What the engine keeps, in its catalogue; where it cannot read that any more, it keeps nothing.

        Raises:
            EngineRefused, DeltaRefused, DeltaFailed: see there.
        """
        from orchestration.engines.spark import kept

        with self._folder_is_named():
            tables = kept.kept_tables(folder, self.kept_as)
        try:
            kept.make_known(self.session, tables)
        except kept.DeltaFailed as failed:
            if not tables.are_there:
                raise
            with self._folder_is_named():
                tables = kept.none_yet(folder, f"those of the last night cannot be read any more ({failed})")
            kept.make_known(self.session, tables)
        return tables

    @contextlib.contextmanager
    def _folder_is_named(self) -> Iterator[None]:
        """A folder that this machine cannot use is no fault of the engine's."""
        try:
            yield
        except OSError as error:
            raise EngineRefused(
                f"this machine's user cannot use {self.settings.spark_folder_of_night} ({error.strerror or type(error).__name__}):"
                " CRLM_SPARK_FOLDER must name a folder in which the user of the nights may make folders, write and remove"
            ) from None

    def _told_of_kept_tables(self) -> dict[str, str]:
        """What tables that an earlier night kept were made by; where any of it is another now, they might be others."""
        translation = fingerprint_of_files(PROJECT_ROOT, ("orchestration/engines",))
        return {
            "rules": self.variables["derivation_version"],
            "build file": f"{self.settings.build_file} {self.build_id}",
            "engine": version_of(self.session),
            "translation": f"{translation}, sqlglot {importlib.metadata.version('sqlglot')}",
        }

    def dbt_begins(self, process: subprocess.Popen) -> None:
        """The process that makes tables there; it has ended when the night with this engine ends."""
        self.dbt = process

    def bring_back(self, manifest: Path) -> None:
        """Every table that dbt made, into the build file: all or none.

        Raises:
            EngineLost: it does not answer. EngineRefused: not all rows came back.
        """
        from orchestration.engines.spark.tables import fetch, made_tables, take

        tables = made_tables(manifest)
        there = fetch(self.session, tables, self.folder, self.settings.spark)
        with open_build_file(self.settings.build_file) as connection:
            take(connection, tables, self.folder, there)
            ((n_changed,),) = connection.execute("SELECT count(*) FROM intermediate.changed_patients").fetchall()
        if self.kept is not None:
            from orchestration.engines.spark import kept

            is_swept = kept.swept(self.session, self.kept)
            with self._folder_is_named():
                kept.remember(self.settings.spark_folder_of_kept_tables, self.kept, self.kept_as, is_swept)
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
        """Nothing is at work there any more, the copies are gone, and so are the engine's tables and the session; what is left is said.
        Each is done whatever came of those before it, an interruption too."""
        with contextlib.ExitStack() as each:
            # what is written last is done first
            each.callback(self._leave_environment)
            each.callback(lambda: self._say_what_is_left(removed(self.folder)))
            each.callback(self._stop)
            each.callback(self._drop)
            each.callback(removed, self.folder)
            each.callback(self._interrupt)
            each.callback(self._end_dbt)

    def _end_dbt(self) -> None:
        if self.dbt is not None and self.dbt.poll() is None:
            self.dbt.kill()
            self.dbt.wait()

    def _interrupt(self) -> None:
        """What still runs there would go on writing. Where nobody answers, nobody is asked again: each question would take a minute."""
        if self.session is None:
            return
        try:
            self.session.interruptAll()
        except Exception as error:
            self.is_lost = isinstance(lost_or(error, self.settings.spark), EngineLost)

    def _drop(self) -> None:
        from orchestration.engines.spark.tables import drop

        if self.session is None or not self.given:
            return
        names = [f"{schema}.{name}" for schema, name in self.given]
        session = None if self.is_lost else self.session
        if left := drop(session, names, self.settings.dbt_target / "manifest.json"):
            self.say(f"{len(left)} tables of this night are still with the engine at {self.where}: drop them there")

    def _stop(self) -> None:
        if self.session is not None and not self.is_lost:
            with contextlib.suppress(Exception):
                self.session.stop()

    def _leave_environment(self) -> None:
        for name in (SESSION_ID, KEPT, TABLES):
            os.environ.pop(name, None)

    def _say_what_is_left(self, left: str | None) -> None:
        if left:
            self.say(left)


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
    # each night's own, whatever the environment holds: a server's nights inherit its environment, and Spark takes no id twice
    os.environ[SESSION_ID] = str(uuid.uuid4())
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
    if not settings.spark:
        raise EngineRefused("CRLM_ENGINE=spark needs CRLM_SPARK=sc://host:port, the address of a Spark Connect server")
    check_address(settings.spark)
    if settings.spark_format not in FORMATS:
        raise EngineRefused(
            f"CRLM_SPARK_FORMAT={settings.spark_format[:40]!r} is none of {', '.join(FORMATS)}: tables of other formats would lie where no"
            " night finds them again"
        )
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
    }
