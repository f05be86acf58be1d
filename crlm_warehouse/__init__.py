"""The installed command. In a wheel the project's folders (`orchestration`, `analysis`, ...) lie inside this package, so that
no name of theirs collides with another distribution's; here they are put on the path, for this process and those it starts.

In a checkout there is nothing to do: the folders stand at its root, which an editable install has on the path.
"""

import os
import sys
from pathlib import Path

FOLDERS = Path(__file__).resolve().parent / "folders"


def make_folders_importable() -> None:
    """Put the wheel's folders on the path of this process and, by PYTHONPATH, of dbt and Dagster when it starts them."""
    if not FOLDERS.is_dir():
        return
    sys.path.insert(0, str(FOLDERS))
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(FOLDERS), *([others] if others else [])])


def main() -> None:
    """The `crlm` command."""
    make_folders_importable()
    # matrices are small here: more threads for one of them only wait for each other (endpoints are computed two at a time)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from orchestration.command_line import app

    app()
