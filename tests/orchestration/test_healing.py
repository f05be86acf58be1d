"""Whatever broke, the next night starts: damaged files are named as what they are, put aside, and made anew."""

import os
import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.engines.leftovers import folder_of_night, make_folder_of_night
from orchestration.files.problems import DamagedFile, DiskFull, WarehouseBusy, named_problem
from orchestration.files.sums import known_sums, sha256_of, write_sums
from orchestration.nights.healing import check_room, damaged_history, heal
from orchestration.reporting.inputs import since_frames
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    settings.prepare_folders()
    return settings


def whole_file(path: Path) -> bytes:
    """A warehouse of a few blocks."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a, 'text ' || range AS b FROM range(100000)")
        connection.execute("CREATE SCHEMA meta; CREATE TABLE meta.publication AS SELECT 'run' AS run_id")
    return path.read_bytes()


def a_publication(path: Path) -> None:
    """A warehouse with a stamp."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """CREATE SCHEMA meta; CREATE TABLE meta.publication AS SELECT TIMESTAMP '2026-01-02' AS published_at, 'run' AS run_id,
               'code' AS code_version, 'hash' AS data_hash, 2::BIGINT AS n_patients, TRUE AS is_simulated;
               CREATE TABLE t AS SELECT range AS a, 'text ' || range AS b FROM range(100000)"""
        )


DAMAGE = {
    "empty": lambda content: b"",
    "garbage": lambda content: b"no database " * 5000,
    "a text of one line": lambda content: b"x",
    "cut short in the header": lambda content: content[:100],
    "cut short after the header": lambda content: content[:20000],
    "cut in half": lambda content: content[: len(content) // 2],
    "the last byte lost": lambda content: content[:-1],
    "header overwritten": lambda content: content[:4096] + b"z" * 16 + content[4112:],
}


def test_a_file_from_which_much_was_taken_is_shorter_than_it_says_and_whole(settings):
    """DuckDB cuts free blocks off the end of a file and goes on counting them."""
    with duckdb.connect(str(settings.build_file)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'kept' AS a; CHECKPOINT")
        connection.execute("CREATE TABLE dropped AS SELECT md5(range::VARCHAR) AS a FROM range(500000); CHECKPOINT")
        connection.execute("DROP TABLE dropped")
    with duckdb.connect(str(settings.build_file), read_only=True) as connection:
        size, n_blocks = connection.execute("SELECT block_size, total_blocks FROM pragma_database_size()").fetchall()[0]
    assert settings.build_file.stat().st_size < size * n_blocks
    said: list[str] = []
    heal(settings, said.append)
    assert said == []
    with open_build_file(settings.build_file) as connection:
        assert connection.execute("FROM kept").fetchall() == [("kept",)]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_build_file_is_put_aside_and_a_new_one_can_be_begun(settings, damage):
    content = DAMAGE[damage](whole_file(settings.build_file))
    settings.build_file.write_bytes(content)
    said: list[str] = []
    heal(settings, said.append)
    with open_build_file(settings.build_file) as connection:
        connection.execute("CREATE TABLE begun_anew (a INTEGER)")
    kept = list(settings.set_aside_folder.glob("build.duckdb.*")) if settings.set_aside_folder.exists() else []
    if content:
        assert [path.read_bytes() for path in kept] == [content]
        assert "build.duckdb was damaged and is put aside" in said[0]
    assert not any("process" in text for text in said)


def test_a_whole_build_file_stays(settings):
    whole_file(settings.build_file)
    heal(settings, lambda text: pytest.fail(text))
    with open_build_file(settings.build_file) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchall() == [(100000,)]


def test_damage_within_a_file_that_a_step_met_with_is_found_at_the_next_start(settings):
    content = bytearray(whole_file(settings.build_file))
    for place in range(300_000, len(content) - 100, 4096):
        content[place : place + 64] = b"z" * 64
    settings.build_file.write_bytes(bytes(content))
    heal(settings, lambda text: pytest.fail("nobody has read that far yet"))
    settings.suspicion.touch()
    said: list[str] = []
    heal(settings, said.append)
    assert said
    assert not settings.build_file.exists()
    assert not settings.suspicion.exists()


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "empty"])
def test_a_damaged_published_file_is_put_aside(settings, damage):
    settings.published_file.write_bytes(DAMAGE[damage](whole_file(settings.published_file)))
    said: list[str] = []
    heal(settings, said.append)
    assert "warehouse.duckdb was damaged" in said[0]
    assert not settings.published_file.exists()


def test_a_published_file_of_which_one_byte_was_changed_is_not_what_was_published(settings):
    content = bytearray(whole_file(settings.published_file))
    write_sums(settings.published_file.parent, {"warehouse.duckdb": {sha256_of(settings.published_file), "0" * 64}})
    heal(settings, lambda text: pytest.fail(text))
    content[-300] ^= 1
    settings.published_file.write_bytes(bytes(content))
    said: list[str] = []
    heal(settings, said.append)
    assert "warehouse.duckdb was damaged" in said[0]


def test_a_damaged_kept_publication_is_named_and_harms_nobody(settings):
    from orchestration.publication.publish import publish_history

    whole_file(settings.history / "20260101T000000000000Z.duckdb")
    (settings.history / "20260102T000000000000Z.duckdb").write_bytes(b"garbage")
    assert damaged_history(settings.history) == [str(settings.history / "20260102T000000000000Z.duckdb")]
    assert publish_history(settings.history).empty


def test_a_report_is_drawn_also_where_the_publication_before_is_damaged(settings):
    before, after = settings.history / "20260101T000000000000Z.duckdb", settings.published_file
    a_publication(after)
    for content in (b"garbage", after.read_bytes()[: after.stat().st_size // 2]):
        before.write_bytes(content)
        assert since_frames(before, after) == {}
    a_publication(before)
    after.write_bytes(b"garbage")
    with pytest.raises(DamagedFile, match="warehouse"):
        since_frames(before, after)


def test_an_export_that_was_killed_keeps_no_night_from_beginning_and_loses_no_copy(settings):
    published = settings.published_file.parent
    for name in (".parquet.new", ".parquet.old", ".study.old", "study", ".unlike"):
        (published / name).mkdir()
        (published / name / "patients.parquet").write_text(name, encoding="utf-8")
    heal(settings, lambda text: pytest.fail(text))
    left = {path.parent.name: path.read_text(encoding="utf-8") for path in published.glob("*/*.parquet")}
    assert left == {"parquet": ".parquet.old", "study": "study", ".unlike": ".unlike"}


def test_half_written_files_of_a_killed_night_are_cleared_away(settings):
    left = [
        settings.history / "20260103T000000000000Z.new",
        settings.build_file.with_name(".build.duckdb.123.born"),
        settings.build_file.with_name(".study_id.key.123"),
        settings.build_file.with_name("publication_draft.duckdb"),
        settings.build_file.with_name("publication_draft.duckdb.wal"),
        settings.published_file.with_suffix(".new"),
        settings.published_file.with_name("report.new"),
    ]
    for path in left:
        path.write_bytes(b"half")
    heal(settings, lambda text: pytest.fail(text))
    assert not any(path.exists() for path in left)


NIGHT = "00000000-0000-4000-8000-000000000000"


def left_for_an_engine(settings: Settings) -> list[Path]:
    """What killed nights may leave in the folder of an engine, and what others may have there; in this order: copies of this build file's
    night, of a night of an earlier version, tables that the engine kept, copies of another installation, a person's own."""
    folder = settings.spark_folder_of_night
    left = [
        folder_of_night(settings, NIGHT),
        folder / NIGHT,
        settings.spark_folder_of_kept_tables,
        folder / f"{'0' * 12}.{NIGHT}",
        folder / "notes",
    ]
    for path in left:
        path.mkdir(parents=True)
        (path / "t.parquet").write_bytes(b"a record")
    return left


def test_copies_of_records_that_a_killed_night_left_for_an_engine_are_cleared_away(settings):
    left = left_for_an_engine(settings)
    heal(settings, lambda text: pytest.fail(text))
    assert [path.exists() for path in left] == [False, False, False, True, True]


def test_in_a_folder_of_the_settings_nothing_goes_that_may_be_anothers(tmp_path):
    settings = Settings(data_dir=tmp_path / "data", spark_folder=tmp_path / "shared")
    settings.prepare_folders()
    left = left_for_an_engine(settings)
    heal(settings, lambda text: pytest.fail(text))
    assert [path.exists() for path in left] == [False, True, False, True, True]


def used_by_a_night(folder: Path, **told) -> Settings:
    """The settings of a night that put records into a folder outside of the build area, and was killed."""
    settings = Settings(data_dir=folder / "data", engine="spark", spark="sc://host", **told)
    settings.prepare_folders()
    (make_folder_of_night(settings, NIGHT) / "t.parquet").write_bytes(b"a record")
    settings.spark_folder_of_kept_tables.mkdir(exist_ok=True)
    return settings


def test_copies_go_from_a_folder_that_the_settings_name_no_more(tmp_path):
    lake, other = tmp_path / "lake", tmp_path / "other"
    used_by_a_night(tmp_path, spark_folder=lake, spark_format="delta")
    used_by_a_night(tmp_path, spark_folder=other, spark_format="delta")
    (lake / "of others").touch()
    heal(Settings(data_dir=tmp_path / "data"), lambda text: pytest.fail(text))
    assert [path.name for path in lake.iterdir()] == ["of others"]
    assert list(other.iterdir()) == []
    # nothing is known of them any more
    shutil.rmtree(lake)
    heal(Settings(data_dir=tmp_path / "data"), lambda text: pytest.fail(text))


def test_copies_go_from_the_build_area_when_the_settings_name_a_folder(tmp_path):
    inside = used_by_a_night(tmp_path)
    now = used_by_a_night(tmp_path, spark_folder=tmp_path / "lake", spark_format="delta")
    heal(now, lambda text: pytest.fail(text))
    assert list(inside.spark_folder_of_night.iterdir()) == []
    assert now.spark_folder_of_kept_tables.exists()
    assert not folder_of_night(now, NIGHT).exists()


def test_a_folder_of_earlier_settings_that_cannot_be_reached_is_said_each_night_until_it_can(tmp_path):
    lake = tmp_path / "lake"
    used_by_a_night(tmp_path, spark_folder=lake)
    # not mounted: the folder is there, and nothing in it
    lake.rename(tmp_path / "the disk")
    lake.mkdir()
    for _ in range(2):
        said: list[str] = []
        heal(Settings(data_dir=tmp_path / "data"), said.append)
        assert len(said) == 1
        assert f"put copies of records into {lake}, which cannot be looked into (No such file or directory)" in said[0]
        assert "take it out of" in said[0]
        assert "engine_folders.json" in said[0]
    lake.rmdir()
    (tmp_path / "the disk").rename(lake)
    heal(Settings(data_dir=tmp_path / "data"), lambda text: pytest.fail(text))
    assert list(lake.iterdir()) == []


def test_what_another_installation_keeps_in_that_folder_stays(tmp_path):
    lake = tmp_path / "lake"
    first = used_by_a_night(tmp_path / "first", spark_folder=lake)
    second = used_by_a_night(tmp_path / "second", spark_folder=lake, spark_format="delta")
    heal(Settings(data_dir=first.data_dir), lambda text: pytest.fail(text))
    assert not folder_of_night(first, NIGHT).exists()
    assert folder_of_night(second, NIGHT).exists()
    assert second.spark_folder_of_kept_tables.exists()


def test_a_copy_of_a_data_folder_takes_nothing_away_from_the_original_and_a_moved_one_does(tmp_path):
    lake = tmp_path / "lake"
    original = used_by_a_night(tmp_path, spark_folder=lake)
    original.build_file.touch()
    shutil.copytree(original.data_dir, tmp_path / "copied")
    heal(Settings(data_dir=tmp_path / "copied"), lambda text: pytest.fail(text))
    assert folder_of_night(original, NIGHT).exists()
    original.data_dir.rename(tmp_path / "moved")
    heal(Settings(data_dir=tmp_path / "moved"), lambda text: pytest.fail(text))
    assert list(lake.iterdir()) == []


def test_a_note_of_folders_that_cannot_be_read_is_said(settings):
    (settings.build_file.parent / "engine_folders.json").write_text("[")
    said: list[str] = []
    heal(settings, said.append)
    assert "engine_folders.json cannot be read: copies of records may be left" in said[0]


def test_a_format_is_taken_however_it_is_written(tmp_path):
    told = ["Delta", " PARQUET ", ""]
    assert [Settings(spark_format=one).spark_format for one in told] == ["delta", "parquet", "parquet"]


def test_tables_that_an_engine_keeps_stay_while_an_engine_will_use_them(tmp_path, monkeypatch):
    told = {"data_dir": tmp_path / "data", "engine": "spark", "spark": "sc://host"}
    keeping = Settings(**told, spark_format="delta")
    keeping.prepare_folders()
    kept = left_for_an_engine(keeping)[2]
    heal(keeping, lambda text: pytest.fail(text))
    assert kept.exists()
    # they would be plain beside an encrypted build file
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen letters!")
    heal(keeping, lambda text: pytest.fail(text))
    assert not kept.exists()
    monkeypatch.delenv("CRLM_ENCRYPTION_KEY")
    kept.mkdir()
    heal(Settings(**told), lambda text: pytest.fail(text))
    assert not kept.exists()


def test_copies_that_cannot_be_removed_are_told_of(settings, monkeypatch):
    """The engine's workers run as another user, and what they wrote is theirs."""
    left = left_for_an_engine(settings)
    monkeypatch.setattr("orchestration.engines.leftovers.shutil.rmtree", lambda folder, ignore_errors: None)
    said: list[str] = []
    heal(settings, said.append)
    assert [path for path in left if any(f"copies of records are still in {path}: " in text for text in said)] == left[
        :3
    ]


def test_too_little_room_is_said_before_anything_is_begun(settings, monkeypatch):
    class Disk:
        free = 3 * 2**20

    monkeypatch.setattr("orchestration.nights.healing.shutil.disk_usage", lambda path: Disk)
    with pytest.raises(DiskFull, match=r"no space left: 3 MiB free .* no record is lost"):
        heal(settings, print)


def of_size(path: Path, n_mebibytes: int) -> None:
    with path.open("wb") as file:
        file.truncate(n_mebibytes * 2**20)  # takes no room on the disk


def test_a_night_is_refused_that_would_end_at_its_publication(settings, monkeypatch):
    """The draft, both new files and the copy for the history are written beside what is there."""
    of_size(settings.published_file, 100)
    of_size(settings.published_file.with_name("shareable.duckdb"), 90)

    class Disk:
        free = (64 + 5 * 100 + 90) * 2**20

    monkeypatch.setattr("orchestration.nights.healing.shutil.disk_usage", lambda path: Disk)
    check_room(settings)
    Disk.free -= 1
    with pytest.raises(DiskFull) as refused:
        check_room(settings)
    told = str(refused.value)
    assert "653 MiB free for the build area, the published folder, the history; a night needs 654 (64 to begin" in told
    assert "300 for the exact draft of the publication, 100 for the new published file beside the old one" in told
    assert "90 for the new shareable file beside the old one, 100 for the copy that the history keeps" in told


def test_each_of_two_disks_needs_room_for_what_is_written_on_it(settings, monkeypatch):
    of_size(settings.published_file, 100)
    published = settings.published_file.parent
    monkeypatch.setattr(
        "orchestration.nights.healing.Room.disk", property(lambda room: int(room.folder.is_relative_to(published)))
    )
    free = {settings.build_file.parent: 364 * 2**20, published: 200 * 2**20}

    class Disk:
        def __init__(self, folder: Path) -> None:
            self.free = free[folder]

    monkeypatch.setattr("orchestration.nights.healing.shutil.disk_usage", Disk)
    check_room(settings)
    free[published] -= 2**20
    with pytest.raises(
        DiskFull, match="no space left: 199 MiB free for the published folder, the history; a night needs 200 "
    ) as refused:
        check_room(settings)
    assert "exact draft" not in str(refused.value), "that is on the other disk"
    free[settings.build_file.parent] -= 2**20
    with pytest.raises(DiskFull, match="363 MiB free for the build area; a night needs 364 .*; and 199 MiB free for"):
        check_room(settings)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Could not write to file: No space left on device", DiskFull),
        ("Invalidated because of a previous fatal error: No space left on device", DiskFull),
        ("Could not set lock on file: Conflicting lock is held in /usr/bin/python3 (PID 4711)", WarehouseBusy),
        (
            "Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 8192",
            DamagedFile,
        ),
        ("Could not read enough bytes from file: attempted to read 20 bytes", DamagedFile),
    ],
)
def test_trouble_with_a_file_is_named_as_what_it_is(message, kind):
    assert type(named_problem(duckdb.IOException(message), Path("build.duckdb"))) is kind


def test_an_error_of_a_query_is_no_trouble_with_the_file(tmp_path):
    assert named_problem(duckdb.CatalogException("Table lockers does not exist"), tmp_path) is None
    with pytest.raises(duckdb.ConversionException), open_build_file(tmp_path / "b.duckdb") as connection:
        connection.execute("SELECT CAST('block' AS INTEGER)")


def test_sums_can_be_checked_by_the_systems_own_tool(settings):
    import subprocess

    whole_file(settings.published_file)
    write_sums(settings.published_file.parent, {"warehouse.duckdb": {sha256_of(settings.published_file)}})
    assert known_sums(settings.published_file.parent)["warehouse.duckdb"] == {sha256_of(settings.published_file)}
    told = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"],
        cwd=settings.published_file.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "warehouse.duckdb: OK\n"


def test_killed_in_the_first_milliseconds_of_the_build_file_the_next_night_starts(tmp_path):
    """Forty kills, a quarter of a millisecond later each: a file of no bytes under its own name would stop every later night."""
    build = tmp_path / "build.duckdb"
    for number in range(40):
        for left in tmp_path.iterdir():
            left.unlink()
        begun, child = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(child, b"x")
            with open_build_file(build):
                pass
            os._exit(0)
        os.read(begun, 1)
        time.sleep(number * 0.00025)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(begun)
        os.close(child)
        with open_build_file(build) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
