"""How a patient's story is written down: literal records in, what is made of them out. Days count from the index operation."""

from dataclasses import dataclass, field

from tests.dbt_project.literal_records import day, operation_record

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class Story:
    """The records of a patient, in the order in which they arrive, and what is made of them.

    times: endpoint -> (days, event code), of the endpoints that the rule is about; without: endpoint -> why there is no time;
    set_aside: reasons; pattern: of the initial recurrence; sites: site -> day of its first evidence; episodes: (first day, sites)
    of each; exclusion: why the patient is not in the cohort; margin: (group, rule), or margin_group alone; no_salvage: what was
    lacking; age: in years; operations: registry records, where there is not just the index operation.
    """

    rule: str
    records: list[dict]
    times: dict[str, tuple[int, int]] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    pattern: str | None = None
    sites: dict[str, int] | None = None
    episodes: list[tuple[int, str]] | None = None
    second_primaries: list[int] = field(default_factory=list)
    hospital: str = "h"
    exclusion: str | None = None
    margin: tuple[str, str] | None = None
    margin_group: str | None = None
    no_salvage: str | None = None
    age: int | None = None
    operations: list[dict] = field(default_factory=lambda: [operated()])


def operated(at: int = 0, **other: str | None) -> dict:
    """A hepatectomy so many days after day 0, with curative intent, complete, for colorectal metastases unless said otherwise."""
    return {**operation_record(""), "operation_date": day(at), **other}


def look(at: int, finding: str, sites: str | None = None, kind: str = "imaging", **other: str) -> dict:
    return {"feed": "follow_up", "event_date": day(at), "event_type": kind, "finding": finding, "sites": sites, **other}


def clear(at: int, kind: str = "imaging") -> dict:
    return look(at, "no_evidence_of_disease", kind=kind)


def treated(at: int, kind: str, residual_disease: str | None, sites: str | None = None) -> dict:
    return {
        "feed": "treatments",
        "treatment_date": day(at),
        "treatment_type": kind,
        "residual_disease": residual_disease,
        "sites": sites,
    }


def merged() -> dict:
    """That the patient's other number ('retired' as a record's mrn) was merged into this one."""
    return {"feed": "patient_merges", "retired_mrn": "retired", "merged_at": day(3000)}


def alive(at: int) -> dict:
    return {"feed": "vital_status", "vital_status": "alive", "last_contact_date": day(at)}


def died(at: int | None, cause: str | None = "cancer", contact: int | None = None) -> dict:
    return {
        "feed": "vital_status",
        "vital_status": "dead",
        "cause_of_death": cause,
        "death_date": None if at is None else day(at),
        "last_contact_date": day(contact if contact is not None else at),
    }


RFS, ANY, SURVIVAL = "recurrence_free_survival", "overall_recurrence", "overall_survival"
ISOLATED, MARGIN, LIVER = "isolated_liver_recurrence", "margin_recurrence", "liver_recurrence_any_time"
OUTSIDE, CANCER = "extrahepatic_only_recurrence", "cancer_specific_survival"
AFTER, SALVAGE = "post_recurrence_survival", "salvage"
NEVER_SEEN = "neither an event nor a last disease assessment"
