"""Page and daemon as real processes: a port that is taken, an end at once, a schedule that fires, Dagster's storage in PostgreSQL."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

from orchestration.page.dagster_yaml import dagster_yaml
from orchestration.page.service import port_is_free
from orchestration.settings import PROJECT_ROOT
from tests.databases.conftest import server  # noqa: F401  (a real PostgreSQL)

CRLM = str(Path(sys.executable).with_name("crlm"))


@pytest.fixture
def start(tmp_path):
    """Starts `crlm` with a data folder of its own; whatever is left at the end of the test is ended."""
    started: list[subprocess.Popen] = []

    def start(*arguments: str, **variables: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [CRLM, *arguments],
            cwd=PROJECT_ROOT,
            env=os.environ | {"CRLM_DATA_DIR": str(tmp_path)} | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def is_answering(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/server_info") as response:
            return response.status == 200
    except URLError:
        return False


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that work in the data folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (path / "environ").read_bytes(), (path / "cmdline").read_bytes()
        except OSError:
            continue
        if f"CRLM_DATA_DIR={folder}".encode() in environment and command:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = subprocess.run([CRLM, "ui", "--port", str(port)], capture_output=True, text=True)
    assert said.returncode == 1
    assert said.stderr.strip() == f"crlm: port {port} is taken: give another with --port"


def test_the_page_and_the_daemon_end_with_whoever_started_them(start, tmp_path):
    port = free_port()
    process = start("ui", "--port", str(port))
    wait_until(lambda: is_answering(port), "the page")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert port_is_free(port)
    assert processes_of(tmp_path) == []


def test_a_daemon_with_its_storage_in_postgresql_starts_a_night_by_the_schedule(start, tmp_path, server):  # noqa: F811
    import psycopg

    server.run("CREATE DATABASE dagster")
    url = f"postgresql://owner:owner@127.0.0.1:{server.port}/dagster"
    start("serve", "daemon", CRLM_NIGHTLY_CRON="* * * * *", CRLM_DAGSTER_POSTGRES_URL=url)

    def runs() -> list[tuple]:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("SELECT pipeline_name, status FROM runs").fetchall()
        except psycopg.Error:
            return []

    wait_until(lambda: bool(runs()), "a night")
    assert runs()[0][0] == "nightly_refresh"
    assert "password" not in (tmp_path / "dagster" / "dagster.yaml").read_text() and url not in dagster_yaml(True)
    assert not (tmp_path / "dagster" / "history").exists(), "runs went into SQLite"


def test_dagster_yaml_lets_one_run_in_and_forgets_old_ticks():
    written = yaml.safe_load(dagster_yaml(in_postgres=False))
    assert written["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert written["retention"]["sensor"]["purge_after_days"]["skipped"] == 2
    assert "storage" not in written
