"""What a night says and does when its engine cannot be used, or goes away."""

import time
from pathlib import Path

import duckdb
import pytest

from orchestration.engines.night import EngineRefused, check, dbt_environment_of_night, engine_of_night
from orchestration.engines.spark.session import EngineLost
from orchestration.settings import Settings
from tests.cluster.hospitals import REFRESH, crlm, two_hospitals
from tests.cluster.sail import sail_server

NOWHERE = "sc://127.0.0.1:1"


def settings(folder: Path, **told: str) -> Settings:
    return Settings(data_dir=folder, engine="spark", **told)


def test_a_server_that_is_killed_ends_the_night_with_nothing_published(tmp_path: Path):
    hospital = two_hospitals(tmp_path / "hospital")
    log = hospital.settings.refresh_log
    with sail_server(tmp_path / "sail.log") as server, crlm(hospital, server.address, *REFRESH) as night:
        # dbt's own words: the engine has begun to make tables
        while "OK created sql" not in (log.read_text(encoding="utf-8") if log.exists() else ""):
            assert night.poll() is None, night.stdout.read()[-3000:]
            time.sleep(0.2)
        server.kill()
        said = night.communicate(timeout=3600)[0]
    assert night.returncode != 0
    assert "nothing was published" in said
    assert f"the Spark Connect engine does not answer at {server.address}" in said, said[-3000:]
    assert not hospital.settings.published_file.exists()
    assert not list(hospital.settings.spark_folder_of_night.glob("*"))
    with duckdb.connect(str(hospital.settings.build_file), read_only=True) as build:
        assert build.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'marts'").fetchall() == [(0,)]


def test_a_server_that_is_not_there_is_named_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRLM_SPARK_SESSION", "00000000-0000-4000-8000-000000000000")
    night = engine_of_night(settings(tmp_path, spark=NOWHERE), {}, print)
    with pytest.raises(EngineLost, match=f"does not answer at {NOWHERE}"), night:
        pass


def test_settings_that_cannot_be_used_are_refused_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(EngineRefused, match="CRLM_SPARK=sc://host:port"):
        check(settings(tmp_path))
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen letters!")
    with pytest.raises(EngineRefused, match="encrypted"):
        check(settings(tmp_path, spark=NOWHERE))


def test_a_night_that_cannot_use_its_engine_still_parses_and_says_so_at_its_step(tmp_path: Path):
    assert dbt_environment_of_night(settings(tmp_path))["CRLM_DBT_TARGET"] == "build"
    assert dbt_environment_of_night(settings(tmp_path, spark=NOWHERE))["CRLM_DBT_TARGET"] == "spark"
