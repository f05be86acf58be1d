"""Patterns of initial and of overall recurrence by exposure."""

import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
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
PATTERN_COLUMNS = [
    "pattern_scope", "pattern", "grouping", "stratum", "n", "n_at_risk", "proportion", "conf_low", "conf_high",
]  # fmt: skip


def recurrence_patterns(
    first_recurrences: pd.DataFrame, recurrences: pd.DataFrame, index_operations: pd.DataFrame, exposure: Exposure
) -> pd.DataFrame:
    """How many patients recurred in each pattern, of all who had the index operation.

    Scope 'initial': the four classes of the first recurrence (each patient who recurred is in one), then those with the
    resection margin among the initial sites, and any recurrence. Where sites were not stated, rows of their own say for how
    many. Scope 'overall': each site at which a patient ever
    recurred (a patient may be in several), any liver site, any recurrence. Strata: the levels of the exposure, those of whom it is not
    known, and all of them together. These are crude proportions (time at risk is not taken into account) with Wilson limits.

    Args:
        first_recurrences: study_id, initial_pattern, has_margin_site; one row a patient who recurred.
        recurrences: study_id, site; one row a patient and site.
        index_operations: study_id and the exposure; one row a patient: the denominators.
    Returns:
        PATTERN_COLUMNS, one row a scope, pattern and stratum; proportions of an empty stratum are missing.
    Raises:
        ValueError: a column is missing; a pattern, site or level is not one of those named here (it would vanish
            from the table); a patient stands twice or had no index operation.
    """
    require_columns(first_recurrences, ["study_id", "initial_pattern", "has_margin_site"], "first_recurrences")
    require_columns(recurrences, ["study_id", "site"], "recurrences")
    require_columns(index_operations, ["study_id", exposure.column], "index_operations")
    require_one_row_a_patient(index_operations, "index_operations")
    require_one_row_a_patient(first_recurrences, "first_recurrences")
    strata = exposure.of(index_operations[exposure.column])
    require_known(
        first_recurrences["initial_pattern"],
        (*INITIAL_PATTERNS, PATTERN_NOT_STATED),
        "first_recurrences.initial_pattern",
    )
    require_known(recurrences["site"], (*SITES, *SITES_NOT_STATED), "recurrences.site")
    found = _patients_by_pattern(first_recurrences, recurrences).merge(
        index_operations[["study_id"]].assign(stratum=strata), on="study_id", how="left"
    )
    if found["stratum"].isna().any():
        n_lost = found.loc[found["stratum"].isna(), "study_id"].nunique()
        raise ValueError(f"{n_lost} patient(s) recurred without an index operation")
    return _counted(found, strata, exposure)


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


def _counted(found: pd.DataFrame, stratum_of_patients: pd.Series, exposure: Exposure) -> pd.DataFrame:
    rows = [
        (scope, pattern, stratum)
        for scope, patterns in PATTERNS_OF_SCOPE.items()
        for pattern in patterns
        if pattern not in ONLY_WHERE_FOUND or (found["pattern"] == pattern).any()
        for stratum in (*exposure.strata, ALL)
    ]
    names = ["pattern_scope", "pattern", "stratum"]
    by_group, together = found.groupby(names).size(), found.assign(stratum=ALL).groupby(names).size()
    keys = pd.MultiIndex.from_tuples(rows, names=names)
    n = pd.concat([by_group, together]).reindex(keys, fill_value=0).to_numpy(dtype=int)
    table = keys.to_frame(index=False).assign(n=n)
    denominators = stratum_of_patients.value_counts()
    denominators.loc[ALL] = len(stratum_of_patients)
    table["n_at_risk"] = table["stratum"].map(denominators).fillna(0).astype(int)
    low, high = wilson_limits(table["n"].to_numpy(), table["n_at_risk"].to_numpy())
    proportion = table["n"] / table["n_at_risk"].where(table["n_at_risk"] > 0)
    limits = {"proportion": proportion, "conf_low": low, "conf_high": high}
    return table.assign(grouping=exposure.column, **limits)[PATTERN_COLUMNS]
