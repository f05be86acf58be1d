"""dbt that is started while files are loaded: it leaves the build file alone until it is told, and works for those arguments only."""

import json

import duckdb
import pytest

from orchestration.dbt_build import waiting
from orchestration.dbt_build.arguments import DEFAULT_STUDY, current_manifest, dbt_variables
from orchestration.dbt_build.waiting import end_waiting_dbt, start_dbt_early, waiting_dbt
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import Settings
from tests.patience import wait_until


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    settings = Settings()
    settings.build_file.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.build_file)) as connection:
        create_raw_schema(connection)
    current_manifest(settings)
    variables = json.dumps(dbt_variables(settings, DEFAULT_STUDY))
    one_seed = ["seed", "--select", "studies", "--vars", variables]
    monkeypatch.setattr(waiting, "dbt_build_arguments", lambda settings: one_seed)
    yield settings
    end_waiting_dbt()


def tables_of_seeds(settings):
    with duckdb.connect(str(settings.build_file)) as connection:
        return connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'seeds'").fetchall()


def test_it_waits_with_the_build_file_and_goes_on_when_it_is_told(settings):
    start_dbt_early(settings)
    (started,) = waiting.WAITING
    # 'Concurrency' is the last that it says before it asks the build file
    for line in started.process.stdout:
        if json.loads(line)["info"]["name"] == "ConcurrencyLine":
            break
    assert tables_of_seeds(settings) == []

    dbt = waiting_dbt(started.arguments)
    dbt.go()
    said = [json.loads(line)["info"]["name"] for line in dbt.process.stdout]

    assert dbt is started and waiting.WAITING == []
    assert dbt.process.wait() == 0
    assert "LogSeedResult" in said
    assert (dbt.target / "run_results.json").exists()
    assert tables_of_seeds(settings) == [("studies",)]


def test_it_is_ended_where_the_step_wants_another(settings):
    start_dbt_early(settings)
    (started,) = waiting.WAITING

    assert waiting_dbt([*started.arguments, "--full-refresh"]) is None
    assert started.process.poll() is not None
    assert waiting.WAITING == []


def test_it_ends_with_the_night(settings):
    """A night that is killed closes its end of the pipe."""
    start_dbt_early(settings)
    (started,) = waiting.WAITING
    started.process.stdin.close()
    said = started.process.stdout.read()

    wait_until(lambda: started.process.poll() is not None, "its end")
    assert started.process.returncode != 0, said
    assert tables_of_seeds(settings) == []


def test_what_stands_in_the_way_is_left_to_the_step(settings, monkeypatch):
    def broken(settings):
        raise duckdb.IOException("another process has the file")

    monkeypatch.setattr(waiting, "dbt_build_arguments", broken)
    start_dbt_early(settings)

    assert waiting.WAITING == []
