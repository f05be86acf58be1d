"""What a night says when its engine cannot be used; of one that goes away in the middle of a night, see test_parity."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import grpc
import pytest

from orchestration.engines.night import check, dbt_environment_of_night, engine_of_night
from orchestration.engines.spark import report_reading, session
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


def test_a_server_that_is_not_there_is_named_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRLM_SPARK_SESSION", SESSION)
    night = engine_of_night(settings(tmp_path, spark=NOWHERE), {}, print)
    with pytest.raises(EngineLost, match=f"does not answer at {NOWHERE}: .*Start the engine again"), night:
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


def test_a_token_is_never_told():
    address = "sc://cluster:443/;use_ssl=true;token=secret"
    assert shown(address) == "sc://cluster:443"
    for words in ("UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED", "ExecutorLostFailure"):
        told = lost_or(RuntimeError(words), address)
        assert "sc://cluster:443" in str(told)
        assert "secret" not in str(told)


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

    def __init__(self, word: str = "", error: str = "") -> None:
        self.word, self.error = word, error

    def sql(self, statement: str) -> SimpleNamespace:
        if self.word and self.word in statement:
            raise RuntimeError(self.error)
        return SimpleNamespace(collect=lambda: [SimpleNamespace(name="raw.t", n=0)])


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


def test_an_engine_whose_workers_cannot_run_the_reader_is_refused_with_what_they_need(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report_reading, "register_report_reader", lambda _: None)
    engine = Engine("read_margin_statements", "ModuleNotFoundError: No module named 'yaml'")
    with pytest.raises(EngineRefused, match="cannot run the report reader.* PyYAML") as refused:
        report_reading.try_report_reader(engine, "sc://cluster:443")
    assert "4 mm" not in str(refused.value)


def test_settings_that_cannot_be_used_are_refused_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(EngineRefused, match="CRLM_SPARK=sc://host:port"):
        check(settings(tmp_path))
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen letters!")
    with pytest.raises(EngineRefused, match="encrypted"):
        check(settings(tmp_path, spark=NOWHERE))


def test_a_night_that_cannot_use_its_engine_still_parses_and_says_so_at_its_step(tmp_path: Path):
    assert dbt_environment_of_night(settings(tmp_path))["CRLM_DBT_TARGET"] == "build"
    assert dbt_environment_of_night(settings(tmp_path, spark=NOWHERE))["CRLM_DBT_TARGET"] == "spark"
