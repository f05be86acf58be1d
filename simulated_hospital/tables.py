"""A feed's table as the file that its system would send."""

import csv
from pathlib import Path

import pandas as pd

from simulated_hospital.writers.vital_status import write_workbook


def write_table(feed: str, rows: pd.DataFrame, path: Path) -> None:
    """Write the rows below one header: the workbook of vital status, else delimited text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if feed == "vital_status":
        write_workbook(rows, path)
        return
    delimiter = ";" if feed == "treatments" else ","
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(rows.columns)
        writer.writerows(zip(*(rows[name] for name in rows.columns), strict=True))
