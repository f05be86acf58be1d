"""A small simulated hospital that corrects, withdraws and merges, its nights, and what the nights leave in the build file."""

import csv
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from orchestration.dbt_build.arguments import current_manifest, dbt_build_arguments
from orchestration.dbt_build.runs import dbt_environment
from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import CONTRACTS_FOLDER, read_hospitals
from orchestration.ingestion.load_feed import assign_study_ids, load_feed, record_hospital_limits
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import Settings
from simulated_hospital.hospital import HOSPITAL, simulate
from tests.dbt_process import forked_dbt

# what a build keeps of when and how it was made
OF_THE_RUN = {
    "built_patients", "recomputed_rows", "patient_fingerprints", "changed_patients", "changed_records", "record_versions",
    "versions_told_as_definite",
}  # fmt: skip
RUN_COLUMNS = {"read_in_run"}
MERGES = {
    "version": "1",
    "feed": "patient_merges",
    "file_pattern": "merges/*.hl7",
    "format": "hl7_v2",
    "message_type": "ADT",
    "key": ["message_control_id", "order_number"],
    "fields": {
        "message_control_id": {"column": "MSH-10", "required": True},
        "order_number": {"column": "order_number", "required": True},
        "retired_mrn": {"column": "MRG-1.1", "required": True},
        "mrn": {"column": "PID-3.1", "required": True},
        "merged_at": {"column": "MSH-7", "formats": ["%Y%m%d%H%M%S"], "required": True},
    },
}


@dataclass(frozen=True)
class Hospital:
    """A data folder: landing, contracts of its own, build file."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder, contracts_dir=self.folder / "contracts")

    @property
    def landed(self) -> Path:
        return self.folder / "landing" / HOSPITAL

    def land(self, name: str, content: str) -> None:
        path = self.landed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="latin-1", newline="")

    def copied_to(self, folder: Path) -> "Hospital":
        """The same hospital after the same nights, somewhere else."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("dbt_target"))
        return Hospital(folder)

    def rebuilt(self, folder: Path) -> "Hospital":
        """The same landing folder, taken in by a build file from scratch in one night."""
        folder.mkdir()
        for name in ("landing", "contracts"):
            shutil.copytree(self.folder / name, folder / name)
        hospital = Hospital(folder)
        hospital.night()
        return hospital

    def load(self) -> None:
        """What a night takes in."""
        self.settings.prepare_folders()
        hospitals = read_hospitals(self.settings.contracts_dir)
        contracts = hospitals.contracts
        with duckdb.connect(str(self.settings.build_file)) as connection:
            create_raw_schema(connection)
            for feed in canonical_feeds():
                loads = load_feed(connection, self.settings.landing, contracts, feed, "a night")
                assert all(load.status == "loaded" for load in loads)
            record_hospital_limits(connection, hospitals)
            assign_study_ids(connection, "a test's key")

    def night(self, *, killed_after: str | None = None) -> None:
        """Take in what landed and build, without data tests; or kill dbt (SIGKILL) once it has said that it built that table."""
        made = f"OK created sql incremental model {killed_after} "
        ended = self._run(["--exclude-resource-type", "test"], lambda line: bool(killed_after) and made in line)
        assert (ended.returncode == 0) == (killed_after is None), ended.stdout[-3000:]

    def failures_of_a_tested_night(self) -> list[str]:
        """Take in what landed, build and test: the data tests that fail."""
        ended = self._run([], lambda line: False)
        failures = sorted(re.findall(r"FAIL \d+ (?!in )(\w+)", ended.stdout))
        # a run that ended otherwise has no failures to tell of
        assert (ended.returncode == 0) == (not failures), ended.stdout[-3000:]
        return failures

    def _run(self, options: list[str], is_killed_at: Callable[[str], bool]) -> subprocess.CompletedProcess[str]:
        has_seeds = self.settings.build_file.exists()
        self.load()
        current_manifest(self.settings)
        settings = self.settings
        environment = dbt_environment(settings.build_file, settings.dbt_target, settings.dbt_project_dir)
        arguments = [*dbt_build_arguments(settings), *options]
        if has_seeds:
            # the rules' tables are those of this code, as in the night before
            arguments += ["--exclude-resource-type", "seed"]
        return forked_dbt(["--no-use-colors", *arguments], {**os.environ, **environment}, is_killed_at)

    @contextmanager
    def build(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self.settings.build_file), read_only=True) as connection:
            yield connection

    def query(self, sql: str) -> list[tuple]:
        with self.build() as connection:
            return connection.execute(sql).fetchall()


def small_hospital(folder: Path, n_patients: int) -> Hospital:
    """A simulated hospital whose follow-up says which of its records were withdrawn, and which sends merges of patients."""
    simulate(n_patients, 7, folder)
    hospital = Hospital(folder)
    shutil.copytree(CONTRACTS_FOLDER, folder / "contracts")
    contracts = folder / "contracts" / HOSPITAL
    follow_up = yaml.safe_load((contracts / "follow_up.yml").read_text(encoding="utf-8"))
    follow_up["fields"]["record_status"] = {"column": "status", "codes": {"A": "active", "W": "cancelled"}}
    (contracts / "follow_up.yml").write_text(yaml.safe_dump(follow_up), encoding="utf-8")
    (contracts / "merges.yml").write_text(yaml.safe_dump(MERGES), encoding="utf-8")
    looks = follow_up_rows(hospital)
    land_follow_up(hospital, "follow_up", *looks)
    return hospital


def follow_up_rows(hospital: Hospital) -> list[dict[str, str]]:
    """The follow-up as first landed."""
    # read and written as bytes that are letters: a part of the file is Latin-1
    with (hospital.landed / "follow_up" / "follow_up.csv").open(encoding="latin-1", newline="") as file:
        return list(csv.DictReader(file))


def land_follow_up(hospital: Hospital, name: str, *rows: dict[str, str]) -> None:
    """A follow-up file of these rows; active where they do not say."""
    path = hospital.landed / "follow_up" / f"{name}.csv"
    with path.open("w", encoding="latin-1", newline="") as file:
        writer = csv.DictWriter(file, dict.fromkeys([*rows[0], "status"]))
        writer.writeheader()
        writer.writerows({"status": "A", **row} for row in rows)


def land_report(hospital: Hospital, control_id: str, mrn: str, accession: str, collected: str, text: str) -> None:
    """A corrected report of a day in 2020 with one line; collected as YYYYMMDD."""
    hospital.land(
        f"pathology/{control_id}.hl7",
        f"MSH|^~\\&|LIS|H|W|H|20200102120000||ORU^R01^ORU_R01|{control_id}|T|2.5.1\rPID|1||{mrn}^^^H^MR\r"
        f"OBR|1||{accession}^LIS|11529-5|||{collected}{'|' * 15}20200102115800|||C\r"
        f"OBX|1|TX|22637-3^Final diagnosis^LN|A|{text}||||||F\r",
    )


def land_merge(hospital: Hospital, control_id: str, surviving: str, retired: str) -> None:
    """One patient record merged into another (ADT^A40)."""
    hospital.land(
        f"merges/{control_id}.hl7",
        f"MSH|^~\\&|ADT|H|W|H|20200102120000||ADT^A40^ADT_A39|{control_id}|T|2.5.1\rEVN|A40|20200102120000\r"
        f"PID|1||{surviving}^^^H^MR\rMRG|{retired}^^^H^MR\r",
    )


def derived_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Every table and view that dbt made, but those that tell of the run."""
    rows = connection.execute(
        """SELECT table_schema || '.' || table_name FROM information_schema.tables
           WHERE table_schema IN ('staging', 'intermediate', 'marts', 'quality') AND table_name NOT IN (SELECT unnest(?))
           ORDER BY ALL""",
        [sorted(OF_THE_RUN)],
    ).fetchall()
    return [name for (name,) in rows]


def differences(hospital: Hospital, scratch: Hospital) -> dict[str, tuple[list, list]]:
    """By table the rows that only one of the two build files has, up to three each."""
    found = {}
    with hospital.build() as its, scratch.build() as others:
        names = derived_tables(its)
        assert names == derived_tables(others)
        for name in names:
            query = f"SELECT COLUMNS(c -> c NOT IN ({', '.join(map(repr, sorted(RUN_COLUMNS)))})) FROM {name}"
            rows, other_rows = (Counter(map(str, build.execute(query).fetchall())) for build in (its, others))
            if rows != other_rows:
                found[name] = (list(rows - other_rows)[:3], list(other_rows - rows)[:3])
    return found
