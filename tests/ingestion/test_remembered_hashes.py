"""A landed file that nobody touched is not read again to find that out; one that anybody touched is."""

import os

import duckdb
import pytest

from orchestration.ingestion import remembered_hashes
from orchestration.ingestion.load_file import hash_of_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.remembered_hashes import RememberedHashes


@pytest.fixture
def night(tmp_path, monkeypatch):
    """Asks for a file's hash as a night does; says also whether the file was read for it."""
    connection, read = duckdb.connect(), []
    create_raw_schema(connection)
    monkeypatch.setattr(remembered_hashes, "hash_of_file", lambda path: read.append(path) or hash_of_file(path))

    def ask(path) -> tuple[str, bool]:
        read.clear()
        hashes = RememberedHashes(connection, tmp_path)
        found = hashes.of(path)
        hashes.keep()
        return found, bool(read)

    return ask


@pytest.fixture
def landed(tmp_path):
    path = tmp_path / "hospital" / "registry.csv"
    path.parent.mkdir()
    path.write_text("mrn\n1\n")
    return path


def test_an_untouched_file_is_read_once(night, landed, monkeypatch):
    monkeypatch.setattr(remembered_hashes, "SETTLED_SECONDS", -60.0)
    expected = hash_of_file(landed)
    assert [night(landed), night(landed), night(landed)] == [(expected, True), (expected, False), (expected, False)]


def test_other_bytes_of_the_same_length_and_time_of_writing_are_found(night, landed, monkeypatch):
    monkeypatch.setattr(remembered_hashes, "SETTLED_SECONDS", -60.0)
    before = landed.stat()
    night(landed)
    landed.write_text("mrn\n2\n")
    os.utime(landed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (landed.stat().st_size, landed.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert night(landed) == (hash_of_file(landed), True)


def test_another_file_in_its_place_is_found(night, landed, monkeypatch):
    monkeypatch.setattr(remembered_hashes, "SETTLED_SECONDS", -60.0)
    night(landed)
    other = landed.with_name("other")
    other.write_text("mrn\n3\n")
    other.replace(landed)
    assert night(landed) == (hash_of_file(landed), True)


def test_a_file_written_a_moment_ago_is_read_again(night, landed):
    assert night(landed) == (hash_of_file(landed), True)
    assert night(landed) == (hash_of_file(landed), True)


def test_a_file_that_is_gone_has_no_hash(night, landed):
    landed.unlink()
    assert night(landed) == ("", True)
