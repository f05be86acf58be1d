"""What the simulated hospital knows and its files do not say outright: for tests and benchmarks, never for the pipeline."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from simulated_hospital.practices import NOT_STATED
from simulated_hospital.writers.specimens import NO_REPORT

SYNCHRONOUS_DAYS = 30
WITHOUT_SITES = ("site left blank", "site in odd words")
LIVER_SITES = ("liver_at_margin", "liver_elsewhere")
PATIENT_COLUMNS = [
    "mrn", "registry_record_id", "is_eligible", "exclusion_reason", "operation_date", "margin_mm", "margin_group",
    "documented_margin_group", "first_recurrence_date", "initial_sites", "is_isolated_liver", "has_margin_site",
    "first_liver_recurrence_date", "last_assessment_date", "last_contact_date", "death_date", "is_salvaged",
    "salvage_date", "practices", "is_clean",
]  # fmt: skip
IN_ORDER_OF_DIRT = ["source_file", "source_line"]
DIRT_COLUMNS = ["kind", "source_file", "source_line", "mrn", "field", "expected_effect"]


def truth_of_patients(
    patients: pd.DataFrame,
    site_events: pd.DataFrame,
    treatments: pd.DataFrame,
    looks: pd.DataFrame,
    practices: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """One row a patient in order of mrn, PATIENT_COLUMNS without is_clean: what the files can tell; dates are ISO text, '' = there
    is none. A site that they do not tell is not_stated.

    Args:
        patients: row number = patient; mrn, registry_record_id, is_eligible, exclusion_reason, operation_date, margin_mm,
            margin_group, unresolved_kind, last_contact_days, death_days.
        site_events, treatments, looks: patient and day columns, as the writers take them.
        practices: the patients (row numbers) whom each practice befell.
    """
    n = len(patients)
    site_events = _as_told(site_events, practices or {})
    every = range(n)
    first = site_events.groupby("patient")["day"].min().reindex(every)
    initial = site_events[site_events["day"] - first.reindex(site_events["patient"]).to_numpy() <= SYNCHRONOUS_DAYS]
    sites = initial.sort_values(["patient", "site"]).groupby("patient")["site"].agg(";".join).reindex(every).fillna("")
    outside_liver = initial.loc[~initial["site"].isin(LIVER_SITES), "patient"].unique()
    at_margin = initial.loc[initial["site"] == "liver_at_margin", "patient"].unique()
    liver = site_events[site_events["site"].isin(LIVER_SITES)].groupby("patient")["day"].min().reindex(every)
    salvage = treatments[treatments["is_salvage"]].groupby("patient")["day"].min().reindex(every)
    last_look = looks.groupby("patient")["day"].max().reindex(every)

    truth = patients[
        ["mrn", "registry_record_id", "is_eligible", "exclusion_reason", "margin_mm", "margin_group"]
    ].copy()
    # the registry's R1 counts where there is no report at all
    is_told = (patients["unresolved_kind"] == "") | (
        (patients["unresolved_kind"] == NO_REPORT) & (patients["margin_group"] == "positive")
    )
    truth["documented_margin_group"] = patients["margin_group"].where(is_told, "unresolved")
    truth["initial_sites"] = sites.to_numpy()
    recurred = first.notna().to_numpy()
    truth["is_isolated_liver"] = recurred & ~np.isin(every, outside_liver)
    truth["has_margin_site"] = np.isin(every, at_margin)
    truth["is_salvaged"] = salvage.notna().to_numpy()
    truth["practices"] = _joined(practices or {}, n)
    start = patients["operation_date"]
    for name, days in (
        ("operation_date", pd.Series(0.0, index=patients.index)),
        ("first_recurrence_date", first),
        ("first_liver_recurrence_date", liver),
        ("last_assessment_date", last_look),
        ("last_contact_date", patients["last_contact_days"]),
        ("death_date", patients["death_days"]),
        ("salvage_date", salvage),
    ):
        truth[name] = _iso_day(start, days)
    return truth.sort_values("mrn", ignore_index=True)


def _as_told(site_events: pd.DataFrame, practices: dict[str, np.ndarray]) -> pd.DataFrame:
    """The sites as far as the files tell them: of some patients none, so that only the first day is known."""
    hidden = np.concatenate([practices.get(name, np.zeros(0, dtype=int)) for name in WITHOUT_SITES])
    is_hidden = site_events["patient"].isin(hidden)
    first = site_events[is_hidden].sort_values("day", kind="stable").drop_duplicates("patient").assign(site=NOT_STATED)
    return pd.concat([site_events[~is_hidden], first], ignore_index=True)


def _joined(practices: dict[str, np.ndarray], n_patients: int) -> np.ndarray:
    """The names of the practices that befell each patient, joined by '; '."""
    names = np.full(n_patients, "", dtype=object)
    for name, patients in practices.items():
        names[patients] = [f"{before}; {name}" if before else name for before in names[patients]]
    return names


def _iso_day(start: pd.Series, days: pd.Series) -> np.ndarray:
    date = start.to_numpy(dtype="datetime64[D]") + pd.to_numeric(days).fillna(0).to_numpy().astype("timedelta64[D]")
    return np.where(pd.to_numeric(days).notna(), date.astype(str).astype(object), "")


def write_part(folder: Path, number: int, truth: pd.DataFrame, dirt: pd.DataFrame) -> None:
    """Write what is known of one piece of a hospital below `folder`; a patient is clean if no piece of dirt is theirs."""
    truth = truth.assign(is_clean=~truth["mrn"].isin(dirt["mrn"]))
    truth[PATIENT_COLUMNS].to_csv(_part(folder, "patients", number), index=False, lineterminator="\n")
    dirt[DIRT_COLUMNS].to_csv(_part(folder, "dirt", number), index=False, lineterminator="\n")


def join_parts(folder: Path, n_parts: int) -> None:
    """Make patients.csv, in order of mrn, and dirt.csv, in order of file and line, out of the parts, which go."""
    with (folder / "patients.csv").open("wb") as whole:
        for number in range(n_parts):
            with _part(folder, "patients", number).open("rb") as part:
                header = part.readline()
                if number == 0:
                    whole.write(header)
                shutil.copyfileobj(part, whole)
    parts = [pd.read_csv(_part(folder, "dirt", number), dtype=str, keep_default_na=False) for number in range(n_parts)]
    dirt = pd.concat(parts, ignore_index=True).astype({"source_line": int})
    dirt.sort_values(IN_ORDER_OF_DIRT, kind="stable", ignore_index=True).to_csv(
        folder / "dirt.csv", index=False, lineterminator="\n"
    )
    for number in range(n_parts):
        for name in ("patients", "dirt"):
            _part(folder, name, number).unlink()


def _part(folder: Path, name: str, number: int) -> Path:
    return folder / f".{name}_{number:03d}.csv"


def write_simulation(folder: Path, simulation: dict[str, object]) -> None:
    """Write simulation.json below `folder`: the counts, the seed, the versions of what drew."""
    (folder / "simulation.json").write_text(json.dumps(simulation, indent=2, sort_keys=True) + "\n", encoding="utf-8")
