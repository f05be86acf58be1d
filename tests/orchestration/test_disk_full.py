"""A disk that is full says so in whichever step it happens, and leaves yesterday's publication as it was.

The disk is full for a process that may write no file beyond a size: what the system answers is like what a full disk answers.
"""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.orchestration.test_publication import build_file, publish_as  # noqa: F401 - a fixture

LIMITED = """
import resource, signal, sys
from pathlib import Path
from orchestration.file_problems import DiskFull
build, what, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
from orchestration.publish import publish
from orchestration.warehouse import open_build_file, write_table
import pandas as pd
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    if what == "publish":
        publish(build, build.parent / "published/warehouse.duckdb", build.parent / "published/history", "run-2", "code-1")
    else:
        with open_build_file(build) as connection:
            write_table(connection, "results", "table_one", pd.DataFrame({"a": range(2_000_000)}).assign(b=lambda f: f.a.astype(str)))
            connection.execute("CHECKPOINT")
except DiskFull as full:
    print("DiskFull:", full)
"""


def on_a_full_disk(build: Path, what: str, limit: int) -> str:
    told = subprocess.run(
        [sys.executable, "-c", LIMITED, str(build), what, str(limit)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout + told.stderr


@pytest.mark.parametrize("limit", [1 << 12, 1 << 17, 1 << 19])
def test_publishing_onto_a_full_disk_leaves_yesterdays_file(build_file, limit):  # noqa: F811
    publish_as(build_file, "run-1")
    folder = build_file.parent / "published"
    yesterday = (folder / "warehouse.duckdb").read_bytes()
    told = on_a_full_disk(build_file, "publish", limit)
    assert "DiskFull: no space left while writing" in told
    assert "no record is lost" in told
    assert (folder / "warehouse.duckdb").read_bytes() == yesterday
    assert not list(folder.glob("*.new*"))
    publish_as(build_file, "run-3")


def test_writing_results_onto_a_full_disk_says_so_and_the_build_file_can_be_used_again(build_file):  # noqa: F811
    assert "DiskFull: no space left" in on_a_full_disk(build_file, "results", build_file.stat().st_size + (1 << 20))
    with duckdb.connect(str(build_file)) as connection:
        assert connection.execute("SELECT count(*) FROM results.table_one").fetchall() == [(1,)]
