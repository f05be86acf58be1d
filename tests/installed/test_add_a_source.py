"""docs/add_a_source.md followed to the letter by somebody who installed the wheel: a second hospital with other formats joins the first
in one cohort, and the study is published in the working folder."""

import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.installed.conftest import Command, files_of

COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PAGE = PROJECT_ROOT / "docs" / "add_a_source.md"
BLOCK_OF_FILE = re.compile(
    r"`((?:contracts|landing)/[\w./]+)`(?:(?!`(?:contracts|landing)/riverside/\w).)*?\n```\w+\n(.*?)```", re.DOTALL
)


@pytest.fixture(scope="module")
def landing(crlm, working_folder) -> Path:
    """The landing folder with the first hospital's simulated files, and Riverside's as the page shows them."""
    simulated = crlm("simulate", "--patients", "400", "--seed", "7")
    assert simulated.returncode == 0, simulated.stderr
    shutil.copytree(PROJECT_ROOT / "orchestration" / "ingestion" / "contracts", working_folder / "contracts")
    files = {
        name: text for name, text in BLOCK_OF_FILE.findall(PAGE.read_text(encoding="utf-8")) if "/riverside/" in name
    }
    assert sorted(files) == [
        "contracts/riverside/follow_up.yml", "contracts/riverside/hospital.yml", "contracts/riverside/pathology.yml",
        "contracts/riverside/registry.yml", "contracts/riverside/vital_status.yml",
        "landing/riverside/pathology/reports_2013.ndjson", "landing/riverside/registry/export_2013.csv",
    ]  # fmt: skip
    is_answer = {name: name.startswith("contracts/") and not name.endswith("hospital.yml") for name in files}
    write(working_folder, {name: text for name, text in files.items() if not is_answer[name]})
    drafts = drafted(crlm, working_folder)
    write(working_folder, {name: text for name, text in files.items() if is_answer[name]})
    assert drafts == sorted(name for name in files if is_answer[name]), "a draft for each contract of the page"
    return place(working_folder, "landing")


def place(folder: Path, name: str) -> Path:
    """Where a file of the page stands: `landing` is a part of the data folder."""
    return folder / "data" / name if name.startswith("landing") else folder / name


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = place(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def drafted(crlm: Command, folder: Path) -> list[str]:
    """The contracts that the page's first commands write, after a look at what the page shows of them."""
    page = PAGE.read_text(encoding="utf-8")
    written, text = [], ""
    for command in COMMANDS.findall(page)[0].splitlines():
        program, *arguments = shlex.split(command)
        places = [str(place(folder, one)) if one.startswith(("landing/", "contracts/")) else one for one in arguments]
        drafting = crlm(*places)
        assert (program, drafting.returncode) == ("crlm", 0), drafting.stderr
        text += (folder / arguments[-1]).read_text(encoding="utf-8")
        written.append(arguments[-1])
    shown = re.search(r"until\nthe question is answered:\n\n```\n(.*?)```", page, re.DOTALL)[1]
    assert all(line in text.splitlines() for line in shown.splitlines())
    open_questions = crlm("validate", str(place(folder, "landing") / "riverside"))
    assert open_questions.returncode == 2, "the questions are open"
    assert "no contract that can be used names this file" in open_questions.stdout
    return sorted(written)


def test_the_page_runs_what_it_tells_to_run():
    assert [block.split()[1] for block in COMMANDS.findall(PAGE.read_text(encoding="utf-8"))] == [
        "draft-contract",
        "validate",
        "refresh",
    ]


def test_validate_says_what_the_page_says(crlm, landing):
    outcome = crlm("validate", str(landing / "riverside"))

    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    told = "follow_up · scope record · field finding · reason unknown code · n 1 · first line 9"
    assert told in PAGE.read_text(encoding="utf-8")
    shown = re.sub(r"file export_2013.csv · ", "follow_up · ", outcome.stdout)
    assert told in shown
    assert "code 7" in outcome.stdout
    assert "1 record(s) would be rejected, 0 field(s) taken as missing." in outcome.stdout


def test_both_hospitals_patients_stand_in_one_cohort_with_their_margins_and_endpoints(
    crlm, landing, working_folder, environment, files_before
):
    export = landing / "riverside" / "registry" / "export_2013.csv"
    text = export.read_text(encoding="utf-8")
    assert text.count(";7;0;0;0\n") == 1
    export.write_text(text.replace(";7;0;0;0\n", ";0;0;0;0\n"), encoding="utf-8")
    assert crlm("validate", str(export)).returncode == 0

    refreshed = crlm("refresh")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    with duckdb.connect(str(working_folder / "data" / "published" / "warehouse.duckdb"), read_only=True) as connection:
        sizes = dict(
            connection.execute("SELECT source_system, count(*) FROM marts.index_operations GROUP BY ALL").fetchall()
        )
        riverside = connection.execute(
            """SELECT operations.margin_group, operations.clinical_risk_score, operations.largest_metastasis_cm,
                      times.time_days, times.event_label
               FROM marts.index_operations AS operations
               INNER JOIN marts.time_to_event AS times USING (study_id)
               WHERE source_system = 'riverside' AND endpoint = 'recurrence_free_survival' ORDER BY time_days"""
        ).fetchall()
        counted = connection.execute(
            """SELECT sum(n_event + n_competing + n_censored) FROM marts.event_counts
               WHERE endpoint = 'recurrence_free_survival' AND grouping = 'margin_group'"""
        ).fetchall()

    assert riverside == [
        # sizes are published rounded up to half a centimetre
        ("positive", None, 6.5, 193, "recurrence"),
        ("1.0-9.9 mm", 2, 4.0, 456, "recurrence"),
        (">=10 mm", None, 1.0, 2183, "no recurrence at last disease assessment"),
    ]
    assert sizes["riverside"] == 3
    assert sizes["simulated_hospital"] > 350
    assert counted == [(sum(sizes.values()),)]
    told = crlm("sql", "--csv", "SELECT count(*) FROM marts.index_operations")
    assert told.stdout.splitlines()[-1] == str(sum(sizes.values()))
    assert f"Published {sum(sizes.values())} patients" in refreshed.stdout
    assert files_of(environment) == files_before, "a night wrote into site-packages"
