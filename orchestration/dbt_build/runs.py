"""How dbt is called: with which environment, from which folder, after whose parse. What it builds is said by its callers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestration.dbt_build.parse import current_parse
from orchestration.files.encryption import encryption_key
from orchestration.settings import PROJECT_ROOT


def dbt_executable() -> str:
    """The dbt of this very environment, whatever PATH says."""
    beside_python = Path(sys.executable).with_name("dbt")
    return str(beside_python) if beside_python.exists() else shutil.which("dbt") or "dbt"


def dbt_with_parent() -> str:
    """dbt by way of a script that ends it when this process ends, however that comes; where it may not be run, plain dbt."""
    script = Path(__file__).parent / "dbt_with_parent.sh"
    return str(script) if os.access(script, os.X_OK) else dbt_executable()


def dbt_command() -> list[str]:
    """dbt as this process runs it itself: it works in the build file's folder, and ends when this process does."""
    return [sys.executable, "-m", "orchestration.dbt_build.child"]


def path_with_reader() -> str:
    """PYTHONPATH for dbt, which loads the report reader as a plugin from beside this package."""
    return os.pathsep.join(
        dict.fromkeys([str(PROJECT_ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    )


def dbt_environment(build_file: Path, target: Path, dbt_project_dir: Path) -> dict[str, str]:
    """What a dbt process reads from its environment."""
    key = encryption_key()
    return {
        "CRLM_BUILD_PATH": str(build_file),
        "DBT_PROJECT_DIR": str(dbt_project_dir),
        "DBT_PROFILES_DIR": str(dbt_project_dir),
        "PYTHONPATH": path_with_reader(),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # at its default, debug, the log of one night is 9 MB
        "DBT_LOG_LEVEL_FILE": "info",
        # what waits for which test is found in a tenth of the time, and is the same
        "DBT_USE_FAST_TEST_EDGES": "true",
        "CRLM_PYTHON": sys.executable,
        "CRLM_DBT_TARGET": "build" if key is None else "encrypted",
        # dbt takes variables of this name for secrets, and leaves their values out of its logs
        "DBT_ENV_SECRET_ENCRYPTION_KEY": key or "",
        "CRLM_DBT_PARENT": str(os.getpid()),
    }


def run_dbt(
    build_file: Path,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    target: Path | None = None,
    dbt_project_dir: Path = PROJECT_ROOT / "dbt_project",
) -> subprocess.CompletedProcess[str]:
    """One dbt command on a build file, with what it printed; the caller looks at the return code.

    Args:
        target: dbt's working folder; default: `target` beside the build file.
    Raises:
        subprocess.CalledProcessError: the project cannot be parsed.
    """
    target = target or build_file.parent / "target"
    environment = os.environ | dbt_environment(build_file.resolve(), target.resolve(), dbt_project_dir)
    current_parse(target, dbt_project_dir, variables, dbt_command(), environment)
    return subprocess.run(
        [*dbt_command(), "--no-use-colors", *arguments, "--vars", json.dumps(dict(variables))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
