"""The operations registry: one row a hepatectomy, as a flat export with raw codes."""

import numpy as np
import pandas as pd

COLUMNS = [
    "record_id", "mrn", "last_name", "first_name", "dob", "sex", "surgery_date", "procedure", "intent", "residual",
    "diagnosis", "primary_site", "primary_nodes", "primary_resection_date", "liver_mets_date", "mets_count",
    "largest_met_cm", "cea_ng_ml", "extrahepatic_disease", "hai_pump", "preop_chemo",
]  # fmt: skip
PROCEDURE_CODES = {"major_hepatectomy": "1", "minor_hepatectomy": "2", "wedge_resection": "3"}
INTENT_CODES = {"curative": "1", "palliative": "2"}
DIAGNOSIS_CODES = {"colorectal_liver_metastasis": "1", "hepatocellular_carcinoma": "2", "other": "3"}
# what a registry's abstractors could not find
MISSING_SHARES = {"cea_ng_ml": 0.03, "largest_met_cm": 0.005, "preop_chemo": 0.005}
UNKNOWN_NODES_SHARE = 0.015


def registry_rows(operations: pd.DataFrame, rng: np.random.Generator, records_before: int = 0) -> pd.DataFrame:
    """The feed's rows (COLUMNS as text, ISO dates, '' = missing), in order of operation date.

    Args:
        operations: one row a hepatectomy with mrn, names, birth_date, sex, operation_date, procedure_type, intent,
            residual_disease, diagnosis and the tumour's columns as the cohort names them; not_recorded: a column of the file that
            is left empty, or ''.
        records_before: the numbers that other records have already.
    """
    ordered = operations.sort_values(["operation_date", "mrn"], kind="stable").reset_index(drop=True)
    rows = pd.DataFrame(index=ordered.index)
    rows["record_id"] = [f"R{records_before + number:07d}" for number in range(1, len(ordered) + 1)]
    for name in ("mrn", "last_name", "first_name"):
        rows[name] = ordered[name]
    rows["dob"] = iso_dates(ordered["birth_date"])
    rows["sex"] = ordered["sex"].map({"male": "1", "female": "2"})
    rows["surgery_date"] = iso_dates(ordered["operation_date"])
    rows["procedure"] = ordered["procedure_type"].map(PROCEDURE_CODES)
    rows["intent"] = ordered["intent"].map(INTENT_CODES)
    rows["residual"] = ordered["residual_disease"].str[1]
    rows["diagnosis"] = ordered["diagnosis"].map(DIAGNOSIS_CODES)
    rows["primary_site"] = ordered["primary_site"].map({"colon": "1", "rectum": "2"})
    rows["primary_nodes"] = ordered["is_node_positive"].map({True: "1", False: "0"})
    rows["primary_resection_date"] = iso_dates(ordered["primary_resection_date"])
    rows["liver_mets_date"] = iso_dates(ordered["liver_metastasis_date"])
    rows["mets_count"] = [f"{count:.0f}" for count in ordered["metastasis_count"].fillna(0)]
    rows["largest_met_cm"] = [f"{size:.1f}" for size in ordered["largest_metastasis_cm"].fillna(0)]
    rows["cea_ng_ml"] = [f"{cea:.1f}" for cea in ordered["cea_ng_ml"].fillna(0)]
    for column, name in (
        ("extrahepatic_disease", "has_extrahepatic_disease"),
        ("hai_pump", "has_hai_pump"),
        ("preop_chemo", "had_preoperative_chemotherapy"),
    ):
        rows[column] = ordered[name].map({True: "1", False: "0"})
    for column, name in (
        ("mets_count", "metastasis_count"),
        ("largest_met_cm", "largest_metastasis_cm"),
        ("cea_ng_ml", "cea_ng_ml"),
    ):
        rows.loc[ordered[name].isna(), column] = ""
    for column, share in MISSING_SHARES.items():
        rows.loc[rng.random(len(rows)) < share, column] = ""
    rows.loc[rng.random(len(rows)) < UNKNOWN_NODES_SHARE, "primary_nodes"] = "9"
    if "not_recorded" in ordered:
        for column in set(ordered["not_recorded"]) - {""}:
            rows.loc[ordered["not_recorded"] == column, column] = ""
    not_colorectal = ~rows["diagnosis"].isin(["1", ""])
    rows.loc[not_colorectal, ["primary_site", "primary_nodes", "primary_resection_date"]] = ""
    return rows[COLUMNS].astype(object).where(rows[COLUMNS].notna(), "")


def iso_dates(dates: pd.Series) -> list[str]:
    """ISO text of dates, '' where missing."""
    return list(pd.DatetimeIndex(dates).strftime("%Y-%m-%d").fillna(""))
