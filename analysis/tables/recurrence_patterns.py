"""Patterns of initial and of overall recurrence by margin group."""

import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import MARGIN_GROUPS, UNRESOLVED
from analysis.tables.checks import require_known, require_one_row_a_patient
from analysis.tables.proportions import wilson_limits

INITIAL_PATTERNS = ("liver only", "lung only", "other single site", "multiple sites")
ANY_RECURRENCE = "any recurrence"
ANY_MARGIN_SITE = "any initial margin site"
ANY_LIVER_SITE = "any liver site"
SITES = (
    "liver_at_margin", "liver_elsewhere", "lung", "lymph_node", "peritoneum", "pelvis", "bone", "brain", "other",
)  # fmt: skip
PATTERN_NOT_STATED = "not stated"
MARGIN_SITE_NOT_STATED = "resection margin not stated"
SITES_NOT_STATED = ("liver", "not_stated")
LIVER_SITES = ("liver_at_margin", "liver_elsewhere", "liver")
PATTERNS_OF_SCOPE = {
    "initial": (*INITIAL_PATTERNS, PATTERN_NOT_STATED, ANY_MARGIN_SITE, MARGIN_SITE_NOT_STATED, ANY_RECURRENCE),
    "overall": (*SITES, *SITES_NOT_STATED, ANY_LIVER_SITE, ANY_RECURRENCE),
}
ONLY_WHERE_FOUND = (PATTERN_NOT_STATED, MARGIN_SITE_NOT_STATED, *SITES_NOT_STATED)
"""What sources without sites leave open; other warehouses have no row for it."""
ALL = "all"
STRATA = (*MARGIN_GROUPS, UNRESOLVED, ALL)
PATTERN_COLUMNS = ["pattern_scope", "pattern", "stratum", "n", "n_at_risk", "proportion", "conf_low", "conf_high"]


def recurrence_patterns(
    first_recurrences: pd.DataFrame, recurrences: pd.DataFrame, index_operations: pd.DataFrame
) -> pd.DataFrame:
    """How many patients recurred in each pattern, of all who had the index operation.

    Scope 'initial': the four classes of the first recurrence (each patient who recurred is in one), then those with the
    resection margin among the initial sites, and any recurrence. Where sites were not stated, rows of their own say for how
    many. Scope 'overall': each site at which a patient ever
    recurred (a patient may be in several), any liver site, any recurrence. Strata: the four margin groups, unresolved,
    and all of them together. These are crude proportions (time at risk is not taken into account) with Wilson limits.

    Args:
        first_recurrences: study_id, initial_pattern, has_margin_site; one row a patient who recurred.
        recurrences: study_id, site; one row a patient and site.
        index_operations: study_id, margin_group; one row a patient: the denominators.
    Returns:
        PATTERN_COLUMNS, one row a scope, pattern and stratum; proportions of an empty stratum are missing.
    Raises:
        ValueError: a column is missing; a pattern, site or margin group is not one of those named here (it would vanish
            from the table); a patient stands twice or had no index operation.
    """
    require_columns(first_recurrences, ["study_id", "initial_pattern", "has_margin_site"], "first_recurrences")
    require_columns(recurrences, ["study_id", "site"], "recurrences")
    require_columns(index_operations, ["study_id", "margin_group"], "index_operations")
    require_one_row_a_patient(index_operations, "index_operations")
    require_one_row_a_patient(first_recurrences, "first_recurrences")
    require_known(index_operations["margin_group"], (*MARGIN_GROUPS, UNRESOLVED), "index_operations.margin_group")
    require_known(
        first_recurrences["initial_pattern"],
        (*INITIAL_PATTERNS, PATTERN_NOT_STATED),
        "first_recurrences.initial_pattern",
    )
    require_known(recurrences["site"], (*SITES, *SITES_NOT_STATED), "recurrences.site")
    found = _patients_by_pattern(first_recurrences, recurrences).merge(
        index_operations[["study_id", "margin_group"]], on="study_id", how="left"
    )
    if found["margin_group"].isna().any():
        n_lost = found.loc[found["margin_group"].isna(), "study_id"].nunique()
        raise ValueError(f"{n_lost} patient(s) recurred without an index operation")
    return _counted(found, index_operations["margin_group"])


def _patients_by_pattern(first_recurrences: pd.DataFrame, recurrences: pd.DataFrame) -> pd.DataFrame:
    """pattern_scope, pattern, study_id: each patient once a scope and pattern."""
    initial = first_recurrences[["study_id"]].assign(pattern_scope="initial")
    overall = recurrences[["study_id"]].assign(pattern_scope="overall")
    has_margin_site = first_recurrences["has_margin_site"].astype("boolean")
    is_liver = recurrences["site"].isin(LIVER_SITES)
    return pd.concat(
        [
            initial.assign(pattern=first_recurrences["initial_pattern"]),
            initial[has_margin_site.fillna(False).astype(bool)].assign(pattern=ANY_MARGIN_SITE),
            initial[has_margin_site.isna()].assign(pattern=MARGIN_SITE_NOT_STATED),
            initial.assign(pattern=ANY_RECURRENCE),
            overall.assign(pattern=recurrences["site"]),
            overall[is_liver].assign(pattern=ANY_LIVER_SITE),
            overall.assign(pattern=ANY_RECURRENCE),
        ],
        ignore_index=True,
    ).drop_duplicates()


def _counted(found: pd.DataFrame, margin_group_of_patients: pd.Series) -> pd.DataFrame:
    rows = [
        (scope, pattern, stratum)
        for scope, patterns in PATTERNS_OF_SCOPE.items()
        for pattern in patterns
        if pattern not in ONLY_WHERE_FOUND or (found["pattern"] == pattern).any()
        for stratum in STRATA
    ]
    by_group = found.groupby(["pattern_scope", "pattern", "margin_group"]).size()
    together = found.assign(margin_group=ALL).groupby(["pattern_scope", "pattern", "margin_group"]).size()
    keys = pd.MultiIndex.from_tuples(rows, names=PATTERN_COLUMNS[:3])
    n = pd.concat([by_group, together]).reindex(keys, fill_value=0).to_numpy(dtype=int)
    table = keys.to_frame(index=False).assign(n=n)
    denominators = margin_group_of_patients.value_counts()
    denominators.loc[ALL] = len(margin_group_of_patients)
    table["n_at_risk"] = table["stratum"].map(denominators).fillna(0).astype(int)
    low, high = wilson_limits(table["n"].to_numpy(), table["n_at_risk"].to_numpy())
    proportion = table["n"] / table["n_at_risk"].where(table["n_at_risk"] > 0)
    return table.assign(proportion=proportion, conf_low=low, conf_high=high)[PATTERN_COLUMNS]
