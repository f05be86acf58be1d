"""What a night says when its engine cannot be used; of one that goes away in the middle of a night, see test_parity."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import grpc
import pytest

from orchestration.engines import night
from orchestration.engines.night import SparkConnect, check, dbt_environment_of_night, engine_of_night
from orchestration.engines.spark import report_reading, session
from orchestration.engines.spark.kept import remember
from orchestration.engines.spark.session import EngineLost, EngineRefused, connect, lost_or, shown
from orchestration.engines.spark.tables import give
from orchestration.settings import Settings

NOWHERE = "sc://127.0.0.1:1"
SESSION = "00000000-0000-4000-8000-000000000000"


def settings(folder: Path, **told: str) -> Settings:
    return Settings(data_dir=folder, engine="spark", **told)


class Refusing(grpc.GenericRpcHandler):
    """A server that answers everything with one error."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code = code

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(self.code, "no"))


@contextmanager
def refusing_server(code: grpc.StatusCode) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Refusing(code)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"sc://127.0.0.1:{port}"
    server.stop(None)


def test_a_server_that_is_not_there_is_named_within_seconds(tmp_path: Path):
    a_night = engine_of_night(settings(tmp_path, spark=NOWHERE), {}, print)
    with pytest.raises(EngineLost, match=f"does not answer at {NOWHERE}: .*Start the engine again"), a_night:
        pass


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "refuses the token"),
        (grpc.StatusCode.PERMISSION_DENIED, "does not let this user use it"),
    ],
)
def test_a_server_that_refuses_is_told_from_one_that_is_not_there(code: grpc.StatusCode, word: str):
    with refusing_server(code) as address, pytest.raises(EngineRefused, match=word):
        connect(address, SESSION)


def test_what_is_no_address_is_said_with_one_that_is(tmp_path: Path):
    with pytest.raises(EngineRefused, match="looks like sc://host:15002"):
        connect("sc://host:port", SESSION)
    with pytest.raises(EngineRefused, match="looks like sc://host:15002"):
        connect("sc://host:15002/a/path", SESSION)


WELL_FORMED = "sc://host:443/;use_ssl=true;token=SECRET"


@pytest.mark.parametrize(
    ("address", "told_as"),
    [
        (WELL_FORMED, "sc://host:443"),
        ("sc://[::1]:443/;token=SECRET", "sc://[::1]:443"),
        ("sc://host:443;use_ssl=true;token=SECRET", "sc://host:443"),
        ("sc://host;token=SECRET", "sc://host"),
        ("sc://host:443/?token=SECRET", "sc://host:443"),
        ("sc://host/x;token=SECRET", "sc://host"),
        ("sc://host:443/;token=SECRET;", "sc://host:443"),
        ("sc://user:SECRET@host", "sc://host"),
        ("sc://user:SECRET@host:443/;token=SECRET", "sc://host:443"),
        ("sc://host;token=a@SECRET", "sc://..."),
        ("sc://SECRET/a@host", "sc://..."),
        ("https://host/?token=SECRET", "sc://..."),
    ],
)
def test_a_token_is_never_told(address: str, told_as: str, tmp_path: Path):
    assert shown(address) == told_as
    for words in ("UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED", "ExecutorLostFailure"):
        told = str(lost_or(RuntimeError(words), address))
        assert told_as in told
        assert "SECRET" not in told
    if address not in (WELL_FORMED, "sc://[::1]:443/;token=SECRET"):
        # nobody takes it for an address, and nothing of it goes anywhere
        for refuses in (lambda: check(settings(tmp_path, spark=address)), lambda: connect(address, SESSION)):
            with pytest.raises(EngineRefused, match="looks like sc://host:15002") as refused:
                refuses()
            assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "address", [NOWHERE, "sc://host", "sc://host:15002/", "sc://10.0.0.1/;use_ssl=true", WELL_FORMED]
)
def test_what_is_an_address_is_taken_for_one(address: str, tmp_path: Path):
    check(settings(tmp_path, spark=address))


def test_each_night_has_a_session_of_its_own_whatever_the_environment_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A server of Dagster's lives for months, its nights inherit its environment, and Spark takes no session's id twice."""
    asked_for: list[str] = []

    def no_engine(address: str, session_id: str, *_: object):
        asked_for.append(session_id)
        raise EngineLost("away")

    monkeypatch.setattr(night, "connect", no_engine)
    for _ in range(2):
        monkeypatch.setenv("CRLM_SPARK_SESSION", SESSION)
        with pytest.raises(EngineLost), engine_of_night(settings(tmp_path, spark=NOWHERE), {}, print):
            pass
        assert "CRLM_SPARK_SESSION" not in os.environ
    assert len({SESSION, *asked_for}) == 3


def test_a_server_that_may_want_tls_is_said_so():
    told = str(lost_or(RuntimeError("UNAVAILABLE"), "sc://cluster:443"))
    assert "use_ssl=true;token=..." in told
    assert "\n" not in told


def test_an_engine_too_old_is_refused_by_its_version(engine: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "version_of", lambda _: "3.5.1 0123456")
    with pytest.raises(EngineRefused, match=r"is Spark 3\.5\.1: Spark 4\.0 or later"):
        connect(engine, SESSION)


class Engine:
    """A session that says `error` to whatever has `word` in it, and counts no rows."""

    is_interrupted = is_stopped = False

    def __init__(self, word: str = "", error: str | BaseException = "") -> None:
        self.word, self.error = word, error
        self.interruptAll = self.interrupt

    def sql(self, statement: str) -> SimpleNamespace:
        if self.word and self.word in statement:
            raise self.error if isinstance(self.error, BaseException) else RuntimeError(self.error)
        if "version()" in statement:
            return SimpleNamespace(collect=lambda: [("4.1.3 0123456",)])
        return SimpleNamespace(collect=lambda: [SimpleNamespace(name="raw.t", n=0)])

    def interrupt(self) -> None:
        self.is_interrupted = True
        raise RuntimeError("this engine interrupts nothing")

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def records() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 'a record' AS words")
        yield connection


def test_a_user_who_may_not_create_schemas_is_told_what_is_needed(records, tmp_path: Path):
    engine = Engine("CREATE DATABASE", "[INSUFFICIENT_PERMISSIONS] User does not have CREATE SCHEMA on Catalog 'main'")
    with pytest.raises(EngineRefused, match="does not let this user create schemas"):
        give(records, engine, [("raw", "t")], tmp_path / "night", "sc://cluster:443")


def test_an_engine_that_does_not_see_the_folder_is_refused_before_anything_is_built(records, tmp_path: Path):
    with pytest.raises(EngineRefused, match=r"does not see .*\(raw\.t\).*CRLM_SPARK_FOLDER"):
        give(records, Engine(), [("raw", "t")], tmp_path / "night", "sc://cluster:443")


class Elsewhere:
    """An engine that sees another folder of that name, in which there is nothing, or nothing yet when it looks for rows."""

    def __init__(self, spark, folder: Path, sees_until: str) -> None:
        self.spark, self.folder, self.sees_until = spark, folder, sees_until

    def sql(self, statement: str):
        if self.sees_until in statement:
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.spark.sql(statement)


@pytest.mark.parametrize("sees_until", ["CREATE TABLE", "count(*)"])
def test_an_engine_that_sees_another_folder_is_told_so_whatever_it_says_of_it(
    records, spark, tmp_path: Path, sees_until: str
):
    """Sail finds no row; Spark cannot tell the columns of a table without a file, and fails."""
    engine = Elsewhere(spark, tmp_path / "night", sees_until)
    with pytest.raises(EngineRefused, match=r"does not see .*CRLM_SPARK_FOLDER must name"):
        give(records, engine, [("raw", "t")], tmp_path / "night", "sc://cluster:443")
    spark.sql("DROP TABLE IF EXISTS raw.t").collect()


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("CREATE TABLE", "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet.", "UNABLE_TO_INFER_SCHEMA"),
        ("count(*)", "[FAILED_READ_FILE.FILE_NOT_EXIST] /lake/raw/t.parquet", r"FAILED_READ_FILE\.FILE_NOT_EXIST"),
        ("count(*)", "java.io.FileNotFoundException: /lake/raw/t.parquet (Permission denied)", "permission denied"),
        ("CREATE TABLE", "Generic LocalFileSystem error: Permission denied (os error 13)", "permission denied"),
        ("count(*)", "Job aborted due to stage failure", "RuntimeError"),
    ],
)
def test_what_an_engine_says_of_a_folder_that_it_cannot_read_becomes_one_sentence(
    records, tmp_path: Path, word: str, error: str, told: str
):
    with pytest.raises(
        EngineRefused, match=rf"does not see .*\({told}\).* workers must be this machine's user"
    ) as refused:
        give(records, Engine(word, error), [("raw", "t")], tmp_path / "night", "sc://cluster:443")
    assert "lake" not in str(refused.value)


def test_an_engine_that_is_lost_while_it_looks_is_lost(records, tmp_path: Path):
    with pytest.raises(EngineLost, match="does not answer"):
        give(records, Engine("count(*)", "UNAVAILABLE"), [("raw", "t")], tmp_path / "night", "sc://cluster:443")
    with pytest.raises(EngineRefused, match="does not let this user"):
        give(records, Engine("CREATE TABLE", "PERMISSION_DENIED"), [("raw", "t")], tmp_path / "n", "sc://cluster:443")


def test_an_engine_whose_workers_cannot_run_the_reader_is_refused_with_what_they_need(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report_reading, "register_report_reader", lambda _: None)
    engine = Engine("read_margin_statements", "ModuleNotFoundError: No module named 'yaml'")
    with pytest.raises(EngineRefused, match="cannot run the report reader.* PyYAML") as refused:
        report_reading.try_report_reader(engine, "sc://cluster:443")
    assert "4 mm" not in str(refused.value)


def test_settings_that_cannot_be_used_are_refused_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(EngineRefused, match="CRLM_SPARK=sc://host:port"):
        check(settings(tmp_path))
    with pytest.raises(EngineRefused, match="CRLM_SPARK_FORMAT='orc' is none of parquet, delta"):
        check(settings(tmp_path, spark=NOWHERE, spark_format="ORC"))
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen letters!")
    with pytest.raises(EngineRefused, match="encrypted"):
        check(settings(tmp_path, spark=NOWHERE))


def test_a_night_that_cannot_use_its_engine_still_parses_and_says_so_at_its_step(tmp_path: Path):
    assert dbt_environment_of_night(settings(tmp_path))["CRLM_DBT_TARGET"] == "build"
    assert dbt_environment_of_night(settings(tmp_path, spark=NOWHERE))["CRLM_DBT_TARGET"] == "spark"


said: list[str] = []


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SparkConnect:
    """A night that keeps Delta tables and has put its copies where the engine reads them."""
    monkeypatch.setenv("CRLM_SPARK_SESSION", SESSION)
    monkeypatch.setenv("CRLM_SPARK_TABLES", "somewhere")
    monkeypatch.setenv("CRLM_SPARK_KEPT", "somewhere")
    engine = SparkConnect(
        settings(tmp_path, spark=NOWHERE, spark_format="delta"), {"derivation_version": "1"}, said.append
    )
    engine.session, engine.given = Engine(), [("raw", "t")]
    (engine.folder / "raw").mkdir(parents=True)
    (engine.folder / "raw" / "t.parquet").write_bytes(b"a record")
    said.clear()
    return engine


def test_the_copies_are_gone_and_nothing_is_at_work_any_more_although_the_night_is_interrupted_at_its_end(
    begun: SparkConnect,
):
    begun.session = Engine("DROP TABLE", KeyboardInterrupt())
    with subprocess.Popen(["sleep", "3600"]) as dbt:
        begun.dbt_begins(dbt)
        with pytest.raises(KeyboardInterrupt):
            begun.end()
        is_at_work = dbt.poll() is None
        dbt.kill()
    assert not is_at_work
    assert not begun.folder.exists()
    assert begun.session.is_interrupted
    assert begun.session.is_stopped
    assert not {"CRLM_SPARK_SESSION", "CRLM_SPARK_TABLES", "CRLM_SPARK_KEPT"} & os.environ.keys()


def test_an_engine_that_does_not_answer_any_more_is_asked_once_and_the_copies_are_gone(begun: SparkConnect):
    def does_not_answer() -> None:
        raise RuntimeError("UNAVAILABLE")

    begun.session = Engine()
    begun.session.sql = pytest.fail
    begun.session.interruptAll = does_not_answer
    begun.end()
    assert not begun.folder.exists()
    assert not begun.session.is_stopped
    assert said == ["3 tables of this night are still with the engine at sc://127.0.0.1:1: drop them there"]


def test_copies_that_cannot_be_removed_are_told_of(begun: SparkConnect, monkeypatch: pytest.MonkeyPatch):
    """The engine's workers run as another user, and what they wrote is theirs."""
    monkeypatch.setattr("orchestration.engines.leftovers.shutil.rmtree", lambda folder, ignore_errors: None)
    begun.end()
    assert said == [
        f"copies of records are still in {begun.folder}: they belong to another user of this machine, who must remove them"
    ]


def test_an_engine_without_delta_is_told_from_one_that_failed_at_something_else(begun: SparkConnect):
    begun.session = Engine("USING delta", "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta")
    with pytest.raises(EngineRefused, match="makes no Delta tables: unset it"):
        begun.keep()
    begun.session = Engine("USING delta", "UNAVAILABLE")
    with pytest.raises(EngineLost, match="does not answer"):
        begun.keep()
    begun.session = Engine("version()", "no such function")
    with pytest.raises(RuntimeError, match="no such function"):
        begun.keep()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Log storage error: Unable to create dir: Permission denied (os error 13)", "permission denied"),
        ("[DELTA_INVALID_LOG] no words of a record", "DELTA_INVALID_LOG"),
    ],
)
def test_an_engine_that_knows_delta_and_cannot_make_a_table_in_the_folder_is_told_which(
    begun: SparkConnect, error: str, kind: str
):
    begun.session = Engine("USING delta", error)
    with pytest.raises(EngineRefused, match=rf"makes Delta tables, but none in .*/kept \({kind}\): its workers"):
        begun.keep()


def test_tables_of_the_last_night_that_the_engine_cannot_read_any_more_are_made_anew(begun: SparkConnect):
    begun.keep()
    folder, last = begun.settings.spark_folder_of_kept_tables, begun.kept
    (last.folder / "marts.t" / "_delta_log").mkdir(parents=True)
    remember(folder, last, begun.kept_as)
    begun.session = Engine("marts.t USING delta", "Invalid JSON in log record, version=0")
    told = begun.keep()
    assert told == (
        "every table is made anew there, once: those of the last night cannot be read any more (RuntimeError)"
    )
    assert begun.kept.folder != last.folder
    assert not last.folder.exists()


def test_a_folder_that_cannot_be_used_is_no_fault_of_the_engines(begun: SparkConnect, monkeypatch: pytest.MonkeyPatch):
    def no_folder(*_: object):
        raise ConnectionRefusedError(111, "Connection refused", "a folder of the network")

    monkeypatch.setattr("orchestration.engines.spark.kept.kept_tables", no_folder)
    with pytest.raises(EngineRefused, match=r"cannot use .*spark \(Connection refused\): CRLM_SPARK_FOLDER must"):
        begun.keep()


def test_a_folder_in_which_this_user_cannot_write_is_named_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("CRLM_SPARK_SESSION", SESSION)
    engine = SparkConnect(settings(tmp_path, spark=NOWHERE, spark_folder=str(tmp_path / "a file")), {}, print)
    monkeypatch.setattr(night, "connect", lambda *_: Engine())
    monkeypatch.setattr(report_reading, "try_report_reader", lambda *_: None)
    monkeypatch.setattr(night, "run_dbt", lambda *_, **__: SimpleNamespace(returncode=0))
    with pytest.raises(EngineRefused, match=r"cannot use .*/a file \(File exists\): CRLM_SPARK_FOLDER must name"):
        engine.begin()
