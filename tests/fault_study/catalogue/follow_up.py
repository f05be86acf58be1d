"""What befalls the follow-up events."""

from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import Fault, add, fault
from tests.fault_study.landed_files import edit, every, read, swap_codes, with_column, write


def _sites(meaning: dict[str, str]) -> Fault:
    def changed(folder: Path) -> None:
        def read_as(cell: str) -> str:
            return ";".join(dict.fromkeys(meaning.get(site, site) for site in cell.split(";")))

        edit(folder, "follow_up", lambda rows: with_column(rows, "sites", rows["sites"].map(read_as)))

    return changed


add(
    "follow_up_lung_and_liver_swapped",
    "follow_up",
    "the codes of lung and liver changed places",
    _sites({"lung": "liver_other", "liver_other": "lung"}),
)
add(
    "follow_up_all_at_the_margin",
    "follow_up",
    "every liver recurrence is sent as one at the margin",
    _sites({"liver_other": "liver_margin"}),
)
add(
    "follow_up_no_more_margin",
    "follow_up",
    "the code of the margin is no longer sent",
    _sites({"liver_margin": "liver_other"}),
)
add(
    "follow_up_all_sites_other",
    "follow_up",
    "every site is sent as other",
    _sites(dict.fromkeys(("lung", "liver_other", "liver_margin", "bone", "brain", "pelvis"), "other")),
)
add(
    "follow_up_findings_swapped",
    "follow_up",
    "definite and suspicious changed codes",
    lambda folder: swap_codes(folder, "follow_up", "finding", "definite", "suspicious"),
)
add(
    "follow_up_suspicious_is_definite",
    "follow_up", "every suspicious finding is sent as definite",
    lambda folder: edit(folder, "follow_up", lambda rows: rows.assign(finding=rows["finding"].replace("suspicious", "definite"))),
)  # fmt: skip


@fault("follow_up", "every second recurrence is sent as no evidence of disease")
def follow_up_recurrences_halved(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        is_hit = (rows["finding"] == "definite") & rows["mrn"].str.fullmatch(r".*[02468]")
        return rows.assign(finding=rows["finding"].mask(is_hit, "NED"), sites=rows["sites"].mask(is_hit, ""))

    edit(folder, "follow_up", changed)


@fault("follow_up", "no recurrence is sent any more: definite findings become clear looks")
def follow_up_no_recurrence(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows.assign(finding=rows["finding"].replace("definite", "NED"), sites=""))


@fault("follow_up", "the sites are emptied")
def follow_up_sites_emptied(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows.assign(sites="", site_words=""))


@fault("follow_up", "one date in twelve lies in the future")
def follow_up_future_dates(folder: Path) -> None:
    edit(
        folder,
        "follow_up",
        lambda rows: with_column(rows, "event_date", rows["event_date"].str[:6] + "2093", every(rows, 12)),
    )


@fault("follow_up", "every second definite finding has an unknown code and is rejected")
def follow_up_recurrences_rejected(folder: Path) -> None:
    edit(
        folder,
        "follow_up",
        lambda rows: with_column(rows, "finding", "def.", (rows["finding"] == "definite") & every(rows, 2)),
    )


@fault("follow_up", "the looks of the last third of the patients are no longer sent")
def follow_up_patients_lost(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows[~rows["mrn"].str.fullmatch(r".*[789]")])


@fault("follow_up", "all looks are sent again under new ids beside the old ones")
def follow_up_new_ids(folder: Path) -> None:
    rows = read(folder, "follow_up")
    write(folder, "follow_up", rows.assign(event_id="N" + rows["event_id"].str[1:]), name="again.csv")


@fault("follow_up", "the looks of patients who died are no longer sent")
def follow_up_of_the_dead_lost(folder: Path) -> None:
    status = read(folder, "vital_status")
    dead = set(status.loc[status["vital_status"] == "D", "mrn"])
    edit(folder, "follow_up", lambda rows: rows[~rows["mrn"].isin(dead)])


@fault("follow_up", "clear looks are no longer sent: findings only")
def follow_up_clear_looks_lost(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows[rows["finding"] != "NED"])


@fault("follow_up", "every look is called a clinic visit, which is no evidence")
def follow_up_all_clinic(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows.assign(event_type="clinic_visit", modality=""))


@fault("follow_up", "the looks of the last three years are no longer sent")
def follow_up_stops(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        years = pd.to_numeric(rows["event_date"].str[-4:], errors="coerce")
        # the last years but for dates that are dirt
        return rows[~(years > years.quantile(0.99) - 3)]

    edit(folder, "follow_up", changed)


@fault("follow_up", "only the first of several sites is sent")
def follow_up_first_site_only(folder: Path) -> None:
    edit(folder, "follow_up", lambda rows: rows.assign(sites=rows["sites"].str.split(";").str[0]))


@fault("follow_up", "one row names one site twice")
def follow_up_site_twice(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        one = rows.index[(rows["finding"] == "definite") & (rows["sites"] == "lung")][0]
        return with_column(rows, "sites", "lung;lung", rows.index.to_series() == one)

    edit(folder, "follow_up", changed)


@fault("follow_up", "lung and bone changed codes")
def follow_up_lung_and_bone_swapped(folder: Path) -> None:
    _sites({"lung": "bone", "bone": "lung"})(folder)
