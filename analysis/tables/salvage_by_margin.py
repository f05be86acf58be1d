"""Salvage after recurrence by exposure, with Wilson limits and trend."""

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import hospital_strata
from analysis.tables.proportions import cochran_armitage, wilson_limits
from analysis.tables.within_hospitals import trend_test

SALVAGE_COLUMNS = [
    "grouping", "stratum", "n_recurred", "n_salvaged", "n_unknown", "proportion", "conf_low", "conf_high", "trend_statistic",
    "trend_p_value", "is_within_hospitals",
]  # fmt: skip


def salvage_by_margin(first_recurrences: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """How many of those who recurred were salvaged: one row a level of the exposure, and one for those of whom it is not known.

    The Cochran-Armitage trend over the levels of an ordered exposure, scored 1, 2, ... in their order, stands in each of their
    rows; those not known have no place in the order, so no trend. From two hospitals on (`is_within_hospitals`) it is Mantel's extension
    test, which compares patients within hospitals only; the shares are of all hospitals together. These are crude proportions: follow-up
    is not taken into account (the endpoint `salvage` of results.cumulative_incidence does).

    Args:
        first_recurrences: one row a patient who recurred: the exposure, has_salvage, and the hospital where there are several.
    Returns:
        SALVAGE_COLUMNS; the proportion of a group in which nobody recurred is missing.
    Raises:
        ValueError: a column is missing, or a level is unknown. A missing has_salvage is not taken as no: such
            patients are counted as n_unknown and left out of the proportion.
    """
    require_columns(first_recurrences, [exposure.column, "has_salvage"], "first_recurrences")
    strata, stratum = list(exposure.strata), exposure.of(first_recurrences[exposure.column])
    is_known = first_recurrences["has_salvage"].notna()
    unknown = stratum[~is_known].value_counts().reindex(strata, fill_value=0)
    by_group = first_recurrences.loc[is_known, "has_salvage"].astype(int).groupby(stratum[is_known])
    counts = by_group.agg(["size", "sum"]).reindex(strata, fill_value=0)
    n, n_salvaged = counts["size"].to_numpy(dtype=int), counts["sum"].to_numpy(dtype=int)
    low, high = wilson_limits(n_salvaged, n)
    n_groups = len(exposure.levels)
    statistic, p_value, hospital = np.nan, np.nan, hospital_strata(first_recurrences)
    if exposure.is_ordered:
        if hospital is None:
            statistic, p_value = cochran_armitage(n_salvaged[:n_groups], n[:n_groups])
        else:
            group = pd.Index(exposure.levels).get_indexer(pd.Index(stratum)).astype(int)
            chosen = (group >= 0) & is_known.to_numpy()
            salvaged = first_recurrences.loc[chosen, "has_salvage"].astype(float).to_numpy()
            statistic, _, p_value = trend_test(salvaged, group[chosen], hospital[chosen])
    return pd.DataFrame(
        {
            "grouping": exposure.column,
            "stratum": strata,
            "n_recurred": n,
            "n_salvaged": n_salvaged,
            "n_unknown": unknown.to_numpy(dtype=int),
            "proportion": n_salvaged / np.where(n > 0, n, np.nan),
            "conf_low": low,
            "conf_high": high,
            "trend_statistic": [statistic] * n_groups + [np.nan],
            "trend_p_value": [p_value] * n_groups + [np.nan],
            "is_within_hospitals": hospital is not None,
        }
    )[SALVAGE_COLUMNS]
