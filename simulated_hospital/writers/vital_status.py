"""The vital status workbook: one row a patient, real Excel dates; the same rows give the same bytes."""

import io
import re
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["mrn", "vital_status", "last_contact_date", "death_date", "cause"]
SHEET = "vital_status"
UNKNOWN_CAUSE_SHARE = 0.02
WRITTEN_AT = datetime(2013, 12, 31)


def vital_status_rows(patients: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The workbook's rows (COLUMNS; dates as datetime.date, None = empty cell), in order of mrn.

    Args:
        patients: mrn, operation_date, last_contact_days, is_dead, death_days, cause_of_death.
    """
    ordered = patients.sort_values("mrn", kind="stable").reset_index(drop=True)
    start = ordered["operation_date"].to_numpy(dtype="datetime64[D]")
    contact = start + ordered["last_contact_days"].to_numpy().astype(int).astype("timedelta64[D]")
    is_dead = ordered["is_dead"].to_numpy(dtype=bool)
    death = start + ordered["death_days"].fillna(0).to_numpy().astype(int).astype("timedelta64[D]")
    cause = ordered["cause_of_death"].where(ordered["cause_of_death"].notna(), "unknown").to_numpy(dtype=object)
    cause = np.where(rng.random(len(cause)) < UNKNOWN_CAUSE_SHARE, "unknown", cause)
    rows = {
        "mrn": ordered["mrn"].to_numpy(dtype=object),
        "vital_status": np.where(is_dead, "D", "A").astype(object),
        "last_contact_date": contact.astype(object),
        "death_date": np.where(is_dead, death.astype(object), None),
        "cause": np.where(is_dead, cause, None),
    }
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in rows.items()})


def write_workbook(rows: pd.DataFrame, path: Path) -> None:
    """Write the rows as they are (text stays text, dates become Excel dates) below one header row."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    book.properties.creator = "simulated hospital"
    sheet = book.create_sheet(SHEET)
    sheet.append(COLUMNS)
    for row in zip(*(rows[name] for name in COLUMNS), strict=True):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_without_clock(content.getvalue()))


def _without_clock(workbook: bytes) -> bytes:
    """The same workbook with the time of writing, which openpyxl and zip both note, set to a fixed day."""
    fixed = io.BytesIO()
    stamp = f"{WRITTEN_AT:%Y-%m-%dT%H:%M:%SZ}".encode()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            entry = zipfile.ZipInfo(name, date_time=WRITTEN_AT.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return fixed.getvalue()
