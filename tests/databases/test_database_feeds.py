"""A table of a hospital's database as a feed: fetched, corrected, withdrawn, and what happens when the database fails."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import psycopg
import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals
from orchestration.ingestion.database import fetch_sources
from orchestration.ingestion.load_feed import load_feed, record_fetches
from orchestration.settings import PROJECT_ROOT
from tests.databases.conftest import SECRET
from tests.permissions import bound_by_permissions

CONTRACT = """version: "1"
feed: treatments
source:
  kind: {kind}
  connection: "{connection}"
  secret: NORTH_DATABASE_SECRET
  {rows}
key: [treatment_id]
fields:
  treatment_id: {{column: id, required: true}}
  mrn: {{column: pat, required: true}}
  treatment_date: {{column: day, formats: ["%Y-%m-%d"], required: true}}
  treatment_type: {{column: what, codes: {{op: resection, rfa: ablation}}, required: true}}
"""


class North:
    """A hospital with this source, its landing folder and its raw schema."""

    def __init__(self, folder: Path, kind: str, connection: str, rows: str = "table: therapy") -> None:
        self.landing, self.contracts = folder / "landing", folder / "contracts"
        self.raw = duckdb.connect()
        (self.contracts / "north").mkdir(parents=True)
        (self.contracts / "north" / "hospital.yml").write_text("name: North\nis_simulated: true\n", encoding="utf-8")
        text = CONTRACT.format(kind=kind, connection=connection, rows=rows.replace("\n", "\n  "))
        (self.contracts / "north" / "treatments.yml").write_text(text, encoding="utf-8")

    def night(self):
        contracts = load_hospitals(self.contracts)
        (fetch,) = fetch_sources(self.landing, contracts, again=True)
        record_fetches(self.raw, [fetch], "night")
        return fetch, load_feed(self.raw, self.landing, contracts, "treatments", "night")

    def treatments(self):
        return self.raw.execute(
            """SELECT treatment_id, mrn, treatment_date, treatment_type, coalesce(record_status, 'active') FROM raw.treatments
               QUALIFY row_number() OVER (PARTITION BY treatment_id ORDER BY loaded_at DESC, source_file DESC) = 1 ORDER BY 1"""
        ).fetchall()


ROWS = [("1", "P1", "2009-04-13", "resection", "active"), ("2", "P2", "2010-06-05", "ablation", "active")]


@pytest.mark.parametrize("kind", ["postgres", "odbc"])
def test_rows_are_fetched_once_and_a_corrected_row_is_a_new_version(database, tmp_path, kind):
    north = North(tmp_path, kind, database.connection if kind == "postgres" else database.odbc)
    fetch, (load,) = north.night()
    assert (fetch.refusal, fetch.rows, load.rows_loaded) == (None, 2, 2)
    assert north.treatments() == ROWS
    assert fetch.path.stat().st_mode & 0o077 == 0, "for the owner alone"

    assert north.night()[0].path is None, "nothing is different: no snapshot"

    database.run("UPDATE therapy SET what = 'op' WHERE id = 2")
    fetch, (load,) = north.night()
    assert (load.rows_loaded, load.rows_duplicate) == (1, 1)
    assert north.treatments()[1] == ("2", "P2", "2010-06-05", "resection", "active")


@pytest.mark.parametrize("kind", ["postgres", "odbc"])
def test_with_a_watermark_only_what_changed_is_asked_for(database, tmp_path, kind):
    rows = 'query: "SELECT * FROM therapy WHERE pat IS NOT NULL"\nwatermark: changed'
    north = North(tmp_path, kind, database.connection if kind == "postgres" else database.odbc, rows)
    assert north.night()[0].rows == 2
    assert north.night()[0].path is None

    database.run("INSERT INTO therapy VALUES (3, 'P3', '2011-01-01', 'op', 2, '2020-01-02 11:30:00.25', NULL)")
    fetch, (load,) = north.night()
    assert (fetch.rows, load.rows_loaded) == (1, 1), "written in the same instant as the last one, and not missed"

    database.run(
        "DELETE FROM therapy WHERE id = 1", "UPDATE therapy SET what = 'op', changed = '2021-01-01' WHERE id = 2"
    )
    assert north.night()[0].rows == 1
    assert [status for *_, status in north.treatments()] == ["active"] * 3, (
        "what vanished stays: nobody said what it means"
    )


def test_a_watermark_is_an_instant_on_whichever_clock_the_server_tells_it_and_rows_without_one_are_not_missed(
    database, tmp_path
):
    database.run(
        "ALTER DATABASE hospital SET TimeZone = 'America/New_York'",
        "ALTER TABLE therapy ALTER changed TYPE timestamptz USING changed AT TIME ZONE 'UTC'",
    )
    north = North(tmp_path, "postgres", database.connection, "table: therapy\nwatermark: changed")
    assert north.night()[0].rows == 2
    # half an hour after the last change: it is still the hour before on New York's clock
    database.run(
        "INSERT INTO therapy VALUES (3, 'P3', '2011-01-01', 'op', 2, '2020-01-02 12:00+00', NULL)",
        "INSERT INTO therapy VALUES (4, 'P4', '2011-01-01', 'op', 2, NULL, NULL)",
    )
    assert north.night()[0].rows == 2
    assert [treatment for treatment, *_ in north.treatments()] == ["1", "2", "3", "4"]


def test_a_vanished_row_is_withdrawn_only_where_the_contract_says_so(database, tmp_path):
    kept = North(tmp_path / "kept", "postgres", database.connection)
    withdrawn = North(tmp_path / "withdrawn", "postgres", database.connection, "table: therapy\nvanished: withdrawn")
    for north in (kept, withdrawn):
        north.night()
        assert north.treatments() == ROWS

    database.run("DELETE FROM therapy WHERE id = 1")
    assert kept.night()[0].withdrawn == 0 and kept.treatments() == ROWS
    assert withdrawn.night()[0].withdrawn == 1
    assert withdrawn.treatments() == [("1", "P1", "2009-04-13", "resection", "cancelled"), ROWS[1]]

    database.run("INSERT INTO therapy VALUES (1, 'P1', '2009-04-13', 'op', 1.5, '2020-01-01 10:00', NULL)")
    withdrawn.night()
    assert withdrawn.treatments() == ROWS, "and it may come back"

    database.run("DELETE FROM therapy")
    assert "the table is empty" in withdrawn.night()[0].refusal
    assert withdrawn.treatments() == ROWS


@pytest.mark.parametrize("version", ["1", "2"], ids=["same version", "another version"])
def test_a_contract_may_say_later_that_vanished_rows_are_withdrawn(database, tmp_path, version):
    north = North(tmp_path, "postgres", database.connection)
    north.night()
    contract = north.contracts / "north" / "treatments.yml"
    text = contract.read_text(encoding="utf-8").replace("table: therapy", "table: therapy\n  vanished: withdrawn")
    contract.write_text(text.replace('version: "1"', f'version: "{version}"'), encoding="utf-8")
    fetch, loads = north.night()
    assert (fetch.refusal, [load.status for load in loads]) == (None, ["loaded"] * (version == "2"))

    database.run("DELETE FROM therapy WHERE id = 1")
    fetch, loads = north.night()
    assert (fetch.refusal, fetch.withdrawn, [load.status for load in loads]) == (None, 1, ["loaded"])
    assert north.treatments() == [("1", "P1", "2009-04-13", "resection", "cancelled"), ROWS[1]]


def test_a_landing_folder_that_is_not_to_be_written_in_is_told_in_the_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("NORTH_DATABASE_SECRET", SECRET)
    north = North(tmp_path, "postgres", "host=127.0.0.1 port=1 dbname=hospital user=reader")
    folder = north.landing / "north"
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    with bound_by_permissions(tmp_path):
        fetch, loads = north.night()
    folder.chmod(0o700)
    assert (fetch.refusal, loads) == ("the rows that were fetched cannot be kept (PermissionError)", [])


@pytest.mark.parametrize("kind", ["postgres", "odbc"])
def test_a_wrong_secret_is_told_without_showing_it(database, tmp_path, kind, monkeypatch):
    monkeypatch.setenv("NORTH_DATABASE_SECRET", "wrongly-" + SECRET)
    north = North(tmp_path, kind, database.connection if kind == "postgres" else database.odbc)
    fetch, loads = north.night()

    assert (
        fetch.refusal
        == "the database refuses the user, or the secret in the environment variable NORTH_DATABASE_SECRET"
    )
    assert loads == []
    ledger = north.raw.execute("SELECT status, source_file FROM raw.ingest_ledger").fetchall()
    assert ledger == [(f"refused: {fetch.refusal}", "north/fetched/treatments.main")]
    assert SECRET not in str(ledger) + str(fetch)

    monkeypatch.delenv("NORTH_DATABASE_SECRET")
    assert "is not set" in north.night()[0].refusal
    monkeypatch.setenv("NORTH_DATABASE_SECRET", SECRET)
    north.night()
    assert north.raw.execute(
        "SELECT arg_max(status, load_number) FROM raw.ingest_ledger WHERE source_file NOT LIKE '%.parquet'"
    ).fetchall() == [("loaded",)], "that it is reached again is on record too"


@pytest.mark.parametrize("kind", ["postgres", "odbc"])
def test_a_slow_query_ends_after_its_time(database, tmp_path, kind):
    rows = 'query: "SELECT therapy.* FROM therapy, pg_sleep(12)"\ntimeout_seconds: 2'
    north = North(tmp_path, kind, database.connection if kind == "postgres" else database.odbc, rows)
    fetch, loads = north.night()
    assert (fetch.refusal, loads) == ("the query took longer than 2 seconds (`timeout_seconds`)", [])


def test_a_connection_that_breaks_in_the_middle_leaves_nothing_half(database, tmp_path):
    north = North(tmp_path, "postgres", database.connection, 'query: "SELECT therapy.* FROM therapy, pg_sleep(60)"')

    def breaks():
        import psycopg

        with psycopg.connect(database.owner, autocommit=True) as connection:
            while not is_told.is_set():
                ended = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader' AND query LIKE '%pg_sleep%'"
                ).fetchall()
                if ended:
                    return
                time.sleep(0.1)

    is_told = threading.Event()
    breaking = threading.Thread(target=breaks)
    breaking.start()
    fetch, loads = north.night()
    is_told.set()
    breaking.join()
    assert (fetch.refusal, loads) == ("the connection broke while rows were fetched; nothing of them was taken", [])
    assert [path for path in north.landing.rglob("*") if path.is_file()] == []


FETCHING = """
import sys
from pathlib import Path
from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.database import fetch_sources
fetch_sources(Path(sys.argv[1]), load_hospitals(Path(sys.argv[2])), again=True)
"""


def test_a_night_killed_while_it_fetches_takes_all_rows_the_next_time_and_none_twice(database, tmp_path):
    database.run(
        "CREATE OR REPLACE VIEW slowly AS SELECT pg_sleep(600)::text AS waited", "GRANT SELECT ON slowly TO reader"
    )
    north = North(tmp_path, "postgres", database.connection, 'query: "SELECT therapy.* FROM therapy, slowly"')
    north.landing.mkdir()
    at_work = "FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active' AND query LIKE '%slowly%'"
    for _ in range(2):
        command = [sys.executable, "-c", FETCHING, str(north.landing), str(north.contracts)]
        night = subprocess.Popen(command, cwd=PROJECT_ROOT)
        with psycopg.connect(database.owner, autocommit=True) as connection:
            while not connection.execute(f"SELECT 1 {at_work}").fetchall():
                assert night.poll() is None, "the night ended before it could be killed"
                time.sleep(0.02)
            night.kill()
            night.wait()
            # the server would go on with what nobody waits for any more
            connection.execute(f"SELECT pg_terminate_backend(pid) {at_work}")
    assert list(north.landing.rglob("*.parquet")) == []
    database.run("CREATE OR REPLACE VIEW slowly AS SELECT 'not at all'::text AS waited")
    fetch, (load,) = north.night()
    assert (fetch.refusal, fetch.rows, load.rows_loaded) == (None, 2, 2)
    assert north.treatments() == ROWS
    fetch, loads = north.night()
    assert (fetch.path, loads) == (None, [])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("table: therapies", "there is no such table for this user"),
        ("table: therapy\nwatermark: altered", "there is no such column"),
        ("table: pg_authid", "the user may not read the table"),
        ('query: "SELECT * FROM therapy WHERE"', "the database cannot read the query"),
    ],
)
def test_what_the_database_does_not_have_is_named(database, tmp_path, rows, reason):
    north = North(tmp_path, "postgres", database.connection, rows)
    if "watermark" in rows:
        database.run("ALTER TABLE therapy RENAME COLUMN changed TO altered")
        assert north.night()[0].refusal is None
        database.run("ALTER TABLE therapy RENAME COLUMN altered TO changed")
    assert reason in north.night()[0].refusal


def test_a_database_that_is_not_there(database, tmp_path):
    north = North(tmp_path, "postgres", database.connection.replace(str(database.port), "1"))
    assert north.night()[0].refusal == "the database cannot be reached, or is not there"


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("user=reader", "user=reader password=x", "source.connection: holds a secret"),
        ("table: therapy", "table: therapy; DROP TABLE x", "source.table: 'therapy; DROP TABLE x' is no table's name"),
        ("table: therapy", "query: DELETE FROM therapy", "source.query: must be a SELECT"),
        ("key:", "file_pattern: x.csv\nkey:", "`file_pattern` is that of the snapshots"),
        (
            "table: therapy",
            "table: therapy\n  vanished: withdrawn\n  watermark: changed",
            "source.vanished: with a `watermark`",
        ),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(tmp_path, right, wrong, reason):
    north = North(tmp_path, "postgres", "host=db user=reader")
    path = north.contracts / "north" / "treatments.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ContractError) as refusal:
        load_hospitals(north.contracts)
    assert reason in str(refusal.value)
