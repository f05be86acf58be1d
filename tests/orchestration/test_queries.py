"""`crlm sql`: what a query may do, and how its answer is printed."""

import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner

from orchestration.command_line import app
from orchestration.warehouse import ask_published


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    published = tmp_path / "published" / "warehouse.duckdb"
    (published.parent / "history").mkdir(parents=True)
    for path, estimate in ((published, 2.1), (published.parent / "history" / "20260301T020000000000Z.duckdb", 1.9)):
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                f"""CREATE SCHEMA results; CREATE TABLE results.hazard_ratios AS
                    SELECT 'liver_recurrence_at_any_time' AS endpoint, 'positive' AS term, {estimate}::DOUBLE AS hazard_ratio"""
            )
    return tmp_path


def crlm(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM results.hazard_ratios",
        "CREATE TABLE results.mine AS SELECT 1",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY results.hazard_ratios TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "SET enable_external_access = TRUE",
    ],
)
def test_a_query_can_neither_write_nor_reach_a_file(data_folder, tmp_path_factory, query):
    folder = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(duckdb.Error):
        ask_published(data_folder / "published" / "warehouse.duckdb", query.format(folder=folder))
    assert list(folder.iterdir()) == []


def test_a_wide_answer_is_a_paragraph_a_row_and_no_line_is_cut(data_folder):
    wide = ", ".join(f"'{'x' * 20}' AS column_number_{number}" for number in range(6))
    answer = crlm("sql", f"SELECT {wide}")
    assert answer.exit_code == 0
    assert answer.output.replace("\n", "").count("x" * 20) == 6 and "…" not in answer.output


def test_json_and_parquet_hold_what_the_query_answers(data_folder):
    query = "SELECT term, hazard_ratio FROM results.hazard_ratios"
    assert json.loads(crlm("sql", "--json", query).output) == [{"term": "positive", "hazard_ratio": 2.1}]
    file = data_folder / "answer.parquet"
    assert crlm("sql", "--parquet", str(file), query).exit_code == 0
    assert pd.read_parquet(file).to_dict("records") == [{"term": "positive", "hazard_ratio": 2.1}]


def test_as_of_asks_a_kept_publication_and_an_unknown_one_is_named(data_folder):
    query = "SELECT hazard_ratio FROM results.hazard_ratios"
    assert "1.9" in crlm("sql", "--csv", "--as-of", "2026-03-01", query).output
    unknown = crlm("sql", "--as-of", "1999", query)
    assert unknown.exit_code == 1
