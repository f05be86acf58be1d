"""What befalls the vital status."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd

from tests.fault_study.catalogue.changes import (
    codes_change,
    column_is,
    columns_are,
    columns_change_places,
    dates_become,
    dates_move,
    rows_are_lost,
)
from tests.fault_study.catalogue.listing import Fault, add, fault
from tests.fault_study.landed_files import SHEET, WORKBOOK, edit, every, read, shifted, with_column

FEED = "vital_status"
ALIVE_AGAIN = {"vital_status": "A", "death_date": None, "cause": None}


def is_alive(rows: pd.DataFrame) -> pd.Series:
    """Patients who live."""
    return rows["vital_status"] == "A"


def is_dead(rows: pd.DataFrame) -> pd.Series:
    """Patients who died."""
    return rows["vital_status"] == "D"


def _values(where: Callable[[pd.DataFrame], pd.Series], **values: str | None) -> Fault:
    """Other values in several columns of some rows."""

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        chosen = where(rows)
        return rows.assign(**{name: rows[name].astype(object).mask(chosen, value) for name, value in values.items()})

    return lambda folder: edit(folder, FEED, changed)


def _died_late(rows: pd.DataFrame) -> pd.Series:
    """Deaths of the last years of the records."""
    year = rows["death_date"].map(lambda day: int(str(day)[:4]) if day else 0)
    return is_dead(rows) & (year >= sorted(year[year > 0])[-max(1, int((year > 0).sum() * 0.3))])


def _first_of_january(day: date) -> date:
    return day.replace(month=1, day=1)


for _name, _fault, _what in (
    ("swapped", codes_change(FEED, "vital_status", "A", "D"), "alive and dead changed codes"),
    ("causes_swapped", codes_change(FEED, "cause", "cancer", "other"), "cancer and other causes changed codes"),
    ("causes_emptied", columns_are(FEED, cause=None), "causes of death are no longer sent"),
    ("nobody_dies", columns_are(FEED, **ALIVE_AGAIN), "all deaths are lost: everybody is alive"),
    ("deaths_halved", _values(lambda rows: is_dead(rows) & every(rows, 2), **ALIVE_AGAIN), "every second death is lost"),
    ("late_deaths_lost", _values(_died_late, **ALIVE_AGAIN), "the deaths of the last years are lost: a registry that lags"),
    ("some_alive_again", _values(lambda rows: is_dead(rows) & every(rows, 12), **ALIVE_AGAIN), "one of the dead in twelve is alive again"),
    (
        "contact_is_extract", column_is(FEED, "last_contact_date", "2013-12-31", is_alive),
        "the last contact of the living is the day of the extract",
    ),
    (
        "all_heard_of_on_one_day", column_is(FEED, "last_contact_date", "2005-06-30", is_alive),
        "follow-up of the living stops on one day: everybody is censored there",
    ),
    (
        "deaths_on_one_day", _values(is_dead, death_date="2012-06-30", last_contact_date="2012-06-30"),
        "deaths are dated when the registry was matched: one day",
    ),
    (
        "death_before_operation",
        _values(lambda rows: is_dead(rows) & every(rows, 10), death_date="1985-05-05", last_contact_date="1985-05-05"),
        "one death in ten lies before the operation",
    ),
    ("death_dates_emptied", columns_are(FEED, death_date=None), "the days of death are no longer sent"),
    ("deaths_a_year_early", dates_move(FEED, ("death_date", "last_contact_date"), -365, is_dead), "deaths are dated a year early"),
    (
        "contacts_two_years_late", dates_move(FEED, ("last_contact_date",), 730, is_alive),
        "the living were last heard of two years later than they were",
    ),
    (
        "headers_swapped", columns_change_places(FEED, "death_date", "last_contact_date"),
        "the headers of death and last contact changed places",
    ),
    ("all_of_cancer", column_is(FEED, "cause", "cancer", is_dead), "every death is of cancer"),
    ("none_of_cancer", column_is(FEED, "cause", "other", is_dead), "no death is of cancer"),
    ("dead_no_longer_sent", rows_are_lost(FEED, is_dead), "the dead are no longer sent"),
    ("deaths_first_of_january", dates_become(FEED, "death_date", _first_of_january), "deaths are dated to the first of their year"),
):  # fmt: skip
    add(f"vital_status_{_name}", FEED, _what, _fault)


@fault(FEED, "the sheet has another name")
def vital_status_sheet_renamed(folder: Path) -> None:
    book = openpyxl.load_workbook(folder / WORKBOOK)
    book[SHEET].title = "Tabelle1"
    book.save(folder / WORKBOOK)


@fault(FEED, "nobody was heard of since a month after the operation: contacts are no longer updated")
def vital_status_contacts_not_updated(folder: Path) -> None:
    registry = read(folder, "registry")
    operated = dict(zip(registry["mrn"], shifted(registry["surgery_date"], "registry", 30), strict=True))

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        early = rows["mrn"].map(operated).fillna(rows["last_contact_date"])
        return with_column(rows, "last_contact_date", early, is_alive(rows))

    edit(folder, FEED, changed)


@fault(FEED, "everybody is dead")
def vital_status_all_dead(folder: Path) -> None:
    edit(
        folder,
        FEED,
        lambda rows: rows.assign(vital_status="D", death_date=rows["last_contact_date"], cause="cancer"),
    )
