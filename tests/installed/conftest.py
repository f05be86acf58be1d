"""A wheel in a fresh environment, and the working folder of somebody who has nothing else."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT

NOT_IN_A_WHEEL = shutil.ignore_patterns(".git", ".venv", "data", "target", "logs", "__pycache__", "*.egg-info")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Built without a network by the build backend that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = shutil.copytree(PROJECT_ROOT, folder / "sources", ignore=NOT_IN_A_WHEEL)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "out")],
        cwd=sources,
        check=True,
        capture_output=True,
    )
    return next((folder / "out").glob("*.whl"))


@pytest.fixture(scope="session")
def environment(wheel, tmp_path_factory) -> Path:
    """A new virtual environment with the wheel, its requirements borrowed from this one; nothing of the checkout is in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
        # as pip does
        for file in archive.infolist():
            if file.external_attr >> 16 & 0o111:
                (packages / file.filename).chmod(0o755)
    (packages / "borrowed_requirements.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    _command(folder, "crlm", "import crlm_warehouse; crlm_warehouse.main()")
    _command(folder, "dbt", "import dbt.cli.main; dbt.cli.main.cli()")
    return folder


def _command(environment: Path, name: str, code: str) -> None:
    path = environment / "bin" / name
    # guarded like pip's: processes that this one spawns import it
    text = f"#!{environment / 'bin' / 'python'}\nif __name__ == '__main__':\n    {code}\n"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def files_of(environment: Path) -> set[str]:
    """Every file below a folder, but what Python compiles."""
    return {str(path) for path in environment.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="session")
def files_before(environment) -> set[str]:
    """What stands in the environment before any command runs."""
    return files_of(environment)


@pytest.fixture(scope="session")
def working_folder(tmp_path_factory) -> Path:
    """No checkout: `data` and `contracts` are made in it."""
    return tmp_path_factory.mktemp("working_folder")


@pytest.fixture(scope="session")
def crlm(environment, files_before, working_folder) -> Command:
    """The installed command line in the working folder, without any setting."""

    def crlm(*arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("CRLM_", "PYTHON"))}
        return subprocess.run(
            [str(environment / "bin" / "crlm"), *arguments],
            cwd=working_folder,
            env=variables | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    return crlm
