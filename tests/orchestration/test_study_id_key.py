"""A study-id key that is empty, lost or another one stops the night with instructions; nothing is ever made with the key ''."""

from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.load_feed import OtherStudyIdKey, assign_study_ids
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.privacy.study_id_key import FINGERPRINT_FILE, KEY_FILE, StudyIdKeyProblem, study_id_key


@pytest.fixture(autouse=True)
def no_key_given(monkeypatch):
    monkeypatch.delenv("CRLM_STUDY_ID_KEY", raising=False)


@pytest.mark.parametrize("content", ["", "\n", "\0" * 64, "abc"])
def test_a_key_file_that_holds_no_key_is_not_taken_for_one(tmp_path: Path, content: str):
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(StudyIdKeyProblem, match=r"backup of data/build/study_id.key, or give it as CRLM_STUDY_ID_KEY"):
        study_id_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == content


@pytest.mark.parametrize("given", ["", "   ", "short"])
def test_a_given_key_that_is_none_is_refused(tmp_path, monkeypatch, given):
    monkeypatch.setenv("CRLM_STUDY_ID_KEY", given)
    with pytest.raises(StudyIdKeyProblem, match="CRLM_STUDY_ID_KEY"):
        study_id_key(tmp_path)


def test_a_lost_key_is_not_replaced_by_a_new_one(tmp_path):
    made = study_id_key(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(StudyIdKeyProblem, match="the study-id key is gone"):
        study_id_key(tmp_path)
    assert not (tmp_path / KEY_FILE).exists()
    (tmp_path / KEY_FILE).write_text(made)
    assert study_id_key(tmp_path) == made


def test_a_build_file_without_any_trace_of_its_key_is_not_given_a_new_key(tmp_path):
    (tmp_path / "build.duckdb").write_bytes(b"of an installation before fingerprints were kept")
    with pytest.raises(StudyIdKeyProblem, match="the study-id key is gone"):
        study_id_key(tmp_path)


def test_another_key_is_noticed_by_the_fingerprint_and_by_the_build_file(tmp_path, monkeypatch):
    first = study_id_key(tmp_path)
    monkeypatch.setenv("CRLM_STUDY_ID_KEY", "another key altogether")
    with pytest.raises(StudyIdKeyProblem, match="a second id"):
        study_id_key(tmp_path)
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        assign_study_ids(connection, first)
        with pytest.raises(OtherStudyIdKey, match="second id"):
            assign_study_ids(connection, "another key altogether")


def test_the_key_is_written_whole_for_its_owner_only_and_its_fingerprint_does_not_hold_it(tmp_path):
    made = study_id_key(tmp_path)
    assert len(made) == 64
    assert {path.name for path in tmp_path.iterdir()} == {KEY_FILE, FINGERPRINT_FILE}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert made not in (tmp_path / FINGERPRINT_FILE).read_text()
