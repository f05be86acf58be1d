"""Many faults in one night: each befalls a hospital of its own, a copy of the accepted one, so that all of them are loaded, counted and
judged at once. What the rules count and compare is counted hospital by hospital; a fault costs a tenth of a night of its own.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract.loading import Hospitals
from orchestration.ingestion.load_feed import (
    assign_study_ids,
    landed_by_feed,
    load_feed,
    record_hospital_limits,
)
from orchestration.night_profile.baseline import accept_night, compared_with_last_night
from orchestration.night_profile.landing import profile_landing
from orchestration.night_profile.patients import profile_patients
from orchestration.settings import Settings
from orchestration.warehouse import open_build_file
from quality.night import judge_night
from tests.fault_study.derivation import derive_again
from tests.fault_study.nights import STUDY_ID_KEY, is_closing

OF_RECORDS = (
    "registry",
    "follow_up",
    "treatments",
    "vital_status",
    "pathology_messages",
    "rejected_records",
    "ingest_ledger",
)
"""Tables of raw whose rows are copied with their hospital."""
A_RECORD_OF_THE_COPY = (
    "left(md5(copies.name || split_part(record_id, '-', 1)), 12) || '-' || split_part(record_id, '-', 2)"
)
Change = Callable[[Path], None]


@dataclass
class Hospital:
    """What the gates said of one hospital: the checks that did not pass; the last stage that judged it."""

    checks: pd.DataFrame
    has_news: bool
    is_open: bool
    rows: dict[str, int] = field(default_factory=dict)


def copies_of(hospitals: Hospitals, of: str, names: Iterable[str]) -> Hospitals:
    """The contracts of one hospital for hospitals of other names."""
    names = list(names)
    return Hospitals(
        [
            one.model_copy(update={"source_system": name})
            for name in names
            for one in hospitals.contracts
            if one.source_system == of
        ],
        {name: hospitals.identities[of] for name in names},
    )


def copy_records(connection: duckdb.DuckDBPyConnection, of: str, names: Iterable[str]) -> None:
    """Give hospitals of other names the records of one, its accepted nights and what its patients were taken for."""
    connection.register("names_of_copies", pd.DataFrame({"name": list(names)}))
    connection.execute("CREATE OR REPLACE TEMP TABLE copies AS SELECT name FROM names_of_copies")
    connection.unregister("names_of_copies")
    own_file = f"copies.name || substr(source_file, {len(of) + 1})"
    for table in OF_RECORDS:
        columns = {name for (name,) in connection.execute(f"SELECT column_name FROM (DESCRIBE raw.{table})").fetchall()}
        others = {"source_system": "copies.name", "source_file": own_file}
        # of earlier nights nothing reads a payload, and it is most of the bytes
        others |= {"record_id": A_RECORD_OF_THE_COPY, "payload": "NULL"}
        replaced = ", ".join(f"{sql} AS {name}" for name, sql in others.items() if name in columns)
        connection.execute(
            f"INSERT INTO raw.{table} SELECT t.* REPLACE ({replaced}) FROM raw.{table} AS t CROSS JOIN copies WHERE source_system = '{of}'"
        )
    assign_study_ids(connection, STUDY_ID_KEY)
    connection.execute(
        f"""INSERT INTO quality.night_history
            SELECT t.* REPLACE (copies.name AS hospital) FROM quality.night_history AS t CROSS JOIN copies WHERE hospital = '{of}';
            INSERT INTO quality.accepted_files
            SELECT t.* REPLACE (copies.name AS hospital, {own_file} AS source_file)
            FROM quality.accepted_files AS t CROSS JOIN copies WHERE hospital = '{of}'"""
    )
    if connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'accepted_patients'").fetchall()[0][
        0
    ]:
        connection.execute(
            f"""INSERT INTO quality.accepted_patients
                SELECT t.* REPLACE (theirs.study_id AS study_id, copies.name AS hospital)
                FROM quality.accepted_patients AS t
                INNER JOIN raw.patient_identifiers AS own ON own.study_id = t.study_id AND own.source_system = '{of}'
                CROSS JOIN copies
                INNER JOIN raw.patient_identifiers AS theirs ON theirs.mrn = own.mrn AND theirs.source_system = copies.name"""
        )


def take_in_side_by_side(settings: Settings, hospitals: Hospitals, run_id: str) -> dict[str, Hospital]:
    """Load what landed for each hospital, and what the landing gate says of each."""
    with open_build_file(settings.build_file) as connection:
        for feed in canonical_feeds():
            load_feed(connection, settings.landing, hospitals.contracts, feed, run_id)
        record_hospital_limits(connection, hospitals)
        assign_study_ids(connection, STUDY_ID_KEY)
        profile_landing(connection, landed_by_feed(connection, settings.landing, hospitals))
        checks, _ = judge_night(compared_with_last_night(connection, "landing"), "landing")
        news = dict(
            connection.execute(
                "SELECT source_system, sum(rows_loaded + rows_rejected) FROM raw.ingest_ledger WHERE run_id = ? GROUP BY 1",
                [run_id],
            ).fetchall()
        )
    told = by_hospital(checks, "landing")
    return {
        name: Hospital(found, bool(news.get(name)), not found["is_closing"].any())
        for name in hospitals.identities
        for found in [told.get(name, told[""])]
    }


def derive_side_by_side(settings: Settings, told: dict[str, Hospital]) -> None:
    """Derive the marts of all hospitals, and add what the rules of the cohort say of those whose landing gate was open."""
    derive_again(settings, with_tests=False)
    with open_build_file(settings.build_file) as connection:
        profile_patients(connection)
        checks, _ = judge_night(compared_with_last_night(connection, "marts"), "marts")
    found = by_hospital(checks, "marts")
    for name, hospital in told.items():
        if hospital.is_open and name in found:
            hospital.checks = pd.concat([hospital.checks, found[name]], ignore_index=True)
            hospital.is_open = not found[name]["is_closing"].any()


def accept_side_by_side(settings: Settings, run_id: str) -> None:
    """Make this the night that the next one is compared with."""
    with open_build_file(settings.build_file) as connection:
        accept_night(connection, run_id)


def by_hospital(checks: pd.DataFrame, stage: str) -> dict[str, pd.DataFrame]:
    """Hospital -> its checks that did not pass; '' has none.

    Raises:
        RuntimeError: the rules could not be judged at all.
    """
    if (checks["status"] == "error").any():
        raise RuntimeError(f"the rules could not be judged: {checks['error'].dropna().tolist()}")
    broken = checks[checks["status"] != "passed"]
    broken = broken.assign(stage=stage, is_closing=is_closing(broken))
    of = broken["change"].fillna("").str.split("@").str[-1]
    return {"": broken.iloc[:0], **{str(name): rows.reset_index(drop=True) for name, rows in broken.groupby(of)}}


def copy_landing(of: Path, to: Path, change: Change) -> bool:
    """A landing folder with a fault; False where its files have no place for the fault."""
    shutil.copytree(of, to)
    try:
        change(to)
    except KeyError:
        shutil.rmtree(to)
        return False
    return True
