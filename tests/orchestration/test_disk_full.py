"""A disk that is full says so in whichever step it happens, and leaves yesterday's publication as it was.

The disk is full for a process that may write no file beyond a size: what the system answers is like what a full disk answers.
"""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_build.arguments import failed_nodes
from orchestration.settings import PROJECT_ROOT
from tests.incremental.hospital import small_hospital
from tests.orchestration.test_publication import build_file, publish_as  # noqa: F401 - a fixture

# what Python compiles it would cut off at the limit too, and every later process would stumble over it
PYTHON = (sys.executable, "-B")
LIMITED = """
import resource, signal, sys
from pathlib import Path
from orchestration.files.problems import DiskFull
build, what, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
from orchestration.publication.publish import publish
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
        [*PYTHON, "-c", LIMITED, str(build), what, str(limit)],
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


STEP_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import pandas as pd
from orchestration.spoken_errors import without_values
from tests.incremental.hospital import Hospital
hospital, what, limit = Hospital(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])

def take_in():
    from orchestration.ingestion.contract import read_hospitals
    from orchestration.ingestion.load_feed import load_feed
    from orchestration.warehouse import open_build_file
    with open_build_file(hospital.settings.build_file) as connection:
        for feed in ("registry", "follow_up", "vital_status"):
            load_feed(connection, hospital.settings.landing, read_hospitals(hospital.settings.contracts_dir).contracts, feed, "night 2")

def judge():
    from orchestration.assets.gates import judge as judge_stage
    judge_stage(hospital.settings, "landing", "night 2")

def worklist():
    from orchestration.review.worklist import write_worklist
    question = {"study_id": "P0123456789ab", "question_id": "q", "is_sample": False, "why": "open", "report_text": "Liver. " * 4000}
    write_worklist(pd.DataFrame([question]), ["positive"], hospital.settings.worklist_folder, Path("landing"))

def report():
    from orchestration.reporting import pages
    import analysis.report
    analysis.report.draw_report = lambda *inputs: analysis.report.DrawnReport("x" * 100_000, {})
    pages.report_frames = pages.report_context = lambda path: None
    pages.write_report(Path("none"), hospital.settings.report_file)

step = without_values({"take in": take_in, "judge": judge, "worklist": worklist, "report": report}[what])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    step()
except Exception as error:
    print(error)
"""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """Twenty patients taken in; a corrected registry waits."""
    small = small_hospital(tmp_path_factory.mktemp("full") / "hospital", 20)
    small.load()
    small.settings.report_file.parent.mkdir(parents=True, exist_ok=True)
    small.settings.report_file.write_text("yesterday's report")
    registry = (small.landed / "registry" / "hepatectomy_registry.csv").read_text(encoding="latin-1")
    small.land("registry/later.csv", registry.replace(",1,1,0,1,", ",2,1,0,1,"))
    return small


def rows_in(hospital) -> list[tuple]:
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        return connection.execute("SELECT count(*), count(DISTINCT run_id) FROM raw.registry").fetchall()


@pytest.mark.parametrize("step", ["take in", "judge", "worklist", "report"])
def test_every_step_says_that_the_disk_is_full_and_leaves_what_was_there(hospital, step):
    before = rows_in(hospital)
    done = subprocess.run(
        [*PYTHON, "-W", "ignore", "-c", STEP_ON_A_FULL_DISK, str(hospital.folder), step, str(1 << 13)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no space left" in done.stdout and "no record is lost" in done.stdout, done.stdout + done.stderr[-2000:]
    assert rows_in(hospital) == before
    assert hospital.settings.report_file.read_text() == "yesterday's report"


def test_dbt_on_a_full_disk_is_told_as_such(tmp_path):
    results = [
        {
            "status": "error",
            "unique_id": "model.crlm_warehouse.patients",
            "message": "IO Error: No space left on device",
        }
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    told = failed_nodes(tmp_path, tmp_path)
    assert "patients (DiskFull: no space left: make room" in told
