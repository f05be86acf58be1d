"""The names the statistics share: margin groups in their order, endpoints with their labels, strata never compared."""

import re
from collections.abc import Iterable

MARGIN_GROUPS = ("positive", "<1 mm", "1.0-9.9 mm", ">=10 mm")
MARGIN_REFERENCE = ">=10 mm"
UNRESOLVED = "unresolved"

# Strata that hold patients of whom the grouping is not known. They have curves, but no test or model compares them.
STRATA_NOT_COMPARED = (UNRESOLVED, "unknown", "missing", "not known")

# Whoever leaves these endpoints without an event is censored: Kaplan-Meier.
SURVIVAL_ENDPOINTS = {
    "recurrence_free_survival": "Recurrence-free survival",
    "overall_survival": "Overall survival",
    "post_recurrence_survival": "Survival after first recurrence",
}
# Another event can make the event of these endpoints impossible, or no longer the first: Aalen-Johansen.
COMPETING_RISK_ENDPOINTS = {
    "overall_recurrence": "Recurrence at any site",
    "isolated_liver_recurrence": "Initial isolated liver recurrence",
    "margin_recurrence": "Initial recurrence at the resection margin",
    "liver_recurrence_any_time": "Liver recurrence at any time",
    "salvage": "Salvage after first recurrence",
    "cancer_specific_survival": "Death of cancer",
    # the negative control: a margin of the liver should not matter for it, unless it marks the tumour's biology
    "extrahepatic_only_recurrence": "Initial recurrence outside the liver only",
}
ENDPOINT_LABELS = {**SURVIVAL_ENDPOINTS, **COMPETING_RISK_ENDPOINTS}

GROUPING_LABELS = {
    "overall": "All patients",
    "margin_group": "Margin group",
    "era": "Era of operation",
    "clinical_risk_score": "Clinical risk score",
    "has_hai_pump": "Hepatic arterial infusion pump",
    "has_multiple_metastases": "More than one metastasis",
    "metastasis_count_group": "Number of metastases",
}


def margin_term(margin_group: str) -> str:
    """The term of a margin group in `hazard_ratios`."""
    return f"margin {margin_group}"


def ordered_strata(strata: Iterable[str]) -> list[str]:
    """The distinct strata in the order they are shown and scored: margin groups from positive to widest, others by the
    number they begin with ('before 1991', '1991-1998'; '1', '2-3', '>3') or alphabet, and those of unknown group last."""
    margin_rank = {group: rank for rank, group in enumerate(MARGIN_GROUPS)}

    def sort_key(stratum: str) -> tuple[bool, float, str]:
        return stratum in STRATA_NOT_COMPARED, margin_rank.get(stratum, _number_of(stratum)), stratum

    return sorted(set(strata), key=sort_key)


def _number_of(stratum: str) -> float:
    found = re.match(r"(before |after |[<>])?(\d+(?:[.]\d+)?)", stratum)
    if not found:
        return 0.0
    # just below or above its bound
    return float(found[2]) + {"before ": -0.5, "<": -0.5, "after ": 0.5, ">": 0.5}.get(found[1], 0.0)
