"""A release has one version and one date, wherever they stand."""

import re
import tomllib
from importlib.metadata import version

import yaml
from typer.testing import CliRunner

from orchestration.command_line import app
from orchestration.settings import DISTRIBUTION, PROJECT_ROOT


def told(file: str) -> str:
    return (PROJECT_ROOT / file).read_text(encoding="utf-8")


VERSION = tomllib.loads(told("pyproject.toml"))["project"]["version"]


def test_package_citation_dbt_project_and_command_line_tell_one_version():
    citation, dbt_project = (yaml.safe_load(told(file)) for file in ("CITATION.cff", "dbt_project/dbt_project.yml"))
    assert citation["version"] == dbt_project["version"] == version(DISTRIBUTION) == VERSION
    assert CliRunner().invoke(app, ["--version"]).output == f"crlm {VERSION}\n"


def test_the_changelog_has_the_release_with_the_day_of_its_citation():
    headings = re.findall(r"^## (\S+) \((.+)\)$", told("CHANGELOG.md"), re.MULTILINE)
    released = [heading for heading in headings if heading[1] != "unreleased"]
    assert released[0] == (VERSION, yaml.safe_load(told("CITATION.cff"))["date-released"])
    # what comes after it stands above it
    assert headings.index(released[0]) <= 1
