"""Patient stories: two to six literal records in, the endpoint rows out, one story a rule. Days count from the index operation."""

from dataclasses import dataclass, field

import pandas as pd
import pytest

from tests.dbt_project.literal_records import day, derived, operation_record

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class Story:
    """The records of a patient, in the order in which they arrive, and what is made of them.

    times: endpoint -> (days, event code), of the endpoints that the rule is about; without: endpoint -> why there is no time;
    set_aside: reasons; pattern: of the initial recurrence; episodes: (first day, sites) of each.
    """

    rule: str
    records: list[dict]
    times: dict[str, tuple[int, int]] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    pattern: str | None = None
    episodes: list[tuple[int, str]] | None = None
    second_primaries: list[int] = field(default_factory=list)
    hospital: str = "h"


def look(at: int, finding: str, sites: str | None = None, kind: str = "imaging", **other: str) -> dict:
    return {"feed": "follow_up", "event_date": day(at), "event_type": kind, "finding": finding, "sites": sites, **other}


def clear(at: int, kind: str = "imaging") -> dict:
    return look(at, "no_evidence_of_disease", kind=kind)


def treated(at: int, kind: str, residual_disease: str) -> dict:
    return {
        "feed": "treatments", "treatment_date": day(at), "treatment_type": kind, "residual_disease": residual_disease,
    }  # fmt: skip


def alive(at: int) -> dict:
    return {"feed": "vital_status", "vital_status": "alive", "last_contact_date": day(at)}


def died(at: int | None, cause: str | None = "cancer", contact: int | None = None) -> dict:
    return {
        "feed": "vital_status", "vital_status": "dead", "cause_of_death": cause,
        "death_date": None if at is None else day(at), "last_contact_date": day(contact if contact is not None else at),
    }  # fmt: skip


RFS, ANY, SURVIVAL = "recurrence_free_survival", "overall_recurrence", "overall_survival"
ISOLATED, MARGIN, LIVER = "isolated_liver_recurrence", "margin_recurrence", "liver_recurrence_any_time"
OUTSIDE, CANCER = "extrahepatic_only_recurrence", "cancer_specific_survival"
AFTER, SALVAGE = "post_recurrence_survival", "salvage"
NEVER_SEEN = "neither an event nor a last disease assessment"

STORIES = [
    Story(
        "definite imaging dates the recurrence",
        [look(100, "definite", "lung"), alive(500)],
        {RFS: (100, EVENT), ANY: (100, EVENT), ISOLATED: (100, COMPETING), MARGIN: (100, COMPETING), OUTSIDE: (100, EVENT),
         LIVER: (100, CENSORED), SURVIVAL: (500, CENSORED), AFTER: (400, CENSORED), SALVAGE: (400, CENSORED)},
        pattern="lung only", episodes=[(100, "lung")],
    ),
    Story(
        "a suspicion confirmed on day 90 counts from its own date",
        [look(100, "suspicious", "lung"), look(190, "definite", "lung"), alive(500)],
        {RFS: (100, EVENT)}, pattern="lung only",
    ),
    Story(
        "a suspicion confirmed on day 91 does not",
        [look(100, "suspicious", "lung"), look(191, "definite", "lung"), alive(500)],
        {RFS: (191, EVENT)},
    ),
    Story(
        "a clear look does not cancel a suspicion",
        [look(100, "suspicious", "lung"), clear(140), look(180, "definite", "lung"), alive(500)],
        {RFS: (100, EVENT)},
    ),
    Story(
        "a biopsy confirms a suspicion at its own site only",
        [look(100, "suspicious", "liver_elsewhere"), look(120, "definite", "lung", "biopsy"), alive(500)],
        {RFS: (120, EVENT), ISOLATED: (120, COMPETING)}, pattern="lung only",
    ),
    Story(
        "a suspicion put to rest is an assessment",
        [look(100, "suspicious", "lung"), clear(120, "biopsy"), clear(200), alive(500)],
        {RFS: (200, CENSORED), SURVIVAL: (500, CENSORED)}, episodes=[],
    ),
    Story(
        "an indeterminate finding that turns out to be disease counts from the definite date",
        [look(100, "indeterminate", "lung"), look(150, "definite", "lung"), alive(500)],
        {RFS: (150, EVENT)},
    ),
    Story(
        "an indeterminate finding resolved as benign is an assessment",
        [look(100, "indeterminate", "lung"), clear(200), look(300, "indeterminate", "bone"), alive(500)],
        {RFS: (300, CENSORED)}, episodes=[],
    ),
    Story(
        "a second primary is an assessment and no recurrence",
        [clear(100), look(200, "second_primary", "lung", "biopsy"), alive(500)],
        {RFS: (200, CENSORED), OUTSIDE: (200, CENSORED), LIVER: (200, CENSORED)}, episodes=[], second_primaries=[200],
    ),
    Story(
        "a second primary confirms no suspicion, and recurrence may follow it",
        [look(100, "suspicious", "lung"), look(130, "second_primary", "lung", "biopsy"), look(400, "definite", "liver"), alive(500)],
        {RFS: (400, EVENT), ISOLATED: (400, EVENT), LIVER: (400, EVENT)}, {MARGIN: "first recurrence at the margin or not is not stated"},
        ["first recurrence at the margin or not is not stated: not counted for margin_recurrence"],
        pattern="liver only", second_primaries=[130],
    ),
    Story(
        "records in the wrong order",
        [look(300, "definite", "bone"), clear(50), look(100, "definite", "lung"), alive(500)],
        {RFS: (100, EVENT)}, pattern="lung only", episodes=[(100, "bone;lung")],
    ),
    Story(
        "the same look from two systems counts once",
        [look(100, "definite", "lung;bone", system="ris"), look(100, "definite", "bone;lung", system="oncology"), alive(500)],
        {RFS: (100, EVENT)}, set_aside=["the same event from another system"], pattern="multiple sites",
    ),
    Story(
        "a site found on day 30 belongs to the initial pattern",
        [look(100, "definite", "liver_at_margin"), look(130, "definite", "lung"), alive(500)],
        {ISOLATED: (100, COMPETING), MARGIN: (100, EVENT), OUTSIDE: (100, COMPETING)}, pattern="multiple sites",
    ),
    Story(
        "a site found on day 31 does not",
        [look(100, "definite", "liver_elsewhere"), look(131, "definite", "lung"), alive(500)],
        {ISOLATED: (100, EVENT), MARGIN: (100, COMPETING)}, pattern="liver only",
    ),
    Story(
        "liver recurrence after another one counts for liver at any time",
        [look(100, "definite", "lung"), look(300, "definite", "liver_elsewhere"), alive(500)],
        {ISOLATED: (100, COMPETING), LIVER: (300, EVENT)},
    ),
    Story(
        "sites in words",
        [look(100, "definite", sites_text="Hepatic; retroperitoneal nodes"), alive(500)],
        {RFS: (100, EVENT), ISOLATED: (100, COMPETING), LIVER: (100, EVENT)},
        {MARGIN: "first recurrence at the margin or not is not stated"},
        ["first recurrence at the margin or not is not stated: not counted for margin_recurrence"], pattern="multiple sites",
    ),
    Story(
        "a word that is not in the list is not guessed",
        [look(100, "definite", sites_text="hilar"), clear(300), alive(500)],
        {RFS: (300, CENSORED)}, set_aside=["finding of disease at a site in unknown words"],
    ),
    Story(
        "a recurrence after salvage is another episode",
        [look(100, "definite", "liver_elsewhere"), treated(120, "resection", "none"), clear(150), look(300, "definite", "lung"), alive(500)],
        {RFS: (100, EVENT), SALVAGE: (20, EVENT), AFTER: (400, CENSORED)}, pattern="liver only",
        episodes=[(100, "liver_elsewhere"), (300, "lung")],
    ),
    Story(
        "disease seen again before a clear look: no salvage",
        [look(100, "definite", "liver_elsewhere"), treated(120, "ablation", "none"), look(150, "definite", "lung"), clear(200), alive(500)],
        {SALVAGE: (400, CENSORED)}, episodes=[(100, "liver_elsewhere;lung")],
    ),
    Story(
        "treatment before the recurrence it should treat",
        [treated(90, "ablation", "none"), look(100, "definite", "liver_elsewhere"), clear(150), alive(500)],
        {SALVAGE: (400, CENSORED)}, set_aside=["before the first recurrence"],
    ),
    Story(
        "death without recurrence",
        [clear(200), died(300, "other")],
        {RFS: (300, EVENT), ANY: (300, COMPETING), ISOLATED: (300, COMPETING), OUTSIDE: (300, COMPETING), SURVIVAL: (300, EVENT),
         CANCER: (300, COMPETING)},
        episodes=[],
    ),
    Story(
        "what is dated after death is an error",
        [clear(200), look(310, "definite", "lung"), died(300, contact=320)],
        {RFS: (300, EVENT), ANY: (300, COMPETING), SURVIVAL: (300, EVENT), CANCER: (300, EVENT)},
        set_aside=["after the date of death", "last contact after the date of death"],
    ),
    Story(
        "recurrence before or on the day of the operation is an error",
        [look(-10, "definite", "lung"), look(0, "definite", "bone"), clear(200), alive(500)],
        {RFS: (200, CENSORED)}, set_aside=["not after the index operation", "not after the index operation"],
    ),
    Story(
        "a finding of disease without a site is an error",
        [look(100, "definite"), clear(200), alive(500)],
        {RFS: (200, CENSORED)}, set_aside=["finding of disease without a site"],
    ),
    Story(
        "recurrence and death on one day: nothing is left to survive",
        [look(300, "definite", "lung"), died(300)],
        {RFS: (300, EVENT), ANY: (300, EVENT)}, {AFTER: "no time between origin and end", SALVAGE: "no time between origin and end"},
        ["no time between origin and end of post_recurrence_survival", "no time between origin and end of salvage"],
    ),
    Story(
        "death before the operation is an error",
        [clear(100), died(-5)],
        {}, {SURVIVAL: "no time between origin and end", RFS: NEVER_SEEN},
        ["after the date of death", "death not after the index operation", "no disease assessment after the index operation",
         "no time between origin and end of overall_survival", "no time between origin and end of cancer_specific_survival"],
    ),
    Story(
        "dead, but when is not known: alive at the last look",
        [clear(100), died(None, contact=50)],
        {RFS: (100, CENSORED), SURVIVAL: (100, CENSORED)}, set_aside=["dead without a date of death"],
    ),
    Story(
        "never looked at: survival can be told, recurrence cannot",
        [alive(500)],
        {SURVIVAL: (500, CENSORED)}, {RFS: NEVER_SEEN, ANY: NEVER_SEEN, OUTSIDE: NEVER_SEEN},
        ["no disease assessment after the index operation"],
    ),
    Story(
        "an assessment after the stated last contact is a contact; the stated date is the error",
        [alive(100), clear(200)],
        {RFS: (200, CENSORED), SURVIVAL: (200, CENSORED)}, set_aside=["last contact before a disease assessment"],
    ),
    Story(
        "a site that is not stated leaves open what it would decide",
        [look(100, "definite", "not_stated"), alive(500)],
        {RFS: (100, EVENT)}, {ISOLATED: "first recurrence at a site not stated", OUTSIDE: "first recurrence at a site not stated"},
        [f"first recurrence at a site not stated: not counted for {endpoint}" for endpoint in (ISOLATED, OUTSIDE)]
        + ["first recurrence at the margin or not is not stated: not counted for margin_recurrence"], pattern="not stated",
    ),
    Story(
        "a hospital that does not know what its patients die of",
        [clear(200), died(300, None)],
        {RFS: (300, EVENT), SURVIVAL: (300, EVENT)}, {CANCER: "too many deaths without a stated cause"},
        ["death of a cause not stated: not counted for cancer_specific_survival"], hospital="clinic",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> dict[str, pd.DataFrame]:
    keys = {"follow_up": "event_id", "treatments": "treatment_id"}
    records: dict[str, list[dict]] = {"registry": [], "follow_up": [], "treatments": [], "vital_status": []}
    for number, story in enumerate(STORIES):
        patient = {"mrn": f"M{number}", "source_system": story.hospital}
        records["registry"].append({**operation_record(f"M{number}"), **patient})
        for position, record in enumerate(story.records):
            feed = record["feed"]
            row = {name: value for name, value in record.items() if name != "feed"} | patient
            records[feed].append(row | ({keys[feed]: f"M{number}-{position}"} if feed in keys else {}))
    tables = [
        *(f"marts.{name}" for name in (
            "time_to_event", "endpoints_without_time", "first_recurrences", "recurrence_episodes", "second_primaries",
        )),
        "intermediate.records_set_aside",
    ]  # fmt: skip
    return derived(records, tables)


def rows_of(outcome: dict[str, pd.DataFrame], table: str, story: Story) -> pd.DataFrame:
    rows = outcome[table]
    return rows[rows["study_id"] == f"SM{STORIES.index(story)}"]


@pytest.mark.parametrize("story", STORIES, ids=[story.rule for story in STORIES])
def test_the_records_of_a_patient_give_these_rows(outcome, story):
    times = rows_of(outcome, "time_to_event", story).set_index("endpoint")
    found = {name: (int(row.time_days), int(row.event_code)) for name, row in times.iterrows() if name in story.times}
    assert found == story.times
    assert times["end_reason"].notna().all()
    assert times["source_record_id"].notna().all()

    without = rows_of(outcome, "endpoints_without_time", story).set_index("endpoint")["reason"]
    assert {name: without.get(name) for name in story.without} == story.without
    assert not set(times.index) & set(without.index)

    assert sorted(rows_of(outcome, "records_set_aside", story)["reason"]) == sorted(story.set_aside)
    assert rows_of(outcome, "second_primaries", story)["found_days"].tolist() == story.second_primaries
    if story.pattern is not None:
        assert rows_of(outcome, "first_recurrences", story)["initial_pattern"].tolist() == [story.pattern]
    if story.episodes is not None:
        episodes = rows_of(outcome, "recurrence_episodes", story).sort_values("episode_number")
        assert list(episodes[["start_days", "sites"]].itertuples(index=False, name=None)) == story.episodes
        assert episodes["source_record_ids"].str.len().gt(0).all()


def test_every_patient_of_the_stories_has_a_time_or_a_reason_for_every_endpoint(outcome):
    told = pd.concat([outcome["time_to_event"], outcome["endpoints_without_time"]])
    assert not told.duplicated(["study_id", "endpoint"]).any()
    n_endpoints = told.groupby("study_id").size()
    recurred = set(outcome["first_recurrences"]["study_id"])
    assert n_endpoints.to_dict() == {
        f"SM{number}": 10 if f"SM{number}" in recurred else 8 for number in range(len(STORIES))
    }
