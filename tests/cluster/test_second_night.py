"""A second night on an engine that keeps Delta tables: what it leaves is what DuckDB builds from scratch of the same records, and the rows
of patients whose records did not change were left alone."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from orchestration.dbt_build.arguments import chosen_study, current_manifest, dbt_build_arguments, dbt_variables
from orchestration.dbt_build.runs import dbt_command
from orchestration.engines.night import dbt_environment_of_night, engine_of_night
from orchestration.engines.spark.flavours import SAIL, flavour_of
from orchestration.engines.spark.kept import (
    DeltaFailed,
    DeltaRefused,
    KeptTables,
    kept_tables,
    make_known,
    remember,
    swept,
)
from orchestration.engines.spark.session import version_of
from orchestration.engines.spark.tables import id_of_build_file
from orchestration.settings import Settings
from tests.cluster.hospitals import different_tables, land_answers
from tests.cluster.sail import sail_server
from tests.incremental.hospital import Hospital, follow_up_rows, land_follow_up, land_merge, land_report, small_hospital

PATIENTS = 60


@dataclass(frozen=True)
class HospitalOnEngine(Hospital):
    """A hospital whose nights run on the engine at `address`; nothing is judged or published."""

    address: str

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder,
            contracts_dir=self.folder / "contracts",
            engine="spark",
            spark=self.address,
            spark_format="delta",
        )

    def night_on_engine(self) -> list[str]:
        """Take in what landed, build there and bring back; what the night says."""
        self.load()
        settings, said = self.settings, []
        os.environ.update(dbt_environment_of_night(settings))
        try:
            manifest = current_manifest(settings)
            with engine_of_night(settings, dbt_variables(settings, chosen_study(settings)), said.append) as engine:
                arguments = [*engine.told(dbt_build_arguments(settings)), "--exclude-resource-type", "test"]
                built = subprocess.run(
                    [*dbt_command(), "--no-use-colors", *arguments], capture_output=True, text=True, check=False
                )
                assert built.returncode == 0, built.stdout[-5000:]
                engine.bring_back(manifest)
        finally:
            for name in ("CRLM_DBT_TARGET", "CRLM_SPARK", "CRLM_SPARK_FORMAT", "CRLM_SPARK_IDLE_MINUTES"):
                os.environ.pop(name, None)
        return said


@dataclass(frozen=True)
class Nights:
    """The engine's two nights, what each said, and DuckDB's build from scratch."""

    on_engine: Hospital
    scratch: Hospital
    said: tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("second_night")
    landed = small_hospital(folder / "hospital", PATIENTS).folder
    with sail_server(folder / "sail.log") as server:
        hospital = HospitalOnEngine(landed, server.address)
        first = hospital.night_on_engine()
    land_changes_of_all_kinds(hospital)
    # the engine was started again: its catalogue knows nothing, the tables are there
    with sail_server(folder / "sail.log") as server:
        hospital = HospitalOnEngine(landed, server.address)
        second = hospital.night_on_engine()
    scratch = Hospital(landed).rebuilt(folder / "scratch")
    yield Nights(hospital, scratch, (first, second))


def land_changes_of_all_kinds(hospital: Hospital) -> None:
    """A look withdrawn, one at a patient anew, a report corrected, two patients merged, answers to questions."""
    looks = follow_up_rows(hospital)
    land_follow_up(
        hospital, "later", {**looks[0], "status": "W"}, {**looks[5], "event_id": "NEW1", "finding": "definite"}
    )
    ((mrn, accession, collected),) = hospital.query(
        """SELECT mrn, accession_number, strftime(CAST(collected_date AS DATE), '%Y%m%d') FROM raw.pathology_messages
           WHERE mrn IS NOT NULL AND collected_date IS NOT NULL ORDER BY ALL LIMIT 1"""
    )
    land_report(hospital, "CORRECTED1", mrn, accession, collected, "Liver, parenchymal margin free of tumor by 4 mm.")
    mrns = [mrn for (mrn,) in hospital.query("SELECT DISTINCT mrn FROM raw.registry ORDER BY ALL LIMIT 8")]
    land_merge(hospital, "MERGE1", mrns[6], mrns[7])
    land_answers(
        hospital,
        hospital.query("SELECT study_id, question_id FROM intermediate.margin_questions ORDER BY ALL LIMIT 3"),
    )


def test_the_second_night_computes_the_patients_whose_records_changed(nights: Nights):
    first, second = nights.said
    assert "every table is made anew there, once" in first[0]
    assert "the others are kept" in second[0]
    ((n_changed,),) = nights.on_engine.query("SELECT count(*) FROM intermediate.changed_patients")
    assert 0 < n_changed < PATIENTS // 3
    assert f"the rows of {n_changed} patients were made anew" in second[1]
    compiled = nights.on_engine.settings.dbt_target / "compiled" / "crlm_warehouse" / "models"
    (asked,) = compiled.rglob("time_to_event.sql")
    assert "changed_patients" in asked.read_text(encoding="utf-8")


def test_the_second_night_leaves_what_a_build_from_scratch_on_duckdb_does(nights: Nights):
    different, n_tables, _ = different_tables(nights.scratch, nights.on_engine)
    assert different == {}
    assert n_tables > 95


def test_what_the_nights_made_is_where_the_next_one_looks_for_it_and_no_record_lies_elsewhere(nights: Nights):
    settings = nights.on_engine.settings
    (tables,) = settings.spark_folder_of_kept_tables.glob("*/")
    assert list(settings.spark_folder_of_night.iterdir()) == [settings.spark_folder_of_kept_tables]
    assert (tables / "marts.time_to_event").is_dir()
    # Sail's own, below the folder where it was started
    lying = [path for path in settings.data_dir.parent.rglob("*.parquet") if not path.is_relative_to(tables)]
    assert [path for path in lying if "landing" not in path.parts] == []


def test_after_a_night_that_did_not_end_well_every_table_is_made_anew(tmp_path: Path):
    told = {"rules": "1", "engine": "a"}
    first = kept_tables(tmp_path, told)
    (first.folder / "marts.t" / "_delta_log").mkdir(parents=True)
    assert not first.are_there
    remember(tmp_path, first, told)
    second = kept_tables(tmp_path, told)
    assert second == KeptTables(first.folder, True)
    # nobody said that the second night's tables are whole
    third = kept_tables(tmp_path, told)
    assert not third.are_there
    assert third.folder != first.folder
    assert not first.folder.exists()
    remember(tmp_path, third, told)
    assert not kept_tables(tmp_path, told | {"rules": "2"}).are_there


def test_a_table_that_is_gone_is_no_table_of_an_earlier_night(tmp_path: Path):
    first = kept_tables(tmp_path, {})
    (first.folder / "marts.t" / "_delta_log").mkdir(parents=True)
    remember(tmp_path, first, {})
    (first.folder / "marts.t" / "_delta_log").rmdir()
    assert not kept_tables(tmp_path, {}).are_there


@pytest.mark.parametrize(
    ("is_swept", "n_changes", "are_there"), [(False, 30, True), (False, 31, False), (True, 99, True)]
)
def test_tables_in_whose_files_much_lies_that_was_removed_are_made_anew_unless_the_engine_takes_it_away(
    tmp_path: Path, is_swept: bool, n_changes: int, are_there: bool
):
    first = kept_tables(tmp_path, {})
    log = first.folder / "marts.t" / "_delta_log"
    log.mkdir(parents=True)
    # earlier ones may be gone: a checkpoint stands for them
    (log / f"{n_changes:020}.json").touch()
    (log / f"{n_changes:020}.checkpoint.parquet").touch()
    remember(tmp_path, first, {}, is_swept)
    second = kept_tables(tmp_path, {})
    assert second.are_there == are_there
    assert first.folder.exists() == are_there
    assert are_there or "the engine knows no VACUUM" in second.why_anew


class Sweeping:
    """An engine of Delta Lake's, as far as is asked here."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.error = error

    def sql(self, statement: str) -> SimpleNamespace:
        if self.error is not None:
            raise self.error
        self.asked.append(statement)
        return SimpleNamespace(collect=list)


def test_an_engine_that_can_takes_away_what_was_removed_and_one_that_cannot_ends_no_night(tmp_path: Path, spark):
    kept = kept_tables(tmp_path, {})
    (kept.folder / "marts.t").mkdir()
    sweeping = Sweeping()
    assert swept(sweeping, kept)
    assert sweeping.asked == [f"VACUUM delta.`{kept.folder}/marts.t` RETAIN 0 HOURS"]
    assert not swept(Sweeping(RuntimeError("UNAVAILABLE")), kept)
    # Sail knows no such statement, nor does Spark without Delta Lake
    assert not swept(spark, kept)


def test_a_damaged_delta_table_is_told_from_an_engine_without_delta(tmp_path: Path, spark):
    kept = kept_tables(tmp_path, {})
    log = kept.folder / "marts.t" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{damaged")
    spark.sql("CREATE DATABASE IF NOT EXISTS marts").collect()
    # what Spark says that has no Delta Lake
    said = DeltaFailed if flavour_of(version_of(spark)) is SAIL else DeltaRefused
    with pytest.raises(said):
        make_known(spark, kept)


def test_a_build_file_that_was_made_anew_is_another_one(tmp_path: Path):
    def asked() -> str:
        with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
            return id_of_build_file(connection)

    first = asked()
    assert asked() == first
    (tmp_path / "build.duckdb").unlink()
    assert asked() != first


@pytest.mark.parametrize(
    "note",
    [
        "no JSON",
        "[]",
        "{}",
        '{"told": {}, "tables_in": 1, "tables": []}',
        '{"told": {}, "tables_in": "..", "tables": []}',
        '{"told": {}, "tables_in": "t", "tables": 3}',
        '{"told": {}, "tables_in": "t", "tables": ["/marts.t"]}',
    ],
)
def test_a_note_that_nobody_here_wrote_is_none(tmp_path: Path, note: str):
    (tmp_path / "note.json").write_text(note, encoding="utf-8")
    (tmp_path / "t").mkdir()
    assert not kept_tables(tmp_path, {}).are_there
