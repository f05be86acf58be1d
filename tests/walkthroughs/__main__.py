"""Does every task of docs/walkthroughs.md on a data folder with two publications and questions, and writes docs/pictures.

    python -m tests.walkthroughs DATA_FOLDER [PICTURES_FOLDER [analyst|coordinator|surgeon|operator]]

The tasks answer questions in DATA_FOLDER's landing folder: give it a copy.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from orchestration.page.service import port_is_free
from tests.walkthroughs.operators_night import operator
from tests.walkthroughs.stage import CHROMIUM, Stage

ANALYST, COORDINATOR, SURGEON = "analyst", "coordinator", "surgeon"


def analyst(stage: Stage) -> None:
    """What is the number, why did it change, who was it, take it elsewhere."""
    query = (
        "SELECT endpoint, round(hazard_ratio, 2) AS ratio, round(conf_low, 2) AS low, round(conf_high, 2) AS high, n_event"
        " FROM results.hazard_ratios"
        " WHERE model = 'adjusted' AND estimand = 'cause-specific' AND term = 'margin positive'"
    )
    with stage.task(ANALYST, "an adjusted hazard ratio", 1):
        printed = stage.crlm("sql", query)
    stage.terminal_picture("analyst_sql", f'crlm sql "{query}"', printed)
    with stage.task(ANALYST, "why a number changed since the night before", 1):
        printed = stage.crlm("diff")
    stage.terminal_picture("analyst_diff", "crlm diff", printed)
    changed = json.loads(stage.crlm("diff", "--json"))
    patient = next(row["study_id"] for row in changed["patients"] if row["what"] == "margin")
    with stage.task(ANALYST, "which record and which rule changed one patient", 1):
        printed = stage.crlm("trace", patient)
    stage.terminal_picture("analyst_trace", f"crlm trace {patient}", printed, "Margin of the index operation: ", 14)
    with tempfile.TemporaryDirectory() as folder, stage.task(ANALYST, "Parquet with a dictionary, and ADaM", 1):
        stage.crlm("export", "--parquet", f"{folder}/parquet", "--adam", f"{folder}/adam")
        assert (Path(folder) / "adam" / "adtte.json").exists()


def coordinator(stage: Stage) -> None:
    """Answer what the rules could not settle; order what nobody can answer."""
    port = next(number for number in range(3301, 3400) if port_is_free(number))
    page = subprocess.Popen(
        [sys.executable, "-m", "orchestration.command_line", "review", "--port", str(port)],
        env={**os.environ, "CRLM_DATA_DIR": str(stage.data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        link = page.stdout.readline().split()[-1]
        while port_is_free(port):
            pass
        tab = stage.tab()
        with stage.task(COORDINATOR, "open the page and give a name", 3):
            tab.goto(link)
            tab.get_by_label("Your name").fill("W. Walker")
            tab.get_by_role("button", name="Begin").click()
            tab.locator("#title").filter(has_text="of").wait_for()
        stage.picture(tab, "coordinator_question")
        with stage.task(COORDINATOR, "three questions by keyboard", 8):
            for key, width in (("4", "12"), ("1", ""), ("3", "4,5")):
                tab.keyboard.press(key)
                if width:
                    tab.keyboard.press("m")
                    tab.keyboard.type(width)
                tab.keyboard.press("Enter")
                tab.locator("#status").filter(has_text="Saved").wait_for()
                tab.locator("#status").evaluate("status => status.textContent = ''")
        with stage.task(COORDINATOR, "a width that contradicts the group is refused; take the answer before back", 5):
            tab.keyboard.press("1")
            tab.keyboard.press("m")
            tab.keyboard.type("12,5")
            tab.keyboard.press("Enter")
            tab.locator("#problem").filter(has_text="not positive").wait_for()
            stage.picture(tab, "coordinator_refused")
            tab.get_by_role("button", name="Undo").click()
            tab.locator("#status").filter(has_text="Taken back").wait_for()
        with stage.task(COORDINATOR, "a site that the records do not tell, looked up at the hospital", 4):
            tab.locator("#filter").select_option(label="sites not stated")
            tab.locator("#title").click()
            tab.get_by_label("Lung").check()
            stage.picture(tab, "coordinator_site")
            tab.keyboard.press("Enter")
            tab.locator("#status").filter(has_text="Saved").wait_for()
        with stage.task(COORDINATOR, "the list of reports to order, as a file", 2):
            tab.get_by_role("button", name="Reports to order").click()
            with tab.expect_download() as download:
                tab.get_by_role("button", name="Save as CSV").click()
            assert download.value.suggested_filename == "reports_to_order.csv"
        stage.picture(tab, "coordinator_orders")
    finally:
        page.kill()
        page.wait()


def surgeon(stage: Stage) -> None:
    """Read the answer, take a figure and the Word document, ask of a subgroup."""
    published = stage.data / "published"
    tab = stage.tab()
    with stage.task(SURGEON, "open the report and read the three answers", 1):
        tab.goto((published / "report.html").as_uri())
        tab.locator(".answers").wait_for()
    stage.picture(tab, "surgeon_report")
    with stage.task(SURGEON, "go to the hazard ratios, open the figure as PNG", 2):
        tab.get_by_role("link", name="After adjustment for tumour burden").click()
        tab.locator("#figure-forest").get_by_role("link", name="PNG").click()
        # from a file a browser shows it; from a server it saves it
        tab.wait_for_url("**/forest.png")
    tab.go_back()
    with stage.task(SURGEON, "the whole as a Word document", 1), tab.expect_download() as download:
        tab.get_by_role("link", name="a Word document").click()
    assert download.value.path().read_bytes()[:2] == b"PK"
    with stage.task(SURGEON, "what changed since the publication before", 1):
        tab.get_by_role("link", name="Since the publication before").click()
    stage.picture(tab, "surgeon_since")
    with stage.task(SURGEON, "one subgroup: liver recurrence by number of metastases, after 1 to 9.9 mm", 4):
        tab.get_by_role("link", name="Explore").click()
        tab.select_option("select[name=endpoint]", "liver_recurrence_any_time")
        tab.select_option("select[name=grouping]", "metastasis_count_group")
        tab.select_option("select[name=margin_group]", label="1.0-9.9 mm")
        tab.locator("#test").filter(has_text="Gray").wait_for()
    stage.picture(tab, "surgeon_explore")


def main(data: Path, pictures: Path, who: str) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        stage = Stage(data, pictures, browser)
        for tasks in (analyst, coordinator, surgeon, operator):
            if who in ("all", tasks.__name__):
                tasks(stage)
        browser.close()
    print("| who | task | steps | seconds |\n|---|---|---|---|")
    for who, what, steps, seconds in stage.done:
        print(f"| {who} | {what} | {steps} | {seconds:.1f} |")


if __name__ == "__main__":
    data_folder, pictures_folder, role = (*sys.argv[1:], *("", "docs/pictures", "all")[len(sys.argv) - 1 :])
    main(Path(data_folder), Path(pictures_folder), role)
