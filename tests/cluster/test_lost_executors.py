"""Executors of Spark that are killed, one after the other, while the driver lives: needs Java and pyspark (`make parity-spark`)."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.cluster.hospitals import REFRESH, crlm, two_hospitals
from tests.cluster.spark_server import TWO_EXECUTORS, spark_server

pytestmark = pytest.mark.skipif(
    "SPARK_HOME" not in os.environ or shutil.which("java") is None, reason="needs Spark itself: run `make parity-spark`"
)
EXECUTOR = b"CoarseGrainedExecutorBackend"


def executors(driver: int) -> list[int]:
    """The processes of a driver's executors."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == driver and EXECUTOR in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_executors_that_are_killed_again_and_again_end_the_night_with_nothing_published(tmp_path: Path):
    hospital = two_hospitals(tmp_path / "hospital")
    log, is_over = hospital.settings.refresh_log, threading.Event()
    (tmp_path / "spark").mkdir()
    with (
        spark_server(tmp_path / "spark", TWO_EXECUTORS) as server,
        crlm(hospital, server.address, *REFRESH, CRLM_SPARK_IDLE_MINUTES="0.5") as night,
    ):

        def kill_executors() -> None:
            while not is_over.wait(0.5):
                for executor in executors(server.process.pid):
                    os.kill(executor, signal.SIGKILL)

        while "OK created sql" not in (log.read_text(encoding="utf-8") if log.exists() else ""):
            assert night.poll() is None, night.stdout.read()[-3000:]
            time.sleep(0.2)
        killer = threading.Thread(target=kill_executors)
        killer.start()
        try:
            said = " ".join(night.communicate(timeout=900)[0].split())
        finally:
            is_over.set()
            killer.join()
    assert night.returncode != 0
    assert "nothing was published" in said
    assert "the Spark Connect engine" in said, said[-3000:]
    assert "Start the engine again, then `crlm refresh`" in said
    assert "Traceback" not in said
    assert not hospital.settings.published_file.exists()
