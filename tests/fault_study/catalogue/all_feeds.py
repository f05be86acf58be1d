"""What befalls all feeds at once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import FEEDS, Fault, add, fault, other_cohort
from tests.fault_study.landed_files import DATE_FORMATS, edit, edit_messages, edit_mrns, mrn_of, read, write_messages

ALL_DATES = {
    "registry": ("dob", "surgery_date", "primary_resection_date", "liver_mets_date"),
    "follow_up": ("event_date",),
    "treatments": ("treatment_date",),
    "vital_status": ("last_contact_date", "death_date"),
}


def _mrns(change: Callable[[str], str]) -> Fault:
    """Other MRNs in every feed."""

    def changed(folder: Path) -> None:
        for feed in FEEDS:
            edit(folder, feed, lambda rows: rows.assign(mrn=rows["mrn"].astype(str).map(change)))
        edit_mrns(folder, change)

    return changed


def _patients_lost(pattern: str) -> Fault:
    """Patients whose MRN is of a form are in no feed but pathology any more."""

    def changed(folder: Path) -> None:
        for feed in FEEDS:
            edit(folder, feed, lambda rows: rows[~rows["mrn"].astype(str).str.fullmatch(pattern)])

    return changed


def _days_later(of_patient: Callable[[str], int]) -> Fault:
    """Every date of a patient moved by the patient's own number of days, in every feed: as de-identification does."""

    def moved(days: pd.Series, feed: str, steps: pd.Series) -> pd.Series:
        known = pd.to_datetime(days.astype(str).str[:10], format=DATE_FORMATS[feed], errors="coerce")
        later = (known + pd.to_timedelta(steps, unit="D")).dt.strftime(DATE_FORMATS[feed])
        return days.where(later.isna(), later)

    def changed_rows(rows: pd.DataFrame, feed: str) -> pd.DataFrame:
        steps = rows["mrn"].astype(str).map(of_patient)
        return rows.assign(**{name: moved(rows[name], feed, steps) for name in ALL_DATES[feed]})

    def changed_message(message: list[str], _: int) -> list[str]:
        step, lines = pd.Timedelta(days=of_patient(mrn_of(message))), []
        for line in message:
            fields = line.split("|")
            for place in {"PID": (7,), "OBR": (7,)}.get(fields[0], ()):
                day = pd.to_datetime(fields[place][:8], format="%Y%m%d", errors="coerce")
                if not pd.isna(day):
                    fields[place] = (day + step).strftime("%Y%m%d")
            lines.append("|".join(fields))
        return lines

    def changed(folder: Path) -> None:
        for feed in FEEDS:
            edit(folder, feed, lambda rows, feed=feed: changed_rows(rows, feed))
        edit_messages(folder, changed_message)

    return changed


def _merges(pairs: Callable[[list[str]], list[tuple[str, str]]]) -> Fault:
    """Messages that patients were merged: survivor and retired number."""

    def changed(folder: Path) -> None:
        (folder / "merges").mkdir()
        messages = [
            [
                f"MSH|^~\\&|ADT|HOSP|WAREHOUSE|HOSP|20130101120000||ADT^A40^ADT_A39|MERGE{n:06d}|T|2.5.1",
                "EVN|A40|20130101120000",
                f"PID|1||{survivor}^^^HOSP^MR",
                f"MRG|{retired}^^^HOSP^MR",
            ]
            for n, (survivor, retired) in enumerate(pairs(sorted(set(read(folder, "registry")["mrn"]))))
        ]
        write_messages(folder / "merges" / "merges.hl7", messages)

    return changed


def _own_step(mrn: str) -> int:
    return int(mrn[-3:]) % 200 - 100 if mrn[-3:].isdigit() else 0


def _next_number(mrn: str) -> str:
    """Pairs of neighbours change numbers: 0 with 1, 2 with 3 and so on."""
    return f"{mrn[:-1]}{int(mrn[-1]) ^ 1}" if mrn[-1:].isdigit() else mrn


for _name, _fault, _what in (
    ("mrns_renumbered", _mrns(lambda mrn: f"SIM9{mrn[4:]}"), "MRNs are renumbered in every feed, record ids are not"),
    ("mrns_in_lower_case", _mrns(str.lower), "MRNs are sent in lower case in every feed"),
    ("mrns_of_neighbours", _mrns(_next_number), "neighbouring patients changed their MRNs in every feed"),
    ("a_fifth_deleted", _patients_lost(r".*[37]"), "one in five patients was deleted from every feed"),
    ("half_of_the_patients", _patients_lost(r".*[02468]"), "the extract holds every second patient only"),
    ("dates_a_year_later", _days_later(lambda mrn: 365), "all dates of every feed lie a year later"),
    (
        "dates_by_patient", _days_later(_own_step),
        "the extract is de-identified: each patient's dates are moved by days of the patient's own",
    ),
    (
        "merged_in_chains", _merges(lambda mrns: list(zip(mrns[:40], mrns[1:41], strict=True))),
        "forty patients are merged with their neighbours, who are others",
    ),
    ("merged_into_one", _merges(lambda mrns: [(mrns[0], other) for other in mrns[1:30]]), "thirty patients are merged into one"),
):  # fmt: skip
    add(f"all_{_name}", "all", _what, _fault)


@fault("all", "every feed is another cohort's")
def all_of_another_cohort(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other_cohort(), folder)


@fault("all", "twenty test patients, copied from real ones")
def all_test_patients(folder: Path) -> None:
    mrns, ids = [f"SIM0999{n:03d}" for n in range(20)], [f"R0099{n:03d}" for n in range(20)]
    registered = {"mrn": mrns, "record_id": ids, "last_name": "TEST", "first_name": "TEST"}
    alive = {"mrn": mrns, "vital_status": "A", "last_contact_date": "2012-12-31", "death_date": None, "cause": None}
    edit(folder, "registry", lambda rows: pd.concat([rows, rows.iloc[:20].assign(**registered)]))
    edit(folder, "vital_status", lambda rows: pd.concat([rows, rows.iloc[:20].assign(**alive)]))
