"""One night on the engine, from landing to publication, against DuckDB's build of the same records: every table, row for row."""

from dataclasses import dataclass

import duckdb
import pytest

from tests.cluster.hospitals import REFRESH, crlm, land_answers, land_answers_about_looks, two_hospitals
from tests.incremental.hospital import OF_THE_RUN, Hospital

# numbers of rows of values that only tell rows apart, and which run read a text
OF_THE_ENGINE = {"record_number", "report_number", "version_number", "fingerprint", "read_in_run"}


@dataclass(frozen=True)
class Nights:
    """The same landing folder taken in twice, and what the night on the engine said."""

    on_duckdb: Hospital
    on_engine: Hospital
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
    with crlm(on_engine, engine, *REFRESH) as night:
        said = night.communicate(timeout=3600)[0]
    return Nights(reference, on_engine, said)


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
    with duckdb.connect() as both:
        for name, hospital in (("duckdb", nights.on_duckdb), ("engine", nights.on_engine)):
            both.execute(f"ATTACH '{hospital.settings.build_file}' AS {name} (READ_ONLY)")
        tables = both.execute(
            """SELECT table_schema, table_name, list(column_name ORDER BY ordinal_position)
               FROM information_schema.columns
               WHERE table_catalog = 'duckdb' AND table_schema IN ('staging', 'intermediate', 'marts', 'quality')
               GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
        different, empty = {}, []
        for schema, table, columns in tables:
            if table in OF_THE_RUN:
                continue
            listed = ", ".join(f'"{column}"' for column in columns if column not in OF_THE_ENGINE)
            its, others = (f"SELECT {listed} FROM {build}.{schema}.{table}" for build in ("duckdb", "engine"))
            n_missing, n_more, n_rows = both.execute(
                f"""SELECT (SELECT count(*) FROM ({its} EXCEPT ALL {others})), (SELECT count(*) FROM ({others} EXCEPT ALL {its})),
                           (SELECT count(*) FROM ({its}))"""
            ).fetchall()[0]
            if n_missing or n_more:
                different[f"{schema}.{table}"] = (n_missing, n_more)
            if not n_rows:
                empty.append(table)
    assert different == {}
    assert len(tables) > 95
    # nothing is shown by tables without rows
    assert len(empty) <= MOST_EMPTY, empty


MOST_EMPTY = 8


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
