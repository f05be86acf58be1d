"""dbt as the project calls it, in processes that begin with dbt loaded: a server loads it once for all nights of a run of the tests
and forks for each. Loading it takes longer than the SQL of a night of sixty patients."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from orchestration.dbt_build.parse import current_parse
from orchestration.dbt_build.runs import dbt_command, dbt_environment
from orchestration.settings import PROJECT_ROOT

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["dbt.cli.main", "dbt.adapters.duckdb", "orchestration.dbt_build.child", "orchestration.reading.report_reading"]
)
PARENT = "CRLM_DBT_PARENT"


def _run(arguments: Sequence[str], environment: Mapping[str, str], said: Connection) -> None:
    from orchestration.dbt_build import child

    os.environ.clear()
    # it ends with its parent, which is the server
    os.environ.update({name: value for name, value in environment.items() if name != PARENT})
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.argv[:] = ["dbt", *arguments]
    try:
        child.main()
    finally:
        # this kind of process waits for its own children before it tells them to end: the report reader's would wait for texts for ever
        if batches := sys.modules.get("report_reader.batches"):
            batches.end_workers()


def forked_dbt(
    arguments: Sequence[str], environment: Mapping[str, str], kill_when: Callable[[str], bool] = lambda line: False
) -> subprocess.CompletedProcess[str]:
    """dbt with these arguments in this environment, and what it said; killed (SIGKILL) at the first line of which that is true."""
    hears, says = SERVER.Pipe(duplex=False)
    process = SERVER.Process(target=_run, args=(list(arguments), dict(environment), says))
    process.start()
    says.close()
    said = []
    with hears, os.fdopen(hears.fileno(), encoding="utf-8", errors="replace", closefd=False) as lines:
        for line in lines:
            said.append(line)
            if kill_when(line):
                process.kill()
                break
    process.join()
    return subprocess.CompletedProcess(["dbt", *arguments], process.exitcode, "".join(said))


def run_forked_dbt(
    build_file: Path, arguments: Sequence[str], variables: Mapping[str, str], target: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What `run_dbt` does, forked."""
    target, project = target or build_file.parent / "target", PROJECT_ROOT / "dbt_project"
    environment = os.environ | dbt_environment(build_file.resolve(), target.resolve(), project)
    current_parse(target, project, variables, dbt_command(), environment)
    return forked_dbt(["--no-use-colors", *arguments, "--vars", json.dumps(dict(variables))], environment)
