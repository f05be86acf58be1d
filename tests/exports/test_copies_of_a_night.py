"""What each night copies when settings ask for it; a copy that cannot be made is said and leaves the others."""

import dagster as dg
import pytest

from orchestration.assets.publication import published_copies
from orchestration.exports import copies
from orchestration.exports.copies import copies_no_more, make_copies
from orchestration.exports.folders import clear_unfinished_folders, remove_folder
from orchestration.exports.parquet_folder import export_parquet
from orchestration.nights.lock import HELD
from orchestration.nights.run_outcome import night_of_run
from orchestration.settings import Settings


def test_nothing_is_copied_unless_it_is_asked_for(published):
    assert make_copies(Settings(data_dir=published.parents[1])) == ([], [])
    assert not (published.parent / "parquet").exists()


def test_parquet_files_stand_beside_the_warehouse_and_a_server_that_is_not_there_is_said(published, monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    (published.parents[1] / "build").mkdir()
    made, refused = make_copies(
        Settings(
            data_dir=published.parents[1],
            publish_parquet=True,
            publish_postgres="host=127.0.0.1 port=1 dbname=warehouse user=loader",
            published_mode="750",
        )
    )
    assert made == ["12 tables as Parquet files"]
    assert (published.parent / "parquet" / "marts" / "patients.parquet").stat().st_mode & 0o777 == 0o640
    assert (published.parent / "parquet" / "marts").stat().st_mode & 0o777 == 0o750
    assert len(refused) == 1 and refused[0].startswith("no new copy in PostgreSQL") and "user=loader" not in refused[0]


def test_an_encrypted_warehouse_has_no_copy_that_is_not(published, monkeypatch):
    settings = Settings(data_dir=published.parents[1], publish_parquet=True)
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen characters")
    made, refused = make_copies(settings)
    assert made == [] and "encrypted" in refused[0]
    assert not (published.parent / "parquet").exists()


@pytest.fixture
def settings(published, monkeypatch) -> Settings:
    monkeypatch.setenv("CRLM_STUDY_ID_KEY", "a key for tests")
    settings = Settings(data_dir=published.parents[1])
    settings.prepare_folders()
    return settings


def test_parquet_files_of_earlier_nights_go_when_nobody_asks_for_them_any_more(settings):
    make_copies(settings.model_copy(update={"publish_parquet": True}))
    assert copies_no_more(settings.model_copy(update={"publish_parquet": True})) == ([], [])
    assert copies_no_more(settings) == (["the Parquet files of earlier nights"], [])
    assert not list(settings.published_file.parent.glob("*parquet*"))
    assert copies_no_more(settings) == ([], [])


def test_parquet_files_go_when_the_warehouse_is_encrypted(settings, monkeypatch):
    asked = settings.model_copy(update={"publish_parquet": True})
    make_copies(asked)
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen characters")
    assert copies_no_more(asked)[0] == ["the Parquet files of earlier nights"]


def test_parquet_files_that_no_night_wrote_stay_and_are_said(settings):
    folder = settings.published_file.with_name("parquet")
    export_parquet(settings.published_file, folder)
    removed, left = copies_no_more(settings)
    assert removed == [] and left[0].startswith("parquet/ beside the warehouse is of an earlier publication")
    assert folder.is_dir()


def test_a_copy_in_a_database_that_is_named_no_more_is_said_once_and_its_address_is_nowhere(settings, monkeypatch):
    monkeypatch.setattr(copies, "export_postgres", lambda *_: 12)
    here = {"publish_postgres": "host=db dbname=warehouse user=loader"}
    asked = settings.model_copy(update=here)
    make_copies(asked)
    assert copies_no_more(asked) == ([], [])
    assert "loader" not in (settings.build_file.with_name("copies.json")).read_text()
    removed, left = copies_no_more(settings)
    assert removed == [] and "drop its schemas" in left[0]
    assert copies_no_more(settings) == ([], [])

    make_copies(asked)
    (moved,) = copies_no_more(settings.model_copy(update={"publish_postgres": "host=other dbname=warehouse"}))[1]
    assert "named before" in moved


def test_a_copy_that_cannot_be_made_leaves_the_night_good_and_is_a_warning_that_is_told(published, monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    monkeypatch.setenv("CRLM_DATA_DIR", str(published.parents[1]))
    monkeypatch.setenv("CRLM_PUBLISH_POSTGRES", "host=127.0.0.1 port=1 dbname=warehouse user=loader")
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize([published_copies], instance=instance)
        night = night_of_run(instance, run.run_id)
    # the lock of a night is its process's, which here goes on
    HELD.pop(published.parents[1] / "build" / "night.lock").close()
    assert (night.outcome, night.warnings) == ("published", ["published/copies: every_copy_is_made"])


def test_a_folder_whose_removal_was_killed_does_not_come_back(tmp_path, monkeypatch):
    folder = tmp_path / "parquet"
    folder.mkdir()
    (folder / "patients.parquet").write_text("a column that is no longer published", encoding="utf-8")
    with monkeypatch.context() as killed:
        killed.setattr("orchestration.exports.folders.shutil.rmtree", lambda *_, **__: None)
        remove_folder(folder)
    assert [path.name for path in tmp_path.iterdir()] == [".parquet.new"]
    clear_unfinished_folders(tmp_path)
    assert not list(tmp_path.iterdir())
