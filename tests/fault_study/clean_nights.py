"""Clean hospitals that grow night by night: nothing may close a gate, and no warning may stand every night."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from simulated_hospital.hospital import HOSPITAL, simulate
from tests.fault_study.landed_files import (
    DATE_FORMATS,
    FILES,
    Message,
    messages_of,
    read,
    report_files,
    write,
    write_messages,
)

NIGHTS = 5
SIZES = (60, 100, 150, 200, 300)
DATES = {"registry": "surgery_date", "follow_up": "event_date", "treatments": "treatment_date"}


def land_patients(whole: Path, folder: Path, night: int) -> None:
    """Land all records of the patients operated on first: of the first half of them in night 1, of all in the last night."""
    registry = read(whole, "registry")
    share = 0.5 + 0.5 * (night - 1) / (NIGHTS - 1)
    last = registry["record_id"].sort_values().iloc[: max(1, round(share * len(registry)))]
    mrns = set(registry.loc[registry["record_id"].isin(last), "mrn"])
    for feed in (*FILES, "vital_status"):
        rows = read(whole, feed)
        _land(folder, feed, rows[rows["mrn"].isin(mrns)])
    _land_reports(whole, folder, lambda message: _mrn(message) in mrns)


def land_until(whole: Path, folder: Path, day: date) -> None:
    """Land what a hospital would know on a day: later operations, looks, treatments, reports and deaths have not happened; who
    is alive was last heard of at the last look."""
    looks = {}
    for feed, column in DATES.items():
        rows = read(whole, feed)
        dates = pd.to_datetime(rows[column], format=DATE_FORMATS[feed], errors="coerce")
        # what is no date is dirt, and comes from the first night on
        known = rows[dates.isna() | (dates <= pd.Timestamp(day))]
        _land(folder, feed, known)
        for mrn, when in zip(known["mrn"], dates[known.index], strict=True):
            if feed != "treatments" and pd.notna(when):
                looks[mrn] = max(looks.get(mrn, when), when)
    registered = set(read(folder, "registry")["mrn"])
    status = read(whole, "vital_status")
    status = status[status["mrn"].isin(registered)]
    contact = pd.to_datetime(status["last_contact_date"], errors="coerce")
    is_later = contact > pd.Timestamp(day)
    heard = status["mrn"].map(looks).map(lambda when: when.date() if pd.notna(when) else None)
    status = status.assign(
        last_contact_date=status["last_contact_date"].mask(is_later, heard),
        vital_status=status["vital_status"].mask(is_later, "A"),
        death_date=status["death_date"].mask(is_later, None),
        cause=status["cause"].mask(is_later, None),
    )
    _land(folder, "vital_status", status)
    _land_reports(whole, folder, lambda message: _sent(message)[:8] <= f"{day:%Y%m%d}")


def _land(folder: Path, feed: str, rows: pd.DataFrame) -> None:
    path = folder / (FILES[feed][0] if feed in FILES else "vital_status/vital_status.xlsx")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(folder, feed, rows)


def _land_reports(whole: Path, folder: Path, is_there) -> None:
    (folder / "pathology").mkdir(parents=True, exist_ok=True)
    for path in report_files(whole):
        messages = [message for message in messages_of(path) if is_there(message)]
        if messages:
            write_messages(folder / "pathology" / path.name, messages)


def _mrn(message: Message) -> str:
    return next((line.split("|")[3].split("^")[0] for line in message if line.startswith("PID|")), "")


def _sent(message: Message) -> str:
    return message[0].split("|")[6] if message[0].startswith("MSH|") else ""


def grow(
    folder: Path, patients: int, seed: int, *, by_time: bool, until: str = "landing", base: Path | None = None
) -> list[pd.DataFrame]:
    """Simulate a hospital and take it in over NIGHTS nights; returns each night's checks that did not pass.

    Args:
        until: the last stage that judges; past 'landing' a `base` is needed.
        base: a data folder after a night of dbt's, whose models derive these nights.
    """
    from tests.fault_study.nights import night

    whole = folder / "whole"
    simulate(patients, seed, whole)
    everything, landing = whole / "landing" / HOSPITAL, folder / "growing" / "landing" / HOSPITAL
    if base:
        emptied(base, folder / "growing")
    told = []
    for number in range(1, NIGHTS + 1):
        if by_time:
            land_until(everything, landing, date(2003 + 2 * number, 12, 31))
        else:
            land_patients(everything, landing, number)
        outcome = night(folder / "growing", f"night {number}", until=until, accept=True)
        told.append(outcome.checks.assign(night=number, is_open=outcome.is_open))
    shutil.rmtree(folder)
    return told


def emptied(base: Path, data: Path) -> None:
    """A data folder with the definitions and the models of another, and no record."""
    data.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base / "build", data / "build")
    with duckdb.connect(str(data / "build" / "build.duckdb")) as connection:
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name <> 'seeds'"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'DELETE FROM "{schema}"."{table}"')


def study_clean_nights(base: Path, folder: Path, hospitals: list[tuple[int, int, bool]], until: str) -> list[str]:
    """Let clean hospitals (patients, seed, by_time) grow; prints and returns what stood every night or closed a gate."""
    found = []
    for patients, seed, by_time in hospitals:
        told = grow(folder / f"clean_{patients}_{seed}", patients, seed, by_time=by_time, until=until, base=base)
        standing = standing_warnings(told)
        per_night = [len(checks) for checks in told]
        grew = "by time" if by_time else "by patients"
        print(
            f"  {patients} patients, {grew} (seed {seed}): warnings by night {per_night}; standing {standing}",
            flush=True,
        )
        for text in sorted({text for checks in told for text in checks.get("description", [])}):
            print(f"      {text.split(' If it is right')[0][:200]}", flush=True)
        found += standing
    return found


def standing_warnings(told: list[pd.DataFrame]) -> list[str]:
    """Checks that did not pass in any night after the first, and those that closed a gate in any."""
    by_night = [
        {f"{row.suite}.{row.check_name} {row.table_name}.{row.column_name}" for row in checks.itertuples()}
        for checks in told[1:]
    ]
    standing = set.intersection(*by_night) if by_night else set()
    closing = [checks[checks["is_closing"].astype(bool)] for checks in told if "is_closing" in checks]
    closed = {f"closed: {text}" for checks in closing for text in checks["description"]}
    return sorted(standing | closed)
