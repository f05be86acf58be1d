"""With a key set, build and published files cannot be opened without it, and hold no readable word."""

import os
import subprocess

import duckdb
import pytest

from orchestration.dbt_build.arguments import prepare_dbt_environment
from orchestration.dbt_build.runs import dbt_executable
from orchestration.files.encryption import EncryptionProblem, connect
from orchestration.files.problems import NotAccessible
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file, read_publication, read_published
from tests.orchestration.test_publication import PATIENT, build_file, publish_as  # noqa: F401 - a fixture

KEY = "a key of more than sixteen characters, it's one"


@pytest.fixture
def key(monkeypatch) -> str:
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", KEY)
    return KEY


def test_what_is_built_and_published_can_be_opened_with_the_key_only(key, build_file, monkeypatch):  # noqa: F811
    with duckdb.connect(str(build_file), read_only=True) as plain:
        assert plain.execute("SELECT study_id FROM marts.patients").fetchall() == [(PATIENT,)]
    encrypted = build_file.with_name("encrypted") / "build.duckdb"
    encrypted.parent.mkdir()
    with open_build_file(encrypted) as connection:
        connection.execute(f"ATTACH '{build_file}' AS plain; COPY FROM DATABASE plain TO build; DETACH plain")
    stamp, _ = publish_as(encrypted, "run-1")
    published = encrypted.parent / "published" / "warehouse.duckdb"
    kept = next((encrypted.parent / "published" / "history").glob("*.duckdb"))
    assert read_publication(published) == stamp
    assert read_published(published, "SELECT study_id FROM marts.patients")["study_id"].tolist() == [PATIENT]
    for path in (encrypted, published, kept):
        assert PATIENT.encode() not in path.read_bytes()
        with pytest.raises(duckdb.Error, match="without a key"):
            duckdb.connect(str(path))
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "another key of more than sixteen")
    with (
        pytest.raises(NotAccessible, match="encrypted otherwise than CRLM_ENCRYPTION_KEY says"),
        open_build_file(encrypted),
    ):
        pass


def test_a_build_file_from_before_the_key_was_set_is_no_damaged_one(build_file, key):  # noqa: F811
    with pytest.raises(NotAccessible, match="a file from before it was set"), open_build_file(build_file):
        pass


def test_a_short_key_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "short")
    with pytest.raises(EncryptionProblem, match="fewer than 16 characters"):
        connect(tmp_path / "build.duckdb")


def test_dbt_writes_into_the_encrypted_file(key, tmp_path, monkeypatch):
    settings = Settings(data_dir=tmp_path)
    settings.prepare_folders()
    with open_build_file(settings.build_file):
        pass
    for name in (
        "CRLM_DBT_TARGET",
        "DBT_ENV_SECRET_ENCRYPTION_KEY",
        "CRLM_BUILD_PATH",
        "DBT_TARGET_PATH",
        "DBT_LOG_PATH",
    ):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    prepare_dbt_environment(settings)
    folder = str(settings.dbt_project_dir)
    told = subprocess.run(
        [dbt_executable(), "seed", "--select", "clinical_settings", "--project-dir", folder, "--profiles-dir", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout
    with open_build_file(settings.build_file, read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 5 FROM seeds.clinical_settings").fetchall() == [(True,)]
    assert b"clinical_settings" not in settings.build_file.read_bytes()
    assert KEY not in told.stdout
    logs = "".join(path.read_text(encoding="utf-8") for path in settings.dbt_target.rglob("*.log"))
    assert KEY not in logs
