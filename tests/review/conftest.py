"""A review page as a process of its own, with three questions: two with reports, one without."""

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from orchestration.review.questions import Questionnaire, write_questions
from orchestration.settings import PROJECT_ROOT
from tests.patience import PATIENCE_SECONDS, free_port, wait_until

GROUPS = [
    {"name": "positive", "from_mm": 0, "is_from_included": True, "to_mm": 0, "is_to_included": True},
    {"name": "<1 mm", "from_mm": 0, "is_from_included": False, "to_mm": 1, "is_to_included": False},
    {"name": "1.0-9.9 mm", "from_mm": 1, "is_from_included": True, "to_mm": 10, "is_to_included": False},
    {"name": ">=10 mm", "from_mm": 10, "is_from_included": True, "to_mm": 1000000, "is_to_included": True},
]
SERVE = "import sys; from pathlib import Path; from orchestration.review.server import ReviewRoom, serve; \
serve(ReviewRoom(Path(sys.argv[1]), Path(sys.argv[2])), int(sys.argv[3]))"


def report(text: str, version: int = 1, is_current: bool = True) -> dict:
    return {
        "accession": "S04-17", "version": version, "status": "final", "is_current": is_current, "is_addendum": False,
        "reported": "2004-03-05 09:00", "paragraphs": [{"section": "diagnosis", "specimen": "A", "text": text}],
    }  # fmt: skip


def question(letter: str, why: str, *reports: dict, is_sample: bool = False) -> dict:
    return {
        "question_id": f"P00000000000{letter}:12345678", "study_id": f"P00000000000{letter}", "is_sample": is_sample, "why": why,
        "mrns": [f"90000{letter}"], "operation_date": "2004-03-01", "reports": list(reports), "words": ["Margin negative"],
    }  # fmt: skip


def look(letter: str, asks: str, **told: str) -> dict:
    known = {"day": "2006-01-02", "kind": told["kind"], "finding": "definite", "sites": told.get("sites", "not_stated"),
             "words": told.get("words", "")}  # fmt: skip
    return {
        "question_id": f"P00000000000{letter}:{asks}:12345678", "asks": asks, "study_id": f"P00000000000{letter}",
        "mrns": [f"90000{letter}"], "operation_date": "2004-03-01", "event_date": "2006-01-02", "looks": [known], **told,
    }  # fmt: skip


@pytest.fixture(scope="session")
def questionnaire() -> Questionnaire:
    amended = (report("Margin negative.", version=2), report("Margin: see note.", is_current=False))
    return Questionnaire(
        [
            question("a", "distance not given", *amended),
            question("b", "distance not given", report("Margin clear. <script>alert(1)</script>")),
            question("c", "no report", is_sample=False),
        ],
        GROUPS,
        [look("d", "site", kind="ct", words="retroperitoneum", proposed="peritoneum")],
        [look("e", "statement", kind="clinic_visit", sites="liver_elsewhere")],
        [{"name": name, "description": name.capitalize()} for name in ("liver", "lung", "peritoneum")],
    )


@dataclass
class Page:
    """A running page."""

    process: subprocess.Popen
    link: str
    port: int
    landed: Path


def start_page(folder: Path) -> Page:
    port = free_port()
    landing = folder / "landing" / "adjudication"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder / "build"), str(landing), str(port)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    link = process.stdout.readline().split()[-1]
    wait_until(lambda: is_listening(port), "the page", process)
    return Page(process, link, port, landing / "review")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def page_folder(tmp_path, questionnaire) -> Path:
    (tmp_path / "build").mkdir()
    write_questions(vars(questionnaire).items(), tmp_path / "build")
    return tmp_path


@pytest.fixture
def page(page_folder):
    running = start_page(page_folder)
    yield running
    running.process.kill()
    running.process.wait()


def read_link(link: str) -> str:
    with urlopen(link, timeout=PATIENCE_SECONDS) as response:
        return response.read().decode()
