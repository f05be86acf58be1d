"""What befalls the registry of operations."""

import re
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import Fault, add, fault
from tests.fault_study.landed_files import edit, every, moved, path_of, read, shifted, swap_codes, with_column, write

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
    add(
    f"registry_{_column}_recoded",
        "registry", _what, lambda folder, column=_column, codes=_codes: swap_codes(folder, "registry", column, *codes),
    )  # fmt: skip


def _registry_numbers(column: str, factor: float) -> Fault:
    def changed(folder: Path) -> None:
        def times(cell: str) -> str:
            return f"{float(cell) * factor:.4g}" if re.fullmatch(r"[\d.]+", cell) else cell

        edit(folder, "registry", lambda rows: with_column(rows, column, rows[column].map(times)))

    return changed


add(
    "registry_sizes_in_mm",
    "registry",
    "sizes are sent in mm instead of cm",
    _registry_numbers("largest_met_cm", 10),
)
add(
    "registry_sizes_in_inches",
    "registry",
    "sizes are sent in inches instead of cm",
    _registry_numbers("largest_met_cm", 1 / 2.54),
)
add(
    "registry_cea_a_thousandth",
    "registry",
    "CEA is sent in µg/mL instead of ng/mL",
    _registry_numbers("cea_ng_ml", 0.001),
)
add("registry_counts_doubled", "registry", "metastases are counted twice", _registry_numbers("mets_count", 2))


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


@fault("registry", "every birth lies ten years early")
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


@fault("registry", "sizes got a minus sign")
def registry_sizes_negative(folder: Path) -> None:
    edit(
        folder,
        "registry",
        lambda rows: rows.assign(
            largest_met_cm=rows["largest_met_cm"].where(rows["largest_met_cm"] == "", "-" + rows["largest_met_cm"])
        ),
    )


@fault("registry", "one operation in twelve lies in the future")
def registry_future_operations(folder: Path) -> None:
    edit(
        folder, "registry",
        lambda rows: with_column(rows, "surgery_date", "2031" + rows["surgery_date"].str[4:], every(rows, 12)),
    )  # fmt: skip


@fault("registry", "a title stands above the header")
def registry_title_line(folder: Path) -> None:
    path = path_of(folder, "registry")
    path.write_bytes(b"Export of 2013-12-31\n" + path.read_bytes())


@fault("registry", "the headers of pump and chemotherapy changed places")
def registry_headers_swapped(folder: Path) -> None:
    names = {"hai_pump": "preop_chemo", "preop_chemo": "hai_pump"}
    edit(folder, "registry", lambda rows: rows.rename(columns=names))


@fault("registry", "operations are dated sixty days late")
def registry_operations_sixty_days_late(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(surgery_date=shifted(rows["surgery_date"], "registry", 60)))


@fault("registry", "birth dates not known are sent as 1900-01-01, in every third row")
def registry_birth_default(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "dob", "1900-01-01", every(rows, 3)))


@fault("registry", "node status is emptied in every fifth row")
def registry_nodes_emptied(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "primary_nodes", "", every(rows, 5)))


@fault("registry", "everybody has a pump: a checkbox is sent ticked")
def registry_all_pumps(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(hai_pump="1"))


@fault("registry", "MRNs lost their leading letters and zeros in a spreadsheet")
def registry_mrns_without_zeros(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(mrn=rows["mrn"].str.replace(r"^SIM0*", "", regex=True)))


@fault("registry", "every count of metastases is one")
def registry_counts_one(folder: Path) -> None:
    edit(folder, "registry", lambda rows: with_column(rows, "mets_count", "1", rows["mets_count"] != ""))


@fault("registry", "the primary was resected on the day of the hepatectomy in every row")
def registry_primary_date_copied(folder: Path) -> None:
    edit(folder, "registry", lambda rows: rows.assign(primary_resection_date=rows["surgery_date"]))
