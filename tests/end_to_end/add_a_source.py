"""docs/add_a_source.md followed to the letter up to its `crlm refresh`: a second hospital with other formats joins the first."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from orchestration.settings import PROJECT_ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PAGE = PROJECT_ROOT / "docs" / "add_a_source.md"
BLOCK_OF_FILE = re.compile(
    r"`((?:contracts|landing)/[\w./]+)`(?:(?!`(?:contracts|landing)/riverside/\w).)*?\n```\w+\n(.*?)```", re.DOTALL
)


class Followed(NamedTuple):
    """What `crlm validate` said of Riverside's files as the page shows them, and once the odd code was mended."""

    as_shown: subprocess.CompletedProcess[str]
    mended: subprocess.CompletedProcess[str]


def follow_page(crlm: Command, working_folder: Path) -> Followed:
    """In a working folder in which the first hospital's files have landed already: what the page does before the night."""
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
    _write(working_folder, {name: text for name, text in files.items() if not is_answer[name]})
    drafts = _drafted(crlm, working_folder)
    _write(working_folder, {name: text for name, text in files.items() if is_answer[name]})
    assert drafts == sorted(name for name in files if is_answer[name]), "a draft for each contract of the page"
    riverside = _place(working_folder, "landing") / "riverside"
    as_shown = crlm("validate", str(riverside))
    export = riverside / "registry" / "export_2013.csv"
    text = export.read_text(encoding="utf-8")
    assert text.count(";7;0;0;0\n") == 1
    export.write_text(text.replace(";7;0;0;0\n", ";0;0;0;0\n"), encoding="utf-8")
    return Followed(as_shown, crlm("validate", str(export)))


def _place(folder: Path, name: str) -> Path:
    """Where a file of the page stands: `landing` is a part of the data folder."""
    return folder / "data" / name if name.startswith("landing") else folder / name


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = _place(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _drafted(crlm: Command, folder: Path) -> list[str]:
    """The contracts that the page's first commands write, after a look at what the page shows of them."""
    page = PAGE.read_text(encoding="utf-8")
    written, text = [], ""
    for command in COMMANDS.findall(page)[0].splitlines():
        program, *arguments = shlex.split(command)
        places = [str(_place(folder, one)) if one.startswith(("landing/", "contracts/")) else one for one in arguments]
        drafting = crlm(*places)
        assert (program, drafting.returncode) == ("crlm", 0), drafting.stderr
        text += (folder / arguments[-1]).read_text(encoding="utf-8")
        written.append(arguments[-1])
    shown = re.search(r"until\nthe question is answered:\n\n```\n(.*?)```", page, re.DOTALL)[1]
    assert all(line in text.splitlines() for line in shown.splitlines())
    open_questions = crlm("validate", str(_place(folder, "landing") / "riverside"))
    assert open_questions.returncode == 2, "the questions are open"
    assert "no contract that can be used names this file" in open_questions.stdout
    return sorted(written)
