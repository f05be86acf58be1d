"""A folder of the landing folder that cannot be read is told of, and stops no other hospital's night; a linked one is looked through."""

import contextlib
import errno
import os
from pathlib import Path

import pytest

from orchestration.ingestion import load_feed as loading
from orchestration.ingestion.closed_folders import closed_folders
from orchestration.ingestion.contract import read_hospitals
from orchestration.ingestion.feed_rhythm import feeds_that_stopped
from orchestration.ingestion.landing_folder import look_through
from orchestration.ingestion.load_feed import landed_by_feed, record_unclaimed_files, unclaimed_files
from orchestration.ingestion.load_file import landed_files
from tests.ingestion.whole_nights import GOOD, night
from tests.permissions import bound_by_permissions

ONLY_ITS_NAMES, NOTHING, ONLY_BY_NAME = 0o600, 0o000, 0o300
CLOSED = "1 folder(s) cannot be read: Permission denied"


@pytest.fixture
def closed(tmp_path):
    """Closes a folder for a while to a process that permissions bind."""

    @contextlib.contextmanager
    def close(folder: Path, mode: int):
        folder.chmod(mode)
        try:
            with bound_by_permissions(tmp_path):
                yield
        finally:
            folder.chmod(0o700)

    return close


def hospitals_of(warehouse):
    return read_hospitals(warehouse.contracts_folder, ["overall_survival", "salvage"])


@pytest.mark.parametrize("mode", [ONLY_ITS_NAMES, NOTHING, ONLY_BY_NAME])
@pytest.mark.parametrize("folder", ["treatments", "."])
def test_a_closed_folder_makes_its_feed_stale_and_the_neighbour_loads(two_hospitals, closed, folder, mode):
    two_hospitals.land("../neighbour/treatments/2.csv", GOOD.replace("T1", "T2"))
    with closed(two_hospitals.landing / "a_hospital" / folder, mode):
        stale, unclaimed = night(two_hospitals, "night-2")
        landed = landed_by_feed(two_hospitals.connection, two_hospitals.landing, hospitals_of(two_hospitals))

    loaded = "SELECT treatment_id FROM raw.treatments WHERE source_system = 'neighbour' ORDER BY ALL"
    assert two_hospitals.rows(loaded) == [("T1",), ("T2",)]
    assert ("a_hospital", "treatments", CLOSED) in stale and {hospital for hospital, *_ in stale} == {"a_hospital"}
    assert unclaimed == []
    assert ("a_hospital", "treatments", "a_hospital/treatments/1.csv") in landed, "what lies there is not missing"

    assert night(two_hospitals, "night-3")[0] == []
    assert two_hospitals.rows("SELECT count(*) FROM raw.treatments WHERE source_system = 'a_hospital'") == [(1,)]
    name = "a_hospital/" if folder == "." else "a_hospital/treatments/"
    assert two_hospitals.rows(
        f"SELECT status FROM raw.ingest_ledger WHERE source_file = '{name}' AND feed = 'treatments' ORDER BY loaded_at"
    ) == [("refused: the folder cannot be read: Permission denied",), ("loaded",)]
    (last_loaded,) = two_hospitals.rows(
        "SELECT DISTINCT run_id FROM raw.ingest_ledger WHERE rows_loaded > 0 AND feed = 'treatments'"
        " AND source_system = 'a_hospital'"
    )
    assert last_loaded == ("night-1",)


def test_a_first_delivery_into_a_closed_folder_is_no_silence(warehouse, closed):
    warehouse.land("treatments/1.csv", GOOD)
    with closed(warehouse.landing / "a_hospital" / "treatments", NOTHING):
        stale, _ = night(warehouse, "night-1")
    assert stale == [("a_hospital", "treatments", CLOSED)]
    assert warehouse.rows("SELECT source_file, feed, system FROM raw.ingest_ledger") == [
        ("a_hospital/treatments/", "treatments", "main")
    ]


def test_a_closed_folder_that_no_contract_looks_into_stands_in_the_ledger_and_makes_nothing_stale(warehouse, closed):
    warehouse.land("scans/1.dcm", b"")
    with closed(warehouse.landing / "a_hospital" / "scans", NOTHING):
        stale, unclaimed = night(warehouse, "night-1")
    assert (stale, unclaimed) == ([], [])
    assert warehouse.rows("SELECT source_system, source_file, feed, status FROM raw.ingest_ledger") == [
        ("a_hospital", "a_hospital/scans/", None, "refused: the folder cannot be read: Permission denied")
    ]


@pytest.mark.parametrize(
    ("pattern", "folder", "is_concerned"),
    [
        ("treatments/*.csv", "treatments", True),
        ("treatments/*.csv", "treatments/old", False),
        ("treatments/*/*.csv", "treatments/old", True),
        ("treat*/*.csv", "treatments", True),
        ("**/*.csv", "scans/2012", True),
        ("t.csv", "scans", False),
    ],
)
def test_a_closed_folder_concerns_the_contracts_whose_files_may_lie_there(
    warehouse, closed, pattern, folder, is_concerned
):
    contract = warehouse.contracts_folder / "a_hospital" / "treatments.yml"
    text = contract.read_text(encoding="utf-8").replace("treatments/*.csv", f'"{pattern}"')
    contract.write_text(text, encoding="utf-8")
    path = warehouse.landing / "a_hospital" / folder
    path.mkdir(parents=True)
    with closed(path, NOTHING):
        (place,) = closed_folders(warehouse.landing, hospitals_of(warehouse))
    assert (place[1] == "treatments") == is_concerned


def test_a_closed_file_is_refused_and_its_neighbour_loads(warehouse, tmp_path):
    warehouse.land("treatments/1.csv", GOOD).chmod(0)
    warehouse.land("treatments/2.csv", GOOD.replace("T1", "T2"))
    with bound_by_permissions(tmp_path):
        stale, _ = night(warehouse, "night-1")
    assert stale == [("a_hospital", "treatments", "1 file(s) refused: the file cannot be opened: Permission denied")]
    assert warehouse.rows("SELECT treatment_id FROM raw.treatments") == [("T2",)]


def test_a_disk_that_answers_with_an_error_hides_only_what_lies_on_it(two_hospitals, monkeypatch):
    """A share that is away says so of each folder, and it is no question of permissions."""
    on_the_share, sound = str(two_hospitals.landing / "a_hospital"), os.scandir

    def scandir(path="."):
        if str(path).startswith(on_the_share):
            raise OSError(errno.ESTALE, "Stale file handle")
        return sound(path)

    monkeypatch.setattr(os, "scandir", scandir)
    stale, _ = night(two_hospitals, "night-2")
    assert ("a_hospital", "treatments", "1 folder(s) cannot be read: Stale file handle") in stale


def test_the_folder_that_a_disk_of_its_own_has_at_its_root_is_nobodys(warehouse, closed):
    lost = warehouse.landing / "lost+found"
    lost.mkdir(parents=True)
    with closed(lost, NOTHING):
        assert closed_folders(warehouse.landing, hospitals_of(warehouse)) == {}


def test_in_a_linked_hospital_folder_a_misnamed_file_is_found(warehouse, tmp_path):
    warehouse.land("treatments/1.csv", GOOD)
    warehouse.land("treatments/2.CSV", GOOD)
    elsewhere = tmp_path / "srv" / "sftp"
    elsewhere.mkdir(parents=True)
    (warehouse.landing / "a_hospital").rename(elsewhere / "a_hospital")
    (warehouse.landing / "a_hospital").symlink_to(elsewhere / "a_hospital")
    assert night(warehouse, "night-1") == ([], ["a_hospital/treatments/2.CSV"])


def test_a_ring_of_links_comes_to_an_end_and_what_has_a_name_of_its_own_is_found_by_it_alone(tmp_path):
    landing, elsewhere = tmp_path / "landing", tmp_path / "elsewhere"
    (landing / "a" / "registry").mkdir(parents=True)
    elsewhere.mkdir()
    for file in (landing / "a" / "registry" / "1.csv", elsewhere / "2.csv"):
        file.touch()
    (landing / "a" / "registry" / "up").symlink_to(landing)
    (landing / "a" / "everything").symlink_to(tmp_path)
    (landing / "b").symlink_to(landing / "a")
    (landing / "c").symlink_to(elsewhere)
    (landing / "a" / "d").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(elsewhere)
    (elsewhere / "nowhere").symlink_to(elsewhere / "gone")
    found = look_through(landing)
    assert sorted(str(path.relative_to(landing)) for path in found.files) == [
        "a/d/2.csv",
        "a/registry/1.csv",
        "c/2.csv",
    ]
    assert found.unreadable == {}


def test_a_link_to_itself_is_told_of_and_a_link_to_a_closed_folder(tmp_path, closed):
    (tmp_path / "landing" / "a").mkdir(parents=True)
    (tmp_path / "srv" / "x").mkdir(parents=True)
    (tmp_path / "landing" / "a" / "itself").symlink_to(tmp_path / "landing" / "a" / "itself")
    (tmp_path / "landing" / "b").symlink_to(tmp_path / "srv" / "x")
    with closed(tmp_path / "srv", NOTHING):
        assert {path.name for path in look_through(tmp_path / "landing").unreadable} == {"itself", "b"}


def test_a_stray_file_that_gets_its_name_in_this_moment_is_no_stray(warehouse, monkeypatch):
    stray = warehouse.land("treatments/1.csv.filepart", GOOD)
    warehouse.land("treatments/2.csv.filepart", GOOD)
    night(warehouse, "night-1")
    sound = loading.hash_of_file

    def renamed_meanwhile(path):
        found = sound(path)
        if path == stray:
            path.rename(path.with_suffix(""))
        return found

    monkeypatch.setattr(loading, "hash_of_file", renamed_meanwhile)
    told = record_unclaimed_files(warehouse.connection, warehouse.landing, hospitals_of(warehouse), "night-2")
    assert told == ["a_hospital/treatments/2.csv.filepart"]


def test_a_closed_landing_folder_gives_no_file_and_raises_nothing(two_hospitals, closed):
    hospitals = hospitals_of(two_hospitals)
    with closed(two_hospitals.landing, NOTHING):
        assert [landed_files(two_hospitals.landing, contract) for contract in hospitals.contracts] == [[]] * 4
        assert unclaimed_files(two_hospitals.landing, hospitals) == []
        assert feeds_that_stopped(two_hospitals.connection, two_hospitals.landing) == []
        assert {place[0] for place in closed_folders(two_hospitals.landing, hospitals)} == {"a_hospital", "neighbour"}
