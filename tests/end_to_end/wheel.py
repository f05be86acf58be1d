"""The wheel, built from nothing but what belongs into it, and a fresh virtual environment with it."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from orchestration.settings import PROJECT_ROOT

# nothing else of the checkout is looked at: other tests and the linters write there meanwhile
FOLDERS = (
    "crlm_warehouse", "orchestration", "dbt_project", "report_reader", "quality", "analysis", "simulated_hospital",
)  # fmt: skip
FILES = ("pyproject.toml", "README.md", "LICENSE")


def built_wheel(folder: Path) -> Path:
    """Without a network, by the build backend that is installed."""
    sources = folder / "sources"
    for name in FOLDERS:
        shutil.copytree(
            PROJECT_ROOT / name, sources / name, ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
        )
    for name in FILES:
        shutil.copy(PROJECT_ROOT / name, sources)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "out")],
        cwd=sources,
        check=True,
        capture_output=True,
    )
    return next((folder / "out").glob("*.whl"))


def make_environment(folder: Path, wheel: Path) -> None:
    """A new virtual environment with the wheel, its requirements borrowed from this one; nothing of the checkout is in it."""
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


def _command(environment: Path, name: str, code: str) -> None:
    path = environment / "bin" / name
    # guarded like pip's: processes that this one spawns import it
    text = f"#!{environment / 'bin' / 'python'}\nif __name__ == '__main__':\n    {code}\n"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def files_of(environment: Path) -> set[str]:
    """Every file below a folder, but what Python compiles."""
    return {str(path) for path in environment.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
