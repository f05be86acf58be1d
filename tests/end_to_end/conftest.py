"""One simulated hospital of 1,776 patients taken down the whole road, once for all tests of this folder."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

# `make truth-at-scale` takes 50,000
PATIENTS = int(os.environ.get("CRLM_TRUTH_PATIENTS", "1776"))
SEED = 2012


@dataclass(frozen=True)
class Road:
    """A data folder after a refresh, and the command line that works on it."""

    data: Path
    first_refresh: str

    def crlm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return crlm(self.data, *arguments)

    def published(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.data / "published" / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(query).df()

    def restricted(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.data / "build" / "build.duckdb"), read_only=True) as connection:
            return connection.execute(query).df()

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.data / "truth" / f"{name}.csv", dtype={"mrn": str})


def crlm(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, on a data folder of its own."""
    environment = {**os.environ, "CRLM_DATA_DIR": str(data), "COLUMNS": "200", "CRLM_STUDY_ID_KEY": "a test's key"}
    return subprocess.run(
        [sys.executable, "-m", "orchestration.command_line", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    data = tmp_path_factory.mktemp("road")
    simulated = crlm(data, "simulate", "--patients", str(PATIENTS), "--seed", str(SEED), "--out", str(data))
    assert simulated.returncode == 0, simulated.stderr
    refreshed = crlm(data, "refresh")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    return Road(data, refreshed.stdout + refreshed.stderr)
