"""How much memory DuckDB may take is a setting, and holds for every database that the warehouse opens."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from pydantic import ValidationError

from orchestration import warehouse
from orchestration.files import memory
from orchestration.files.memory import memory_limit, memory_limit_of_models, memory_of_machine
from orchestration.files.problems import DamagedFile, NotLookedThrough, named_problem
from orchestration.nights import healing
from orchestration.nights.healing import _read_all, heal
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


@pytest.mark.parametrize(("n_deleted", "has_more"), [(0, False), (12, True)])
def test_a_country_in_which_rows_were_replaced_is_opened_with_what_its_models_may_take(
    tmp_path, monkeypatch, n_deleted, has_more
):
    """DuckDB keeps what it knows of replaced rows in memory, of all tables when it folds its log into the file."""
    monkeypatch.delenv("CRLM_MEMORY_LIMIT", raising=False)
    build_file = tmp_path / "build.duckdb"
    with open_build_file(build_file) as connection:
        connection.execute(
            f"CREATE SCHEMA intermediate; CREATE TABLE intermediate.recomputed_rows AS SELECT {n_deleted} AS n_deleted"
        )
    monkeypatch.setattr(memory, "LARGE_BUILD_BYTES", 1)
    monkeypatch.setattr(memory, "memory_limit_of_models", lambda path: "7.5GB")
    with open_build_file(build_file) as connection:
        assert limit_of(connection) == ("6.9 GiB" if has_more else "2.1 GiB")


def test_a_log_that_does_not_fit_into_memory_is_no_damage():
    """DuckDB calls its database invalid then, as for a damaged one."""
    said = "Failed to create checkpoint because of error: could not allocate block of size 256.0 KiB (2.1 GiB/2.1 GiB used)"
    error = duckdb.FatalException(
        f"FATAL Error: database has been invalidated because of a previous fatal error: {said}"
    )
    assert named_problem(error, Path("build.duckdb")) is None
    assert "raise CRLM_MEMORY_LIMIT" in spoken(error)


class FullMemory:
    """A connection to a file with a table for which there is no memory, and another."""

    def __init__(self, is_other_damaged: bool) -> None:
        self.is_other_damaged = is_other_damaged

    def execute(self, query: str):
        if '"follow_up"' in query:
            raise duckdb.OutOfMemoryException("failed to allocate data of size 128.0 KiB (2.1 GiB/2.1 GiB used)")
        if '"registry"' in query and self.is_other_damaged:
            raise duckdb.IOException("Corrupt database file: computed checksum 1 does not match stored checksum 2")
        return SimpleNamespace(fetchall=lambda: [("raw", "follow_up"), ("raw", "registry")])


def test_a_file_for_which_there_is_no_memory_is_not_called_damaged_and_its_other_tables_are_looked_at():
    what = r"build.duckdb could not be looked through \(raw.follow_up\): .*CRLM_MEMORY_LIMIT"
    with pytest.raises(NotLookedThrough, match=what):
        _read_all(FullMemory(is_other_damaged=False), Path("build.duckdb"))
    with pytest.raises(DamagedFile):
        _read_all(FullMemory(is_other_damaged=True), Path("build.duckdb"))


def test_what_could_not_be_looked_through_stays_in_doubt_and_no_night_is_run_again_for_it(tmp_path, monkeypatch):
    settings, said = Settings(data_dir=tmp_path), []
    settings.prepare_folders()
    with open_build_file(settings.build_file) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    settings.suspicion.touch()
    with monkeypatch.context() as full:
        full.setattr(healing, "_read_all", lambda connection, path: _read_all(FullMemory(False), path))
        assert not heal(settings, said.append)
    assert [text for text in said if "could not be looked through" in text] == said != []
    assert settings.suspicion.exists()
    assert not heal(settings, said.append)
    assert not settings.suspicion.exists()


def test_what_a_step_wrote_into_a_small_file_is_folded_in_when_it_is_closed(tmp_path):
    build_file = tmp_path / "build.duckdb"
    with open_build_file(build_file) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    assert not build_file.with_name("build.duckdb.wal").exists()


def test_what_a_step_wrote_into_a_large_file_stays_in_the_log_until_it_is_long(tmp_path, monkeypatch):
    build_file, log = tmp_path / "build.duckdb", tmp_path / "build.duckdb.wal"
    monkeypatch.setattr(warehouse, "SMALL_BUILD_BYTES", 0)
    with open_build_file(build_file) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    assert log.exists()
    with open_build_file(build_file, read_only=True) as connection:
        assert connection.execute("FROM t").fetchall() == [(1,)]
    monkeypatch.setattr(warehouse, "LOG_LEFT_BYTES", 0)
    with open_build_file(build_file) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert not log.exists()
    with open_build_file(build_file, read_only=True) as connection:
        assert connection.execute("FROM t").fetchall() == [(1,), (2,)]


@pytest.mark.parametrize("is_healed", [True, False])
def test_a_build_file_that_was_moved_away_leaves_no_log_in_the_way_of_the_next_one(tmp_path, is_healed, monkeypatch):
    """As the manual has it for another storage, or for a key that is lost."""
    monkeypatch.setattr(warehouse, "SMALL_BUILD_BYTES", 0)
    settings = Settings(data_dir=tmp_path)
    settings.prepare_folders()
    with open_build_file(settings.build_file) as connection:
        connection.execute("CREATE TABLE of_the_first AS SELECT 1 AS a")
    settings.build_file.rename(tmp_path / "moved.duckdb")
    assert settings.build_file.with_name("build.duckdb.wal").exists()
    if is_healed:
        heal(settings, lambda text: pytest.fail(text))
    with open_build_file(settings.build_file) as connection:
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
