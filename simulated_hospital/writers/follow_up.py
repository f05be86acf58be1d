"""The follow-up feed: every look at the patients after the operation, drawn for all patients at once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulated_hospital.phrase_book import texts

SITE_CODES = {
    "liver_at_margin": "liver_margin", "liver_elsewhere": "liver_other", "lung": "lung", "lymph_node": "lymph_node",
    "peritoneum": "peritoneum", "pelvis": "pelvis", "bone": "bone", "brain": "brain", "other": "other",
}  # fmt: skip
SITE_WORDS = {
    "liver_margin": "Resection margin", "liver_other": "contralateral lobe", "lung": "pulmonary", "lymph_node": "retroperitoneal nodes",
    "peritoneum": "peritoneal", "pelvis": "presacral", "bone": "spine", "brain": "Cerebral", "other": "left adrenal",
}  # fmt: skip
COLUMNS = ["event_id", "mrn", "event_date", "event_type", "modality", "finding", "sites", "note", "site_words"]
IN_WORDS_SHARE = 0.05
SUSPICIOUS_FIRST_SHARE = 0.20
LONGEST_CONFIRMATION_DAYS = 56
# an unconfirmed suspicion must be out of reach of any sensible confirmation window before a true recurrence
QUIET_DAYS_BEFORE_RECURRENCE = 150
FALSE_ALARM_SHARES = {"suspicious": 0.025, "indeterminate": 0.03}
MOST_LOOKS = 90
SECOND_PRIMARY_SHARE = 0.01
SECOND_PRIMARY_SITES = ("lung", "other", "pelvis")


@dataclass(frozen=True)
class Looks:
    """A block of follow-up rows before dates and codes: `patient` is the row number in the patients frame."""

    patient: np.ndarray
    day: np.ndarray
    event_type: object
    finding: object
    sites: object = ""

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "patient": self.patient,
                "day": self.day.astype(int),
                "event_type": self.event_type,
                "finding": self.finding,
                "sites": self.sites,
            }
        )


def site_codes(sites: pd.Series) -> pd.Series:
    """The feed's site codes, of texts with one site or several joined by ';'."""
    unique = {text: ";".join(SITE_CODES[site] for site in text.split(";")) for text in sites.unique()}
    return sites.map(unique)


def draw_looks(
    patients: pd.DataFrame, site_events: pd.DataFrame, treatments: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Frame patient, day, event_type, modality, finding, sites, note, one row a look, by patient and day.

    Args:
        patients: row number = patient; last_assessment_days (days from the operation, >= 1).
        site_events: patient, day, site - first detection of each site.
        treatments: patient, day, is_salvage, no_evidence_day.
    """
    findings = _findings_by_day(site_events)
    first = findings.groupby("patient")["day"].min().reindex(range(len(patients))).to_numpy(dtype=float)
    last_look = patients["last_assessment_days"].to_numpy(dtype=float)
    known_last = findings.groupby("patient")["day"].max().reindex(range(len(patients))).to_numpy(dtype=float)
    last_look = np.fmax(np.maximum(last_look, 1), known_last)
    blocks = [
        *_looks_without_recurrence(first, last_look, rng),
        *_recurrences(findings, first, last_look, treatments, rng),
        *_looks_after_recurrence(findings, first, last_look, treatments, rng),
    ]
    looks = pd.concat([block.frame() for block in blocks], ignore_index=True)
    looks = looks.sort_values(["patient", "day", "event_type", "finding"], kind="stable", ignore_index=True)
    looks["modality"] = _modalities(looks, rng)
    looks["note"] = _notes(looks, rng)
    return looks


def with_second_primaries(looks: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The looks of `draw_looks`, of which a few found another cancer: clear imaging before any recurrence of a few patients.

    No look is added or moved, so that neither the course nor the chance of anything else changes.
    """
    first_disease = looks[looks["finding"].isin(["definite", "suspicious"])].groupby("patient")["day"].min()
    is_before = looks["day"] < looks["patient"].map(first_disease).fillna(np.inf)
    clear = looks[(looks["event_type"] == "imaging") & (looks["finding"] == "NED") & is_before]
    of_each = clear.groupby("patient").sample(1, random_state=rng)
    hit = of_each.index[rng.random(len(of_each)) < SECOND_PRIMARY_SHARE]
    found = looks.copy()
    found.loc[hit, "finding"] = "second primary"
    found.loc[hit, "sites"] = rng.choice(SECOND_PRIMARY_SITES, len(hit))
    found.loc[hit, "note"] = rng.choice(texts("follow_up_notes", "kind")["second_primary"], len(hit))
    return found


def with_sites_in_words(looks: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The looks with a column site_words: a few of those with sites name them in words and have no codes."""
    in_words = (looks["sites"] != "") & (rng.random(len(looks)) < IN_WORDS_SHARE)
    words = [" and ".join(SITE_WORDS[code] for code in codes.split(";")) for codes in looks.loc[in_words, "sites"]]
    written = looks.assign(site_words="")
    written.loc[in_words, "site_words"] = words
    written.loc[in_words, "sites"] = ""
    return written


def _findings_by_day(site_events: pd.DataFrame) -> pd.DataFrame:
    """patient, day, sites (joined by ';'): what came to light on the same day is one finding."""
    ordered = site_events.sort_values(["patient", "day", "site"])
    return ordered.groupby(["patient", "day"], as_index=False)["site"].agg(";".join).rename(columns={"site": "sites"})


def _looks_without_recurrence(first: np.ndarray, last_look: np.ndarray, rng: np.random.Generator) -> list[Looks]:
    """Imaging every 3-4 months for two years, then every 5-6, until recurrence or the last assessment; clinic visits."""
    n = len(first)
    steps = rng.integers(90, 121, (n, MOST_LOOKS)).astype(float)
    steps = np.where(steps.cumsum(axis=1) > 730, steps * 1.55, steps)
    days = np.floor(steps.cumsum(axis=1))
    stop = np.where(np.isnan(first), last_look, first)
    patient, number = np.nonzero(days < stop[:, None] - 20)
    day = days[patient, number]
    is_last = np.append(patient[1:] != patient[:-1], True)
    finding = _false_alarms(day, is_last, np.where(np.isnan(first), np.inf, first)[patient], rng)
    alarm = finding != "NED"
    sites = np.where(
        alarm, np.asarray(["liver_other", "lung", "lymph_node", "liver_margin"])[rng.integers(0, 4, len(day))], ""
    )

    free = np.flatnonzero(np.isnan(first))
    visited = rng.random(len(day)) < 0.3
    visit_day = day + rng.integers(3, 15, len(day))
    early = np.flatnonzero(stop > 40)
    blocks = [
        Looks(patient, day, "imaging", finding, sites),
        Looks(free, last_look[free], "imaging", "NED"),
        Looks(patient[visited & ~alarm], visit_day[visited & ~alarm], "clinic_visit", "NED"),
        Looks(early, rng.integers(14, 29, len(early)), "clinic_visit", "NED"),
    ]
    # some suspicions are put to rest by a biopsy before the next imaging shows the same
    settled = (finding == "suspicious") & (rng.random(len(day)) < 0.25)
    return [*blocks, Looks(patient[settled], day[settled] + rng.integers(7, 20, settled.sum()), "biopsy", "NED")]


def _false_alarms(day: np.ndarray, is_last: np.ndarray, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """NED, or an unconfirmed alarm that a later look of the same patient resolves."""
    draw = rng.random(len(day))
    suspicious, indeterminate = FALSE_ALARM_SHARES["suspicious"], FALSE_ALARM_SHARES["indeterminate"]
    may_be = ~is_last & (day < first - QUIET_DAYS_BEFORE_RECURRENCE)
    found = np.full(len(day), "NED", dtype=object)
    found[may_be & (draw < suspicious + indeterminate)] = "indeterminate"
    found[may_be & (draw < suspicious)] = "suspicious"
    return found


def _recurrences(
    findings: pd.DataFrame, first: np.ndarray, last_look: np.ndarray, treatments: pd.DataFrame, rng: np.random.Generator
) -> list[Looks]:
    """Each new site on its true day: definite or biopsied, or suspicious and confirmed at the same sites within weeks."""
    patient, day = findings["patient"].to_numpy(), findings["day"].to_numpy(dtype=float)
    sites = site_codes(findings["sites"]).to_numpy(dtype=object)
    treated = treatments.groupby("patient")["day"].min().reindex(range(len(first))).to_numpy(dtype=float)
    # a confirmation after treatment would be read as persisting disease
    latest = np.fmin(last_look, treated - 1)[patient]
    room = np.minimum(latest - day, LONGEST_CONFIRMATION_DAYS)
    is_suspicious = (day == first[patient]) & (room >= 7) & (rng.random(len(day)) < SUSPICIOUS_FIRST_SHARE)
    confirmed_day = day + np.floor(7 + rng.random(len(day)) * (np.maximum(room, 7) - 6))
    is_one_site = np.array([";" not in text for text in sites], dtype=bool)
    direct_biopsy = ~is_suspicious & is_one_site & (rng.random(len(day)) < 0.15)
    by_biopsy = is_suspicious & is_one_site & (rng.random(len(day)) < 0.5)
    return [
        Looks(
            patient,
            day,
            np.where(direct_biopsy, "biopsy", "imaging"),
            np.where(is_suspicious, "suspicious", "definite"),
            sites,
        ),
        Looks(
            patient[is_suspicious],
            np.minimum(confirmed_day, day + LONGEST_CONFIRMATION_DAYS)[is_suspicious],
            np.where(by_biopsy, "biopsy", "imaging")[is_suspicious],
            "definite",
            sites[is_suspicious],
        ),
    ]


def _looks_after_recurrence(
    findings: pd.DataFrame, first: np.ndarray, last_look: np.ndarray, treatments: pd.DataFrame, rng: np.random.Generator
) -> list[Looks]:
    """NED on the day that shows a salvage and while it lasts; otherwise disease at the sites known by then."""
    recurred = np.flatnonzero(~np.isnan(first))
    steps = rng.integers(100, 190, (len(recurred), MOST_LOOKS // 2)).astype(float)
    days = np.floor(first[recurred][:, None] + 30 + steps.cumsum(axis=1))
    row, number = np.nonzero(days < last_look[recurred][:, None] - 20)
    looks = pd.DataFrame({"patient": recurred[row], "day": days[row, number], "is_last": False})
    ends = pd.DataFrame({"patient": recurred, "day": last_look[recurred], "is_last": True})
    looks = pd.concat([looks, ends[ends["day"] > first[recurred]]], ignore_index=True).sort_values("day", kind="stable")

    shown = treatments.dropna(subset=["no_evidence_day"])
    shown = shown[shown["is_salvage"]].assign(no_evidence_day=lambda frame: frame["no_evidence_day"].astype(float))
    states = pd.concat(
        [
            findings.assign(day=findings["day"].astype(float), state="definite")[["patient", "day", "state"]],
            shown[["patient", "no_evidence_day"]].rename(columns={"no_evidence_day": "day"}).assign(state="NED"),
        ]
    ).sort_values("day", kind="stable")
    looks = pd.merge_asof(looks, states, on="day", by="patient")
    known = _sites_known_by_day(findings)
    looks = pd.merge_asof(looks, known, on="day", by="patient")
    looks = looks[~_between_salvage_and_proof(looks, shown)]
    on_day = pd.MultiIndex.from_frame(findings[["patient", "day"]].astype(float))
    looks = looks[~pd.MultiIndex.from_frame(looks[["patient", "day"]].astype(float)).isin(on_day)]
    proofs = pd.MultiIndex.from_frame(shown[["patient", "no_evidence_day"]].astype(float))
    looks = looks[~pd.MultiIndex.from_frame(looks[["patient", "day"]].astype(float)).isin(proofs)]
    is_free = (looks["state"] == "NED").to_numpy()
    sites = np.where(is_free, "", site_codes(looks["sites"]).to_numpy(dtype=object))
    return [
        Looks(shown["patient"].to_numpy(), shown["no_evidence_day"].to_numpy(), "imaging", "NED"),
        Looks(
            looks["patient"].to_numpy(),
            looks["day"].to_numpy(),
            "imaging",
            looks["state"].to_numpy(dtype=object),
            sites,
        ),
    ]


def _sites_known_by_day(findings: pd.DataFrame) -> pd.DataFrame:
    """patient, day, sites: after each finding all sites found so far."""
    rows = []
    so_far: dict[int, list[str]] = {}
    for patient, day, sites in findings.sort_values(["patient", "day"]).itertuples(index=False):
        so_far.setdefault(patient, []).extend(sites.split(";"))
        rows.append((patient, float(day), ";".join(so_far[patient])))
    known = pd.DataFrame(rows, columns=["patient", "day", "sites"])
    return known.astype({"patient": int, "day": float}).sort_values("day", kind="stable")


def _between_salvage_and_proof(looks: pd.DataFrame, shown: pd.DataFrame) -> np.ndarray:
    """Looks after a salvage's day and before the look that shows its success: there were none."""
    numbered = looks[["patient", "day"]].assign(number=np.arange(len(looks)))
    pairs = numbered.merge(shown, on="patient", suffixes=("", "_of_treatment"))
    inside = (pairs["day"] >= pairs["day_of_treatment"]) & (pairs["day"] < pairs["no_evidence_day"])
    return np.isin(np.arange(len(looks)), pairs.loc[inside, "number"])


def _modalities(looks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    chosen = np.asarray(["CT", "CT", "CT", "CT", "CT", "MRI", "PET"], dtype=object)[rng.integers(0, 7, len(looks))]
    return np.where(looks["event_type"] == "imaging", chosen, "")


def _notes(looks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    by_kind = texts("follow_up_notes", "kind")
    kind = looks["finding"].str.lower().to_numpy(dtype=object)
    kind = np.where(looks["event_type"] == "biopsy", "biopsy_" + kind, kind)
    kind = np.where(looks["event_type"] == "clinic_visit", "clinic_visit", kind)
    notes = np.full(len(looks), "", dtype=object)
    for name in np.unique(kind.astype(str)):
        places = np.flatnonzero(kind == name)
        notes[places] = np.asarray(by_kind[name], dtype=object)[rng.integers(0, len(by_kind[name]), len(places))]
    return notes


def follow_up_rows(looks: pd.DataFrame, patients: pd.DataFrame, looks_before: int = 0) -> pd.DataFrame:
    """The feed's rows (COLUMNS as text, dates MM/DD/YYYY), in order of date then mrn, event_id in that order from `looks_before` + 1
    on."""
    if "site_words" not in looks:
        looks = looks.assign(site_words="")
    operation_date = patients["operation_date"].to_numpy(dtype="datetime64[D]")
    date = operation_date[looks["patient"]] + looks["day"].to_numpy().astype("timedelta64[D]")
    mrn = patients["mrn"].to_numpy(dtype=object)[looks["patient"]]
    rows = looks.assign(date=date, mrn=mrn).sort_values(["date", "mrn", "event_type", "finding"], kind="stable")
    rows["event_date"] = pd.DatetimeIndex(rows["date"]).strftime("%m/%d/%Y")
    rows["event_id"] = [f"E{looks_before + number:08d}" for number in range(1, len(rows) + 1)]
    return rows[COLUMNS].reset_index(drop=True)
