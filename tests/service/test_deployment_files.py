"""The files that a service is installed from, as far as they can be judged without a container engine: what they copy exists, what they
call is a command of this version, and they agree on user, ports and volumes."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from orchestration.command_line import app
from orchestration.settings import PROJECT_ROOT, Settings
from tests.end_to_end.wheel import FILES, FOLDERS

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


def is_command(words: list[str]) -> bool:
    """Whether `crlm` takes these words."""
    group = typer.main.get_command(app)
    command = group.commands[words[0]]
    # raises where an argument or option is none, or its value is of another type
    return command.make_context(words[0], words[1:]).command is command


def read_unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    return parser["Service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_one_half_of_the_service_as_its_own_user_and_starts_it_again(unit):
    service = read_unit(unit)
    program, *words = service["ExecStart"].split()
    assert program == "/opt/crlm/venv/bin/crlm" and words[0] == "serve" and is_command(words)
    assert (service["User"], service["UMask"], service["Restart"]) == ("crlm", "0077", "on-failure")
    assert service["ReadWritePaths"] == "/srv/crlm"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze (Debian: systemd)")
def test_systemd_finds_no_fault_with_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/crlm/venv/bin/crlm", sys.executable)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # it also looks at the units of this machine that these two come after
    assert [line for line in told.stderr.splitlines() if line.startswith(("crlm-", str(tmp_path)))] == []


HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed: pip install .[dev] (on Linux)")
def test_hadolint_finds_no_fault_with_the_containerfile():
    found = subprocess.run(
        [HADOLINT, "--no-color", "--disable-ignore-pragma", DEPLOY / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's, in order."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def told(instruction: str) -> list[str]:
    return [argument for name, argument in instructions() if name == instruction]


def test_the_image_is_built_from_what_the_wheel_is_made_of_and_nothing_else():
    sources = [source for argument in told("COPY") if "--from" not in argument for source in argument.split()[:-1]]
    assert sorted(sources) == sorted([*FOLDERS, *FILES, "requirements.lock"])
    assert all((PROJECT_ROOT / source).exists() for source in sources)


def test_the_image_runs_the_daemon_as_its_own_user_on_its_own_volume():
    assert json.loads(told("ENTRYPOINT")[0]) == ["crlm"]
    assert is_command(json.loads(told("CMD")[0]))
    (user,) = told("USER")
    assert int(user) > 0 and any(line.startswith("useradd") and f" --uid {user} " in line for line in told("RUN"))
    (volume,) = json.loads(told("VOLUME")[0])
    assert told("WORKDIR")[-1] == volume
    variables = dict(pair.split("=", 1) for pair in told("ENV")[0].split())
    assert variables.pop("PATH").split(":")[0] == told("COPY")[-1].split()[-1] + "/bin"
    assert set(variables) <= {f"CRLM_{name.upper()}" for name in Settings.model_fields}
    assert all(Path(value).parent == Path(volume) for value in variables.values())


def test_compose_starts_page_daemon_and_database_from_the_image_of_this_folder():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert set(services) == {"database", "daemon", "web"}
    # for this machine's proxy only, and the port that the page listens on
    port = services["web"]["command"][services["web"]["command"].index("--port") + 1]
    assert services["web"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    for name in ("daemon", "web"):
        assert is_command(services[name]["command"])
        assert (DEPLOY / services[name]["build"]["context"] / services[name]["build"]["dockerfile"]).exists()
        assert services[name]["volumes"] == [f"warehouse:{json.loads(told('VOLUME')[0])[0]}"]
        assert set(services[name]["depends_on"]) == {"database"}
        assert [(DEPLOY / f"{file}.example").exists() for file in services[name]["env_file"]] == [True]
    named = {volume.split(":")[0] for service in services.values() for volume in service["volumes"]}
    assert named == set(compose["volumes"])
    assert set(services["database"]["secrets"]) == set(compose["secrets"])


def test_every_variable_of_the_example_is_a_setting():
    named = set(re.findall(r"^#?(CRLM_[A-Z_]+)=", (DEPLOY / "warehouse.env.example").read_text(encoding="utf-8"), re.M))
    known = {f"CRLM_{name.upper()}" for name in Settings.model_fields} | {"CRLM_STUDY_ID_KEY"}
    assert named and named <= known
