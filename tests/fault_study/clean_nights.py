"""Clean hospitals that grow night by night: nothing may close a gate, and no warning may stand every night."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd

from simulated_hospital.hospital import HOSPITAL, SECOND_HOSPITAL, simulate
from tests.fault_study.landed_files import (
    DATE_FORMATS,
    FILES,
    Message,
    messages_of,
    mrn_of,
    read,
    report_files,
    write,
    write_messages,
)

NIGHTS = 5
FIRST_SHARE = 0.5
"""Of the patients, who are there in the first night where a hospital grows by patients."""
LAST_DAYS = [date(2003 + 2 * night, 12, 31) for night in range(1, NIGHTS + 1)]
"""Until when each night knows, where a hospital grows by time."""
DATES = {"registry": "surgery_date", "follow_up": "event_date", "treatments": "treatment_date"}


class Growth(NamedTuple):
    """A clean cohort and how it grows: `by_time` as the years go by, else as patients are entered with all their records; `patients`
    of all its hospitals together; `until`: the last stage that judges its nights."""

    patients: int
    seed: int
    by_time: bool
    hospitals: int = 1
    until: str = "landing"

    @property
    def name(self) -> str:
        """For a folder."""
        return f"clean_{self.patients}_{self.seed}_{self.hospitals}_{'by_time' if self.by_time else 'by_patients'}"


def land(growth: Growth, whole: Path, folder: Path, night: int) -> None:
    """Land what a hospital sends in one of its nights."""
    if growth.by_time:
        land_until(whole, folder, LAST_DAYS[night - 1])
    else:
        land_patients(whole, folder, night)


def land_patients(whole: Path, folder: Path, night: int) -> None:
    """Land all records of the patients operated on first: of the first half of them in night 1, of all in the last night."""
    registry = read(whole, "registry")
    share = FIRST_SHARE + (1 - FIRST_SHARE) * (night - 1) / (NIGHTS - 1)
    last = registry["record_id"].sort_values().iloc[: max(1, round(share * len(registry)))]
    mrns = set(registry.loc[registry["record_id"].isin(last), "mrn"])
    for feed in (*FILES, "vital_status"):
        rows = read(whole, feed)
        _land(folder, feed, rows[rows["mrn"].isin(mrns)])
    _land_reports(whole, folder, lambda message: mrn_of(message) in mrns)


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


def _land_reports(whole: Path, folder: Path, is_there: Callable[[Message], bool]) -> None:
    (folder / "pathology").mkdir(parents=True, exist_ok=True)
    for path in report_files(whole):
        messages = [message for message in messages_of(path) if is_there(message)]
        if messages:
            write_messages(folder / "pathology" / path.name, messages)


def _sent(message: Message) -> str:
    return message[0].split("|")[6] if message[0].startswith("MSH|") else ""


def grow(folder: Path, growth: Growth, base: Path | None = None) -> list[pd.DataFrame]:
    """Simulate a cohort and take it in over NIGHTS nights; returns each night's checks that did not pass.

    Args:
        folder: made for it, and removed.
        base: a data folder after a night of dbt's, whose models derive these nights; the landing gate needs none.
    """
    from tests.fault_study.nights import night

    simulate(growth.patients // growth.hospitals, growth.seed, folder / "whole", hospitals=growth.hospitals)
    if base:
        emptied(base, folder / "growing")
    told = []
    for number in range(1, NIGHTS + 1):
        for hospital in (HOSPITAL, SECOND_HOSPITAL)[: growth.hospitals]:
            whole, landing = (folder / name / "landing" / hospital for name in ("whole", "growing"))
            land(growth, whole, landing, number)
        outcome = night(folder / "growing", f"night {number}", until=growth.until, accept=True)
        told.append(
            outcome.checks.assign(night=number, is_open=outcome.is_open, dbt_failures=len(outcome.dbt_failures))
        )
    shutil.rmtree(folder)
    return told


def emptied(base: Path, data: Path) -> None:
    """A data folder with the definitions and the models of another, and no record."""
    data.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base / "build", data / "build")
    shutil.copytree(base / "contracts", data / "contracts")
    with duckdb.connect(str(data / "build" / "build.duckdb")) as connection:
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name <> 'seeds'"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'DELETE FROM "{schema}"."{table}"')


def standing_warnings(told: list[pd.DataFrame]) -> list[str]:
    """Checks that did not pass in any night after the first, and those that closed a gate in any."""
    by_night = [
        {f"{row.suite}.{row.check_name} {row.table_name}.{row.column_name}" for row in checks.itertuples()}
        for checks in told[1:]
    ]
    return sorted(set.intersection(*by_night) if by_night else set()) + closing_checks(told)


def closing_checks(told: list[pd.DataFrame]) -> list[str]:
    """What closed a gate in any night, in words."""
    closing = [checks[checks["is_closing"].astype(bool)] for checks in told if "is_closing" in checks]
    return sorted({f"closed: {text}" for checks in closing for text in checks["description"]})
