"""One night at a time, across processes, whoever started it; and a dbt that does not outlive its night."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.nights.lock import NightUnderWay, hold_until_exit, holder_of, whole_night
from orchestration.settings import PROJECT_ROOT
from tests.patience import PATIENCE_SECONDS, wait_until

HOLDER = """
import sys, pathlib
from orchestration.nights.lock import whole_night
with whole_night(pathlib.Path(sys.argv[1]), "crlm refresh", 0, print):
    print("has the night", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_night(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=PROJECT_ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == "has the night\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_start_is_told_whose_night_it_is_and_refused_when_its_patience_ends(tmp_path, other_night):
    said: list[str] = []
    with (
        pytest.raises(NightUnderWay, match=rf"process {other_night.pid} \(crlm refresh, since 20.. ?.*UTC\)"),
        whole_night(tmp_path, "second", 0.6, said.append),
    ):
        pass
    assert said
    assert all(f"waiting for process {other_night.pid}" in text for text in said)
    assert f"process {other_night.pid}" in holder_of(tmp_path)


def test_a_second_start_that_waits_gets_the_night_when_the_first_is_killed(tmp_path, other_night):
    def kill_the_first(_: str) -> None:
        other_night.kill()
        other_night.wait()

    with whole_night(tmp_path, "second", PATIENCE_SECONDS, kill_the_first):
        assert holder_of(tmp_path) is None
        # the steps of a night take it again
        assert not hold_until_exit(tmp_path, "a step", 0, print)
    with whole_night(tmp_path, "third", 0, print):
        pass


def test_dbt_ends_with_the_process_that_started_it(tmp_path):
    """The child stands for dbt: it would sleep for an hour; its parent is killed."""
    child = (
        "import os, threading, time; from orchestration.dbt_build.child import end_with_parent;"
        "threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start();"
        "print(os.getpid(), flush=True); time.sleep(3600)"
    )
    parent_code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    parent = subprocess.Popen([sys.executable, "-c", parent_code], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    child_id = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    try:
        wait_until(lambda: not is_running(child_id), "the child's end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child_id, signal.SIGKILL)


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_dagster_is_given_a_dbt_that_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path))
    from orchestration.dbt_build.arguments import prepare_dbt_environment
    from orchestration.dbt_build.runs import dbt_with_parent
    from orchestration.settings import load_settings

    prepare_dbt_environment(load_settings())
    told = subprocess.run(
        [dbt_with_parent(), "--version"], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert dbt_with_parent().endswith("dbt_with_parent.sh")
    assert "duckdb" in told.stdout
