"""How a hospital records its patients: no errors, but what a warehouse must understand to count them rightly.

The table PRACTICES is the whole definition: which habit, of how large a share of whom. The truth says for each patient what the
files can tell (truth/patients.csv; `practices` names those that befell the patient).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

NOT_STATED = "not_stated"
ODD_WORDS = ("retroperitoneum", "hilar mass", "LN/?", "see report", "Lebermetasase", "lymfnode")
EARLIEST_STOP_DAY, LATEST_STOP_DAY = 180, 1460
LONGEST_REPORT_DAYS = 14
CONFIRMATION_DAYS = 90


@dataclass(frozen=True)
class Practice:
    """One habit: `share` is of `whom`."""

    name: str
    share: float
    whom: str
    effect: str


PRACTICES = {
    practice.name: practice
    for practice in (
        Practice("site left blank", 0.015, "patients who recur", "recurrence at a site not stated"),
        Practice("site in odd words", 0.015, "patients who recur", "recurrence at a site not stated, the words are listed"),
        Practice("surveillance stops early", 0.05, "patients of the cohort", "censored at the last look; the death is known"),
        Practice("specimen proves it", 0.5, "patients salvaged by resection within 90 days of the first look at the recurrence",
                 "recurrence dated by the suspicious look, salvage by the resection whose specimen is reported later"),
        Practice("clinic statement before the image", 0.04, "patients who recur", "a clinic visit starts no clock; listed"),
        Practice("clinic statement that no image bears out", 0.02, "patients who do not recur", "no recurrence; listed"),
        Practice("earlier hepatectomy for another disease", 0.005, "patients of the cohort", "in the cohort"),
    )
}  # fmt: skip


def _hit(candidates: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
    """Those of the candidates that the practice befalls, each by chance."""
    return candidates[rng.random(len(candidates)) < PRACTICES[name].share]


def stop_surveillance(
    patients: pd.DataFrame, site_events: pd.DataFrame, treatments: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Some patients free of recurrence are not looked at any more from some day on; that they live or die stays known.

    Args:
        patients: row number = patient; last_assessment_days. site_events, treatments: patient, day.
    Returns:
        The three frames as the hospital sees them then, and the patients (row numbers).
    """
    first = site_events.groupby("patient")["day"].min().reindex(range(len(patients))).to_numpy(dtype=float)
    stop = rng.integers(EARLIEST_STOP_DAY, LATEST_STOP_DAY, len(patients))
    may_stop = (patients["last_assessment_days"].to_numpy() > stop) & ~(first <= stop)
    stopped = _hit(np.flatnonzero(may_stop), "surveillance stops early", rng)
    seen = patients.copy()
    last_look = seen["last_assessment_days"].to_numpy().copy()
    last_look[stopped] = stop[stopped]
    seen["last_assessment_days"] = last_look
    # what comes after is never found, nor treated here
    return (
        seen,
        site_events[~site_events["patient"].isin(stopped)].reset_index(drop=True),
        treatments[~treatments["patient"].isin(stopped)].reset_index(drop=True),
        stopped,
    )


def hide_sites(looks: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Patients of whose disease no site can be read: left blank at every look, or in words that nobody knows.

    Args:
        looks: patient, finding, sites, with a column site_words.
    Returns:
        The looks, and the patients by practice.
    """
    recurred = looks.loc[looks["finding"] == "definite", "patient"].unique()
    blank = _hit(recurred, "site left blank", rng)
    odd = np.setdiff1d(_hit(recurred, "site in odd words", rng), blank)
    is_disease = looks["finding"].isin(["definite", "suspicious"])
    hidden = looks.copy()
    of_blank, of_odd = (is_disease & looks["patient"].isin(patients) for patients in (blank, odd))
    hidden.loc[of_blank | of_odd, ["sites", "site_words"]] = ""
    words = np.asarray(ODD_WORDS, dtype=object)[hidden["patient"] % len(ODD_WORDS)]
    hidden.loc[of_odd, "site_words"] = words[of_odd]
    return hidden, {"site left blank": blank, "site in odd words": odd}


def prove_by_specimens(
    looks: pd.DataFrame, treatments: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Recurrences that were only suspected until the specimen of the resection that salvaged them was reported.

    Args:
        looks: patient, day, event_type, finding, sites, modality, note.
        treatments: patient, day, treatment_type, is_salvage.
    Returns:
        The looks, and the patients.
    """
    disease = looks[looks["finding"].isin(["definite", "suspicious"])]
    first = disease.groupby("patient")["day"].min()
    resections = treatments[treatments["is_salvage"] & (treatments["treatment_type"] == "resection")]
    resected = resections.groupby("patient")["day"].min()
    resected = resected[resected.index.isin(first.index)]
    waited = resected - first.reindex(resected.index)
    # everything found before the resection was found in one look
    n_sites = disease[disease["day"] <= disease["patient"].map(resected)].groupby("patient")["sites"].nunique()
    possible = waited.index[(waited > 0) & (waited <= CONFIRMATION_DAYS) & (n_sites.reindex(waited.index) == 1)]
    chosen = _hit(np.asarray(possible), "specimen proves it", rng)
    of_chosen = looks["patient"].isin(chosen)
    start, operation = looks["patient"].map(first), looks["patient"].map(resected)
    is_first = of_chosen & (looks["day"] == start) & looks["finding"].isin(["definite", "suspicious"])
    is_between = of_chosen & (looks["day"] > start) & (looks["day"] <= operation)
    kept = looks[~is_between].copy()
    is_first = is_first[~is_between]
    reports = kept[is_first].drop_duplicates("patient").copy()
    reports["day"] = (reports["patient"].map(resected) + rng.integers(3, LONGEST_REPORT_DAYS + 1, len(reports))).astype(
        int
    )
    reports[["event_type", "finding", "modality", "note"]] = [
        "biopsy",
        "definite",
        "",
        "Metastatic adenocarcinoma in the specimen.",
    ]
    kept.loc[is_first, ["event_type", "finding", "modality", "note"]] = [
        "imaging",
        "suspicious",
        "CT",
        "Suspicious lesion.",
    ]
    return _in_order(pd.concat([kept, reports], ignore_index=True)), chosen


def say_at_the_clinic(looks: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Clinic visits that speak of a recurrence: before the image that shows it, or without any image that does.

    Args:
        looks: patient, day, event_type, finding, sites, modality, note.
    Returns:
        The looks, and the patients by practice.
    """
    recurrences = looks[looks["finding"] == "definite"]
    first = recurrences.groupby("patient")["day"].min()
    suspected = looks.loc[looks["finding"] == "suspicious", "patient"]
    certain_at_once = first[~first.index.isin(suspected)]
    recurred = _hit(certain_at_once.index[certain_at_once > 40].to_numpy(), "clinic statement before the image", rng)
    clear = looks[
        ~looks["patient"].isin(first.index) & (looks["event_type"] == "imaging") & (looks["finding"] == "NED")
    ]
    of_each = clear.groupby("patient").head(1).set_index("patient")["day"]
    well = _hit(of_each.index.to_numpy(), "clinic statement that no image bears out", rng)
    said = pd.DataFrame(
        {
            "patient": np.concatenate([recurred, well]),
            "day": np.concatenate([first.reindex(recurred) - rng.integers(3, 21, len(recurred)), of_each.reindex(well) - 2]),
            "event_type": "clinic_visit", "finding": "definite", "sites": "liver_other", "modality": "", "note": "Feels unwell.",
        }
    )  # fmt: skip
    said["day"] = said["day"].clip(lower=1).astype(int)
    names = {"clinic statement before the image": recurred, "clinic statement that no image bears out": well}
    return _in_order(pd.concat([looks, said], ignore_index=True)), names


def _in_order(looks: pd.DataFrame) -> pd.DataFrame:
    return looks.sort_values(["patient", "day", "event_type", "finding"], kind="stable", ignore_index=True)
