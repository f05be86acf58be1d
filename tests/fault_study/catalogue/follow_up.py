"""What befalls the follow-up events."""

from datetime import timedelta
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.changes import (
    cells_change,
    codes_change,
    column_is,
    columns_are,
    columns_change_places,
    dates_become,
    dates_move,
    nth,
    rows_are_lost,
    rows_come_again,
)
from tests.fault_study.catalogue.listing import Fault, add, fault
from tests.fault_study.landed_files import edit as edit_file
from tests.fault_study.landed_files import every, read, with_column

FEED = "follow_up"
EVERY_SITE = ("lung", "liver_other", "liver_margin", "bone", "brain", "pelvis")


def is_definite(rows: pd.DataFrame) -> pd.Series:
    """Looks that found a recurrence."""
    return rows["finding"] == "definite"


def is_clear(rows: pd.DataFrame) -> pd.Series:
    """Looks that found nothing."""
    return rows["finding"] == "NED"


def _sites(meaning: dict[str, str]) -> Fault:
    def read_as(cell: str) -> str:
        return ";".join(dict.fromkeys(meaning.get(site, site) for site in cell.split(";")))

    return cells_change(FEED, "sites", read_as)


for _name, _meaning, _what in (
    ("lung_and_liver_swapped", {"lung": "liver_other", "liver_other": "lung"}, "the codes of lung and liver changed places"),
    ("lung_and_bone_swapped", {"lung": "bone", "bone": "lung"}, "lung and bone changed codes"),
    ("margin_and_lung_swapped", {"lung": "liver_margin", "liver_margin": "lung"}, "the codes of margin and lung changed places"),
    ("all_at_the_margin", {"liver_other": "liver_margin"}, "every liver recurrence is sent as one at the margin"),
    ("no_more_margin", {"liver_margin": "liver_other"}, "the code of the margin is no longer sent"),
    ("all_sites_other", dict.fromkeys(EVERY_SITE, "other"), "every site is sent as other"),
):  # fmt: skip
    add(f"follow_up_{_name}", FEED, _what, _sites(_meaning))

for _name, _fault, _what in (
    ("findings_swapped", codes_change(FEED, "finding", "definite", "suspicious"), "definite and suspicious changed codes"),
    ("clear_and_definite_swapped", codes_change(FEED, "finding", "definite", "NED"), "definite and no evidence of disease changed codes"),
    ("kinds_swapped", codes_change(FEED, "event_type", "imaging", "clinic_visit"), "imaging and clinic visits changed codes"),
    (
        "suspicious_is_definite", column_is(FEED, "finding", "definite", lambda rows: rows["finding"] == "suspicious"),
        "every suspicious finding is sent as definite",
    ),
    ("sites_emptied", columns_are(FEED, sites="", site_words=""), "the sites are emptied"),
    ("words_emptied", columns_are(FEED, note="", site_words=""), "notes and sites in words are no longer sent"),
    ("all_clinic", columns_are(FEED, event_type="clinic_visit", modality=""), "every look is called a clinic visit, which is no evidence"),
    (
        "future_dates", cells_change(FEED, "event_date", lambda cell: cell[:6] + "2093", nth(12)),
        "one date in twelve lies in the future",
    ),
    (
        "recurrences_rejected", column_is(FEED, "finding", "def.", lambda rows: is_definite(rows) & every(rows, 2)),
        "every second definite finding has an unknown code and is rejected",
    ),
    (
        "in_another_language", cells_change(FEED, "finding", lambda cell: {"definite": "sicher", "NED": "kein Rezidiv"}.get(cell, cell)),
        "findings are sent in another language",
    ),
    ("first_site_only", cells_change(FEED, "sites", lambda cell: cell.split(";")[0]), "only the first of several sites is sent"),
    (
        "recurrences_late", dates_move(FEED, ("event_date",), 90, is_definite),
        "recurrences are dated when they were entered, ninety days late",
    ),
    ("recurrences_early", dates_move(FEED, ("event_date",), -120, is_definite), "recurrences are dated four months early"),
    (
        "dates_of_entry", dates_become(FEED, "event_date", lambda day: day + timedelta(days=1 + 7 * (day.day % 9))),
        "each look is dated when it was entered, days to months late",
    ),
    (
        "headers_swapped", columns_change_places(FEED, "finding", "sites"), "the headers of finding and site changed places",
    ),
    (
        "clear_looks_are_recurrences",
        column_is(FEED, "finding", "definite", lambda rows: is_clear(rows) & every(rows, 10)),
        "one clear look in ten is sent as definite",
    ),
    ("clear_looks_lost", rows_are_lost(FEED, is_clear), "clear looks are no longer sent: findings only"),
    ("clear_looks_thinned", rows_are_lost(FEED, lambda rows: is_clear(rows) & every(rows, 2)), "every second clear look is no longer sent"),
    ("recurrences_no_longer_sent", rows_are_lost(FEED, is_definite), "definite findings are no longer sent"),
    (
        "patients_lost", rows_are_lost(FEED, lambda rows: rows["mrn"].str.fullmatch(r".*[789]")),
        "the looks of the last third of the patients are no longer sent",
    ),
    ("new_ids", rows_come_again(FEED, "event_id"), "all looks are sent again under new ids beside the old ones"),
):  # fmt: skip
    add(f"follow_up_{_name}", FEED, _what, _fault)


def edit(folder: Path, change) -> None:
    """Change the rows of follow-up."""
    edit_file(folder, FEED, change)


@fault(FEED, "every second recurrence is sent as no evidence of disease")
def follow_up_recurrences_halved(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        is_hit = is_definite(rows) & rows["mrn"].str.fullmatch(r".*[02468]")
        return rows.assign(finding=rows["finding"].mask(is_hit, "NED"), sites=rows["sites"].mask(is_hit, ""))

    edit(folder, changed)


@fault(FEED, "no recurrence is sent any more: definite findings become clear looks")
def follow_up_no_recurrence(folder: Path) -> None:
    edit(folder, lambda rows: rows.assign(finding=rows["finding"].replace("definite", "NED"), sites=""))


@fault(FEED, "the looks of patients who died are no longer sent")
def follow_up_of_the_dead_lost(folder: Path) -> None:
    status = read(folder, "vital_status")
    dead = set(status.loc[status["vital_status"] == "D", "mrn"])
    edit(folder, lambda rows: rows[~rows["mrn"].isin(dead)])


@fault(FEED, "the looks of the last three years are no longer sent")
def follow_up_stops(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        years = pd.to_numeric(rows["event_date"].str[-4:], errors="coerce")
        # the last years but for dates that are dirt
        return rows[~(years > years.quantile(0.99) - 3)]

    edit(folder, changed)


@fault(FEED, "one row names one site twice")
def follow_up_site_twice(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        one = rows.index[is_definite(rows) & (rows["sites"] == "lung")][0]
        return with_column(rows, "sites", "lung;lung", rows.index.to_series() == one)

    edit(folder, changed)


@fault(FEED, "all looks are of one patient")
def follow_up_all_of_one(folder: Path) -> None:
    edit(folder, lambda rows: rows.assign(mrn=rows["mrn"].iloc[0]))
