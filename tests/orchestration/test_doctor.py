"""`crlm doctor` says what is wrong with an installation and what to do, and changes nothing."""

import duckdb
import pytest

from orchestration.doctor import ILL, NOTE, WELL, examine
from orchestration.nights.finished import LAST_STEPS, begin_night, end_of_step
from orchestration.privacy.study_id_key import study_id_key
from orchestration.settings import Settings
from tests.permissions import bound_by_permissions


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.delenv("CRLM_STUDY_ID_KEY", raising=False)
    settings = Settings(data_dir=tmp_path / "data")
    settings.prepare_folders()
    return settings


def told(settings: Settings) -> dict[str, tuple[str, str]]:
    """What was looked at -> the worst state found, and all that was said."""
    order = [WELL, NOTE, ILL]
    found: dict[str, tuple[str, str]] = {}
    for finding in examine(settings):
        state, text = found.get(finding.what, (WELL, ""))
        worst = max(state, finding.state, key=order.index)
        found[finding.what] = (worst, f"{text}{finding.told} -> {finding.to_do}\n")
    return found


def test_a_new_installation_has_nothing_ill(settings):
    assert {what: found for what, found in told(settings).items() if found[0] == ILL} == {}


def test_a_sick_installation_is_told_each_illness_and_its_cure(settings):
    (settings.build_file.parent / "study_id.key").write_text("", encoding="utf-8")
    settings.build_file.write_bytes(b"garbage " * 1000)
    settings.published_file.write_bytes(b"")
    (settings.history / "20260101T000000000000Z.duckdb").write_bytes(b"garbage")
    (settings.landing / "stray.pdf").write_bytes(b"")
    (settings.dagster_home / "history").mkdir()
    (settings.dagster_home / "history" / "runs.db").write_bytes(b"garbage" * 100)
    settings.build_file.parent.chmod(0o755)
    found = told(settings)
    ill = {what for what, (state, _) in found.items() if state == ILL}
    assert ill >= {"study-id key", "build file", "published file", "history", "who may read what", "Dagster's store"}
    assert "backup of data/build/study_id.key" in found["study-id key"][1]
    assert "makes it anew from the landing folder" in found["build file"][1]
    assert "stray.pdf" in found["contracts and landed files"][1]
    assert (settings.build_file.parent / "study_id.key").read_bytes() == b""
    assert settings.build_file.read_bytes().startswith(b"garbage")


def test_a_build_file_that_no_gate_has_judged_is_told_of(settings):
    study_id_key(settings.build_file.parent)
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    state, text = told(settings)["gates"]
    assert (state, "the marts gate has not judged" in text) == (NOTE, True)


def test_a_folder_that_cannot_be_read_is_named(settings, tmp_path):
    folder = settings.landing / "riverside" / "registry"
    folder.mkdir(parents=True)
    folder.chmod(0)
    with bound_by_permissions(tmp_path):
        state, text = told(settings)["contracts and landed files"]
    folder.chmod(0o700)
    assert (state, f"{folder} cannot be read (Permission denied)" in text) == (ILL, True)


def test_a_night_that_was_not_finished_is_told_of(settings):
    begin_night(settings, "run", is_whole=True)
    with duckdb.connect(str(settings.published_file)) as connection:
        connection.execute("CREATE SCHEMA meta")
        connection.execute(
            """CREATE TABLE meta.publication AS SELECT now()::TIMESTAMP AS published_at, 'run' AS run_id, 'c' AS code_version,
               'hash' AS data_hash, 20::BIGINT AS n_patients, true AS is_simulated"""
        )
    state, text = told(settings)["last night"]
    assert (state, "not finished: published/copies, published/report" in text) == (NOTE, True)
    for step in LAST_STEPS:
        end_of_step(settings, step)
    assert told(settings)["last night"][0] == WELL
