"""The operator's tasks of docs/walkthroughs.md: see a night, see why one did not publish, mend it, ask whether all is well."""

import os
import subprocess
import sys
from pathlib import Path

from orchestration.page.service import port_is_free
from tests.walkthroughs.stage import Stage
from tests.walkthroughs.two_nights import HOSPITAL, land_corrections

OPERATOR = "operator"
CLEAR_LOOKS = 400


def land_clear_looks(data: Path, code: str) -> None:
    """A follow-up extract in which clear looks that came before come again under a code."""
    looks = data / HOSPITAL / "follow_up" / "follow_up.csv"
    land_corrections(looks, "of_tonight.csv", "finding", {"NED": code}, CLEAR_LOOKS)


def operator(stage: Stage) -> None:
    """A night on the page; one that must not be published, and the next."""
    land_clear_looks(stage.data, "suspicious")
    with stage.task(OPERATOR, "a night in which clear looks have another code: nothing is published", 1):
        said = stage.crlm("refresh", returns=1)
    stage.terminal_picture("operator_refused", "crlm refresh", said)
    port = next(number for number in range(3401, 3500) if port_is_free(number))
    page = subprocess.Popen(
        [sys.executable, "-m", "orchestration.command_line", "ui", "--port", str(port)],
        env={**os.environ, "CRLM_DATA_DIR": str(stage.data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        tab = stage.tab(1400, 900)
        while port_is_free(port):
            tab.wait_for_timeout(100)
        with stage.task(OPERATOR, "the nights that the command line ran, on the page", 1):
            tab.goto(f"http://localhost:{port}/runs")
            tab.get_by_text("Failure").first.wait_for(timeout=60_000)
        with stage.task(OPERATOR, "which check closed the gate, of what, and what to do", 2):
            tab.goto(f"http://localhost:{port}/assets/quality/landing_gate?view=checks")
            tab.get_by_text("expectations_of_landing").first.click(timeout=60_000)
            tab.get_by_text("Show Markdown").click(timeout=60_000)
            tab.get_by_text("few_records_are_corrected").first.wait_for(timeout=60_000)
        # the table fades in
        tab.wait_for_timeout(1_000)
        stage.picture(tab, "operator_check")
    finally:
        page.terminate()
        page.wait()
    land_clear_looks(stage.data, "NED")
    with stage.task(OPERATOR, "the mended file lands under its name: the next night publishes", 1):
        said = stage.crlm("refresh")
    assert "Published" in said or "Nothing new" in said, said
    with stage.task(OPERATOR, "is all well with the installation?", 1):
        stage.crlm("doctor")
