"""What befalls the registry of operations."""

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
    numbers_times,
)
from tests.fault_study.catalogue.listing import add, fault, other_cohort
from tests.fault_study.landed_files import edit, every, path_of, read, with_column, write

FEED = "registry"
NUMBERS = ("mets_count", "largest_met_cm", "cea_ng_ml")

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
    add(f"registry_{_column}_recoded", FEED, _what, codes_change(FEED, _column, *_codes))

for _name, _column, _factor, _what in (
    ("sizes_in_mm", "largest_met_cm", 10, "sizes are sent in mm instead of cm"),
    ("sizes_in_inches", "largest_met_cm", 1 / 2.54, "sizes are sent in inches instead of cm"),
    ("cea_a_thousandth", "cea_ng_ml", 0.001, "CEA is sent in µg/mL instead of ng/mL"),
    ("cea_times_ten", "cea_ng_ml", 10, "the decimal point of CEA moved by one place"),
    ("counts_doubled", "mets_count", 2, "metastases are counted twice"),
    ("counts_times_ten", "mets_count", 10, "counts of metastases got a zero more"),
):
    add(f"registry_{_name}", FEED, _what, numbers_times(FEED, _column, _factor))

for _name, _column, _value, _what in (
    ("all_men", "sex", "1", "everybody is a man: a default of a new form"),
    ("all_colon", "primary_site", "1", "every primary is of the colon: a default of a new form"),
    ("all_nodes_negative", "primary_nodes", "0", "every primary was node-negative: a default of a new form"),
    ("all_wedges", "procedure", "3", "every operation is a wedge resection"),
    ("all_r2", "residual", "2", "every resection left disease behind"),
    ("all_pumps", "hai_pump", "1", "everybody has a pump: a checkbox is sent ticked"),
    ("intent_emptied", "intent", "", "the intent is no longer sent"),
    ("births_emptied", "dob", "", "birth dates are no longer sent"),
):
    add(f"registry_{_name}", FEED, _what, column_is(FEED, _column, _value))

for _name, _column, _value, _nth, _what in (
    ("counts_99", "mets_count", "99", 3, "99 stands for an unknown number of metastases in three of ten rows"),
    ("birth_dates_emptied", "dob", "", 2, "birth dates are emptied for privacy in every second row"),
    ("some_palliative", "intent", "2", 12, "one operation in twelve is called palliative"),
    ("birth_default", "dob", "1900-01-01", 3, "birth dates not known are sent as 1900-01-01, in every third row"),
    ("nodes_emptied", "primary_nodes", "", 5, "node status is emptied in every fifth row"),
):
    add(f"registry_{_name}", FEED, _what, column_is(FEED, _column, _value, nth(_nth)))

for _name, _one, _other, _what in (
    ("headers_swapped", "hai_pump", "preop_chemo", "the headers of pump and chemotherapy changed places"),
    ("sizes_and_counts_swapped", "mets_count", "largest_met_cm", "the headers of size and number changed places"),
    ("history_swapped", "liver_mets_date", "primary_resection_date", "the headers of primary and metastasis dates changed places"),
    ("births_and_operations_swapped", "dob", "surgery_date", "the headers of birth and operation changed places"),
    ("names_swapped", "last_name", "first_name", "the headers of first and last name changed places"),
):  # fmt: skip
    add(f"registry_{_name}", FEED, _what, columns_change_places(FEED, _one, _other))

for _name, _fault, _what in (
    (
        "cea_zero", column_is(FEED, "cea_ng_ml", "0", lambda rows: (rows["cea_ng_ml"] == "") | every(rows, 2)),
        "0 is written where no CEA was measured, and in every second row",
    ),
    (
        "counts_one", column_is(FEED, "mets_count", "1", lambda rows: rows["mets_count"] != ""),
        "every count of metastases is one",
    ),
    (
        "sizes_negative", cells_change(FEED, "largest_met_cm", lambda cell: f"-{cell}" if cell else cell),
        "sizes got a minus sign",
    ),
    (
        "birth_ten_years_early",
        dates_become(FEED, "dob", lambda day: day.replace(year=day.year - 10, day=min(day.day, 28))),
        "every birth lies ten years early",
    ),
    (
        "births_in_two_digits",
        dates_become(FEED, "dob", lambda day: day.replace(year=day.year + 100 if day.year < 1950 else day.year, day=min(day.day, 28))),
        "years of birth passed through two digits: before 1950 they are of our century",
    ),
    (
        "future_operations", cells_change(FEED, "surgery_date", lambda cell: "2031" + cell[4:], nth(12)),
        "one operation in twelve lies in the future",
    ),
    (
        "operations_sixty_days_late", dates_move(FEED, ("surgery_date",), 60), "operations are dated sixty days late",
    ),
    (
        "mrns_without_zeros", cells_change(FEED, "mrn", lambda cell: cell.removeprefix("SIM").lstrip("0")),
        "MRNs lost their leading letters and zeros in a spreadsheet",
    ),
    (
        "names_damaged", cells_change(FEED, "last_name", lambda cell: cell.replace("a", "Ã¤")),
        "names are read in another encoding: letters became two",
    ),
    (
        "surnames_and_births_lost", columns_are(FEED, last_name="", first_name="", dob=""),
        "the extract is pseudonymous from tonight on: no names, no births",
    ),
):  # fmt: skip
    add(f"registry_{_name}", FEED, _what, _fault)

for _name, _target, _what in (
    ("metastasis_date_copied", "liver_mets_date", "the date of metastasis is a copy of the date of operation"),
    (
        "primary_date_copied",
        "primary_resection_date",
        "the primary was resected on the day of the hepatectomy in every row",
    ),
):
    add(
        f"registry_{_name}",
        FEED,
        _what,
        lambda folder, target=_target: edit(folder, FEED, lambda rows: rows.assign(**{target: rows["surgery_date"]})),
    )


@fault(FEED, "decimal commas")
def registry_decimal_commas(folder: Path) -> None:
    numbers = ("largest_met_cm", "cea_ng_ml")
    edit(
        folder,
        FEED,
        lambda rows: rows.assign(**{name: rows[name].str.replace(".", ",") for name in numbers if name in rows}),
    )


@fault(FEED, "a row was inserted at the top and all record ids counted anew")
def registry_ids_renumbered(folder: Path) -> None:
    edit(folder, FEED, lambda rows: rows.assign(record_id=[*rows["record_id"].iloc[1:], "R0099999"]))


@fault(FEED, "from the birth date on all columns stand one to the right")
def registry_columns_shifted(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        names = list(rows.columns)
        return rows.set_axis([*names[:4], *names[5:], names[4]], axis=1)[names]

    edit(folder, FEED, changed)


@fault(FEED, "semicolons separate the columns")
def registry_semicolons(folder: Path) -> None:
    write(folder, FEED, read(folder, FEED), delimiter=";")


@fault(FEED, "an optional column is dropped from the export")
def registry_column_dropped(folder: Path) -> None:
    edit(folder, FEED, lambda rows: rows.drop(columns="extrahepatic_disease"))


@fault(FEED, "sixty patients are registered again under new MRNs")
def registry_patients_twice(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        again = rows.iloc[:60].assign(
            mrn=[f"SIM08{n:05d}" for n in range(60)], record_id=[f"R08{n:05d}" for n in range(60)]
        )
        return pd.concat([rows, again])

    edit(folder, FEED, changed)


@fault(FEED, "the MRNs of forty patients are given to new patients as well")
def registry_mrns_used_again(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        strangers = read(other_cohort(), FEED).iloc[-40:]
        strangers = strangers.assign(mrn=rows["mrn"].iloc[:40].tolist(), record_id=[f"R07{n:05d}" for n in range(40)])
        return pd.concat([rows, strangers[rows.columns]])

    edit(folder, FEED, changed)


@fault(FEED, "every operation is sent again under a new record id, a week later")
def registry_operations_twice(folder: Path) -> None:
    again = read(folder, FEED)
    again = again.assign(record_id="R9" + again["record_id"].str[2:])
    edit(folder, FEED, lambda rows: pd.concat([rows, again]))
    dates_move(FEED, ("surgery_date",), 7, lambda rows: rows["record_id"].str.startswith("R9"))(folder)


@fault(FEED, "a title stands above the header")
def registry_title_line(folder: Path) -> None:
    path = path_of(folder, FEED)
    path.write_bytes(b"Export of 2013-12-31\n" + path.read_bytes())


@fault(FEED, "numbers are sorted by themselves: every covariate is another patient's")
def registry_covariates_of_others(folder: Path) -> None:
    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        for name in NUMBERS:
            if name in rows:
                rows = with_column(rows, name, pd.Series([*rows[name].iloc[1:], rows[name].iloc[0]], index=rows.index))
        return rows

    edit(folder, FEED, changed)
