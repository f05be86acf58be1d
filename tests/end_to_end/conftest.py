"""The whole road, once for all tests of this folder, and from the wheel: in a fresh environment, in a working folder without a
checkout, a simulated hospital of 888 patients lands its files, a second hospital joins it as docs/add_a_source.md tells, and one
night publishes both."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.end_to_end.add_a_source import Command, Followed, follow_page
from tests.end_to_end.wheel import built_wheel, files_of, make_environment

# half of the published cohort shows the same in fewer seconds; `make truth-at-scale` takes 50,000
PATIENTS = int(os.environ.get("CRLM_TRUTH_PATIENTS", "888"))
SEED = 2012


@dataclass(frozen=True)
class Road:
    """A data folder after a refresh, and the command line that works on it."""

    data: Path
    first_refresh: str
    crlm: Command

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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    make_environment(folder, wheel)
    return folder


@pytest.fixture(scope="session")
def files_before(environment: Path) -> set[str]:
    """What stands in the environment before any command runs."""
    return files_of(environment)


@pytest.fixture(scope="session")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No checkout: `data` and `contracts` are made in it."""
    return tmp_path_factory.mktemp("working_folder")


@pytest.fixture(scope="session")
def installed_crlm(environment: Path, files_before: set[str], working_folder: Path) -> Command:
    """The installed command line in the working folder, without any setting but those it is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRLM_", "PYTHON"))}

    def installed_crlm(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(environment / "bin" / "crlm"), *arguments],
            cwd=working_folder,
            env=kept | {"COLUMNS": "200"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return installed_crlm


@pytest.fixture(scope="session")
def followed(installed_crlm: Command, working_folder: Path) -> Followed:
    """The simulated hospital's files have landed, then Riverside's, and all is ready for the night."""
    simulated = installed_crlm("simulate", "--patients", str(PATIENTS), "--seed", str(SEED))
    assert simulated.returncode == 0, simulated.stderr
    return follow_page(installed_crlm, working_folder)


@pytest.fixture(scope="session")
def road(followed: Followed, installed_crlm: Command, working_folder: Path) -> Road:
    assert followed.mended.returncode == 0, followed.mended.stdout
    refreshed = installed_crlm("refresh")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    return Road(working_folder / "data", refreshed.stdout + refreshed.stderr, installed_crlm)
