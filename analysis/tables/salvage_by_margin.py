"""Salvage after recurrence by margin group, with Wilson limits and trend."""

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import MARGIN_GROUPS, UNRESOLVED
from analysis.tables.checks import require_known
from analysis.tables.proportions import cochran_armitage, wilson_limits

STRATA = (*MARGIN_GROUPS, UNRESOLVED)
SALVAGE_COLUMNS = [
    "stratum", "n_recurred", "n_salvaged", "n_unknown", "proportion", "conf_low", "conf_high", "trend_statistic", "trend_p_value",
]  # fmt: skip


def salvage_by_margin(first_recurrences: pd.DataFrame) -> pd.DataFrame:
    """How many of those who recurred were salvaged: one row a margin group, and one for unresolved margins.

    The Cochran-Armitage trend over the four groups, scored 1 (positive) to 4 (>=10 mm), stands in each of their rows; the
    unresolved have no place in the order, so no trend. These are crude proportions: follow-up is not taken into account
    (the endpoint `salvage` of results.cumulative_incidence does).

    Args:
        first_recurrences: one row a patient who recurred: margin_group, has_salvage.
    Returns:
        SALVAGE_COLUMNS; the proportion of a group in which nobody recurred is missing.
    Raises:
        ValueError: a column is missing, or a margin group is unknown. A missing has_salvage is not taken as no: such
            patients are counted as n_unknown and left out of the proportion.
    """
    require_columns(first_recurrences, ["margin_group", "has_salvage"], "first_recurrences")
    require_known(first_recurrences["margin_group"], STRATA, "first_recurrences.margin_group")
    is_known = first_recurrences["has_salvage"].notna()
    unknown = first_recurrences.loc[~is_known, "margin_group"].value_counts().reindex(STRATA, fill_value=0)
    first_recurrences = first_recurrences[is_known]
    by_group = first_recurrences["has_salvage"].astype(int).groupby(first_recurrences["margin_group"])
    counts = by_group.agg(["size", "sum"]).reindex(STRATA, fill_value=0)
    n, n_salvaged = counts["size"].to_numpy(dtype=int), counts["sum"].to_numpy(dtype=int)
    low, high = wilson_limits(n_salvaged, n)
    n_groups = len(MARGIN_GROUPS)
    statistic, p_value = cochran_armitage(n_salvaged[:n_groups], n[:n_groups])
    return pd.DataFrame(
        {
            "stratum": list(STRATA),
            "n_recurred": n,
            "n_salvaged": n_salvaged,
            "n_unknown": unknown.to_numpy(dtype=int),
            "proportion": n_salvaged / np.where(n > 0, n, np.nan),
            "conf_low": low,
            "conf_high": high,
            "trend_statistic": [statistic] * n_groups + [np.nan],
            "trend_p_value": [p_value] * n_groups + [np.nan],
        }
    )[SALVAGE_COLUMNS]
