"""The report's answers: recurrence, hazard ratios, sites, salvage, read from the tables of `results`."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.figures.forest import hazard_ratio_text
from analysis.figures.style import colours
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.names import STRATA_NOT_COMPARED, ordered_strata
from analysis.patients.plan import COMPETING, SURVIVAL
from analysis.report.availability import NotAvailable, frame_of, row_at
from analysis.report.definitions import definitions, rows_of
from analysis.report.formats import (
    NOT_AVAILABLE,
    count,
    is_missing,
    p_value,
    percent,
    percent_range,
    percent_with_limits,
)
from analysis.tables.planned_tests import LOG_RANK, WITHIN_HOSPITALS, chosen_test
from analysis.tables.published_figures import HAZARD_RATIO_FIGURES
from analysis.tables.recurrence_patterns import ALL, PATTERNS_OF_SCOPE

Results = Mapping[str, pd.DataFrame]
RISK_SCORE = "clinical_risk_score"
COMPARISON = "endpoint stratum published_estimate published_conf_low published_conf_high estimate conf_low conf_high"
PATTERN_LABELS = {
    "liver only": "Liver only", "lung only": "Lung only", "other single site": "Another single site",
    "multiple sites": "Multiple sites", "not stated": "Site not stated",
    "resection margin not stated": "Resection margin not stated", "liver": "Liver, margin or not not stated",
    "not_stated": "Site not stated",
    "any initial margin site": "Resection margin among the initial sites",
    "liver_at_margin": "Liver, at the resection margin", "liver_elsewhere": "Liver, elsewhere", "lung": "Lung",
    "lymph_node": "Lymph node", "peritoneum": "Peritoneum", "pelvis": "Pelvis or local bowel", "bone": "Bone",
    "brain": "Brain", "other": "Other", "any liver site": "Any liver site", "any recurrence": "Any recurrence",
}  # fmt: skip


def three_year_recurrence(results: Results) -> dict[str, Any]:
    """A tile a margin group: patients, three-year cumulative incidence ours and published; the unresolved; the test."""
    comparison = _comparison_of(results, "overall_recurrence")
    groups, exposure = _margin_groups(results), definitions(results).exposure
    colour_of = colours(exposure.levels)
    tiles = [
        {
            "group": group,
            "colour": colour_of[str(group)],
            "estimate": percent(row["estimate"]),
            "limits": percent_range(row["conf_low"], row["conf_high"]),
            "published": percent(row["published_estimate"]),
            **groups.get(str(group), {"patients": count(None), "share": percent(None)}),
        }
        for group, row in comparison.iterrows()
    ]
    ours = {group: _limits_text(row_at(comparison, group)) for group in (exposure.levels[0], exposure.reference)}
    return {
        "tiles": tiles,
        "ours": ours,
        "unresolved": groups.get(exposure.not_known),
        "p": group_test(results, "overall_recurrence"),
    }


def _comparison_of(results: Results, endpoint: str) -> pd.DataFrame:
    comparison = frame_of(results, "published_comparison", COMPARISON)
    rows = comparison[comparison["endpoint"] == endpoint].set_index("stratum")
    if rows.empty:
        raise NotAvailable(f"the table published_comparison has no row of {endpoint}")
    exposure = definitions(results).exposure
    groups = exposure.levels if endpoint == "overall_recurrence" else exposure.compared
    return rows.reindex(list(groups))


def _limits_text(row: pd.Series) -> str:
    if is_missing(row["estimate"]):
        return percent(None)
    return f"{percent(row['estimate'])} (95% CI {percent_range(row['conf_low'], row['conf_high'])})"


def _margin_groups(results: Results) -> dict[str, dict[str, str]]:
    try:
        rows = frame_of(results, "margin_groups", "margin_group n share").set_index("margin_group")
    except NotAvailable:
        return {}
    return {
        str(group): {"patients": count(row["n"]), "share": percent(row["share"], 1)} for group, row in rows.iterrows()
    }


def group_test(results: Results, endpoint: str, grouping: str | None = None) -> str:
    """The test between the groups, within hospitals where there are several: log-rank of survival, Gray's of cumulative incidence,
    as 'Gray's test P<0.001'."""
    known = definitions(results)
    kind = SURVIVAL if endpoint in known.survival_endpoints else COMPETING
    tests, within = (_tests_of(results, name) for name in ("group_tests", "stratified_tests"))
    found = chosen_test(tests, within, endpoint, kind, grouping or known.exposure.column)
    label = "log-rank test" if found.test == LOG_RANK else "Gray's test"
    where = f" {WITHIN_HOSPITALS}" if found.is_within_hospitals else ""
    return f"{label}{where} {p_value(found.rows['p_value'].iloc[0] if len(found.rows) else None)}"


def _tests_of(results: Results, name: str) -> pd.DataFrame:
    columns = "endpoint grouping test stratified_by p_value"
    table = results.get(name)
    return pd.DataFrame(columns=columns.split()) if table is None else table.reindex(columns=columns.split())


def adjusted_hazards(results: Results) -> dict[str, Any]:
    """Endpoint -> group -> 'HR (limits)' of ours, the published beside it, and what the models rest on."""
    texts = {}
    for endpoint in HAZARD_RATIO_FIGURES:
        rows = _comparison_of(results, endpoint)
        texts[endpoint] = {
            group: {
                "ours": hazard_ratio_text(row["estimate"], row["conf_low"], row["conf_high"]),
                "published": hazard_ratio_text(
                    row["published_estimate"], row["published_conf_low"], row["published_conf_high"]
                ),
            }
            for group, row in rows.iterrows()
        }
    known = definitions(results)
    names = {
        "labels": {endpoint: known.label(endpoint) for endpoint in texts},
        "compared": known.exposure.compared,
        "reference": known.exposure.reference,
    }
    return {"texts": texts, **names, **_models(results)}


def _models(results: Results) -> dict[str, Any]:
    """covariates, notes (endpoint -> patients, events, P), left_out, warnings; empty where the models are missing."""
    columns = "endpoint model term p_value n n_event n_excluded_missing n_excluded_unresolved warning"
    try:
        models = frame_of(results, "hazard_ratios", columns)
    except NotAvailable as absence:
        return {"covariates": [], "notes": {}, "left_out": "", "warnings": [str(absence)]}
    if "estimand" in models:
        models = models[models["estimand"] == CAUSE_SPECIFIC]
    adjusted = models[(models["model"] == "adjusted") & models["endpoint"].isin(list(HAZARD_RATIO_FIGURES))]
    exposure = definitions(results).exposure
    is_covariate = ~adjusted["term"].isin(_own_terms(results))
    one_of_each = adjusted.drop_duplicates("endpoint").set_index("endpoint")
    omnibus = adjusted[adjusted["term"] == exposure.omnibus].set_index("endpoint")["p_value"]
    published = _published_p_values(results)
    notes = {
        endpoint: f"{count(row['n'])} patients, {count(row['n_event'])} events; {exposure.label} as a whole "
        f"{p_value(omnibus.get(endpoint))}"
        + (f" (published {published[str(endpoint)]})" if str(endpoint) in published else "")
        for endpoint, row in one_of_each.iterrows()
    }
    warned = adjusted[adjusted["term"].isin(exposure.terms) & adjusted["warning"].notna()]
    return {
        "covariates": list(dict.fromkeys(adjusted.loc[is_covariate, "term"])),
        "notes": notes,
        "left_out": _left_out(one_of_each),
        "warnings": [
            f"{HAZARD_RATIO_FIGURES[str(row.endpoint)]}, {row.term}: {row.warning}" for row in warned.itertuples()
        ],
    }


def _published_p_values(results: Results) -> dict[str, str]:
    """P as printed, by endpoint; none where nothing is compared with a publication."""
    table = results.get("published_comparison")
    if table is None or "published_p_value" not in table.columns:
        return {}
    known = table.dropna(subset=["published_p_value"]).drop_duplicates("endpoint")
    return dict(zip(known["endpoint"], known["published_p_value"], strict=True))


def _own_terms(results: Results) -> set[str]:
    """The terms of all exposures of the plan, and of their tests."""
    terms: set[str] = set()
    for exposure in definitions(results).exposures:
        terms |= {*exposure.terms, exposure.omnibus, exposure.omnibus_wald, exposure.trend, exposure.proportionality}
    return terms


def _left_out(one_of_each: pd.DataFrame) -> str:
    """'88 for a missing covariate and 72 for an unresolved margin'; a range where endpoints differ."""

    def between(column: str) -> str:
        low, high = one_of_each[column].min(), one_of_each[column].max()
        return count(low) if low == high or is_missing(low) else f"{count(low)} to {count(high)}"

    if one_of_each.empty:
        return ""
    return f"{between('n_excluded_missing')} for a missing covariate and {between('n_excluded_unresolved')} for an unresolved margin"


def proportional_hazards(results: Results) -> dict[str, Any]:
    """Margin terms and whole models, of the compared endpoints, whose test speaks against proportional hazards."""
    tests = frame_of(results, "proportional_hazards", "endpoint model term p_value")
    exposure = definitions(results).exposure
    chosen = tests[
        (tests["model"] == "adjusted")
        & tests["endpoint"].isin(list(HAZARD_RATIO_FIGURES))
        & (tests["term"].isin([*exposure.terms, exposure.omnibus]) | (tests["term"] == "GLOBAL"))
    ]
    level = definitions(results).not_proportional_below_p
    against = chosen[chosen["p_value"] < level]
    found = [
        f"{HAZARD_RATIO_FIGURES[str(row.endpoint)]}, {'whole model' if row.term == 'GLOBAL' else row.term} ({p_value(row.p_value)})"
        for row in against.itertuples()
    ]
    return {"found": found, "n_tests": len(chosen), "level": f"{level:g}"}


def landmarks(results: Results) -> dict[str, Any]:
    """A line an endpoint and landmark: the estimate of each margin group with its limits; the test once an endpoint."""
    exposure = definitions(results).exposure
    return _landmarks(results, exposure.column, exposure.levels, exposure.label) | {"strata": exposure.levels}


def landmarks_by_risk_score(results: Results) -> dict[str, Any]:
    """The same by Fong's clinical risk score, for sources that have the score but no margin too."""
    table = frame_of(results, "landmark_estimates", "grouping stratum")
    known = table.loc[(table["grouping"] == RISK_SCORE) & ~table["stratum"].isin(STRATA_NOT_COMPARED), "stratum"]
    scores = tuple(ordered_strata(map(str, known)))
    return _landmarks(results, RISK_SCORE, scores, "clinical risk score") | {"scores": scores}


def _landmarks(results: Results, grouping: str, strata: Sequence[str], label_of_grouping: str) -> dict[str, Any]:
    table = frame_of(
        results,
        "landmark_estimates",
        "endpoint grouping stratum landmark_days landmark_label estimate conf_low conf_high",
    )
    table = table[(table["grouping"] == grouping) & table["stratum"].isin(strata)]
    panels = []
    for endpoint in (known.name for known in definitions(results).endpoints if known.is_read_off):
        rows = table[table["endpoint"] == endpoint].sort_values("landmark_days")
        lines = [
            {"label": label, "cells": _cells(at_landmark.set_index("stratum"), strata)}
            for label, at_landmark in rows.groupby("landmark_label", sort=False)
        ]
        if lines:
            panels.append(
                {
                    "label": definitions(results).label(endpoint),
                    "test": group_test(results, endpoint, grouping),
                    "lines": lines,
                }
            )
    if not panels:
        raise NotAvailable(f"the table landmark_estimates has no estimate by {label_of_grouping}")
    return {"panels": panels}


def _cells(by_stratum: pd.DataFrame, strata: Sequence[str]) -> list[str]:
    cells = []
    for group in strata:
        if group not in by_stratum.index:
            cells.append(percent(None))
            continue
        row = row_at(by_stratum, group)
        beyond = is_missing(row["estimate"])
        cells.append(
            "nobody at risk" if beyond else percent_with_limits(row["estimate"], row["conf_low"], row["conf_high"])
        )
    return cells


def patterns(results: Results) -> dict[str, Any]:
    """Two panels (initial pattern, sites at any time), a line a pattern: n and share of each margin group and of all."""
    table = frame_of(results, "recurrence_patterns", "pattern_scope pattern grouping stratum n n_at_risk proportion")
    exposure = definitions(results).exposure
    table, strata = rows_of(table, exposure), (*exposure.levels, ALL)
    cells = table.set_index(["pattern_scope", "pattern", "stratum"])
    panels = []
    for scope, label in (
        ("initial", "Initial pattern"),
        ("overall", "Sites at any time (a patient may be in several)"),
    ):
        present = set(table.loc[table["pattern_scope"] == scope, "pattern"])
        lines = [
            {
                "label": PATTERN_LABELS.get(pattern, pattern),
                "cells": [_count_and_share(cells, (scope, pattern, stratum)) for stratum in strata],
            }
            for pattern in PATTERNS_OF_SCOPE[scope]
            if pattern in present
        ]
        panels.append({"label": label, "lines": lines})
    return {"panels": panels, "strata": strata}


def _count_and_share(cells: pd.DataFrame, key: tuple[str, str, str]) -> str:
    if key not in cells.index:
        return percent(None)
    row = row_at(cells, key)
    return f"{count(row['n'])} ({percent(row['proportion'])})"


def salvage(results: Results) -> dict[str, Any]:
    """Each group's 'share (n of n)', the trend, and the recurrences after an unresolved margin."""
    columns = "grouping stratum n_recurred n_salvaged proportion trend_p_value"
    exposure = definitions(results).exposure
    table = rows_of(frame_of(results, "salvage_by_margin", columns), exposure).set_index("stratum")
    texts = {
        stratum: f"{percent(row['proportion'])} ({count(row['n_salvaged'])} of {count(row['n_recurred'])})"
        for stratum, row in table.iterrows()
    }
    trends = table["trend_p_value"].dropna()
    return {
        "texts": {group: texts.get(group, percent(None)) for group in exposure.levels},
        "unresolved": texts.get(exposure.not_known),
        "over_time": group_test(results, "salvage"),
        "trend": p_value(trends.iloc[0] if len(trends) else None),
        "trend_test": "Mantel, within hospitals" if _is_within_hospitals(table) else "Cochran-Armitage",
        "published_trend": _published_p_values(results).get("salvage", NOT_AVAILABLE),
    }


def _is_within_hospitals(table: pd.DataFrame) -> bool:
    return "is_within_hospitals" in table.columns and bool(table["is_within_hospitals"].any())


def windows(results: Results) -> dict[str, str]:
    """The windows of days as the definitions' own table has them; without it the words of the definition, no number."""
    values = {"confirmation": "the confirmation window", "synchronous": "the synchronous window"}
    try:
        settings = frame_of(results, "clinical_settings", "name value unit").set_index("name")
    except NotAvailable:
        return values
    for window in values:
        name = f"{window}_window_days"
        if name in settings.index:
            setting = row_at(settings, name)
            values[window] = f"{float(setting['value']):g} {setting['unit']}"
    return values


def follow_up(results: Results) -> dict[str, Any]:
    """A line a margin group: how long, how completely and how often its patients were followed."""
    table = frame_of(
        results,
        "follow_up_quality",
        "grouping stratum n median_follow_up_days completeness_index n_lost share_lost assessment_interval_median_days length_p_value "
        "loss_p_value is_informative_difference",
    )
    known = definitions(results)
    table = rows_of(table, known.exposure)
    lines = [
        {
            "group": row.stratum,
            "patients": count(row.n),
            "median": NOT_AVAILABLE
            if is_missing(row.median_follow_up_days)
            else known.months(row.median_follow_up_days),
            "completeness": percent(row.completeness_index),
            "lost": f"{count(row.n_lost)} ({percent(row.share_lost)})",
            "interval": NOT_AVAILABLE
            if is_missing(row.assessment_interval_median_days)
            else f"{row.assessment_interval_median_days:.0f}",
        }
        for row in table.itertuples()
    ]
    groups = table[table["stratum"].isin(known.exposure.levels)]
    return {
        "lines": lines,
        "length": p_value(groups["length_p_value"].iloc[0]),
        "loss": p_value(groups["loss_p_value"].iloc[0]),
        "where": " within hospitals" if _is_within_hospitals(table) else "",
        "differs": bool(groups["is_informative_difference"].any()),
    }
