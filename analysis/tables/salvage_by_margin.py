"""Salvage after recurrence by margin group, with Wilson limits and trend."""

import pandas as pd

from analysis.names import MARGIN_GROUPS
from analysis.tables.proportions import cochran_armitage, wilson_limits

SALVAGE_COLUMNS = [
    "stratum", "n_recurred", "n_salvaged", "proportion", "conf_low", "conf_high", "trend_statistic", "trend_p_value",
]  # fmt: skip


def salvage_by_margin(first_recurrences: pd.DataFrame) -> pd.DataFrame:
    """One row a margin group: how many of those who recurred were salvaged.

    Args:
        first_recurrences: one row a patient who recurred: margin_group, has_salvage. Unresolved margins are left out.
    Returns:
        SALVAGE_COLUMNS; the Cochran-Armitage trend over the four groups, from positive to widest, stands in every row.
    """
    counts = (
        first_recurrences.groupby("margin_group")["has_salvage"]
        .agg(["size", "sum"])
        .reindex(MARGIN_GROUPS, fill_value=0)
    )
    n, salvaged = counts["size"].to_numpy(dtype=int), counts["sum"].to_numpy(dtype=int)
    low, high = wilson_limits(salvaged, n)
    statistic, p_value = cochran_armitage(salvaged, n)
    return pd.DataFrame(
        {
            "stratum": list(MARGIN_GROUPS),
            "n_recurred": n,
            "n_salvaged": salvaged,
            "proportion": pd.Series(salvaged / n.clip(1)).where(n > 0),
            "conf_low": low,
            "conf_high": high,
            "trend_statistic": statistic,
            "trend_p_value": p_value,
        }
    )
