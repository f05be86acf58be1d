"""STROBE, RECORD and REMARK filled from the published tables: what is known and where it stands, and what a person must write."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis.report.availability import NotAvailable, frame_of
from analysis.report.definitions import definitions, rows_of
from analysis.report.formats import NOT_AVAILABLE, count, is_missing, words
from analysis.report.outcome_sections import adjusted_hazards, three_year_recurrence
from analysis.tables.margin_agreement import READER_AND_REVIEWER

CHECKLISTS_FILE = Path(__file__).with_name("checklists.yml")
KNOWN, PARTLY, WRITE = "known", "partly", "write"
COLUMNS = ["checklist", "item", "asks", "state", "value", "where", "write"]
Results = Mapping[str, pd.DataFrame]


@cache
def checklist_items() -> dict[str, list[dict[str, str]]]:
    """The file checklists.yml."""
    return yaml.safe_load(CHECKLISTS_FILE.read_text(encoding="utf-8"))


def checklist_rows(results: Results, context: Mapping[str, Any]) -> pd.DataFrame:
    """One row an item: COLUMNS. `state` is known, partly (a person adds what `write` says) or write (a person writes it); an item
    that rests on a fact that is not there is for a person too."""
    facts = {name: _fact(tell, results, context) for name, tell in FACTS.items()}
    rows = []
    for checklist, items in checklist_items().items():
        for item in items:
            value, write = item.get("value", ""), item.get("write", "")
            value = value.format_map(facts)
            if NOT_AVAILABLE in value:
                value, write = "", write or "what the warehouse could not tell"
            state = WRITE if not value else PARTLY if write else KNOWN
            rows.append((checklist, item["item"], item["asks"], state, value, item.get("where", ""), write))
    return pd.DataFrame(rows, columns=COLUMNS)


def checklists(results: Results, context: Mapping[str, Any]) -> dict[str, Any]:
    """A panel a checklist with its items, and how many of them are for a person."""
    rows = checklist_rows(results, context)
    panels = [
        {
            "name": name,
            "lines": items.to_dict("records"),
            "known": int((items["state"] == KNOWN).sum()),
            "partly": int((items["state"] == PARTLY).sum()),
            "write": int((items["state"] == WRITE).sum()),
        }
        for name, items in rows.groupby("checklist", sort=False)
    ]
    return {"panels": panels}


def _fact(tell: Callable[[Results, Mapping[str, Any]], str], results: Results, context: Mapping[str, Any]) -> str:
    try:
        return tell(results, context) or NOT_AVAILABLE
    except (NotAvailable, KeyError, IndexError):
        return NOT_AVAILABLE


def _flow(results: Results) -> pd.DataFrame:
    return frame_of(
        results, "cohort_flow", "step_number criterion n_remaining n_excluded exclusion_reason"
    ).sort_values("step_number")


def _criteria(results: Results, context: Mapping[str, Any]) -> str:
    return "; ".join(map(str, _flow(results)["criterion"].iloc[1:]))


def _exclusions(results: Results, context: Mapping[str, Any]) -> str:
    steps = _flow(results).iloc[1:]
    told = [
        f"{row['exclusion_reason']}: {count(row['n_excluded'])}"
        for row in steps.to_dict("records")
        if row["n_excluded"]
    ]
    return "; ".join(told) or "nobody was excluded"


def _hazards(results: Results, context: Mapping[str, Any]) -> str:
    texts, known = adjusted_hazards(results)["texts"], definitions(results)
    highest = known.exposure.levels[0]
    return "; ".join(
        f"{known.label(endpoint)}, {highest}: {groups[highest]['ours']}" for endpoint, groups in texts.items()
    )


def _three_years(results: Results, context: Mapping[str, Any]) -> str:
    ours = three_year_recurrence(results)["ours"]
    return "recurrence within 3 years " + ", ".join(f"{text} ({group})" for group, text in ours.items())


def _follow_up(results: Results, context: Mapping[str, Any]) -> str:
    known = definitions(results)
    table = rows_of(frame_of(results, "follow_up_quality", "grouping stratum median_follow_up_days"), known.exposure)
    months = [
        f"{row['stratum']} {known.months(row['median_follow_up_days'])}"
        for row in table.to_dict("records")
        if row["stratum"] in known.exposure.levels and not is_missing(row["median_follow_up_days"])
    ]
    return f"median months by reverse Kaplan-Meier: {', '.join(months)}" if months else NOT_AVAILABLE


def _lost(results: Results, context: Mapping[str, Any]) -> str:
    exposure = definitions(results).exposure
    table = rows_of(frame_of(results, "follow_up_quality", "grouping stratum n_lost"), exposure)
    return count(table.loc[table["stratum"].isin(exposure.strata), "n_lost"].sum())


def _events(results: Results, context: Mapping[str, Any]) -> str:
    table, known = (
        frame_of(results, "planned_tests", "endpoint n_event").drop_duplicates("endpoint"),
        definitions(results),
    )
    return "; ".join(
        f"{known.label(row['endpoint'])}: {count(row['n_event'])} events" for row in table.to_dict("records")
    )


def _planned(results: Results, context: Mapping[str, Any]) -> str:
    table = frame_of(results, "planned_tests", "endpoint analysis_role").drop_duplicates("endpoint")
    by_role = table.groupby("analysis_role", sort=False)["endpoint"]
    return "; ".join(f"{role}: {', '.join(map(definitions(results).label, endpoints))}" for role, endpoints in by_role)


def _unresolved(results: Results, context: Mapping[str, Any]) -> str:
    not_known = definitions(results).exposure.not_known
    return count(frame_of(results, "margin_groups", "margin_group n").set_index("margin_group")["n"].get(not_known, 0))


def _feeds(results: Results, context: Mapping[str, Any]) -> str:
    return ", ".join(words(feed) for feed in frame_of(results, "ingest_by_feed", "feed")["feed"])


def _rows(results: Results, context: Mapping[str, Any]) -> str:
    table = frame_of(results, "ingest_by_feed", "rows_read rows_loaded rows_rejected rows_duplicate")
    read, loaded, rejected, duplicate = (count(table[name].sum()) for name in table.filter(regex="^rows_").columns[:4])
    return f"{read} records read, {loaded} loaded, {rejected} rejected, {duplicate} duplicate"


def _checks(results: Results, context: Mapping[str, Any]) -> str:
    table = frame_of(results, "check_results", "status")
    return f"{count((table['status'] == 'passed').sum())} of {count(len(table))} checks passed"


def _kappa(results: Results, context: Mapping[str, Any]) -> str:
    table = frame_of(results, "margin_agreement", "comparison kappa").dropna(subset=["kappa"])
    kappa = table.loc[table["comparison"] == READER_AND_REVIEWER, "kappa"]
    return f"kappa {kappa.iloc[0]:.2f}" if len(kappa) else NOT_AVAILABLE


def _sensitivity(results: Results, context: Mapping[str, Any]) -> str:
    done = {
        "specification_curve": "all reasonable choices at once",
        "death_rule_estimates": "other rules for late deaths",
        "imputed_hazard_ratios": "multiple imputation",
        "weighted_hazard_ratios": "inverse probability weighting",
        "interval_censored_hazard_ratios": "recurrence between two looks",
        "e_values": "E-values",
        "landmark_hazard_ratios": "landmark models",
    }
    present = [text for name, text in done.items() if results.get(name) is not None and len(results[name])]
    return ", ".join(present)


def _used_covariates(results: Results, context: Mapping[str, Any]) -> str:
    return ", ".join(adjusted_hazards(results)["covariates"])


def _covariates(results: Results, context: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(frame_of(results, "model_covariates", "covariate")["covariate"]))


def _strata(results: Results, grouping: str) -> str:
    table = frame_of(results, "landmark_estimates", "grouping stratum")
    return ", ".join(dict.fromkeys(table.loc[table["grouping"] == grouping, "stratum"]))


def _groupings(results: Results, context: Mapping[str, Any]) -> str:
    present = dict.fromkeys(frame_of(results, "landmark_estimates", "grouping")["grouping"])
    labels = definitions(results).grouping_labels
    return ", ".join(labels.get(name, words(name)).lower() for name in present if name != "overall")


def _not_derivable(results: Results, context: Mapping[str, Any]) -> str:
    table = results.get("not_derivable_endpoints")
    n = 0 if table is None else len(table)
    return f"{n} endpoints of hospitals are not derivable" if n else "every endpoint is derivable in every hospital"


def _stamp(name: str) -> Callable[[Results, Mapping[str, Any]], str]:
    return lambda results, context: str(context.get(name) or NOT_AVAILABLE)


FACTS: dict[str, Callable[[Results, Mapping[str, Any]], str]] = {
    "n_patients": lambda results, context: count(context.get("n_patients")),
    "n_registered": lambda results, context: count(_flow(results)["n_remaining"].iloc[0]),
    "n_unresolved": _unresolved,
    "n_not_done": lambda results, context: count(len(results["analyses_not_done"])),
    "n_set_aside": lambda results, context: count(results["records_set_aside"]["n"].sum()),
    "criteria": _criteria,
    "exclusions": _exclusions,
    "hazards": _hazards,
    "three_years": _three_years,
    "follow_up": _follow_up,
    "lost": _lost,
    "events": _events,
    "planned": _planned,
    "feeds": _feeds,
    "rows": _rows,
    "checks": _checks,
    "kappa": _kappa,
    "sensitivity": _sensitivity,
    "used": _used_covariates,
    "covariates": _covariates,
    "eras": lambda results, context: _strata(results, "era"),
    "groupings": _groupings,
    "not_derivable": _not_derivable,
    "endpoints": lambda results, context: ", ".join(
        map(definitions(results).label, dict.fromkeys(frame_of(results, "planned_tests", "endpoint")["endpoint"]))
    ),
    "margin_groups": lambda results, context: ", ".join(definitions(results).exposure.levels),
    "left_out": lambda results, context: adjusted_hazards(results)["left_out"],
    "code": _stamp("code_version"),
    "data": _stamp("data_hash"),
    "run": _stamp("run_id"),
}
"""What a checklist may say, by name: each a text from the published tables, or 'not available'."""
