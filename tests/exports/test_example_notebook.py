"""The example notebook as a script, on a published file of literal results."""

import os
import subprocess
import sys

import duckdb
import pytest

from analysis.patients.plan import PLAN_TABLES
from orchestration.settings import PROJECT_ROOT
from tests.analysis.report_builders import fake_results

marimo = pytest.importorskip("marimo", reason="marimo is not installed: pip install .[notebook]")
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds" / "definitions"
NOTEBOOK = PROJECT_ROOT / "docs" / "examples" / "three_figures.py"
SHOWN = """
import runpy, sys
app = runpy.run_path(sys.argv[1])["app"]
_, defined = app.run()
for name in ("recurrence", "ratios", "patterns"):
    chart = defined[name].to_dict()
    print(name, sum(len(rows) for rows in chart["datasets"].values()) > 0)
"""


def test_it_draws_the_three_figures_from_the_published_file(tmp_path):
    published = tmp_path / "published" / "warehouse.duckdb"
    published.parent.mkdir()
    with duckdb.connect(str(published)) as connection:
        connection.execute("CREATE SCHEMA results")
        for table in ("cumulative_incidence", "published_comparison", "recurrence_patterns"):
            connection.register("rows", fake_results()[table])
            connection.execute(f"CREATE TABLE results.{table} AS FROM rows")
        connection.execute("CREATE SCHEMA meta")
        for table in PLAN_TABLES:
            connection.execute(f"CREATE TABLE meta.{table} AS FROM read_csv('{SEEDS / table}.csv', all_varchar = TRUE)")
    environment = {**os.environ, "CRLM_DATA_DIR": str(tmp_path), "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, str(NOTEBOOK)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["recurrence", "True", "ratios", "True", "patterns", "True"]


def test_what_it_takes_is_ten_lines():
    body = NOTEBOOK.read_text(encoding="utf-8").split("def _():")[1].split("return")[0]
    assert sum(bool(line.strip()) for line in body.splitlines()) <= 10
