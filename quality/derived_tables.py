"""Small tables made only to be judged: shares and comparisons that no published table holds."""

import pandas as pd


def derived_tables(frames: dict[str, pd.DataFrame], previous_n_patients: int | None) -> dict[str, pd.DataFrame]:
    """cohort_size (one row), ledger_accounts (a file), feed_rejections (a feed) and incidence_steps (one row a step of a curve), as far as
    the tables they rest on are there."""
    tables = {}
    if "index_operations" in frames:
        n_patients = len(frames["index_operations"])
        previous = previous_n_patients or n_patients
        tables["cohort_size"] = pd.DataFrame(
            {"scope": ["cohort"], "n_patients": [n_patients], "share_of_previous": [n_patients / max(previous, 1)]}
        )
    if "ingest_ledger" in frames:
        ledger = frames["ingest_ledger"]
        accounted = ledger["rows_loaded"] + ledger["rows_rejected"] + ledger["rows_duplicate"]
        tables["ledger_accounts"] = ledger[["source_file", "file_hash", "status"]].assign(
            rows_unaccounted=ledger["rows_read"] - accounted
        )
        feeds = (
            ledger[ledger["status"] == "loaded"].groupby("feed", as_index=False)[["rows_read", "rows_rejected"]].sum()
        )
        feeds["share_rejected"] = feeds["rows_rejected"] / feeds["rows_read"].clip(lower=1)
        tables["feed_rejections"] = feeds
    if "cumulative_incidence" in frames:
        curves = frames["cumulative_incidence"].sort_values(["endpoint", "grouping", "stratum", "time_days"])
        step = curves.groupby(["endpoint", "grouping", "stratum"])["estimate"].diff().fillna(0.0)
        tables["incidence_steps"] = curves[["endpoint", "grouping", "stratum", "time_days"]].assign(step=step)
    return tables
