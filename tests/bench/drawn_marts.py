"""The frames that the families of results need, drawn in numpy: a study of any size without a night."""

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from analysis.patients.collapsed_counts import count_events
from analysis.results.study_rows import as_codes
from simulated_hospital.cohort import Cohort, draw_cohort, endpoint_times
from tests.analysis.study_plan import PLAN, PUBLISHED_FIGURES, SEEDS

DRAWN_AT_ONCE = 200_000
SHARE_UNRESOLVED, SHARE_BOUNDED = 0.04, 0.10
# of whom a registry does not know it
SHARE_MISSING = {
    "is_node_positive": 0.03, "has_short_disease_free_interval": 0.02, "has_large_metastasis": 0.02,
    "has_high_cea": 0.12, "has_extrahepatic_disease": 0.01, "has_hai_pump": 0.01, "had_preoperative_chemotherapy": 0.02,
    "primary_site": 0.02, "procedure_type": 0.01, "age_at_operation_years": 0.005,
}  # fmt: skip
ERAS = ((1998, "1991-1998"), (2005, "1999-2005"), (9999, "2006-2012"))
ALWAYS_COUNTED = (
    "overall",
    "era",
    "clinical_risk_score",
    "has_hai_pump",
    "has_multiple_metastases",
    "metastasis_count_group",
)
SURVIVAL_OF = {"recurrence_free_survival": "overall_recurrence"}


def drawn_marts(n_patients: int, seed: int = 1, n_hospitals: int = 2) -> dict[str, pd.DataFrame]:
    """Frames by the names of `families.Family.needs`, but those that are results themselves.

    The cohort is the simulated hospital's, the marts are made of its truth (nothing of a night is tried here), some of it not known.
    As a night hands them over: patients as numbers, texts as categories.
    """
    parts, counts = [], []
    bounds = pd.read_csv(SEEDS.parent / "margins/margin_definitions.csv")
    for start in range(0, n_patients, DRAWN_AT_ONCE):
        cohort = draw_cohort(min(DRAWN_AT_ONCE, n_patients - start), seed + start)
        part = _marts_of(cohort, start, np.random.default_rng([seed, start]), n_hospitals)
        part["margin_groups_by_definition"] = _by_definition(part["operations"], bounds)
        counts.append(as_codes(_counts_of(part["time_to_event"], part["operations"], start)))
        parts.append({name: as_codes(_with_numbers(frame)) for name, frame in part.items()})
    marts = {name: stacked([part.pop(name) for part in parts]) for name in list(parts[0])}
    marts["index_operations"] = marts["operations"]
    keys = ["endpoint", "grouping", "stratum", "time_days"]
    marts["event_counts"] = stacked(counts).groupby(keys, sort=False, as_index=False, observed=True).sum()
    return marts | {
        "margin_definitions": bounds,
        "ingest_ledger": pd.DataFrame({"is_simulated": [True]}),
        "chosen_study": pd.DataFrame({"compared_with": ["perrin_2025"]}),
        "published_figures": PUBLISHED_FIGURES,
    }


def stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other, their categories put together; what was stacked is let go of column by column."""
    columns = {}
    for name in list(frames[0].columns):
        parts = [frame.pop(name) for frame in frames]
        is_coded = any(isinstance(part.dtype, pd.CategoricalDtype) for part in parts)
        if is_coded:
            columns[name] = pd.Series(
                union_categoricals([part.astype("category") for part in parts], sort_categories=True)
            )
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def _with_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers in as few bytes as a night reads them."""
    small = {"time_days": "int32", "event_code": "int8", "synchronous_window_days": "int16"}
    return frame.astype({name: kind for name, kind in small.items() if name in frame.columns})


def _counts_of(times: pd.DataFrame, operations: pd.DataFrame, start: int) -> pd.DataFrame:
    """The counts of a part of the study, whose first patient has the number `start`."""
    frames = []
    for name in [None, *dict.fromkeys(exposure.column for exposure in PLAN.exposures), *ALWAYS_COUNTED[1:]]:
        counted = times
        if name:
            of_patients = operations[name]
            if name in ("has_hai_pump", "has_multiple_metastases"):
                of_patients = of_patients.map({True: "true", False: "false"})
            of_patients = of_patients.astype("string").fillna("unknown")
            counted = times.assign(**{name: of_patients.take(times["study_id"] - start).array})
        frames.append(count_events(counted, name))
    return pd.concat(frames, ignore_index=True)


def _marts_of(cohort: Cohort, start: int, random: np.random.Generator, n_hospitals: int) -> dict[str, pd.DataFrame]:
    operations = _operations(cohort, start, random, n_hospitals)
    times = _times(cohort, operations["study_id"].to_numpy())
    is_recurrence = times["endpoint"].isin(
        [endpoint.name for endpoint in PLAN.endpoints if endpoint.is_modelled_further]
    )
    at_risk = times[is_recurrence]
    last_clear = np.maximum(at_risk["time_days"] - random.integers(60, 200, len(at_risk)), 0)
    intervals = at_risk[["study_id", "endpoint"]].assign(
        clear_until_days=np.where(at_risk["event_code"] == 1, last_clear, at_risk["time_days"]),
        found_by_days=at_risk["time_days"].where(at_risk["event_code"] == 1),
    )
    windows = [
        at_risk[at_risk["endpoint"] != "liver_recurrence_any_time"].assign(synchronous_window_days=days)
        for days in (0, 60, 90)
    ]
    rules = [
        times[times["endpoint"].isin(["recurrence_free_survival", "overall_recurrence", "margin_recurrence"])].assign(
            death_rule=rule
        )
        for rule in ("within 183 days", "every death")
    ]
    return {
        "operations": operations,
        "time_to_event": times,
        "recurrence_intervals": intervals,
        "time_to_event_by_window": pd.concat(windows, ignore_index=True),
        "time_to_event_by_death_rule": pd.concat(rules, ignore_index=True),
        **_tables(cohort, operations, random),
    }


def _operations(cohort: Cohort, start: int, random: np.random.Generator, n_hospitals: int) -> pd.DataFrame:
    patients = cohort.patients
    n = len(patients)
    year = patients["operation_date"].dt.year.to_numpy()
    margin = patients["margin_mm"].to_numpy(dtype=float)
    is_unresolved, is_bounded = random.random(n) < SHARE_UNRESOLVED, random.random(n) < SHARE_BOUNDED
    count = patients["metastasis_count"].to_numpy()
    frame = pd.DataFrame(
        {
            "study_id": np.arange(start, start + n, dtype=np.int32),
            "source_system": np.char.add("hospital_", (1 + np.arange(n) % n_hospitals).astype(str)),
            "era": np.select([year <= last for last, _ in ERAS], [name for _, name in ERAS], ""),
            "age_at_operation_years": np.floor(patients["age_years"]),
            "sex": patients["sex"],
            "procedure_type": patients["procedure_type"],
            "primary_site": patients["primary_site"],
            "is_node_positive": patients["is_node_positive"],
            "disease_free_interval_months": (
                patients["liver_metastasis_date"] - patients["primary_resection_date"]
            ).dt.days
            / 30.4375,
            "has_short_disease_free_interval": patients["has_short_interval"],
            "metastasis_count": count,
            "has_multiple_metastases": patients["has_multiple_metastases"],
            "metastasis_count_group": np.select([count <= 1, count <= 3], ["1", "2-3"], ">3"),
            "largest_metastasis_cm": patients["largest_metastasis_cm"],
            "has_large_metastasis": patients["is_large"],
            "cea_ng_ml": patients["cea_ng_ml"],
            "has_high_cea": patients["has_high_cea"],
            "has_extrahepatic_disease": patients["has_extrahepatic_disease"],
            "has_hai_pump": patients["has_hai_pump"],
            "had_preoperative_chemotherapy": patients["had_preoperative_chemotherapy"],
            "margin_group": np.where(is_unresolved, "unresolved", patients["margin_group"]),
            "margin_mm": np.where(is_unresolved | is_bounded, np.nan, margin),
            "margin_low_mm": np.where(is_unresolved & (random.random(n) < 0.5), 0.1, np.nan),
            "margin_high_mm": np.nan,
            "unresolved_reason": np.where(
                is_unresolved, np.where(random.random(n) < 0.2, "no viable tumour", "not stated"), None
            ),
        }
    )
    truths = [name for name in frame.columns if frame[name].dtype == bool]
    frame[truths] = frame[truths].astype("boolean")
    for column, share in SHARE_MISSING.items():
        frame.loc[random.random(n) < share, column] = pd.NA
    points = ("is_node_positive", "has_short_disease_free_interval", "has_multiple_metastases",
              "has_large_metastasis", "has_high_cea")  # fmt: skip
    frame["clinical_risk_score"] = sum(frame[name].astype("Int64") for name in points)
    return frame


def _times(cohort: Cohort, study_id: np.ndarray) -> pd.DataFrame:
    patients = cohort.patients
    drawn = endpoint_times(cohort)
    by_name = {name: rows for name, rows in drawn.groupby("endpoint")}
    first, died = patients["first_recurrence_days"], patients["is_dead"].to_numpy()
    recurred = first.notna().to_numpy()
    recurrence, isolated = by_name["overall_recurrence"], by_name["isolated_liver_recurrence"]
    with_liver = by_name["liver_recurrence_any_time"]
    liver_first = (with_liver["event_code"].to_numpy() == 1) & (
        with_liver["time_days"].to_numpy() <= first.fillna(-1).to_numpy() + 30
    )
    of_cancer = (patients["cause_of_death"] == "cancer").to_numpy()
    contact = patients["last_contact_days"].to_numpy()
    salvage_day = cohort.treatments[cohort.treatments["is_salvage"].astype(bool)].groupby("patient_index")["day"].min()
    salvaged = salvage_day.reindex(patients["patient_index"]).to_numpy()
    since = contact - first.to_numpy()
    made = {
        "recurrence_free_survival": (
            recurrence["time_days"].to_numpy(),
            (recurrence["event_code"] > 0).to_numpy(),
            None,
        ),
        "overall_survival": (contact, died, None),
        "post_recurrence_survival": (since, died, recurred),
        "salvage": (
            np.where(np.isnan(salvaged), since, salvaged - first.to_numpy()),
            np.where(np.isnan(salvaged), 2 * died, 1),
            recurred,
        ),
        "cancer_specific_survival": (contact, np.where(of_cancer, 1, 2 * died), None),
        "extrahepatic_only_recurrence": (
            isolated["time_days"].to_numpy(),
            np.where(recurred & ~liver_first, 1, np.where(recurred_or_died(recurrence), 2, 0)),
            None,
        ),
    }
    frames = [
        pd.DataFrame(
            {
                "study_id": study_id,
                "endpoint": name,
                "time_days": rows["time_days"].to_numpy(),
                "event_code": rows["event_code"].to_numpy(),
            }
        )
        for name, rows in by_name.items()
    ]
    for name, (days, code, chosen) in made.items():
        who = np.ones(len(study_id), dtype=bool) if chosen is None else chosen & (days >= 0)
        frames.append(
            pd.DataFrame(
                {
                    "study_id": study_id[who],
                    "endpoint": name,
                    "time_days": np.asarray(days)[who].astype(int),
                    "event_code": np.asarray(code)[who].astype(int),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def recurred_or_died(recurrence: pd.DataFrame) -> np.ndarray:
    """Who recurred or died."""
    return (recurrence["event_code"] > 0).to_numpy()


def _tables(cohort: Cohort, operations: pd.DataFrame, random: np.random.Generator) -> dict[str, pd.DataFrame]:
    patients, study_id = cohort.patients, operations["study_id"].to_numpy()
    group = operations["margin_group"].to_numpy()
    first = patients["first_recurrence_days"]
    sites = cohort.site_events
    initial = sites[sites["day"] - first.reindex(sites["patient_index"]).to_numpy() <= 30]
    is_liver = initial["site"].str.startswith("liver")
    n_sites = initial.groupby("patient_index").size()
    recurred = n_sites.index.to_numpy()
    has_margin = np.isin(recurred, initial.loc[initial["site"] == "liver_at_margin", "patient_index"])
    has_liver = np.isin(recurred, initial.loc[is_liver, "patient_index"])
    has_lung = np.isin(recurred, initial.loc[initial["site"] == "lung", "patient_index"])
    single = n_sites.to_numpy() == 1
    salvaged = cohort.treatments.loc[cohort.treatments["is_salvage"].astype(bool), "patient_index"].unique()
    pattern = np.select(
        [has_liver & single, has_lung & single, single],
        ["liver only", "lung only", "other single site"],
        "multiple sites",
    )
    contact = patients["last_contact_days"].to_numpy()
    paths = _paths(patients, first.to_numpy(), has_liver, recurred, study_id, group)
    return {
        "first_recurrences": pd.DataFrame({
            "study_id": study_id[recurred], "initial_pattern": pattern, "has_margin_site": has_margin,
            "has_salvage": np.isin(recurred, salvaged), "margin_group": group[recurred],
        }),
        "recurrences": pd.DataFrame({"study_id": study_id[sites["patient_index"]], "site": sites["site"].to_numpy()})
        .drop_duplicates(ignore_index=True),
        "follow_up": pd.DataFrame({
            "study_id": study_id, "margin_group": group, "followed_days": contact, "is_dead": patients["is_dead"].to_numpy(),
            "potential_days": contact + random.integers(0, 400, len(contact)),
            "is_lost_to_follow_up": random.random(len(contact)) < 0.05,
            "median_assessment_interval_days": random.normal(130, 20, len(contact)).clip(30),
        }),
        "state_paths": paths,
        "margin_adjudications": pd.DataFrame({
            "study_id": np.repeat(study_id[:200], 2), "reviewer_number": np.tile([1, 2], len(study_id[:200])),
            "margin_group": np.repeat(patients["margin_group"].to_numpy()[:200], 2), "is_coherent": True,
            "is_blind": True, "read_margin_group": np.repeat(group[:200], 2),
        }),
    }  # fmt: skip


def _paths(
    patients: pd.DataFrame,
    first: np.ndarray,
    has_liver: np.ndarray,
    recurred: np.ndarray,
    study_id: np.ndarray,
    group: np.ndarray,
) -> pd.DataFrame:
    end = patients["last_contact_days"].to_numpy(dtype=float)
    died = np.where(patients["is_dead"], "dead", None).astype(object)
    state = np.full(len(end), None, dtype=object)
    state[recurred] = np.where(has_liver, "liver recurrence", "other recurrence")
    later = np.flatnonzero((state != None) & (first < end))  # noqa: E711
    one_stay = np.setdiff1d(np.arange(len(end)), later)
    stays = [
        (one_stay, "resected", died[one_stay], 0.0, end[one_stay]),
        (later, "resected", state[later], 0.0, first[later]),
        (later, state[later], died[later], first[later], end[later]),
    ]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "study_id": study_id[who],
                    "margin_group": group[who],
                    "state_from": before,
                    "state_to": after,
                    "start_day": begin,
                    "stop_day": stop,
                }
            )
            for who, before, after, begin, stop in stays
        ],
        ignore_index=True,
    ).query("stop_day > start_day")


def _by_definition(operations: pd.DataFrame, bounds: pd.DataFrame) -> pd.DataFrame:
    width = operations["margin_mm"].to_numpy(dtype=float)
    frames = []
    for definition, levels in bounds.groupby("definition", sort=False):
        group = np.full(len(width), "unresolved", dtype=object)
        order = np.full(len(width), np.nan)
        if definition == "published":
            group = operations["margin_group"].to_numpy(dtype=object)
            order = operations["margin_group"].map(
                dict(zip(levels["margin_group"], levels["group_order"], strict=True))
            )
        else:
            for level in levels.itertuples():
                above = (width > level.from_mm) | ((width == level.from_mm) & level.is_from_included)
                below = (width < level.to_mm) | ((width == level.to_mm) & level.is_to_included)
                group[above & below], order[above & below] = level.margin_group, level.group_order
        frames.append(
            pd.DataFrame(
                {
                    "study_id": operations["study_id"],
                    "definition": definition,
                    "margin_group": group,
                    "group_order": order,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"group_order": "Int8"})
