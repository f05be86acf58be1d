"""Patterns of initial and of overall recurrence by margin group."""

import pandas as pd

from analysis.names import MARGIN_GROUPS
from analysis.tables.proportions import wilson_limits

INITIAL_PATTERNS = ("liver only", "lung only", "other single site", "multiple sites")
SITES = (
    "liver_at_margin", "liver_elsewhere", "lung", "lymph_node", "peritoneum", "pelvis", "bone", "brain", "other",
)  # fmt: skip
PATTERN_COLUMNS = ["pattern_scope", "pattern", "stratum", "n", "n_at_risk", "proportion", "conf_low", "conf_high"]


def recurrence_patterns(
    first_recurrences: pd.DataFrame, recurrences: pd.DataFrame, index_operations: pd.DataFrame
) -> pd.DataFrame:
    """How many recurred in each pattern, of all patients operated on.

    Scope 'initial': the pattern of the first recurrence (one a patient), and 'any initial margin site'. Scope 'overall':
    every site a patient ever recurred at (several a patient). Strata: the four margin groups and 'all' (which includes
    unresolved margins). Limits are Wilson's.

    Args:
        first_recurrences: study_id, initial_pattern, has_margin_site; recurrences: study_id, site; index_operations:
            study_id, margin_group (the denominators).
    Returns:
        PATTERN_COLUMNS.
    """
    groups = index_operations[["study_id", "margin_group"]]
    margin = first_recurrences.loc[first_recurrences["has_margin_site"].astype(bool), ["study_id"]]
    found = pd.concat(
        [
            first_recurrences[["study_id", "initial_pattern"]]
            .set_axis(["study_id", "pattern"], axis=1)
            .assign(scope="initial"),
            margin.assign(pattern="any initial margin site", scope="initial"),
            recurrences[["study_id", "site"]].set_axis(["study_id", "pattern"], axis=1).assign(scope="overall"),
        ]
    ).merge(groups, on="study_id")
    counts = found.groupby(["scope", "pattern", "margin_group"])["study_id"].nunique()
    totals = found.groupby(["scope", "pattern"])["study_id"].nunique()
    denominators = {**groups["margin_group"].value_counts().to_dict(), "all": len(groups)}
    rows = []
    for scope, patterns in (("initial", (*INITIAL_PATTERNS, "any initial margin site")), ("overall", SITES)):
        for pattern in patterns:
            for stratum in (*MARGIN_GROUPS, "all"):
                n = totals.get((scope, pattern), 0) if stratum == "all" else counts.get((scope, pattern, stratum), 0)
                rows.append([scope, pattern, stratum, int(n), int(denominators.get(stratum, 0))])
    table = pd.DataFrame(rows, columns=PATTERN_COLUMNS[:5])
    low, high = wilson_limits(table["n"].to_numpy(), table["n_at_risk"].to_numpy())
    share = (table["n"] / table["n_at_risk"].clip(lower=1)).where(table["n_at_risk"] > 0)
    return table.assign(proportion=share, conf_low=low, conf_high=high)
