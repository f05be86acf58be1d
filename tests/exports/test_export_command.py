"""`crlm export`: several forms at once; what cannot be made is said."""

import pytest
from typer.testing import CliRunner

from orchestration.command_line import app


@pytest.fixture
def crlm(published, monkeypatch):
    monkeypatch.setenv("CRLM_DATA_DIR", str(published.parents[1]))
    return lambda *arguments: CliRunner().invoke(app, ["export", *map(str, arguments)], env={"COLUMNS": "200"})


def test_all_folders_at_once(crlm, tmp_path):
    done = crlm("--parquet", tmp_path / "p", "--adam", tmp_path / "a", "--cbioportal", tmp_path / "c")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "p" / "meta" / "publication.parquet").exists()
    assert (tmp_path / "a" / "adsl.json").exists() and (tmp_path / "c" / "meta_study.txt").exists()


def test_nothing_asked_for_is_a_mistake_and_a_shareable_file_that_is_not_there_is_named(crlm, tmp_path):
    assert crlm().exit_code == 2
    refused = crlm("--shareable", "--adam", tmp_path / "a")
    assert refused.exit_code == 1 and "shareable" in refused.output
