"""A wheel in a fresh environment, in a folder that is no checkout: it lands a simulated hospital and publishes the study."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT

NOT_IN_A_WHEEL = shutil.ignore_patterns(".git", ".venv", "data", "target", "logs", "__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """A new virtual environment with the wheel, its requirements borrowed from this one; nothing of the checkout is in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "borrowed_requirements.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    _command(folder, "crlm", "from crlm_warehouse import main; main()")
    _command(folder, "dbt", "from dbt.cli.main import cli; cli()")
    return folder


def _command(environment: Path, name: str, code: str) -> None:
    path = environment / "bin" / name
    path.write_text(f"#!{environment / 'bin' / 'python'}\n{code}\n", encoding="utf-8")
    path.chmod(0o755)


def test_the_wheel_brings_one_name_to_site_packages_and_every_folder_of_the_project_in_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"crlm_warehouse"}
    folders = {name.split("/")[2] for name in names if name.startswith("crlm_warehouse/folders/")}
    assert folders == {"orchestration", "dbt_project", "report_reader", "quality", "analysis", "simulated_hospital"}
    assert "crlm_warehouse/folders/dbt_project/dbt_project.yml" in names


def test_the_installed_command_lands_a_hospital_and_publishes_in_the_working_folder(environment, tmp_path):
    before = _files_of(environment)

    def crlm(*arguments: str) -> str:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("CRLM_", "PYTHON"))}
        done = subprocess.run(
            [str(environment / "bin" / "crlm"), *arguments], cwd=tmp_path, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    crlm("simulate", "--patients", "60")
    assert "Published 60 patients" in crlm("refresh")
    assert "60" in crlm("sql", "--csv", "SELECT count(*) FROM marts.index_operations")
    assert (tmp_path / "data" / "published" / "warehouse.duckdb").exists()
    assert _files_of(environment) == before, "a night wrote into site-packages"


def _files_of(environment: Path) -> set[str]:
    return {str(path) for path in environment.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
