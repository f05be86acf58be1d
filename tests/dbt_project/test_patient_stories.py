"""Patient stories: two to six literal records in, the endpoint rows out, one story a rule. Days count from the index operation."""

import pandas as pd
import pytest

from analysis.tables.salvage_by_margin import salvage_by_margin
from tests.analysis.study_plan import MARGIN as MARGIN_GROUPS
from tests.dbt_project.definition_stories import DEFINITION_STORIES
from tests.dbt_project.edge_stories import EDGE_STORIES
from tests.dbt_project.literal_records import Records, day, derived
from tests.dbt_project.stories import (
    AFTER,
    ANY,
    CANCER,
    CENSORED,
    COMPETING,
    EVENT,
    ISOLATED,
    LIVER,
    MARGIN,
    NEVER_SEEN,
    OUTSIDE,
    RFS,
    SALVAGE,
    SURVIVAL,
    Story,
    alive,
    clear,
    died,
    look,
    operated,
    treated,
)

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
        {RFS: (400, EVENT), ISOLATED: (400, EVENT), LIVER: (400, EVENT), MARGIN: (400, COMPETING)},
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
        {RFS: (100, EVENT), ISOLATED: (100, COMPETING), LIVER: (100, EVENT), MARGIN: (100, COMPETING)}, pattern="multiple sites",
    ),
    Story(
        "a word that is not in the list is not guessed",
        [look(100, "definite", sites_text="hilar"), clear(300), alive(500)],
        {RFS: (100, EVENT), ANY: (100, EVENT), ISOLATED: (100, COMPETING), MARGIN: (100, COMPETING), OUTSIDE: (100, COMPETING),
         LIVER: (300, CENSORED), SALVAGE: (400, CENSORED)},
        set_aside=["site of disease in words that are not understood"], pattern="not stated", sites={"not_stated": 100},
    ),
    Story(
        "a recurrence after salvage is another episode",
        [look(100, "definite", "liver_elsewhere"), treated(120, "resection", "none"), clear(150), look(300, "definite", "lung"),
         alive(500)],
        {RFS: (100, EVENT), SALVAGE: (20, EVENT), AFTER: (400, CENSORED)}, pattern="liver only",
        episodes=[(100, "liver_elsewhere"), (300, "lung")],
    ),
    Story(
        "disease seen again before a clear look: no salvage",
        [look(100, "definite", "liver_elsewhere"), treated(120, "ablation", "none"), look(150, "definite", "lung"), clear(200),
         alive(500)],
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
        "a finding of disease without a site is a recurrence at a site not stated",
        [look(100, "definite"), clear(200), alive(500)],
        {RFS: (100, EVENT), ISOLATED: (100, COMPETING), LIVER: (200, CENSORED)}, set_aside=["disease without a site"],
        pattern="not stated", sites={"not_stated": 100},
    ),
    Story(
        "a look without a site agrees with what was found that day, and adds no site",
        [look(100, "definite", "liver_elsewhere"), look(100, "definite", kind="biopsy"), look(120, "definite", modality="registry"), alive(500)],
        {ISOLATED: (100, EVENT)}, set_aside=["disease without a site"] * 2, pattern="liver only", sites={"liver_elsewhere": 100},
    ),
    Story(
        "a statement of the registry's abstractor is evidence even where it was made at a clinic visit",
        [look(100, "definite", "lung", "clinic_visit", modality="Registry"), alive(500)],
        {RFS: (100, EVENT)}, pattern="lung only",
    ),
    Story(
        "a biopsy counts from the day its tissue was taken",
        [look(110, "definite", "lung", "biopsy", specimen_date=day(100)), alive(500)],
        {RFS: (100, EVENT)},
    ),
    Story(
        "one row that names a site twice",
        [look(100, "definite", "lung;lung"), alive(500)],
        {RFS: (100, EVENT)}, pattern="lung only", sites={"lung": 100},
    ),
    Story(
        "tissue reported long after a treatment is new disease",
        [look(100, "definite", "lung"), treated(120, "resection", "none"), look(151, "definite", "lung", "biopsy"), clear(200),
         alive(500)],
        {SALVAGE: (400, CENSORED)}, no_salvage="disease seen again before a clear look",
    ),
    Story(
        "a clinic visit confirms no suspicion",
        [look(100, "suspicious", "lung"), look(120, "definite", "lung", "clinic_visit"), clear(300), alive(500)],
        {RFS: (300, CENSORED)}, set_aside=["a clinic visit alone is no evidence of recurrence"], episodes=[],
    ),
    Story(
        "a death a year after the last look counts, a day later it does not",
        [clear(200), died(565)],
        {RFS: (565, EVENT), ANY: (565, COMPETING), SURVIVAL: (565, EVENT)},
    ),
    Story(
        "a death more than a year after the last look is not known to be without recurrence",
        [clear(200), died(566)],
        {RFS: (200, CENSORED), ANY: (200, CENSORED), ISOLATED: (200, CENSORED), LIVER: (200, CENSORED), SURVIVAL: (566, EVENT),
         CANCER: (566, EVENT)},
    ),
    Story(
        "recurrence and death on one day: the day itself is a time",
        [look(300, "definite", "lung"), died(300)],
        {RFS: (300, EVENT), ANY: (300, EVENT), AFTER: (0, EVENT), SALVAGE: (0, COMPETING)}, no_salvage="no treatment on record",
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
        "a source that states no site competes under its own name",
        [look(100, "definite", "not_stated"), alive(500)],
        {RFS: (100, EVENT), ISOLATED: (100, COMPETING), MARGIN: (100, COMPETING), OUTSIDE: (100, COMPETING)}, pattern="not stated",
    ),
    Story(
        "nobody wrote down whether the resection was complete",
        [clear(100), alive(500)], exclusion="completeness of the resection not recorded", operations=[operated(residual_disease=None)],
    ),
    Story(
        "nobody wrote down what was meant", [clear(100), alive(500)], exclusion="intent of the operation not recorded",
        operations=[operated(operative_intent=None)],
    ),
    Story(
        "nobody wrote down what was resected", [clear(100), alive(500)], exclusion="diagnosis not recorded",
        operations=[operated(diagnosis=None)],
    ),
    Story(
        "nobody wrote down what an earlier operation was for", [clear(300), alive(500)],
        exclusion="diagnosis of an earlier hepatectomy not recorded", operations=[operated(-300, diagnosis=None), operated()],
    ),
    Story(
        "a hospital that does not know what its patients die of",
        [clear(200), died(300, None)],
        {RFS: (300, EVENT), SURVIVAL: (300, EVENT)}, {CANCER: "too many deaths without a stated cause"},
        ["death of a cause not stated: not counted for cancer_specific_survival"], hospital="clinic",
    ),
    *EDGE_STORIES,
    *DEFINITION_STORIES,
]  # fmt: skip


def records_of(stories: list[Story]) -> Records:
    """The raw records of such patients, M0, M1, ...; a record of the number that was merged into one's is M0-retired's."""
    keys = {"follow_up": "event_id", "treatments": "treatment_id", "patient_merges": "message_control_id"}
    records: Records = {"registry": [], "follow_up": [], "treatments": [], "vital_status": [], "patient_merges": []}
    for number, story in enumerate(stories):
        numbered = [
            {**operation, "feed": "registry", "registry_record_id": n} for n, operation in enumerate(story.operations)
        ]
        for position, told in enumerate([*numbered, *story.records]):
            record = {name: value for name, value in told.items() if name != "feed"}
            record["source_system"] = story.hospital
            record["mrn"] = f"M{number}-retired" if told.get("mrn") == "retired" else f"M{number}"
            if "retired_mrn" in record:
                record["retired_mrn"] = f"M{number}-retired"
            key = keys.get(told["feed"], "registry_record_id")
            if told["feed"] != "vital_status":
                record[key] = f"M{number}-{told.get(key, position)}"
            records[told["feed"]].append(record)
    return records


@pytest.fixture(scope="module")
def outcome() -> dict[str, pd.DataFrame]:
    tables = [
        *(f"marts.{name}" for name in (
            "time_to_event", "endpoints_without_time", "recurrences", "first_recurrences", "recurrence_episodes", "second_primaries",
            "patients", "index_operations", "resection_margins", "recurrence_treatments",
        )),
        "intermediate.records_set_aside", "intermediate.site_words_to_settle", "quality.listed_recurrence_statements",
        "quality.recurrence_statement_totals",
    ]  # fmt: skip
    return derived(records_of(STORIES), tables)


def rows_of(outcome: dict[str, pd.DataFrame], table: str, story: Story) -> pd.DataFrame:
    rows = outcome[table]
    return rows[rows["study_id"] == f"SM{STORIES.index(story)}"]


@pytest.mark.parametrize("story", STORIES, ids=[story.rule for story in STORIES])
def test_the_records_of_a_patient_give_these_rows(outcome, story):
    assert rows_of(outcome, "patients", story)["exclusion_reason"].fillna("").tolist() == [story.exclusion or ""]
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
    if story.sites is not None:
        sites = rows_of(outcome, "recurrences", story)
        assert dict(zip(sites["site"], sites["recurrence_days"], strict=True)) == story.sites
    if story.no_salvage is not None:
        assert rows_of(outcome, "first_recurrences", story)["no_salvage_reason"].tolist() == [story.no_salvage]
    if story.margin is not None:
        margin = rows_of(outcome, "resection_margins", story)
        assert list(margin[["margin_group", "rule"]].itertuples(index=False, name=None)) == [story.margin]
    if story.margin_group is not None:
        assert rows_of(outcome, "resection_margins", story)["margin_group"].tolist() == [story.margin_group]
    if story.age is not None:
        assert rows_of(outcome, "index_operations", story)["age_at_operation_years"].tolist() == [story.age]
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
        f"SM{number}": 10 if f"SM{number}" in recurred else 8
        for number, story in enumerate(STORIES)
        if story.exclusion is None
    }


def test_every_definite_statement_is_behind_a_recurrence_or_listed_with_its_reason(outcome):
    latest = {row["event_id"]: row for row in records_of(STORIES)["follow_up"]}
    statements = [
        row for row in latest.values() if row["finding"] == "definite" and row.get("record_status") != "cancelled"
    ]
    totals, listed = outcome["recurrence_statement_totals"], outcome["listed_recurrence_statements"]
    assert totals["n_statements"].sum() == len(statements)
    assert (totals["n_statements"] == totals["n_in_recurrences"] + totals["n_listed"]).all()
    assert listed["reason"].notna().all()
    assert len(listed) == totals["n_listed"].sum() >= 8


def test_salvage_is_told_alike_by_every_table(outcome):
    first = outcome["first_recurrences"].set_index("study_id")
    times = outcome["time_to_event"]
    times = times[times["endpoint"] == "salvage"].set_index("study_id")
    assert set(times.index) == set(first.index)
    assert (times["event_code"] == 1).eq(first["has_salvage"].astype(bool)).all()
    salvaged = times[times["event_code"] == 1].index
    days = first.loc[salvaged, "salvage_days"] - first.loc[salvaged, "recurrence_days"]
    assert days.astype(int).to_dict() == times.loc[salvaged, "time_days"].astype(int).to_dict()
    assert 0 in days.to_numpy()
    treatments = outcome["recurrence_treatments"]
    assert set(treatments.loc[treatments["is_salvage"], "study_id"]) == set(salvaged)
    assert treatments["is_salvage"].ne(treatments["no_salvage_reason"].notna()).all()
    # the published table counts the same patients
    groups = first.loc[salvaged, "margin_group"].value_counts()
    counted = salvage_by_margin(first.reset_index(), MARGIN_GROUPS).set_index("stratum")["n_salvaged"]
    assert counted[counted > 0].to_dict() == groups.to_dict()


def test_words_that_are_not_understood_are_shown_to_the_coordinator_with_the_nearest_known_word(outcome):
    words = outcome["site_words_to_settle"].set_index("word")
    assert words.loc["retroperitoneum", "n_looks"] == 3
    assert words.loc["lymfnode", ["nearest_known_word", "proposed_site"]].tolist() == ["lymph node", "lymph_node"]
    assert pd.isna(words.loc["hilar", "proposed_site"]) or words.loc["hilar", "similarity"] < 1
