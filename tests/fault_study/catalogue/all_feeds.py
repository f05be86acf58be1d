"""What befalls all feeds at once."""

import shutil
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import FEEDS, fault, other_cohort
from tests.fault_study.landed_files import edit, edit_mrns


@fault("all", "every feed is another cohort's")
def all_of_another_cohort(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other_cohort(), folder)


@fault("all", "MRNs are renumbered in every feed, record ids are not")
def all_mrns_renumbered(folder: Path) -> None:
    for feed in FEEDS:
        edit(folder, feed, lambda rows: rows.assign(mrn="SIM9" + rows["mrn"].astype(str).str[4:]))
    edit_mrns(folder, lambda mrn: f"SIM9{mrn[4:]}")


@fault("all", "twenty test patients, copied from real ones")
def all_test_patients(folder: Path) -> None:
    mrns = [f"SIM0999{n:03d}" for n in range(20)]

    def registered(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [
                rows,
                rows.iloc[:20].assign(
                    mrn=mrns, record_id=[f"R0099{n:03d}" for n in range(20)], last_name="TEST", first_name="TEST"
                ),
            ]
        )

    def alive(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [
                rows,
                rows.iloc[:20].assign(
                    mrn=mrns, vital_status="A", last_contact_date="2012-12-31", death_date=None, cause=None
                ),
            ]
        )

    edit(folder, "registry", registered)
    edit(folder, "vital_status", alive)


@fault("all", "MRNs are sent in lower case in every feed")
def all_mrns_in_lower_case(folder: Path) -> None:
    for feed in FEEDS:
        edit(folder, feed, lambda rows: rows.assign(mrn=rows["mrn"].astype(str).str.lower()))
    edit_mrns(folder, str.lower)


@fault("all", "one in five patients was deleted from every feed")
def all_a_fifth_deleted(folder: Path) -> None:
    gone = r".*[37]"
    for feed in FEEDS:
        edit(folder, feed, lambda rows: rows[~rows["mrn"].astype(str).str.fullmatch(gone)])
