"""What a suite needs to see and no published table holds: shares, sums, steps and counts across tables."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

import pandas as pd

OPERATION, RECURRENCE = "index_operation", "recurrence"
"""The origins of meta.endpoint_definitions: every patient of the cohort has a time to the endpoints of the first, or a reason why not;
every patient who recurred to those of the second."""
FONG_ITEMS = (
    "is_node_positive",
    "has_short_disease_free_interval",
    "has_multiple_metastases",
    "has_large_metastasis",
    "has_high_cea",
)
WIDEST = ">=10 mm"
CURVE = ["endpoint", "grouping", "stratum"]
ENTRY = ["source_system", "feed", "system", "source_file"]
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Derivation:
    """needs: the columns it reads, by table; make: (tables, size of the cohort published now or None) -> the frame a suite
    judges."""

    needs: dict[str, tuple[str, ...]]
    make: Callable[[Frames, int | None], pd.DataFrame]


def _with_fong_items(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """index_operations, `n_score_items` - how many of Fong's five items the patient fulfils, missing when one is - and
    `hospital_records_score`."""
    operations = frames["index_operations"]
    items = [operations[name].astype("boolean").astype("Float64") for name in FONG_ITEMS]
    return operations.assign(
        n_score_items=reduce(add, items).astype(float),
        hospital_records_score=_is_recorded(operations, "clinical_risk_score"),
    )


def _with_what_hospitals_record(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """stg_registry_operations and `hospital_records_cea`."""
    operations = frames["stg_registry_operations"]
    return operations.assign(hospital_records_cea=_is_recorded(operations, "cea_ng_ml"))


def _is_recorded(operations: pd.DataFrame, column: str) -> pd.Series:
    """Whether the hospital of each row has any value of the column."""
    return operations[column].notna().groupby(operations["source_system"], dropna=False).transform("any")


def _with_expected_remainder(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """cohort_flow and `n_expected`: who remained at the step before, less those excluded at this one."""
    flow = frames["cohort_flow"].sort_values("step_number")
    before = flow["n_remaining"].shift().astype(float)
    return flow.assign(n_expected=(before - flow["n_excluded"]).fillna(flow["n_remaining"]))


def _cohort_size(frames: Frames, previous: int | None) -> pd.DataFrame:
    """One row: the cohort as counted from each table that must agree, and its share of what is published now."""
    n_patients, flow = len(frames["index_operations"]), frames["cohort_flow"]
    return pd.DataFrame(
        {
            "scope": ["cohort"],
            "n_patients": [n_patients],
            "n_in_cohort": [int((frames["patients"]["is_in_cohort"] == True).sum())],  # noqa: E712 - may hold missing
            "n_margins": [len(frames["resection_margins"])],
            "n_after_last_criterion": [flow.sort_values("step_number")["n_remaining"].iloc[-1] if len(flow) else 0],
            # before the first publication there is nothing to have shrunk from
            "share_of_previous": [n_patients / previous if previous else 1.0],
        }
    )


def _defined(definitions: pd.DataFrame) -> pd.DataFrame:
    """A row an endpoint of meta.endpoint_definitions: its `origin`, and whether other events compete (`has_competing`)."""
    by_endpoint = definitions.assign(has_competing=definitions["role"] == "competing").groupby("endpoint")
    return by_endpoint.agg(origin=("origin", "min"), has_competing=("has_competing", "any"))


def _with_definition(table: str) -> Callable[[Frames, int | None], pd.DataFrame]:
    def make(frames: Frames, _previous: int | None) -> pd.DataFrame:
        """The table with what the definitions say of each row's endpoint: `is_defined`, `origin`, `has_competing`."""
        rows, defined = frames[table], _defined(frames["endpoint_definitions"])
        endpoint = rows["endpoint"]
        return rows.assign(
            is_defined=endpoint.isin(defined.index).astype("boolean").mask(endpoint.isna()),
            origin=endpoint.map(defined["origin"]).fillna("not defined"),
            has_competing=endpoint.map(defined["has_competing"]).astype("boolean").fillna(True),
        )

    return make


def _endpoint_coverage(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """A row a patient of the cohort or of time_to_event: `n_expected` endpoints whose origin the patient reached, `n_accounted`
    of them with exactly one row in time_to_event and endpoints_without_time together; `has_index_operation`."""
    times, reasons = (frames[table][["study_id", "endpoint"]] for table in ("time_to_event", "endpoints_without_time"))
    origins = _defined(frames["endpoint_definitions"])["origin"]
    cohort = pd.Index(frames["index_operations"]["study_id"].dropna().unique())
    everybody = cohort.union(pd.Index(times["study_id"].dropna().unique()))
    recurred = frames["first_recurrences"]["study_id"]
    n_rows = pd.concat([times, reasons]).groupby(["study_id", "endpoint"]).size()
    once = n_rows[n_rows == 1].reset_index()
    origin = once["endpoint"].map(origins)
    accounted = (
        once[(origin == OPERATION) | ((origin == RECURRENCE) & once["study_id"].isin(recurred))]
        .groupby("study_id")
        .size()
    )
    return pd.DataFrame(
        {
            "study_id": everybody,
            "n_accounted": accounted.reindex(everybody, fill_value=0).to_numpy(),
            "n_expected": (origins == OPERATION).sum() + (origins == RECURRENCE).sum() * everybody.isin(recurred),
            "has_index_operation": everybody.isin(cohort),
        }
    )


def _count_totals(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """A row an endpoint and grouping: patients counted in event_counts, and rows that time_to_event has."""
    counts = frames["event_counts"]
    counted = counts.assign(n_counted=counts["n_event"] + counts["n_competing"] + counts["n_censored"])
    totals = counted.groupby(["endpoint", "grouping"], as_index=False)["n_counted"].sum()
    rows = frames["time_to_event"]["endpoint"].value_counts()
    return totals.assign(n_times=totals["endpoint"].map(rows).fillna(0).astype(int))


def _ledger(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """ingest_ledger with `rows_unaccounted` and `is_latest_load`: what a file did before it was replaced is history."""
    ledger = frames["ingest_ledger"].sort_values("loaded_at", kind="stable")
    accounted = ledger["rows_loaded"] + ledger["rows_rejected"] + ledger["rows_duplicate"]
    return ledger.assign(
        rows_unaccounted=ledger["rows_read"] - accounted, is_latest_load=~ledger.duplicated(ENTRY, keep="last")
    )


def _feed_rejections(frames: Frames, previous: int | None) -> pd.DataFrame:
    """A row a hospital's feed: the share of rejected records in its files as they stand now."""
    ledger = _ledger(frames, previous)
    current = ledger[ledger["is_latest_load"] & (ledger["status"] == "loaded")]
    feeds = current.groupby(["source_system", "feed"], as_index=False)[["rows_read", "rows_rejected"]].sum()
    return feeds.assign(share_rejected=feeds["rows_rejected"] / feeds["rows_read"].clip(lower=1))


def _with_steps(table: str) -> Callable[[Frames, int | None], pd.DataFrame]:
    def make(frames: Frames, _previous: int | None) -> pd.DataFrame:
        """The curves and `step`: change of the estimate since the time before."""
        curves = frames[table].sort_values([*CURVE, "time_days"])
        return curves.assign(step=curves.groupby(CURVE)["estimate"].diff().fillna(0.0))

    return make


def _with_expected_figures(frames: Frames, _previous: int | None) -> pd.DataFrame:
    """published_comparison and `is_expected`: the cohort has patients of the figure's margin group (of a ratio, of the widest as
    well) with that endpoint, and no warning or reason says why there is no estimate."""
    comparison, ratios, landmarks = (
        frames[name] for name in ("published_comparison", "hazard_ratios", "landmark_estimates")
    )
    by_group = landmarks[landmarks["grouping"] == "margin_group"]
    there = set(zip(by_group["endpoint"], by_group["stratum"], strict=True))
    excused = ratios[ratios["hazard_ratio"].isna() & ratios["warning"].notna()]
    excused = set(zip(excused["endpoint"], excused["term"].str.removeprefix("margin "), strict=True))
    not_done = frames["analyses_not_done"]
    without_models = set(not_done.loc[not_done["table"].isin(["hazard_ratios", "model_covariates"]), "endpoint"])
    beyond = by_group[by_group["estimate"].isna() & (by_group["landmark_label"] == "3 years")]
    beyond = set(zip(beyond["endpoint"], beyond["stratum"], strict=True))

    def is_expected(figure: str, endpoint: str, stratum: str) -> bool:
        if (endpoint, stratum) not in there:
            return False
        if figure.startswith("3-year"):
            return (endpoint, stratum) not in beyond
        return (endpoint, WIDEST) in there and (endpoint, stratum) not in excused and endpoint not in without_models

    named = zip(comparison["figure"], comparison["endpoint"], comparison["stratum"], strict=True)
    return comparison.assign(is_expected=[is_expected(*figure) for figure in named])


LEDGER_COLUMNS = (*ENTRY, "loaded_at", "status", "rows_read", "rows_loaded", "rows_rejected", "rows_duplicate")
DEFINITION_COLUMNS = {"endpoint_definitions": ("endpoint", "origin", "role")}
CURVE_COLUMNS = (*CURVE, "time_days", "estimate")
DERIVATIONS = {
    "index_operations": Derivation(
        {"index_operations": (*FONG_ITEMS, "clinical_risk_score", "source_system")}, _with_fong_items
    ),
    "registry_operations": Derivation(
        {"stg_registry_operations": ("cea_ng_ml", "source_system")}, _with_what_hospitals_record
    ),
    "cohort_flow": Derivation({"cohort_flow": ("step_number", "n_remaining", "n_excluded")}, _with_expected_remainder),
    "cohort_size": Derivation(
        {
            "index_operations": (),
            "patients": ("is_in_cohort",),
            "resection_margins": (),
            "cohort_flow": ("step_number", "n_remaining"),
        },
        _cohort_size,
    ),
    "time_to_event": Derivation(
        {"time_to_event": ("endpoint",), **DEFINITION_COLUMNS}, _with_definition("time_to_event")
    ),
    "event_counts": Derivation({"event_counts": ("endpoint",), **DEFINITION_COLUMNS}, _with_definition("event_counts")),
    "endpoint_coverage": Derivation(
        {
            "time_to_event": ("study_id", "endpoint"),
            "endpoints_without_time": ("study_id", "endpoint"),
            "index_operations": ("study_id",),
            "first_recurrences": ("study_id",),
            **DEFINITION_COLUMNS,
        },
        _endpoint_coverage,
    ),
    "count_totals": Derivation(
        {
            "event_counts": ("endpoint", "grouping", "n_event", "n_competing", "n_censored"),
            "time_to_event": ("endpoint",),
        },
        _count_totals,
    ),
    "ingest_ledger": Derivation({"ingest_ledger": LEDGER_COLUMNS}, _ledger),
    "feed_rejections": Derivation({"ingest_ledger": LEDGER_COLUMNS}, _feed_rejections),
    "published_comparison": Derivation(
        {
            "published_comparison": ("figure", "endpoint", "stratum"),
            "hazard_ratios": ("endpoint", "term", "hazard_ratio", "warning"),
            "landmark_estimates": (*CURVE, "landmark_label", "estimate"),
            "analyses_not_done": ("table", "endpoint"),
        },
        _with_expected_figures,
    ),
    "kaplan_meier": Derivation({"kaplan_meier": CURVE_COLUMNS}, _with_steps("kaplan_meier")),
    "cumulative_incidence": Derivation({"cumulative_incidence": CURVE_COLUMNS}, _with_steps("cumulative_incidence")),
}
"""By suite; a suite that is not here judges its table as it is."""
