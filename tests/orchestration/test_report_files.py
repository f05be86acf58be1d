"""What the night writes beside the published warehouse: the report's files, and Explore's page where it may be."""

from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.commands import published
from orchestration.reporting import pages
from orchestration.reporting.drawing_beside import drawn_pages, start_drawing


@pytest.fixture
def stamp(monkeypatch) -> dict:
    told = {"n_patients": 60_000, "is_simulated": True, "published_at": datetime(2026, 3, 1), "data_hash": "x"}
    monkeypatch.setattr(pages, "report_context", lambda published_file: told)
    return told


def test_files_of_an_earlier_report_go_and_those_of_this_one_have_its_mode(tmp_path):
    folder = tmp_path / "report_files"
    pages._replace_files(folder, {"old.csv": b"1", "table.csv": b"1"}, 0o640)
    pages._replace_files(folder, {"table.csv": b"2"}, 0o640)
    assert [path.name for path in folder.iterdir()] == ["table.csv"]
    assert (folder / "table.csv").read_bytes() == b"2"
    assert (folder / "table.csv").stat().st_mode & 0o777 == 0o640
    assert folder.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("key", ["", "sixteen characters"])
def test_a_cohort_too_large_or_an_encrypted_warehouse_has_no_page_and_the_old_one_goes(
    stamp, tmp_path, monkeypatch, key
):
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", key)
    stamp["n_patients"] = 100 if key else 60_000
    page = tmp_path / "explore.html"
    page.touch()
    refusal = pages.write_explore(Path("never read"), page, 0o644, 5)
    assert refusal is not None and ("encrypted" in refusal if key else "60,000 patients are too many" in refusal)
    assert not page.exists()


def test_whoever_draws_the_report_anew_is_told_why_there_is_no_page_of_explore(stamp, tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CRLM_ENCRYPTION_KEY", raising=False)
    monkeypatch.setattr(published, "published_file", lambda as_of: tmp_path / "published" / "warehouse.duckdb")
    monkeypatch.setattr(pages, "write_report", lambda *drawn: None)
    said = CliRunner().invoke(published.commands, ["report"])
    assert said.exit_code == 0, said.output
    assert "No page of Explore: 60,000 patients are too many for a page (at most 50,000)" in said.output


def test_what_another_process_could_not_draw_the_night_draws_itself(tmp_path):
    drawing = start_drawing("tonight")
    drawing.begin(tmp_path / "nothing.duckdb", None, tmp_path / "report.html", 5)
    assert drawn_pages("tonight") is None
    assert drawn_pages("a run that had none started") is None
