"""Faults that begin with the patients of tonight: what was there before is as it was, so that nothing is corrected."""

import re
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.changes import (
    codes_change,
    column_is,
    columns_are,
    dates_become,
    numbers_times,
    rows_are_lost,
    words_change,
)
from tests.fault_study.catalogue.listing import FEEDS, Fault, add, other_cohort
from tests.fault_study.catalogue.pathology import POSITIVE, with_words
from tests.fault_study.landed_files import (
    edit,
    edit_mrns,
    messages_of,
    mrn_of,
    read,
    report_files,
    shuffled,
    swapped_day_and_month,
    with_column,
    with_field,
    write_messages,
)

NEWCOMERS = 60
"""So many; a fifth of those who are there where that is fewer."""


def newcomers_arrive(folder: Path, change: Fault = lambda folder: None) -> None:
    """Patients of the other cohort join in every feed, under numbers of their own.

    Args:
        change: what befell their records before they were sent.
    """
    with tempfile.TemporaryDirectory() as scratch:
        theirs = Path(scratch) / "theirs"
        shutil.copytree(other_cohort(), theirs)
        n_joining = min(NEWCOMERS, len(read(folder, "registry")) // 5)
        chosen = set(read(theirs, "registry")["mrn"].iloc[-n_joining:])
        for feed in FEEDS:
            edit(theirs, feed, lambda rows: rows[rows["mrn"].isin(chosen)].reset_index(drop=True))
        _keep_reports(theirs, chosen)
        change(theirs)
        for feed in FEEDS:
            _join(folder, theirs, feed)
        reports = [message for path in report_files(theirs) for message in messages_of(path)]
        if reports:
            write_messages(folder / "pathology" / "pathology_new.hl7", [_of_newcomer(message) for message in reports])


def _keep_reports(folder: Path, mrns: set[str]) -> None:
    for path in report_files(folder):
        kept = [message for message in messages_of(path) if mrn_of(message) in mrns]
        path.unlink()
        if kept:
            write_messages(path, kept)


def _of_newcomer(message: list[str]) -> list[str]:
    numbered = with_field(message, "MSH", 10, lambda number: f"SIMLIS7{number[7:]}")
    return with_field(numbered, "PID", 3, lambda field: f"SIM7{field[4:]}")


def _join(folder: Path, theirs: Path, feed: str) -> None:
    rows, joining = read(folder, feed), read(theirs, feed)
    joining = joining.assign(mrn="SIM7" + joining["mrn"].astype(str).str[4:])
    if feed != "vital_status":
        key = rows.columns[0]
        joining = joining.assign(**{key: joining[key].str[0] + "7" + joining[key].str[2:]})
    edit(folder, feed, lambda _: pd.concat([rows, joining[rows.columns.intersection(joining.columns)]]))


def _add(name: str, feed: str, what: str, change: Fault) -> None:
    def planted(folder: Path) -> None:
        newcomers_arrive(folder, change)

    planted.of_newcomers = True
    add(f"new_{name}", feed, f"sixty new patients: {what}", planted)


def _reports_of_others(folder: Path) -> None:
    mrns = pd.Series(sorted(set(read(folder, "registry")["mrn"])))
    whose = dict(zip(mrns, shuffled(mrns, 3), strict=True))
    edit_mrns(folder, lambda mrn: whose.get(mrn, mrn))


def _no_reports(folder: Path) -> None:
    for path in report_files(folder):
        path.unlink()


def _swapped(feed: str, column: str) -> Fault:
    return lambda folder: edit(
        folder, feed, lambda rows: with_column(rows, column, swapped_day_and_month(rows[column], feed))
    )


def _all_dead(folder: Path) -> None:
    edit(
        folder,
        "vital_status",
        lambda rows: rows.assign(vital_status="D", death_date=rows["last_contact_date"], cause="cancer"),
    )


def _sites(folder: Path) -> None:
    def read_as(cell: str) -> str:
        return re.sub("lung|liver_other", lambda found: "lung" if found[0] == "liver_other" else "liver_other", cell)

    edit(folder, "follow_up", lambda rows: with_column(rows, "sites", rows["sites"].map(read_as)))


for _name, _feed, _what, _fault in (
    ("sizes_in_mm", "registry", "their sizes are in mm", numbers_times("registry", "largest_met_cm", 10)),
    ("sexes_recoded", "registry", "their sexes are coded the other way round", codes_change("registry", "sex", "1", "2")),
    ("all_men", "registry", "they are all men", column_is("registry", "sex", "1")),
    ("births_1900", "registry", "they were all born on 1900-01-01", column_is("registry", "dob", "1900-01-01")),
    ("nodes_emptied", "registry", "their node status is not sent", column_is("registry", "primary_nodes", "")),
    ("days_swapped", "registry", "day and month of their operations changed places", _swapped("registry", "surgery_date")),
    ("counts_99", "registry", "99 stands for their number of metastases", column_is("registry", "mets_count", "99")),
    ("without_follow_up", "follow_up", "their follow-up did not come", rows_are_lost("follow_up", lambda rows: rows["mrn"] != "")),
    (
        "without_recurrence", "follow_up", "their recurrences are not sent",
        rows_are_lost("follow_up", lambda rows: rows["finding"] == "definite"),
    ),
    (
        "recurrence_at_every_look", "follow_up", "each of their looks is sent as definite",
        columns_are("follow_up", finding="definite", sites="lung"),
    ),
    ("sites_swapped", "follow_up", "lung and liver changed codes", _sites),
    (
        "looks_on_first_of_january", "follow_up", "their looks are dated to the first of January",
        dates_become("follow_up", "event_date", lambda day: day.replace(month=1, day=1)),
    ),
    ("without_status", "vital_status", "their vital status did not come", rows_are_lost("vital_status", lambda rows: rows["mrn"] != "")),
    (
        "all_dead", "vital_status", "they are all dead",
        _all_dead,
    ),
    (
        "contact_is_extract", "vital_status", "their last contact is the day of the extract",
        column_is("vital_status", "last_contact_date", "2013-12-31"),
    ),
    ("without_treatments", "treatments", "what disease was left is not sent", columns_are("treatments", residual="")),
    ("without_reports", "pathology", "their reports did not come", _no_reports),
    ("reports_of_others", "pathology", "their reports are filed under each other's numbers", _reports_of_others),
    ("all_positive", "pathology", "every one of their reports says that the margin is positive", with_words(POSITIVE)),
    ("cm_is_mm", "pathology", "in their reports cm became mm", words_change(r"(?i)\bcm\b", "mm")),
):  # fmt: skip
    _add(_name, _feed, _what, _fault)
