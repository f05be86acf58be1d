"""The files that a service is installed from, as far as they can be judged without systemd or a container engine."""

import configparser
import re

import pytest
import yaml

from orchestration.settings import PROJECT_ROOT, Settings

DEPLOY = PROJECT_ROOT / "deploy"


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda path: path.name)
def test_a_unit_runs_one_half_of_the_service_as_its_own_user_and_starts_it_again(unit):
    parser = configparser.ConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str
    parser.read(unit, encoding="utf-8")
    service = parser["Service"]
    assert re.fullmatch(r"/opt/crlm/venv/bin/crlm serve (web --port 3000|daemon)", service["ExecStart"])
    assert (service["User"], service["UMask"], service["Restart"]) == ("crlm", "0077", "on-failure")


def test_compose_starts_page_daemon_and_database_from_the_image_of_this_folder():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"database", "daemon", "web"}
    assert services["web"]["ports"] == ["127.0.0.1:3000:3000"]
    assert (DEPLOY / services["daemon"]["build"]["dockerfile"].removeprefix("deploy/")).exists()


def test_every_variable_of_the_example_is_a_setting():
    named = set(re.findall(r"^#?(CRLM_[A-Z_]+)=", (DEPLOY / "warehouse.env.example").read_text(encoding="utf-8"), re.M))
    known = {f"CRLM_{name.upper()}" for name in Settings.model_fields} | {"CRLM_STUDY_ID_KEY"}
    assert named and named <= known
