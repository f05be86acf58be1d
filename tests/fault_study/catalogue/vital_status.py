"""What befalls the vital status."""

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd

from tests.fault_study.catalogue.listing import add, fault
from tests.fault_study.landed_files import SHEET, WORKBOOK, edit, every, moved, read, shifted, swap_codes, with_column

add(
    "vital_status_swapped",
    "vital_status",
    "alive and dead changed codes",
    lambda folder: swap_codes(folder, "vital_status", "vital_status", "A", "D"),
)
add(
    "vital_status_causes_swapped",
    "vital_status",
    "cancer and other causes changed codes",
    lambda folder: swap_codes(folder, "vital_status", "cause", "cancer", "other"),
)
add(
    "vital_status_causes_emptied",
    "vital_status",
    "causes of death are no longer sent",
    lambda folder: edit(folder, "vital_status", lambda rows: rows.assign(cause=None)),
)


@fault("vital_status", "all deaths are lost: everybody is alive")
def vital_status_nobody_dies(folder: Path) -> None:
    edit(folder, "vital_status", lambda rows: rows.assign(vital_status="A", death_date=None, cause=None))


@fault("vital_status", "every second death is lost")
def vital_status_deaths_halved(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        is_hit = (rows["vital_status"] == "D") & every(rows, 2)
        return rows.assign(
            vital_status=rows["vital_status"].mask(is_hit, "A"),
            death_date=rows["death_date"].mask(is_hit, None),
            cause=rows["cause"].mask(is_hit, None),
        )

    edit(folder, "vital_status", changed)


@fault("vital_status", "the last contact of the living is the day of the extract")
def vital_status_contact_is_extract(folder: Path) -> None:
    edit(
        folder,
        "vital_status",
        lambda rows: with_column(rows, "last_contact_date", "2013-12-31", rows["vital_status"] == "A"),
    )


@fault("vital_status", "one death in ten lies before the operation")
def vital_status_death_before_operation(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        is_hit = (rows["vital_status"] == "D") & every(rows, 10)
        return rows.assign(
            **{name: rows[name].mask(is_hit, "1985-05-05") for name in ("death_date", "last_contact_date")}
        )

    edit(folder, "vital_status", changed)


@fault("vital_status", "the sheet has another name")
def vital_status_sheet_renamed(folder: Path) -> None:
    book = openpyxl.load_workbook(folder / WORKBOOK)
    book[SHEET].title = "Tabelle1"
    book.save(folder / WORKBOOK)


@fault("vital_status", "nobody was heard of since a month after the operation: contacts are no longer updated")
def vital_status_contacts_not_updated(folder: Path) -> None:
    registry = read(folder, "registry")
    operated = dict(zip(registry["mrn"], shifted(registry["surgery_date"], "registry", 30), strict=True))

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        early = rows["mrn"].map(operated).fillna(rows["last_contact_date"])
        return with_column(rows, "last_contact_date", early, rows["vital_status"] == "A")

    edit(folder, "vital_status", changed)


@fault("vital_status", "everybody is dead")
def vital_status_all_dead(folder: Path) -> None:
    edit(
        folder,
        "vital_status",
        lambda rows: rows.assign(vital_status="D", death_date=rows["last_contact_date"], cause="cancer"),
    )


@fault("vital_status", "every death is of cancer")
def vital_status_all_of_cancer(folder: Path) -> None:
    edit(folder, "vital_status", lambda rows: with_column(rows, "cause", "cancer", rows["vital_status"] == "D"))


@fault("vital_status", "deaths are dated to the first of their year")
def vital_status_deaths_first_of_january(folder: Path) -> None:
    def first(day: date) -> date:
        return day.replace(month=1, day=1)

    edit(folder, "vital_status", lambda rows: rows.assign(death_date=moved(rows["death_date"], "vital_status", first)))
