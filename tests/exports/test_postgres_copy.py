"""The copy in a real PostgreSQL: readers in a loop never see half a night, a role may read and nothing else."""

import threading

import pytest

from orchestration.exports.folders import ExportRefused
from orchestration.exports.postgres_copy import export_postgres
from tests.databases.conftest import SECRET
from tests.exports.conftest import write_publication
from tests.patience import wait_until

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("duckdb_extensions", reason="DuckDB's extension wheels are not installed: pip install .[sources]")


@pytest.fixture
def owner(server, monkeypatch) -> str:
    monkeypatch.setenv("PGPASSWORD", "owner")
    return f"host=127.0.0.1 port={server.port} dbname=hospital user=owner"


def test_every_reader_sees_one_night_while_nights_are_exchanged(published, tmp_path, server, owner):
    export_postgres(published, owner, "reader")
    stop, seen, mixed, errors = threading.Event(), set(), [], []

    def read_until_stopped() -> None:
        with psycopg.connect(server.connection, password=SECRET, autocommit=True) as connection:
            while not stop.is_set():
                try:
                    # the stamp in one statement, the rows in another of the same transaction
                    with connection.transaction():
                        run = connection.execute("SELECT run_id FROM meta.publication").fetchone()[0]
                        nights = connection.execute(
                            "SELECT min(night), max(night), count(*) FROM quality.night"
                        ).fetchone()
                except psycopg.Error as error:
                    errors.append(str(error))
                    return
                seen.add(run)
                if nights != (int(run[-1]), int(run[-1]), 100):
                    mixed.append((run, nights))

    readers = [threading.Thread(target=read_until_stopped) for _ in range(3)]
    for reader in readers:
        reader.start()
    for night in (2, 3, 4):
        # each night is seen before the next one comes
        wait_until(lambda: f"run-{night - 1}" in seen or bool(errors), "a reader's look")  # noqa: B023
        export_postgres(write_publication(tmp_path / "next" / "warehouse.duckdb", night), owner, "reader")
    wait_until(lambda: "run-4" in seen or bool(errors), "a reader's look")
    stop.set()
    for reader in readers:
        reader.join()
    assert not errors and not mixed
    assert seen == {"run-1", "run-2", "run-3", "run-4"}
    with psycopg.connect(server.connection, password=SECRET) as connection:
        assert connection.execute("SELECT run_id FROM meta.publication").fetchone()[0] == "run-4"


def test_the_role_reads_rows_with_their_comments_and_can_change_nothing(published, server, owner):
    export_postgres(published, owner, "reader")
    with psycopg.connect(server.connection, password=SECRET, autocommit=True) as connection:
        rows = connection.execute("SELECT study_id, vital_status FROM marts.patients ORDER BY study_id").fetchall()
        assert rows[0] == ("P1", "dead") and len(rows) == 5
        assert connection.execute("SELECT words FROM results.hazard_ratios").fetchone()[0] == ["a", "b"]
        comment = connection.execute("SELECT obj_description('marts.patients'::regclass)").fetchone()[0]
        assert comment.startswith("One row a registered patient")
        for statement in ("DELETE FROM marts.patients", "DROP TABLE marts.patients", "CREATE TABLE marts.mine (x int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_reader_who_never_ends_keeps_the_old_copy_and_is_named_as_the_reason(published, tmp_path, server, owner):
    export_postgres(published, owner, "reader")
    with psycopg.connect(server.connection, password=SECRET) as connection:
        connection.execute("SELECT * FROM marts.patients")
        with pytest.raises(ExportRefused, match="readers have held the old copy"):
            export_postgres(write_publication(tmp_path / "b.duckdb", 2), owner, "reader", patience_seconds=0.1)
        assert connection.execute("SELECT run_id FROM meta.publication").fetchone()[0] == "run-1"


def test_a_server_that_refuses_is_said_without_the_connection_string(published, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(ExportRefused, match="password authentication failed") as refusal:
        export_postgres(
            published, f"host=127.0.0.1 port={server.port} dbname=hospital user=owner application_name=secret7"
        )
    assert "secret7" not in str(refusal.value)
