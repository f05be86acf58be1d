"""An error in one hospital's contract or file is its own: the others load, its last records stay and are marked stale."""

import os
import signal
import threading

import duckdb
import pytest

from orchestration.ingestion import load_feed as loading
from orchestration.spoken_errors import without_values
from tests.ingestion.whole_nights import GOOD, night


def change(warehouse, file, right, wrong):
    path = warehouse.contracts_folder / file
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def test_a_wrong_contract_leaves_its_feed_as_it_was_and_the_neighbour_loads(two_hospitals):
    change(two_hospitals, "a_hospital/treatments.yml", "{op: resection", "{op: surgery")
    two_hospitals.land("treatments/2.csv", GOOD.replace("T1", "T2"))
    two_hospitals.land("../neighbour/treatments/2.csv", GOOD.replace("T1", "T2"))

    stale, unclaimed = night(two_hospitals, "night-2")

    assert two_hospitals.rows("SELECT source_system, treatment_id FROM raw.treatments ORDER BY ALL") == [
        ("a_hospital", "T1"),
        ("neighbour", "T1"),
        ("neighbour", "T2"),
    ]
    assert [(hospital, feed) for hospital, feed, _ in stale] == [("a_hospital", "treatments")]
    assert "a_hospital/treatments.yml:13: fields.treatment_type.codes" in stale[0][2]
    assert unclaimed == [], "the file of the wrong contract is not called unclaimed: that contract may name it"
    ((status, last),) = two_hospitals.rows(
        """SELECT status, last_loaded_at IS NOT NULL FROM raw.ingest_ledger LEFT JOIN raw.stale_feeds USING (source_system, feed)
           WHERE run_id = 'night-2' AND source_system = 'a_hospital'"""
    )
    assert status.startswith("refused: the contract cannot be used: a_hospital/treatments.yml:13") and last

    change(two_hospitals, "a_hospital/treatments.yml", "{op: surgery", "{op: resection")
    stale, _ = night(two_hospitals, "night-3")
    assert stale == [], "mended: what waited is loaded and nothing is stale any more"
    assert two_hospitals.rows(
        "SELECT arg_max(status, loaded_at) FROM raw.ingest_ledger WHERE source_file = 'a_hospital/contracts/treatments.yml'"
    ) == [("loaded",)]
    assert two_hospitals.rows("SELECT count(*) FROM raw.treatments WHERE source_system = 'a_hospital'") == [(2,)]


def test_a_wrong_hospital_file_keeps_what_it_said_last_about_its_endpoints(two_hospitals):
    change(
        two_hospitals,
        "a_hospital/hospital.yml",
        "is_simulated: true",
        "is_simulated: true\nnot_derivable: {salvage: none}",
    )
    night(two_hospitals, "night-2")
    change(two_hospitals, "a_hospital/hospital.yml", "salvage: none", "salvaged: none")

    stale, _ = night(two_hospitals, "night-3")

    assert two_hospitals.rows("FROM raw.not_derivable_endpoints") == [("a_hospital", "salvage", "none")]
    ((hospital, feed, reason),) = stale
    assert (hospital, feed) == ("a_hospital", "treatments")
    assert (
        "hospital.yml:3: not_derivable.salvaged: 'salvaged' is no endpoint (known: overall_survival, salvage)" in reason
    )


def test_a_hospital_is_simulated_as_its_hospital_file_says_tonight_whatever_it_said_when_its_files_came(two_hospitals):
    """A first contract was copied from an example."""
    labels = "SELECT source_system, bool_or(is_simulated), bool_and(is_simulated) FROM raw.ingest_ledger GROUP BY ALL ORDER BY ALL"
    two_hospitals.land("unnamed.csv", GOOD)
    night(two_hospitals, "night-2")
    assert two_hospitals.rows(labels) == [("a_hospital", True, True), ("neighbour", True, True)]
    change(two_hospitals, "a_hospital/hospital.yml", "is_simulated: true", "is_simulated: false")
    night(two_hospitals, "night-3")
    assert two_hospitals.rows(labels) == [("a_hospital", False, False), ("neighbour", True, True)]


def test_a_file_that_the_loader_fails_on_is_refused_and_the_next_one_loads(two_hospitals, monkeypatch):
    sound = loading.load_file

    def failing(connection, path, *rest):
        if path.name == "2.csv":
            raise duckdb.BinderException("a patient's name")
        return sound(connection, path, *rest)

    monkeypatch.setattr(loading, "load_file", failing)
    two_hospitals.land("treatments/2.csv", GOOD.replace("T1", "T2"))
    two_hospitals.land("treatments/3.csv", GOOD.replace("T1", "T3"))

    stale, _ = night(two_hospitals, "night-2")

    assert two_hospitals.rows(
        "SELECT treatment_id FROM raw.treatments WHERE source_system = 'a_hospital' ORDER BY ALL"
    ) == [
        ("T1",),
        ("T3",),
    ]
    assert stale == [
        (
            "a_hospital",
            "treatments",
            "1 file(s) refused: the loader failed on this file (BinderException); please report it with the file",
        ),
    ]


def test_a_refused_file_that_is_taken_away_makes_nothing_stale(two_hospitals):
    broken = two_hospitals.land("treatments/2.csv", "id;patient")
    assert [feed for _, feed, _ in night(two_hospitals, "night-2")[0]] == ["treatments"]
    broken.unlink()
    assert night(two_hospitals, "night-3")[0] == []


def test_a_full_disk_is_nobodys_file(two_hospitals, monkeypatch):
    def full(*arguments):
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(loading, "load_file", full)
    two_hospitals.land("treatments/2.csv", GOOD)
    with pytest.raises(duckdb.IOException):
        night(two_hospitals, "night-2")


@pytest.fixture
def sigterm_interrupts():
    """SIGTERM as Dagster takes it in a step: what its handler raises is no Exception."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm_interrupts")
@pytest.mark.parametrize("step", [None, without_values], ids=["loading", "a step of a night"])
def test_a_signal_in_the_middle_of_a_query_stops_the_loading_and_refuses_no_file(two_hospitals, monkeypatch, step):
    """DuckDB makes a RuntimeError of the interruption, which is no fault of the file that was being stored."""
    two_hospitals.land("treatments/2.csv", GOOD.replace("T1", "T2"))

    def store_for_ever(connection, *_, **__):
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGTERM]).start()
        connection.execute("SELECT count(*) FROM range(1000000000000) AS many (n) WHERE n % 7 = 3")

    monkeypatch.setattr("orchestration.ingestion.load_file.store_records", store_for_ever)
    load = two_hospitals.load if step is None else step(two_hospitals.load)
    with pytest.raises(KeyboardInterrupt):
        load("treatments", "night-2")

    monkeypatch.undo()
    assert two_hospitals.rows("SELECT count(*) FROM raw.ingest_ledger WHERE run_id = 'night-2'") == [(0,)]
    assert [load.status for load in two_hospitals.load("treatments", "night-3")] == ["loaded"]
