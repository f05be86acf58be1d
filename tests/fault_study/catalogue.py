"""The project's own catalogue of data faults: what systems and people do to feeds overnight, each as one change of landed files.

FAULTS is a dict of name -> (feed, what happened, function of the hospital's landing folder). A catalogue of the same form can be
given to `make fault-study FAULTS=file.py`.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd

from tests.fault_study.landed_files import (
    FILES,
    SHEET,
    WORKBOOK,
    edit,
    edit_messages,
    edit_mrns,
    edit_words,
    every,
    messages_of,
    moved,
    path_of,
    read,
    report_files,
    shifted,
    shuffled,
    swap_codes,
    swapped_day_and_month,
    with_column,
    with_field,
    write,
    write_messages,
)

Fault = Callable[[Path], None]
FAULTS: dict[str, tuple[str, str, Fault]] = {}
FEEDS = ("registry", "follow_up", "treatments", "vital_status")
DATES = {
    "registry": "surgery_date", "follow_up": "event_date", "treatments": "treatment_date", "vital_status": "last_contact_date",
}  # fmt: skip


def fault(feed: str, what: str, name: str | None = None) -> Callable[[Fault], Fault]:
    def listed(change: Fault) -> Fault:
        FAULTS[name or change.__name__] = (feed, what, change)
        return change

    return listed


def other_cohort() -> Path:
    """The landing folder of another simulated cohort; the runner makes it."""
    return Path(os.environ["OTHER_COHORT"])


# --- what befalls any file: one fault a feed ---------------------------------------------------------------------------------
def _of_every_feed(name: str, what: str, change: Callable[[Path, str], None], feeds: tuple[str, ...] = FEEDS) -> None:
    for feed in feeds:
        FAULTS[f"{feed}_{name}"] = (feed, what, lambda folder, feed=feed: change(folder, feed))


def _halved(folder: Path, feed: str) -> None:
    edit(folder, feed, lambda rows: rows.iloc[: len(rows) // 2])


def _of_another_cohort(folder: Path, feed: str) -> None:
    shutil.copy(path_of(other_cohort(), feed), path_of(folder, feed))


def _shuffled(folder: Path, feed: str) -> None:
    edit(folder, feed, lambda rows: with_column(rows, "mrn", shuffled(rows["mrn"], 5)))


def _cut(folder: Path, feed: str) -> None:
    path = path_of(folder, feed)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])


def _dates(change: Callable[[pd.Series, str], pd.Series], nth: int = 1) -> Callable[[Path, str], None]:
    def changed(folder: Path, feed: str) -> None:
        edit(
            folder, feed, lambda rows: with_column(rows, DATES[feed], change(rows[DATES[feed]], feed), every(rows, nth))
        )

    return changed


_of_every_feed("missing", "the file did not come", lambda folder, feed: path_of(folder, feed).unlink())
_of_every_feed("halved", "only the first half of the rows came", _halved)
_of_every_feed("cut", "the transfer broke off in the middle of the file", _cut)
_of_every_feed("empty", "a file without a byte came", lambda folder, feed: path_of(folder, feed).write_bytes(b""))
_of_every_feed(
    "header_only", "the header came without rows", lambda folder, feed: edit(folder, feed, lambda rows: rows.iloc[:0])
)
_of_every_feed(
    "of_another_cohort", "the file is another hospital's, with record ids of the same form", _of_another_cohort
)
_of_every_feed("mrns_shuffled", "the MRN column was sorted by itself", _shuffled)
_of_every_feed("dates_swapped", "day and month changed places in every second row", _dates(swapped_day_and_month, 2))
_of_every_feed(
    "dates_a_year_later", "all dates lie a year later", _dates(lambda dates, feed: shifted(dates, feed, 365))
)
_of_every_feed(
    "dates_a_day_earlier",
    "a time zone moved all dates to the day before",
    _dates(lambda dates, feed: shifted(dates, feed, -1)),
)
_of_every_feed(
    "dates_four_years_earlier",
    "a workbook's dates were read by the 1904 epoch",
    _dates(lambda dates, feed: shifted(dates, feed, -1462)),
)
_of_every_feed(
    "dates_first_of_january", "only years are exported, as first of January",
    _dates(lambda dates, feed: moved(dates, feed, lambda day: day.replace(month=1, day=1))),
)  # fmt: skip
_of_every_feed(
    "dates_first_of_month", "only months are exported, as their first day",
    _dates(lambda dates, feed: moved(dates, feed, lambda day: day.replace(day=1))),
)  # fmt: skip


# --- registry ----------------------------------------------------------------------------------------------------------------
for _column, _codes, _what in (
    ("sex", "12", "sexes are coded the other way round"),
    ("primary_site", "12", "colon and rectum changed codes"),
    ("primary_nodes", "01", "positive and negative nodes changed codes"),
    ("residual", "02", "complete and incomplete resections changed codes"),
    ("diagnosis", "12", "metastases and hepatocellular carcinoma changed codes"),
    ("intent", "12", "curative and palliative changed codes"),
    ("procedure", "123", "the codes of procedures moved on by one"),
    ("extrahepatic_disease", "01", "yes and no of extrahepatic disease changed codes"),
    ("preop_chemo", "01", "yes and no of chemotherapy changed codes"),
):
    FAULTS[f"registry_{_column}_recoded"] = (
        "registry", _what, lambda folder, column=_column, codes=_codes: swap_codes(folder, "registry", column, *codes),
    )  # fmt: skip


def _registry_numbers(column: str, factor: float) -> Fault:
    def changed(folder: Path) -> None:
        def times(cell: str) -> str:
            return f"{float(cell) * factor:.4g}" if re.fullmatch(r"[\d.]+", cell) else cell

        edit(folder, "registry", lambda rows: with_column(rows, column, rows[column].map(times)))

    return changed


FAULTS["registry_sizes_in_mm"] = (
    "registry",
    "sizes are sent in mm instead of cm",
    _registry_numbers("largest_met_cm", 10),
)
FAULTS["registry_sizes_in_inches"] = (
    "registry",
    "sizes are sent in inches instead of cm",
    _registry_numbers("largest_met_cm", 1 / 2.54),
)
FAULTS["registry_cea_a_thousandth"] = (
    "registry",
    "CEA is sent in µg/mL instead of ng/mL",
    _registry_numbers("cea_ng_ml", 0.001),
)
FAULTS["registry_counts_doubled"] = ("registry", "metastases are counted twice", _registry_numbers("mets_count", 2))


@fault("registry", "99 stands for an unknown number of metastases in three of ten rows")
def registry_counts_99(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "mets_count", "99", every(rows, 3)))


@fault("registry", "0 is written where no CEA was measured, and in every second row")
def registry_cea_zero(folder: Path) -> None:
    edit(
        folder, "registry", lambda rows: with_column(rows, "cea_ng_ml", "0", (rows["cea_ng_ml"] == "") | every(rows, 2))
    )


@fault("registry", "decimal commas")
def registry_decimal_commas(folder: Path) -> None:
    edit(
        folder,
        "registry",
        lambda rows: rows.assign(
            **{name: rows[name].str.replace(".", ",") for name in ("largest_met_cm", "cea_ng_ml")}
        ),
    )


@fault("registry", "birth dates are emptied for privacy in every second row")
def registry_birth_dates_emptied(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "dob", "", every(rows, 2)))


@fault("registry", "two-digit years put every birth into another century")
def registry_birth_ten_years_early(folder: Path) -> None:
    edit(
        folder,
        "registry",
        lambda rows: with_column(
            rows,
            "dob",
            moved(rows["dob"], "registry", lambda day: day.replace(year=day.year - 10, day=min(day.day, 28))),
        ),
    )


@fault("registry", "one operation in twelve is called palliative")
def registry_some_palliative(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "intent", "2", every(rows, 12)))


@fault("registry", "the date of metastasis is a copy of the date of operation")
def registry_metastasis_date_copied(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(liver_mets_date=rows["surgery_date"]))


@fault("registry", "a row was inserted at the top and all record ids counted anew")
def registry_ids_renumbered(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(record_id=[*rows["record_id"].iloc[1:], "R0099999"]))


@fault("registry", "from the birth date on all columns stand one to the right")
def registry_columns_shifted(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        names = list(rows.columns)
        return rows.set_axis([*names[:4], *names[5:], names[4]], axis=1)[names]

    edit(folder, "registry", changed)


@fault("registry", "semicolons separate the columns")
def registry_semicolons(folder: Path) -> None:
    write(folder, "registry", read(folder, "registry"), delimiter=";")


@fault("registry", "an optional column is dropped from the export")
def registry_column_dropped(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.drop(columns="preop_chemo"))


@fault("registry", "sixty patients are registered again under new MRNs")
def registry_patients_twice(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        again = rows.iloc[:60]
        return pd.concat(
            [rows, again.assign(mrn=[f"SIM08{n:05d}" for n in range(60)], record_id=[f"R08{n:05d}" for n in range(60)])]
        )

    edit(folder, "registry", changed)


# --- follow-up ---------------------------------------------------------------------------------------------------------------
def _sites(meaning: dict[str, str]) -> Fault:
    def changed(folder: Path) -> None:
        def read_as(cell: str) -> str:
            return ";".join(dict.fromkeys(meaning.get(site, site) for site in cell.split(";")))

        edit(folder, "follow_up", lambda rows: with_column(rows, "sites", rows["sites"].map(read_as)))

    return changed


FAULTS["follow_up_lung_and_liver_swapped"] = (
    "follow_up",
    "the codes of lung and liver changed places",
    _sites({"lung": "liver_other", "liver_other": "lung"}),
)
FAULTS["follow_up_all_at_the_margin"] = (
    "follow_up",
    "every liver recurrence is sent as one at the margin",
    _sites({"liver_other": "liver_margin"}),
)
FAULTS["follow_up_no_more_margin"] = (
    "follow_up",
    "the code of the margin is no longer sent",
    _sites({"liver_margin": "liver_other"}),
)
FAULTS["follow_up_all_sites_other"] = (
    "follow_up",
    "every site is sent as other",
    _sites(dict.fromkeys(("lung", "liver_other", "liver_margin", "bone", "brain", "pelvis"), "other")),
)
FAULTS["follow_up_findings_swapped"] = (
    "follow_up",
    "definite and suspicious changed codes",
    lambda folder: swap_codes(folder, "follow_up", "finding", "definite", "suspicious"),
)
FAULTS["follow_up_suspicious_is_definite"] = (
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


# --- treatments --------------------------------------------------------------------------------------------------------------
FAULTS["treatments_residual_swapped"] = (
    "treatments",
    "nothing left and disease left changed codes",
    lambda folder: swap_codes(folder, "treatments", "residual", "none", "present"),
)
FAULTS["treatments_kinds_swapped"] = (
    "treatments",
    "resections and chemotherapies changed codes",
    lambda folder: swap_codes(folder, "treatments", "treatment", "resection", "chemotherapy"),
)
FAULTS["treatments_residual_emptied"] = (
    "treatments",
    "what disease was left is no longer said",
    lambda folder: edit(folder, "treatments", lambda rows: rows.assign(residual="")),
)
FAULTS["treatments_all_complete"] = (
    "treatments",
    "every treatment left nothing",
    lambda folder: edit(folder, "treatments", lambda rows: rows.assign(residual="none")),
)


# --- vital status ------------------------------------------------------------------------------------------------------------
FAULTS["vital_status_swapped"] = (
    "vital_status",
    "alive and dead changed codes",
    lambda folder: swap_codes(folder, "vital_status", "vital_status", "A", "D"),
)
FAULTS["vital_status_causes_swapped"] = (
    "vital_status",
    "cancer and other causes changed codes",
    lambda folder: swap_codes(folder, "vital_status", "cause", "cancer", "other"),
)
FAULTS["vital_status_causes_emptied"] = (
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


# --- pathology ---------------------------------------------------------------------------------------------------------------
WORDS = "OBX|1|TX|22637-3^Pathology report final diagnosis^LN|A|Liver, hepatectomy: metastatic adenocarcinoma, {margin}.||||||F"
POSITIVE = WORDS.format(margin="tumor present at the inked parenchymal margin")
WIDE = WORDS.format(margin="parenchymal margin free of tumor, closest distance 14 mm")


def _with_words(text: str, nth: int = 1) -> Fault:
    def changed(folder: Path) -> None:
        edit_messages(
            folder,
            lambda message, n: (
                [*(line for line in message if not line.startswith("OBX")), text] if n % nth == 0 else message
            ),
        )

    return changed


FAULTS["pathology_one_text"] = ("pathology", "a stuck interface sends one text for every report", _with_words(WIDE))
FAULTS["pathology_half_positive"] = (
    "pathology",
    "every second report says that the margin is positive",
    _with_words(POSITIVE, 2),
)
FAULTS["pathology_cm_is_mm"] = (
    "pathology",
    "cm became mm",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bcm\b", "mm", text)),
)
FAULTS["pathology_mm_is_cm"] = (
    "pathology",
    "mm became cm",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bmm\b", "cm", text)),
)
FAULTS["pathology_points_lost"] = (
    "pathology",
    "decimal points are lost",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(\d)\.(\d)", r"\1\2", text)),
)
FAULTS["pathology_signs_lost"] = (
    "pathology",
    "signs < and > are escaped away",
    lambda folder: edit_words(folder, lambda text: re.sub("[<>]", "", text)),
)
FAULTS["pathology_lines_cut"] = (
    "pathology",
    "lines are cut to 60 letters",
    lambda folder: edit_words(folder, lambda text: text[:60]),
)
FAULTS["pathology_negations_lost"] = (
    "pathology",
    "the word not is lost",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bnot |\bno |\bun(?=involved)", "", text)),
)
FAULTS["pathology_words_lost"] = (
    "pathology",
    "the words of every third report are lost",
    lambda folder: edit_words(folder, lambda text: "", 3),
)
FAULTS["pathology_all_cancelled"] = (
    "pathology",
    "every report is sent as cancelled",
    lambda folder: edit_messages(folder, lambda message, _: with_field(message, "OBR", 25, lambda _: "X")),
)
FAULTS["pathology_all_preliminary"] = (
    "pathology",
    "every report is sent as preliminary",
    lambda folder: edit_messages(folder, lambda message, _: with_field(message, "OBR", 25, lambda _: "P")),
)


def _thirty_days_later(day: str) -> str:
    collected = pd.to_datetime(day[:8], format="%Y%m%d", errors="coerce")
    return day if pd.isna(collected) else (collected + pd.Timedelta(days=30)).strftime("%Y%m%d")


@fault("pathology", "specimens are dated thirty days late")
def pathology_collected_late(folder: Path) -> None:
    edit_messages(folder, lambda message, _: with_field(message, "OBR", 7, _thirty_days_later))


@fault("pathology", "every second file did not come")
def pathology_half_missing(folder: Path) -> None:
    for path in report_files(folder)[::2]:
        path.unlink()


@fault("pathology", "all reports are of another cohort")
def pathology_of_another_cohort(folder: Path) -> None:
    shutil.rmtree(folder / "pathology")
    shutil.copytree(other_cohort() / "pathology", folder / "pathology")


@fault("pathology", "reports are filed under the wrong patients; their names stay")
def pathology_wrong_patients(folder: Path) -> None:
    mrns = pd.Series(sorted(set(read(folder, "registry")["mrn"])))
    whose = dict(zip(mrns, shuffled(mrns, 11), strict=True))
    edit_mrns(folder, lambda mrn: whose.get(mrn, mrn))


@fault("pathology", "a new file of other patients' reports uses the message numbers of older messages again")
def pathology_numbers_used_again(folder: Path) -> None:
    numbers = [message[0].split("|")[9] for message in messages_of(report_files(folder)[-3])]
    first = messages_of(report_files(folder)[0])
    used = [with_field(message, "MSH", 10, lambda _, n=n: numbers[n % len(numbers)]) for n, message in enumerate(first)]
    write_messages(folder / "pathology" / "pathology_9999.hl7", used)


# --- all feeds ---------------------------------------------------------------------------------------------------------------
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


__all__ = ["FAULTS", "FILES"]
