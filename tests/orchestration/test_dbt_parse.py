"""dbt's parse is made once an installation and copied into each data folder; a broken cache costs a parse, nothing else."""

import sys
from pathlib import Path

import pytest

from orchestration.dbt_build.parse import current_parse, parse_fingerprint

# stands for dbt: notes that it was called, and writes what a parse leaves
DBT = """
import os, pathlib
target = pathlib.Path(os.environ["DBT_TARGET_PATH"])
for name in ("manifest.json", "partial_parse.msgpack"):
    (target / name).write_text("parsed")
with open(os.environ["CALLS"], "a") as calls:
    calls.write("x")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRLM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "model.sql").write_text("select 1")
    return tmp_path / "project"


def parse(project: Path, target: Path, study: str = "crlm") -> tuple[str, int]:
    """The manifest that came, and how often dbt has been called so far."""
    calls = project.parent / "calls"
    environment = {"DBT_TARGET_PATH": str(target), "CALLS": str(calls), "CRLM_DBT_TARGET": "build"}
    manifest = current_parse(target, project, {"study": study}, [sys.executable, "-c", DBT], environment)
    return manifest.read_text(), len(calls.read_text())


def test_a_second_data_folder_gets_the_first_ones_parse(project, tmp_path):
    assert parse(project, tmp_path / "a") == ("parsed", 1)
    assert parse(project, tmp_path / "a") == ("parsed", 1)
    assert parse(project, tmp_path / "b") == ("parsed", 1)


def test_another_study_or_a_changed_model_is_parsed(project, tmp_path):
    parse(project, tmp_path / "a")
    assert parse(project, tmp_path / "a", study="hcc") == ("parsed", 2)
    (project / "model.sql").write_text("select 2")
    assert parse(project, tmp_path / "a") == ("parsed", 3)


def test_a_cache_that_cannot_be_used_costs_a_parse_and_nothing_else(project, tmp_path, monkeypatch):
    parse(project, tmp_path / "a")
    (kept,) = (tmp_path / "cache" / "dbt_parses").iterdir()
    (kept / "partial_parse.msgpack").unlink()
    assert parse(project, tmp_path / "b") == ("parsed", 2)
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("CRLM_CACHE_DIR", str(tmp_path / "a file"))
    assert parse(project, tmp_path / "c") == ("parsed", 3)


def test_the_target_of_an_encrypted_file_is_another_parse(project):
    assert parse_fingerprint(project, {}, "build") != parse_fingerprint(project, {}, "encrypted")
