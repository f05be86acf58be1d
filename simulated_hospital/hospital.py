"""The simulated hospital: draws its patients, writes the raw files that its systems would, and the truth beside them."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from simulated_hospital.cohort import load_constants
from simulated_hospital.dirt import soil
from simulated_hospital.piece_workers import in_turn_or_together
from simulated_hospital.pieces import PIECE_PATIENTS, Piece, pieces_of
from simulated_hospital.population import Population, draw_population
from simulated_hospital.practices import hide_sites, prove_by_specimens, say_at_the_clinic
from simulated_hospital.tables import write_table
from simulated_hospital.truth import IN_ORDER_OF_DIRT, join_parts, truth_of_patients, write_part, write_simulation
from simulated_hospital.writers.follow_up import draw_looks, follow_up_rows, with_second_primaries, with_sites_in_words
from simulated_hospital.writers.pathology import write_messages, write_reports
from simulated_hospital.writers.registry import registry_rows
from simulated_hospital.writers.treatments import treatment_rows
from simulated_hospital.writers.vital_status import vital_status_rows

HOSPITAL = "simulated_hospital"
SECOND_HOSPITAL = "simulated_hospital_2"
MOST_HOSPITALS = 2
FILES = {
    "registry": "registry/hepatectomy_registry.csv",
    "follow_up": "follow_up/follow_up.csv",
    "treatments": "treatments/recurrence_treatments.csv",
    "vital_status": "vital_status/vital_status.xlsx",
}
LABEL = """SIMULATED DATA
Every patient, name, date and report in this folder was drawn by a computer program.
Nobody described here exists; no figure here is an observation.
"""
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Site:
    """A hospital to draw: its folder in landing, where its truth goes, its constants (none: those of calibration.yml) and the
    columns of the registry that it does not keep."""

    name: str
    truth_folder: Path
    seed: int
    constants: dict[str, Any] | None = None
    registry_lacks: tuple[str, ...] = ()


def simulate(
    n_patients: int,
    seed: int,
    out_dir: Path,
    progress: Progress | None = None,
    hospitals: int = 1,
    piece_patients: int = PIECE_PATIENTS,
) -> dict[str, object]:
    """Write `out_dir`/landing/simulated_hospital and `out_dir`/truth; earlier simulated files there are replaced.

    The same arguments write the same bytes; a second hospital changes nothing of the first. A hospital of more than `piece_patients`
    is drawn and written piece by piece, two pieces at a time, each in files of its own (`registry/hepatectomy_registry_002.csv`).

    Args:
        n_patients: patients eligible for the cohort (>= 1) of each hospital; about 4 % more are not.
        progress: called with the share done (0-1) and what is being done.
        hospitals: 1, or 2: simulated_hospital_2 beside it, with another baseline hazard, other margins and fewer covariates
            (second_hospital of calibration.yml); its truth is in truth/simulated_hospital_2.
        piece_patients: patients of a piece; other sizes of pieces are other patients.

    Returns:
        Counts of the first hospital: n_patients, n_ineligible, rows by feed, dirt by expected effect, reports by history.

    Raises:
        ValueError: `n_patients` or `hospitals` out of range.
    """
    if not 1 <= hospitals <= MOST_HOSPITALS:
        raise ValueError(f"hospitals must be between 1 and {MOST_HOSPITALS}, not {hospitals}")
    pieces_of(n_patients, seed, piece_patients)
    tell = progress or (lambda share, what: None)
    landing, truth = Path(out_dir) / "landing", Path(out_dir) / "truth"
    # files of an earlier, larger simulation must not stay among the new ones
    for name in (HOSPITAL, SECOND_HOSPITAL):
        shutil.rmtree(landing / name, ignore_errors=True)
    shutil.rmtree(truth / SECOND_HOSPITAL, ignore_errors=True)
    sites = [Site(HOSPITAL, truth, seed), *([_second_site(truth, seed)] if hospitals == MOST_HOSPITALS else [])]
    summaries = [
        _simulate_site(
            site,
            pieces_of(n_patients, site.seed, piece_patients),
            landing / site.name,
            lambda share, what, number=number: tell((number + share) / len(sites), what),
        )
        for number, site in enumerate(sites)
    ]
    return summaries[0]


def _second_site(truth: Path, seed: int) -> Site:
    constants = load_constants()
    second = constants["second_hospital"]
    hazard = [second["baseline_hazard_ratio"] * value for value in constants["first_recurrence_hazard"]]
    own = {**constants, "first_recurrence_hazard": hazard, "margin_group_shares": second["margin_group_shares"]}
    return Site(SECOND_HOSPITAL, truth / SECOND_HOSPITAL, seed + 2_000_003, own, tuple(second["registry_lacks"]))


def _simulate_site(site: Site, pieces: list[Piece], landing: Path, tell: Progress) -> dict[str, object]:
    landing.mkdir(parents=True)
    (landing / "SIMULATED.txt").write_text(LABEL, encoding="utf-8")
    site.truth_folder.mkdir(parents=True, exist_ok=True)
    work = [partial(_simulate_piece, site, piece, landing) for piece in pieces]
    summary = _summed(in_turn_or_together(work, tell))
    join_parts(site.truth_folder, len(pieces))
    write_simulation(site.truth_folder, {"seed": site.seed, "versions": _versions(), **summary})
    tell(1.0, "Done")
    return summary


def _simulate_piece(site: Site, piece: Piece, landing: Path, tell: Progress) -> dict[str, Any]:
    seed = piece.seed
    tell(0.0, "Drawing the cohort")
    population = draw_population(piece.n_patients, seed, site.constants, piece.patients_before)

    tell(0.1, "Following the patients up")
    rows, looks, practices = _rows_by_feed(population, piece)
    tell(0.3, "Writing pathology reports")
    messages, histories = write_reports(
        population.operations, seed, lambda share: tell(0.3 + 0.5 * share, "Writing pathology reports"), piece
    )
    tell(0.8, "Writing the files")
    rows["pathology"] = messages
    rows["registry"] = rows["registry"].drop(columns=list(site.registry_lacks))
    dirt = _write_feeds(rows, landing, piece)
    tell(0.95, "Writing the truth")
    truth = truth_of_patients(
        _with_record_id(population.patients, rows["registry"]),
        population.site_events,
        population.treatments,
        looks,
        practices,
    )
    write_part(site.truth_folder, piece.number, truth, dirt)
    tell(1.0, "Done")
    return {
        "n_patients": piece.n_patients,
        "n_ineligible": int((~population.patients["is_eligible"]).sum()),
        "rows": {feed: len(frame) for feed, frame in rows.items()},
        "dirt": dirt["expected_effect"].value_counts().to_dict(),
        "practices": {name: len(patients) for name, patients in practices.items()},
        "reports": histories,
    }


def _summed(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """The counts of a hospital from those of its pieces; what was met with is in order of its name."""
    summed: dict[str, Any] = {}
    for summary in summaries:
        for name, counted in summary.items():
            if isinstance(counted, dict):
                into = summed.setdefault(name, {})
                for kind, count in counted.items():
                    into[kind] = into.get(kind, 0) + count
            else:
                summed[name] = summed.get(name, 0) + counted
    in_order = ("dirt", "practices", "reports")
    return {name: dict(sorted(counts.items())) if name in in_order else counts for name, counts in summed.items()}


def _rows_by_feed(
    population: Population, piece: Piece
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, dict[str, np.ndarray]]:
    """The rows of each feed, the looks behind those of follow-up, and the patients whom each practice befell."""
    patients, seed = population.patients, piece.seed
    habits = np.random.default_rng([seed, 8])
    looks = draw_looks(patients, population.site_events, population.treatments, np.random.default_rng([seed, 2]))
    heard_of = (patients["ineligible_kind"] != "no follow-up").to_numpy()
    looks = with_second_primaries(looks[heard_of[looks["patient"]]], np.random.default_rng([seed, 5]))
    looks, proven = prove_by_specimens(looks, population.treatments, habits)
    looks, said = say_at_the_clinic(looks, habits)
    written, hidden = hide_sites(with_sites_in_words(looks, np.random.default_rng([seed, 6])), habits)
    rows = {
        "registry": registry_rows(population.operations, np.random.default_rng([seed, 3]), piece.records_before),
        "follow_up": follow_up_rows(written, patients, piece.looks_before),
        "treatments": treatment_rows(population.treatments, patients, piece.records_before),
        "vital_status": vital_status_rows(patients[heard_of], np.random.default_rng([seed, 4])),
    }
    return rows, looks, {**population.practices, "specimen proves it": proven, **said, **hidden}


def _with_record_id(patients: pd.DataFrame, registry: pd.DataFrame) -> pd.DataFrame:
    """Patients with the registry's id of the operation that is (or fails to be) the index operation."""
    operation_day = patients["operation_date"].dt.strftime("%Y-%m-%d")
    ids = registry.set_index(["mrn", "surgery_date"])["record_id"]
    found = ids[~ids.index.duplicated()].reindex(pd.MultiIndex.from_arrays([patients["mrn"], operation_day]))
    return patients.assign(registry_record_id=found.to_numpy())


def _write_feeds(rows: dict[str, pd.DataFrame], landing: Path, piece: Piece) -> pd.DataFrame:
    """Soil and write every feed; returns the dirt with file and line."""
    listed = []
    for feed, clean in rows.items():
        rng = random.Random(f"{piece.seed}/dirt/{feed}")
        soiled, soil_pieces = soil(feed, clean, _protected(feed, clean), rng, piece.strangers_before)
        number = soil_pieces["row"].to_numpy(dtype=int)
        if feed == "pathology":
            write_messages(soiled, landing)
            soil_pieces = soil_pieces.assign(
                source_file=soiled["source_file"].to_numpy()[number], source_line=_message_lines(soiled)[number]
            )
        else:
            path = PurePosixPath(FILES[feed])
            file = path.with_stem(path.stem + piece.suffix)
            write_table(feed, soiled[[name for name in clean.columns]], landing / file)
            # the header is line 1
            soil_pieces = soil_pieces.assign(source_file=str(file), source_line=number + 2)
        listed.append(soil_pieces)
    return pd.concat(listed, ignore_index=True).sort_values(IN_ORDER_OF_DIRT, ignore_index=True)


def _protected(feed: str, rows: pd.DataFrame) -> np.ndarray:
    if feed == "registry":
        return rows["mrn"].duplicated(keep=False).to_numpy()
    if feed == "pathology":
        return ~rows["is_only_message"].to_numpy(dtype=bool)
    return np.zeros(len(rows), dtype=bool)


def _message_lines(messages: pd.DataFrame) -> np.ndarray:
    """The 1-based number of each message's MSH segment in its file."""
    segments = messages["text"].map(lambda text: text.count("\r")).astype(int)
    return (segments.groupby(messages["source_file"]).cumsum() - segments + 1).to_numpy()


def _versions() -> dict[str, str]:
    versions = {"numpy": np.__version__, "pandas": pd.__version__}
    try:
        versions["crlm-outcomes-warehouse"] = version("crlm-outcomes-warehouse")
    except PackageNotFoundError:
        versions["crlm-outcomes-warehouse"] = "not installed"
    return versions
