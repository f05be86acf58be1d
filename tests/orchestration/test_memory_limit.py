"""How much memory DuckDB may take is a setting, and holds for every database that the warehouse opens."""

import duckdb
import pytest
from pydantic import ValidationError

from orchestration.files.memory import memory_limit, memory_limit_of_models, memory_of_machine
from orchestration.reading.report_reading import Plugin
from orchestration.settings import Settings
from orchestration.spoken_errors import spoken
from orchestration.warehouse import open_build_file, open_scratch_file


def limit_of(connection: duckdb.DuckDBPyConnection) -> str:
    return connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]


@pytest.fixture
def dbts_connection():
    with duckdb.connect() as connection:
        Plugin("report_reading", {}).configure_connection(connection)
        yield connection


@pytest.mark.parametrize(("said", "held_to"), [("800MB", "762.9 MiB"), ("2GiB", "2.0 GiB"), (None, "2.1 GiB")])
def test_build_file_and_scratch_file_are_held_to_what_the_setting_says(tmp_path, monkeypatch, said, held_to):
    monkeypatch.delenv("CRLM_MEMORY_LIMIT", raising=False)
    if said:
        monkeypatch.setenv("CRLM_MEMORY_LIMIT", said)
    with open_build_file(tmp_path / "build.duckdb") as build, open_scratch_file() as scratch:
        assert (limit_of(build), limit_of(scratch)) == (held_to, held_to)


def test_dbts_connection_is_held_to_it_too(monkeypatch, request):
    monkeypatch.setenv("CRLM_MEMORY_LIMIT", "640MiB")
    assert limit_of(request.getfixturevalue("dbts_connection")) == "640.0 MiB"


def test_the_models_of_a_country_may_take_a_third_of_the_machine_unless_the_setting_says_otherwise(
    tmp_path, monkeypatch
):
    build_file = tmp_path / "build.duckdb"
    with build_file.open("wb") as file:
        file.truncate(5_000_000_000)  # takes no room on the disk
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 24_000_000_000 // 4096}
    monkeypatch.setattr("orchestration.files.memory.os.sysconf", pages.__getitem__)
    # in whatever container this test runs
    monkeypatch.setattr("orchestration.files.memory.LIMITS_OF_CONTAINER", ())
    assert memory_limit_of_models(build_file, {}) == "8.0GB"
    assert memory_limit_of_models(build_file, {"CRLM_MEMORY_LIMIT": "3GB"}) == "3GB"
    assert memory_limit_of_models(tmp_path / "none yet.duckdb", {}) == "2.3GB"
    pages["SC_PHYS_PAGES"] = 4_000_000_000 // 4096
    assert memory_limit_of_models(build_file, {}) == "2.3GB"


def test_a_container_that_may_take_less_than_the_machine_has_counts(tmp_path, monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 24_000_000_000 // 4096}
    monkeypatch.setattr("orchestration.files.memory.os.sysconf", pages.__getitem__)
    assert memory_of_machine(tmp_path) == 24_000_000_000, "no container"
    of_version_2, of_version_1 = tmp_path / "memory.max", tmp_path / "memory" / "memory.limit_in_bytes"
    of_version_2.write_text("12000000000\n")
    assert memory_of_machine(tmp_path) == 12_000_000_000
    of_version_2.write_text("48000000000\n")
    assert memory_of_machine(tmp_path) == 24_000_000_000, "more than there is"
    of_version_2.write_text("max\n")
    assert memory_of_machine(tmp_path) == 24_000_000_000, "no limit"
    of_version_1.parent.mkdir()
    of_version_1.write_text("9223372036854771712\n")
    assert memory_of_machine(tmp_path) == 24_000_000_000, "version 1's word for no limit"
    of_version_1.write_text("9000000000\n")
    assert memory_of_machine(tmp_path) == 9_000_000_000


def test_the_models_of_a_country_may_take_a_third_of_what_the_container_may(tmp_path, monkeypatch):
    build_file = tmp_path / "build.duckdb"
    with build_file.open("wb") as file:
        file.truncate(5_000_000_000)  # takes no room on the disk
    monkeypatch.setattr("orchestration.files.memory.memory_of_machine", lambda: 9_000_000_000)
    assert memory_limit_of_models(build_file, {}) == "3.0GB"


def test_the_machine_is_the_word_for_duckdbs_own_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_MEMORY_LIMIT", "machine")
    with open_build_file(tmp_path / "build.duckdb") as build, duckdb.connect() as bare:
        assert limit_of(build) == limit_of(bare)


@pytest.mark.parametrize("said", ["2.5", "plenty", "2 GB; DROP TABLE x", "-1GB"])
def test_what_is_no_amount_is_refused_before_the_night_begins(monkeypatch, said):
    monkeypatch.setenv("CRLM_MEMORY_LIMIT", said)
    with pytest.raises(ValidationError, match="CRLM_MEMORY_LIMIT is .* an amount as 2.5GB or 800MB"):
        Settings()
    with pytest.raises(ValueError, match="CRLM_MEMORY_LIMIT"):
        memory_limit()


def test_a_sort_larger_than_the_limit_goes_on_from_the_build_area(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_MEMORY_LIMIT", "60MB")
    with open_build_file(tmp_path / "build.duckdb") as build:
        build.execute("CREATE TABLE words AS SELECT md5((999_999 - i)::VARCHAR) AS word FROM range(1_000_000) AS r (i)")
        build.execute("CREATE TABLE sorted AS FROM words ORDER BY word")
        n, first = build.execute("SELECT count(*), any_value(word) FROM sorted WHERE rowid IN (0)").fetchall()[0]
        assert (n, first) == (1, build.execute("SELECT min(word) FROM words").fetchall()[0][0])


def test_a_query_that_cannot_do_with_less_says_which_setting_to_raise(tmp_path, monkeypatch):
    monkeypatch.setenv("CRLM_MEMORY_LIMIT", "20MB")
    with open_build_file(tmp_path / "build.duckdb") as build, pytest.raises(duckdb.OutOfMemoryException) as error:
        build.execute("SELECT len(list(md5(i::VARCHAR))) FROM range(2_000_000) AS r (i)").fetchall()
    assert spoken(error.value).startswith(
        "OutOfMemory: DuckDB needed more memory than it may take: raise CRLM_MEMORY_LIMIT"
    )
