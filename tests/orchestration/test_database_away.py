"""Dagster's PostgreSQL is gone: a line that says so, whoever starts, without its password; nothing is begun."""

import pytest
from typer.testing import CliRunner

from orchestration.command_line import app
from orchestration.doctor import ILL, examine
from orchestration.page.storage import problem_of_database
from orchestration.settings import load_settings

NOBODY_THERE = "postgresql://dagster:secret@127.0.0.1:9/dagster"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CRLM_DAGSTER_POSTGRES_URL", NOBODY_THERE)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    treatments = tmp_path / "landing" / "simulated_hospital" / "treatments" / "a.csv"
    treatments.parent.mkdir(parents=True)
    treatments.write_text("TREATMENT_ID;MRN\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("words", [["refresh"], ["serve", "daemon"], ["serve", "web"], ["ui"]], ids=" ".join)
def test_whoever_starts_is_told_in_one_line(data, words):
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 1
    (line,) = ended.stderr.strip().splitlines()
    assert "Dagster's database does not let us in at postgresql://dagster:***@127.0.0.1:9/dagster" in line
    assert not (data / "build" / "build.duckdb").exists()


def test_the_doctor_says_so_too(data):
    (found,) = [finding for finding in examine(load_settings()) if finding.what == "Dagster's store"]
    assert found.state == ILL and "does not let us in" in found.told and "secret" not in found.told + str(found.to_do)


def test_an_address_that_is_none_shows_no_password():
    problem = problem_of_database("postgres/secret@nowhere")
    assert "an address that is none" in problem and "secret" not in problem
