"""Nights on the engine, from landing to publication: the first one's server is killed, the second is held against DuckDB's build of
the same records, every table row for row, and a later one's server is killed again."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.cluster.hospitals import (
    REFRESH,
    crlm,
    different_tables,
    killed_night,
    land_answers,
    land_answers_about_looks,
    two_hospitals,
)
from tests.cluster.sail import sail_server
from tests.incremental.hospital import Hospital


@dataclass(frozen=True)
class Nights:
    """The same landing folder taken in twice, and what the nights on the engine said: the one whose server was killed, the next one."""

    on_duckdb: Hospital
    on_engine: Hospital
    killed: tuple[int, str, str]
    left_by_killed: list[str]
    said: str


@pytest.fixture(scope="module")
def nights(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = tmp_path_factory.mktemp("nights")
    reference = two_hospitals(folder / "duckdb")
    reference.night()
    open_questions = reference.query(
        "SELECT study_id, question_id FROM intermediate.margin_questions ORDER BY ALL LIMIT 40"
    )
    land_answers(reference, open_questions)
    land_answers_about_looks(
        reference,
        reference.query(
            "SELECT DISTINCT study_id, question_id FROM intermediate.follow_up_questions ORDER BY ALL LIMIT 20"
        ),
    )
    on_engine = Hospital(folder / "engine")
    on_engine.folder.mkdir()
    for name in ("landing", "contracts"):
        (on_engine.folder / name).symlink_to(reference.folder / name)
    reference.night()
    with sail_server(folder / "killed.log") as server:
        killed = (*killed_night(on_engine, server), server.address)
    left = derived_tables_of(on_engine)
    with crlm(on_engine, engine, *REFRESH) as night:
        said = night.communicate(timeout=3600)[0]
    return Nights(reference, on_engine, killed, left, said)


def derived_tables_of(hospital: Hospital) -> list[str]:
    """What stands in the published file's place and in the build file of what dbt makes."""
    made = hospital.query("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'")
    published = hospital.settings.published_file
    return [name for (name,) in made] + ([published.name] if published.exists() else [])


def is_clear_and_says_nothing_of_patients(hospital: Hospital, killed: tuple[int, str, str]) -> None:
    """One sentence: which engine, where, what to do; no traceback, no patient's number."""
    code, said, address = killed
    assert code != 0
    told = " ".join(said.split())
    assert f"the Spark Connect engine does not answer at {address}" in told, said[-3000:]
    assert "nothing was published" in told
    assert "Start the engine again, then `crlm refresh`" in told
    assert "Traceback" not in said
    assert not [mrn for (mrn,) in hospital.query("SELECT DISTINCT mrn FROM raw.registry") if mrn in said]


def test_a_server_that_is_killed_ends_the_night_with_nothing_published(nights: Nights):
    is_clear_and_says_nothing_of_patients(nights.on_engine, nights.killed)
    assert nights.left_by_killed == []


def test_a_night_on_the_engine_is_judged_and_published(nights: Nights):
    assert "Published" in nights.said, nights.said[-3000:]
    with duckdb.connect(str(nights.on_engine.settings.published_file), read_only=True) as published:
        n_patients, n_ratios = published.execute(
            "SELECT (SELECT n_patients FROM meta.publication), (SELECT count(*) FROM results.hazard_ratios)"
        ).fetchall()[0]
    assert n_patients > 200
    assert n_ratios > 0


def test_every_table_is_the_same_row_for_row(nights: Nights):
    """Doubles too, to the last digit: EXCEPT ALL both ways."""
    assert "Published" in nights.said, nights.said[-3000:]
    different, n_tables, empty = different_tables(nights.on_duckdb, nights.on_engine)
    assert different == {}
    assert n_tables > 95
    # nothing is shown by tables without rows
    assert len(set(empty) - RARELY_SAID) <= MOST_EMPTY, empty


MOST_EMPTY = 8
# kinds of reports and of other records that a small simulated night need not hold; each has a dbt unit test of literal rows
RARELY_SAID = {
    "contradicting_widths",
    "corrections_of_some_lines",
    "deaths_long_after_the_last_look",
    "distances_that_may_be_of_duct_or_vessel",
    "largest_metastases_alone",
    "largest_of_the_numbered_metastases",
    "lines_read_beside_others",
    "metastases_at_a_margin_not_understood",
    "metastases_named_and_left_untold",
    "metastases_without_viable_tumor_at_a_distance",
    "reports_read_beside_others",
    "specimens_of_another_tumor",
    "statements_under_a_letter_of_two_specimens",
    "texts_amended_again",
    "texts_that_tell_of_some_metastases",
    "unknown_words_that_matter",
    "vital_statements_set_aside",
}


def test_the_tables_have_the_types_that_duckdb_gives_them(nights: Nights):
    query = """SELECT table_schema || '.' || table_name || '.' || column_name, data_type FROM information_schema.columns
               WHERE table_schema IN ('marts', 'quality')"""
    assert set(nights.on_duckdb.query(query)) <= set(nights.on_engine.query(query))


def test_the_copies_of_the_records_are_gone_and_the_next_night_on_duckdb_computes_everybody(nights: Nights):
    settings = nights.on_engine.settings
    assert not list(settings.spark_folder_of_night.glob("*"))
    assert "still with the engine" not in nights.said
    kept = nights.on_engine.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'built_patients'")
    assert kept == [(0,)]


def what_is_published(hospital: Hospital) -> tuple[list[tuple], list[tuple]]:
    """Which publication it is, and its rows of endpoints; that a later attempt failed is written beside it."""
    with duckdb.connect(str(hospital.settings.published_file), read_only=True) as published:
        told = published.execute("SELECT published_at, run_id, data_hash, n_patients FROM meta.publication").fetchall()
        return told, published.execute("SELECT * FROM marts.time_to_event ORDER BY ALL").fetchall()


def test_a_server_that_is_killed_in_a_later_night_leaves_the_published_file_as_it_was(nights: Nights, tmp_path: Path):
    hospital = nights.on_engine
    published = what_is_published(hospital)
    ((mrn,),) = hospital.query("SELECT min(mrn) FROM raw.registry")
    looked = {
        "event_id": "NEW1",
        "mrn": mrn,
        "event_date": "05/01/2020",
        "event_type": "imaging",
        "modality": "CT",
        "finding": "NED",
        "sites": "",
        "note": "",
        "site_words": "",
    }
    (hospital.landed / "follow_up" / "later.csv").write_text(
        f"{','.join(looked)}\n{','.join(looked.values())}\n", encoding="utf-8"
    )
    with sail_server(tmp_path / "sail.log") as server:
        killed = (*killed_night(hospital, server), server.address)
    is_clear_and_says_nothing_of_patients(hospital, killed)
    assert what_is_published(hospital) == published
    assert not list(hospital.settings.spark_folder_of_night.glob("*"))
