"""Everybody is computed when the rules changed, or when nobody says by which rules the build file was made."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_build.arguments import (
    UnknownStudy,
    dbt_build_arguments,
    derivation_version,
    margin_rules_version,
)
from orchestration.settings import PROJECT_ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    settings = Settings(data_dir=tmp_path / "data", dbt_project_dir=project)
    settings.prepare_folders()
    return settings


def built_by(settings: Settings, *versions: str) -> None:
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
        connection.execute(
            "CREATE OR REPLACE TABLE intermediate.built_patients AS SELECT unnest(?) AS derivation_version", [versions]
        )


def test_only_a_build_file_made_wholly_by_todays_rules_is_kept(settings):
    assert "--full-refresh" in dbt_build_arguments(settings)
    today = derivation_version(settings.dbt_project_dir)
    built_by(settings, today, today)
    assert "--full-refresh" not in dbt_build_arguments(settings)
    built_by(settings, today, "yesterday")
    assert "--full-refresh" in dbt_build_arguments(settings)


@pytest.mark.parametrize(
    "changed",
    [
        "seeds/definitions/clinical_settings.csv",
        "models/intermediate/recurrence/site_findings.sql",
        "macros/dialect.sql",
        "dbt_project.yml",
        "seeds/margins/margin_types.csv",
        "tests/generic/one_row_per.sql",
    ],
)
def test_every_rule_counts(settings, changed):
    project = settings.dbt_project_dir
    before = derivation_version(project)
    path = project / changed
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert derivation_version(project) != before


def test_with_another_duckdb_everybody_is_computed(settings, monkeypatch):
    before = derivation_version(settings.dbt_project_dir)
    monkeypatch.setattr("orchestration.dbt_build.arguments.version", lambda library: f"another {library}")
    assert derivation_version(settings.dbt_project_dir) != before


@pytest.mark.parametrize("changed", ["margins/lexicon_en.csv", "margins/statements.yml", "measurements/__init__.py"])
def test_texts_are_read_again_when_a_word_a_rule_or_the_reader_changed(tmp_path, changed):
    reader = tmp_path / "report_reader"
    shutil.copytree(PROJECT_ROOT / "report_reader", reader, ignore=shutil.ignore_patterns("__pycache__"))
    before = margin_rules_version(reader)
    assert margin_rules_version(reader) == before
    path = reader / changed
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert margin_rules_version(reader) != before


def test_another_study_is_another_derivation_and_one_that_is_not_in_the_seed_is_named(settings):
    built_by(settings, derivation_version(settings.dbt_project_dir))
    other = settings.model_copy(update={"study": "hcc"})
    arguments = dbt_build_arguments(other)
    assert "--full-refresh" in arguments
    assert '"study": "hcc"' in arguments[arguments.index("--vars") + 1]
    assert other.code_version == f"{settings.code_version}+hcc"
    with pytest.raises(UnknownStudy, match="CRLM_STUDY is 'liver'; .* has crlm, hcc, pancreas"):
        dbt_build_arguments(settings.model_copy(update={"study": "liver"}))


def test_a_large_build_file_is_derived_one_statement_at_a_time(tmp_path, monkeypatch):
    settings = Settings(data_dir=tmp_path)
    settings.build_file.parent.mkdir(parents=True)
    duckdb.connect(str(settings.build_file)).close()
    assert "--threads" not in dbt_build_arguments(settings)
    monkeypatch.setattr("orchestration.files.memory.LARGE_BUILD_BYTES", settings.build_file.stat().st_size)
    arguments = dbt_build_arguments(settings)
    assert arguments[arguments.index("--threads") + 1] == "1"
