"""dbt as a child that ends with its parent: a refresh that is killed leaves no dbt behind that holds the build file.

Run as `python -m orchestration.dbt_build.child ARGUMENTS` (by dbt_with_parent.sh): dbt's own command line, and beside it a
thread that looks whether the parent is still there.
"""

import gc
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path

LOOK_EVERY_SECONDS = 0.25
KILLED = 137
WAITS = "CRLM_DBT_WAITS"
"""The variable by which dbt is told to wait before it opens the build file (waiting.py)."""
OBJECTS_BEFORE_A_LOOK = 100_000
"""How many new objects Python waits for before it looks for unused ones; at its default, 700, a build spends a tenth of its time so."""


def end_with_parent(parent: int) -> None:
    """End this process at once when its parent is no longer `parent`; DuckDB's log keeps the file whole, as after a kill."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    end_own_children()
    os._exit(KILLED)


def work_beside_build_file() -> None:
    """Name the build file by its name alone: dbt parses everything anew where a connection's path is another."""
    build_file = Path(os.environ.get("CRLM_BUILD_PATH", ""))
    if build_file.is_absolute():
        build_file.parent.mkdir(parents=True, exist_ok=True)
        os.chdir(build_file.parent)
        os.environ["CRLM_BUILD_PATH"] = build_file.name


def make_dbt_quick() -> None:
    """What dbt does for itself, done once or not at all (docs/performance.md); what it builds, tests and reports is the same."""
    from orchestration.dbt_build.quick_jinja import compile_once
    from orchestration.dbt_build.quick_tests import count_by_one_query
    from orchestration.dbt_build.unheard_events import make_only_what_is_heard

    make_only_what_is_heard()
    compile_once()
    count_by_one_query()
    if os.environ.get("DAGSTER_DBT_CLI"):
        leave_manifest_unwritten()


def leave_manifest_unwritten() -> None:
    """A night reads the manifest of the parse; dbt would write it twice more into the folder of the run, 3 MB each."""
    import dbt.parser.manifest
    import dbt.task.runnable

    for module in (dbt.parser.manifest, dbt.task.runnable):
        vars(module)["write_manifest"] = lambda *whatever: None


def end_own_children() -> None:
    """The report reader's processes have nothing left to do, and to wait until each has ended by itself takes a second or two."""
    for process in multiprocessing.active_children():
        process.kill()


def main() -> None:
    """dbt, watched."""
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK, 50, 100)
    work_beside_build_file()
    parent = int(os.environ.get("CRLM_DBT_PARENT") or os.getppid())
    threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
    if os.environ.get("CRLM_DBT_TARGET") == "spark":
        from orchestration.engines.spark.cursor import install

        install()
    from dbt.cli.main import cli

    make_dbt_quick()
    sys.argv[0] = "dbt"
    try:
        cli()
    finally:
        end_own_children()


if __name__ == "__main__":
    main()
