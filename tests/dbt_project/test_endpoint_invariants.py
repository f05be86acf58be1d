"""What holds of the endpoints whatever a hospital sends: looks before the operation, deaths before looks, the same day twice,
sites not stated, treatments of nothing. All that is drawn is one cohort, for dbt starts slowly."""

import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration.settings import PROJECT_ROOT
from tests.dbt_project.literal_records import Records, day, derived, operation_record

days = st.integers(-40, 400)
sites = st.lists(
    st.sampled_from(["liver_at_margin", "liver_elsewhere", "liver", "lung", "bone", "not_stated"]),
    max_size=3,
    unique=True,
)
looks = st.tuples(
    days,
    st.sampled_from(["imaging", "biopsy", "clinic_visit"]),
    st.sampled_from(
        ["no_evidence_of_disease", "indeterminate", "suspicious", "definite", "second_primary", "not_stated"]
    ),
    sites,
)
treatments = st.tuples(
    days, st.sampled_from(["resection", "ablation", "chemotherapy"]), st.sampled_from(["none", "present", "unknown"])
)
vital = st.tuples(
    st.sampled_from(["alive", "dead", None]),
    days,
    st.one_of(st.none(), days),
    st.sampled_from(["cancer", "other", None]),
)
# recurred, was salvaged, recurred again: too rare to be drawn
SALVAGED_AND_RECURRED = (
    [
        (100, "imaging", "definite", ["liver_elsewhere"]),
        (150, "imaging", "no_evidence_of_disease", []),
        (300, "imaging", "definite", ["lung"]),
    ],
    [(120, "resection", "none")],
    ("dead", 400, 400, "cancer"),
)
patients = st.tuples(st.lists(looks, max_size=8), st.lists(treatments, max_size=3), vital)


def records_of(cohort: list[tuple]) -> Records:
    """The raw records of such patients, M0, M1, ..."""
    records: Records = {"registry": [], "follow_up": [], "treatments": [], "vital_status": []}
    for number, (patient_looks, patient_treatments, (status, contact, death, cause)) in enumerate(cohort):
        mrn = f"M{number}"
        records["registry"].append(operation_record(mrn))
        records["follow_up"] += [
            {
                "event_id": f"{mrn}-{n}",
                "mrn": mrn,
                "event_date": day(offset),
                "event_type": kind,
                "finding": finding,
                "sites": ";".join(where) or None,
            }
            for n, (offset, kind, finding, where) in enumerate(patient_looks)
        ]
        records["treatments"] += [
            {
                "treatment_id": f"{mrn}-{n}",
                "mrn": mrn,
                "treatment_date": day(offset),
                "treatment_type": kind,
                "residual_disease": left,
            }
            for n, (offset, kind, left) in enumerate(patient_treatments)
        ]
        if status is not None:
            is_dead = status == "dead"
            records["vital_status"].append(
                {
                    "mrn": mrn,
                    "vital_status": status,
                    "last_contact_date": day(contact),
                    "death_date": day(death) if is_dead and death is not None else None,
                    "cause_of_death": cause if is_dead else None,
                }
            )
    return records


def marts_of(cohort: list[tuple]) -> dict[str, pd.DataFrame]:
    """The marts derived from such a cohort by the real dbt project."""
    names = [
        "index_operations",
        "time_to_event",
        "event_counts",
        "recurrences",
        "first_recurrences",
        "recurrence_episodes",
    ]
    return derived(records_of(cohort), [f"marts.{name}" for name in names])


def drawn_patients() -> list[tuple]:
    """Four batches of sixty, the first of them the simplest that hypothesis draws: nobody with any event."""
    drawn: list[tuple] = []

    @settings(
        max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(st.lists(patients, min_size=60, max_size=60))
    def draw(batch: list[tuple]) -> None:
        drawn.extend(batch)

    draw()
    return drawn


def test_endpoints_hold_together_whatever_was_sent():
    drawn = drawn_patients()
    assert len(drawn) >= 180
    marts = marts_of([SALVAGED_AND_RECURRED, *drawn])
    times = marts["time_to_event"]
    assert len(marts["first_recurrences"]) > 30
    assert not times.duplicated(["study_id", "endpoint"]).any()
    is_after_recurrence = times["endpoint"].isin(["salvage", "post_recurrence_survival"])
    assert (times["time_days"] >= 1).where(~is_after_recurrence, times["time_days"] >= 0).all()
    assert not marts["first_recurrences"].duplicated("study_id").any()

    endpoints = pd.read_csv(PROJECT_ROOT / "dbt_project/seeds/definitions/endpoint_definitions.csv")[
        "endpoint"
    ].unique()
    at = times.pivot(index="study_id", columns="endpoint", values="time_days").reindex(columns=endpoints)
    code = times.pivot(index="study_id", columns="endpoint", values="event_code").reindex(columns=endpoints)
    first = marts["first_recurrences"].set_index("study_id")["recurrence_days"]

    # liver at any time is never before the first recurrence
    liver = at["liver_recurrence_any_time"][code["liver_recurrence_any_time"] == 1]
    assert (liver >= first.reindex(liver.index)).all()

    # recurrence-free survival ends with the earlier of recurrence and death, whatever else is known
    died = at["overall_survival"][code["overall_survival"] == 1]
    ends = pd.concat([first, died], axis=1).min(axis=1)
    free = at["recurrence_free_survival"]
    had_event = code["recurrence_free_survival"] == 1
    assert (free[had_event] == ends.reindex(free[had_event].index)).all()
    # or a death too long after the last look to be known as one without recurrence
    censored = free[~had_event & free.notna()]
    assert (ends.reindex(censored.index).isna() | (ends.reindex(censored.index) > censored + 365)).all()

    # the first patterns share one time with recurrence at any site, as event or competing event
    for endpoint in ("isolated_liver_recurrence", "margin_recurrence", "extrahepatic_only_recurrence"):
        known = at[endpoint].notna() & at["overall_recurrence"].notna()
        assert (at.loc[known, endpoint] == at.loc[known, "overall_recurrence"]).all()

    # every patient with a time is counted once in each grouping
    counts = marts["event_counts"].assign(n=lambda rows: rows[["n_event", "n_competing", "n_censored"]].sum(axis=1))
    counted = counts.groupby(["endpoint", "grouping"])["n"].sum().unstack()
    in_cohort = times.groupby("endpoint")["study_id"].nunique()
    assert (counted.eq(in_cohort, axis=0)).all(axis=None)

    # the first episode begins with the first recurrence, each later one after the salvage that ended the one before
    episodes = marts["recurrence_episodes"].sort_values(["study_id", "episode_number"])
    first_episode = episodes[episodes["episode_number"] == 1].set_index("study_id")["start_days"]
    assert first_episode.sort_index().astype(int).equals(first.sort_index().astype(int).rename("start_days"))
    before = episodes.groupby("study_id").shift()
    follows = episodes["episode_number"] > 1
    assert follows.any()
    assert before.loc[follows, "is_salvaged"].astype(bool).all()
    assert (episodes.loc[follows, "start_days"] > before.loc[follows, "salvage_days"]).all()
