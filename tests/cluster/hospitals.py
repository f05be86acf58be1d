"""Two small simulated hospitals with their dirt, merges that lead on and in a circle, and reviewers' answers; a night of theirs on DuckDB
and one on the engine."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import yaml

from orchestration.engines.spark.tables import made_tables
from orchestration.ingestion.contract import CONTRACTS_FOLDER
from simulated_hospital.hospital import HOSPITAL, simulate
from tests.cluster.sail import Server
from tests.incremental.hospital import MERGES, OF_THE_RUN, Hospital, land_merge

PATIENTS = int(os.environ.get("CRLM_TEST_SPARK_PATIENTS", "120"))
KEY = "a test's key"
# (surviving, retired): the first three lead on from one to the next, the last three in a circle
MERGED = ((1, 0), (2, 1), (3, 2), (5, 4), (6, 5), (4, 6))
ANSWERS = ("positive", "<1 mm", "not_assessable", "1.0-9.9 mm", ">=10 mm")
FIRST_REVIEWER, SECOND_REVIEWER = "A", "B"


def two_hospitals(folder: Path) -> Hospital:
    """Landed, nothing taken in yet."""
    simulate(PATIENTS, 7, folder, hospitals=2)
    hospital = Hospital(folder)
    shutil.copytree(CONTRACTS_FOLDER, folder / "contracts")
    (folder / "contracts" / HOSPITAL / "merges.yml").write_text(yaml.safe_dump(MERGES), encoding="utf-8")
    (registry,) = (hospital.landed / "registry").glob("*.csv")
    with registry.open(encoding="latin-1", newline="") as file:
        mrns = list(dict.fromkeys(row["mrn"] for row in csv.DictReader(file)))
    for number, (surviving, retired) in enumerate(MERGED):
        land_merge(hospital, f"MERGE{number}", mrns[surviving], mrns[retired])
    return hospital


def land_answers(hospital: Hospital, questions: list[tuple[str, str]]) -> None:
    """Reviewers' answers to some questions (study id, question id): one reviewer, two who agree, two who do not."""
    folder = hospital.folder / "landing" / "adjudication"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "answers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question_id", "study_id", "reviewer", "decided_at", "margin_group", "margin_mm", "comment"])
        for number, (study_id, question_id) in enumerate(questions):
            told = ANSWERS[number % len(ANSWERS)]
            writer.writerow([question_id, study_id, FIRST_REVIEWER, "2024-01-02 10:00:00", told, "", ""])
            if number % 3:
                other = told if number % 3 == 1 else ANSWERS[(number + 1) % len(ANSWERS)]
                writer.writerow([question_id, study_id, SECOND_REVIEWER, "2024-01-03 10:00:00", other, "", ""])


def land_answers_about_looks(hospital: Hospital, questions: list[tuple[str, str]]) -> None:
    """One reviewer's answers to questions about looks at patients (study id, question id): a site, two, none that can be found out."""
    folder = hospital.folder / "landing" / "adjudication" / "review_follow_up"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = "question_id study_id reviewer decided_at answer sites evidence_date blinding record_status comment"
        writer.writerow(columns.split())
        for number, (study_id, question_id) in enumerate(questions):
            answer, sites = (("recurrence", "lung"), ("recurrence", "bone;liver"), ("not_assessable", ""))[number % 3]
            writer.writerow(
                [question_id, study_id, FIRST_REVIEWER, "2024-01-02 10:00:00", answer, sites, "", "blind", "active", ""]
            )


# the merges join people of different names, which the gate would not let through
REFRESH = ("refresh", "--accept", "feed:patient_merges.retired_mrn", "the test's own merges")


def crlm(hospital: Hospital, engine: str, *arguments: str, **settings: str) -> subprocess.Popen:
    """The command line as a user would start it, with the engine that the settings name."""
    environment = {
        **os.environ, "CRLM_DATA_DIR": str(hospital.folder), "CRLM_CONTRACTS_DIR": str(hospital.folder / "contracts"),
        "CRLM_STUDY_ID_KEY": KEY, "CRLM_ENGINE": "spark", "CRLM_SPARK": engine, "COLUMNS": "200", "CRLM_KEEP_RUNS": "2",
        **settings,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.command_line", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def killed_night(hospital: Hospital, server: Server) -> tuple[int, str]:
    """A night whose engine is killed (SIGKILL) when it has begun to make tables; its return code and all that it says."""
    log = hospital.settings.refresh_log
    # an earlier night's
    log.unlink(missing_ok=True)
    with crlm(hospital, server.address, *REFRESH) as night:
        # dbt's own words
        while not log.exists() or b"OK created sql" not in log.read_bytes():
            assert night.poll() is None, night.stdout.read()[-3000:]
            time.sleep(0.2)
        server.kill()
        said = night.communicate(timeout=3600)[0]
    return night.returncode, said


# numbers of rows of values that only tell rows apart, and which run read a text
OF_THE_ENGINE = {"record_number", "report_number", "version_number", "fingerprint", "read_in_run"}


def different_tables(reference: Hospital, other: Hospital) -> tuple[dict[str, str], int, list[str]]:
    """By table that dbt makes: what is different (tables and columns that only one of them has; how many rows, EXCEPT ALL both ways,
    doubles to the last digit); how many tables there are; and those without rows, which show nothing."""
    made = {table.full_name for table in made_tables(reference.settings.dbt_target / "manifest.json")}
    with duckdb.connect() as both:
        for name, hospital in (("reference", reference), ("other", other)):
            both.execute(f"ATTACH '{hospital.settings.build_file}' AS {name} (READ_ONLY)")
        its_tables, others_tables = (columns_of_tables(both, name, made) for name in ("reference", "other"))
        different = {table: "only one has it" for table in its_tables.keys() ^ others_tables.keys()}
        empty = []
        for table in sorted(its_tables.keys() & others_tables.keys()):
            if its_tables[table] != others_tables[table]:
                different[table] = f"columns: {its_tables[table] ^ others_tables[table]}"
                continue
            listed = ", ".join(f'"{column}"' for column in sorted(its_tables[table] - OF_THE_ENGINE))
            its, others = (f"SELECT {listed} FROM {build}.{table}" for build in ("reference", "other"))
            n_missing, n_more, n_rows = both.execute(
                f"""SELECT (SELECT count(*) FROM ({its} EXCEPT ALL {others})), (SELECT count(*) FROM ({others} EXCEPT ALL {its})),
                           (SELECT count(*) FROM ({its}))"""
            ).fetchall()[0]
            if n_missing or n_more:
                different[table] = f"{n_missing} rows only in the first, {n_more} only in the second"
            if not n_rows:
                empty.append(table.split(".")[1])
    return different, len(its_tables), empty


def columns_of_tables(both: duckdb.DuckDBPyConnection, build: str, made: set[str]) -> dict[str, set[str]]:
    """'schema.table' -> its columns, of the tables in dbt's own schemas; of `quality`, where the gates write too, those that dbt makes."""
    told = both.execute(
        """SELECT table_schema || '.' || table_name, table_schema, table_name, list(column_name) FROM information_schema.columns
           WHERE table_catalog = ? AND table_schema IN ('staging', 'intermediate', 'marts', 'quality') GROUP BY ALL""",
        [build],
    ).fetchall()
    return {
        full_name: set(columns)
        for full_name, schema, name, columns in told
        if name not in OF_THE_RUN and (schema != "quality" or full_name in made)
    }
