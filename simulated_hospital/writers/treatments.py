"""Treatments of recurrence, as another department keeps them: semicolons, days first."""

import numpy as np
import pandas as pd

from simulated_hospital.writers.follow_up import site_codes

COLUMNS = ["treatment_id", "mrn", "treatment_date", "treatment", "sites", "residual"]


def treatment_rows(treatments: pd.DataFrame, patients: pd.DataFrame, records_before: int = 0) -> pd.DataFrame:
    """The feed's rows (COLUMNS as text, dates DD.MM.YYYY), in order of date then mrn.

    Args:
        treatments: patient (row number in `patients`), day, treatment_type, sites joined by ';', residual_disease.
        patients: mrn, operation_date.
        records_before: the numbers that other records have already.
    """
    patient = treatments["patient"].to_numpy()
    operation_date = patients["operation_date"].to_numpy(dtype="datetime64[D]")
    rows = pd.DataFrame(
        {
            "mrn": patients["mrn"].to_numpy(dtype=object)[patient],
            "date": operation_date[patient] + treatments["day"].to_numpy().astype(int).astype("timedelta64[D]"),
            "treatment": treatments["treatment_type"].to_numpy(dtype=object),
            "sites": site_codes(treatments["sites"]).str.replace(";", ",").to_numpy(dtype=object),
            "residual": treatments["residual_disease"].fillna("unknown").to_numpy(dtype=object),
        }
    ).sort_values(["date", "mrn", "treatment"], kind="stable")
    rows["treatment_date"] = np.asarray(pd.DatetimeIndex(rows["date"]).strftime("%d.%m.%Y"), dtype=object)
    rows["treatment_id"] = [f"T{records_before + number:07d}" for number in range(1, len(rows) + 1)]
    return rows[COLUMNS].astype(object).reset_index(drop=True)
