"""Page and daemon as real processes: a port that is taken, an end at once, a schedule that fires, Dagster's storage in PostgreSQL."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
import yaml

from orchestration.page.dagster_yaml import dagster_yaml
from orchestration.page.service import port_is_free
from orchestration.settings import PROJECT_ROOT
from tests.databases.conftest import server  # noqa: F401  (a real PostgreSQL)
from tests.patience import PATIENCE_SECONDS, free_port, wait_until

CRLM = str(Path(sys.executable).with_name("crlm"))
SAID = "said.log"


def started(*arguments: str, data: Path, **variables: str) -> subprocess.Popen:
    """`crlm` on a data folder of its own, what it says in `said.log` there."""
    with (data / SAID).open("w") as said:
        return subprocess.Popen(
            [CRLM, *arguments],
            cwd=PROJECT_ROOT,
            env=os.environ | {"CRLM_DATA_DIR": str(data)} | variables,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def said_in(data: Path) -> str:
    return (data / SAID).read_text(encoding="utf-8")[-4000:]


def end(process: subprocess.Popen) -> None:
    """With all that it started: a night that the daemon has begun would outlive it."""
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class Scheduled(NamedTuple):
    """A daemon whose schedule begins a night every minute, its storage in a PostgreSQL."""

    data: Path
    url: str
    process: subprocess.Popen

    def runs(self) -> list[tuple]:
        import psycopg

        try:
            with psycopg.connect(self.url) as connection:
                return connection.execute("SELECT pipeline_name, status FROM runs").fetchall()
        except psycopg.Error:
            return []


@pytest.fixture(scope="module", autouse=True)
def scheduled(request, tmp_path_factory):
    """None where there is no PostgreSQL. Started before the first test: its minute passes while the others run."""
    try:
        server = request.getfixturevalue("server")
    except pytest.skip.Exception:
        yield None
        return
    server.run("CREATE DATABASE dagster")
    url = f"postgresql://owner:owner@127.0.0.1:{server.port}/dagster"
    data = tmp_path_factory.mktemp("scheduled")
    daemon = started("serve", "daemon", data=data, CRLM_NIGHTLY_CRON="* * * * *", CRLM_DAGSTER_POSTGRES_URL=url)
    yield Scheduled(data, url, daemon)
    end(daemon)


def is_answering(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/server_info", timeout=30) as response:
            return response.status == 200
    except OSError:
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


TOGETHER = """import sys; from orchestration.page.service import run_together
sys.exit(run_together([[sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(3600)"]]))"""


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_all_that_runs_side_by_side(asked):
    process = subprocess.Popen([sys.executable, "-c", TOGETHER], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "runs\n"
    process.send_signal(asked)
    # it ends when nobody can write there any more
    assert process.stdout.read() == ""
    assert process.wait(PATIENCE_SECONDS) == 0


def test_the_page_and_the_daemon_end_with_whoever_started_them(tmp_path):
    port = free_port()
    process = started("ui", "--port", str(port), data=tmp_path)
    try:
        wait_until(lambda: is_answering(port), "the page", process, lambda: said_in(tmp_path))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        end(process)
    assert port_is_free(port)
    # what was killed may take a moment to be gone
    wait_until(lambda: processes_of(tmp_path) == [], "the end of all", said=lambda: str(processes_of(tmp_path)))


def test_a_daemon_with_its_storage_in_postgresql_starts_a_night_by_the_schedule(scheduled):
    if scheduled is None:
        pytest.skip("PostgreSQL 15 is not installed (Debian: postgresql)")
    wait_until(lambda: bool(scheduled.runs()), "a night", scheduled.process, lambda: said_in(scheduled.data))
    assert scheduled.runs()[0][0] == "nightly_refresh"
    written = (scheduled.data / "dagster" / "dagster.yaml").read_text(encoding="utf-8")
    assert "password" not in written and scheduled.url not in dagster_yaml(True)
    assert not (scheduled.data / "dagster" / "history").exists(), "runs went into SQLite"


def test_dagster_yaml_lets_one_run_in_and_forgets_old_ticks():
    written = yaml.safe_load(dagster_yaml(in_postgres=False))
    assert written["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert written["retention"]["sensor"]["purge_after_days"]["skipped"] == 2
    assert "storage" not in written
