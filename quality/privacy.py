"""Nothing that identifies a patient may leave the build area: no such column, no such value, in any published table."""

import re

import pandas as pd

IDENTIFYING_COLUMNS = {
    "mrn", "medical_record_number", "last_name", "first_name", "name", "birth_date", "dob", "date_of_birth", "note", "payload",
    "value", "evidence_text", "line_text", "report_text", "address", "phone",
}  # fmt: skip
IDENTIFYING_VALUE = re.compile(r"SIM\d{7}")
"""What MRNs look like whatever hospital they are from is not known; the simulated hospital's are known, and the others'
are given to the check as they stand in raw."""


def identifying_columns(frame: pd.DataFrame) -> list[str]:
    """Names of columns that hold identifiers or free text by their name."""
    return [name for name in frame.columns if name.lower() in IDENTIFYING_COLUMNS]


def identifying_values(frame: pd.DataFrame, identifiers: set[str]) -> dict[str, int]:
    """Column -> number of its rows whose text is, or holds, an identifier."""
    found = {}
    for name in frame.columns:
        column = frame[name]
        if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
            continue
        counts = column.dropna().astype(str).value_counts()
        texts = counts.index.to_series()
        hits = texts.isin(identifiers) | texts.str.contains(IDENTIFYING_VALUE)
        if hits.any():
            found[name] = int(counts[hits.to_numpy()].sum())
    return found
