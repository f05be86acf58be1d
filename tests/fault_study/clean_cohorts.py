"""`make clean-cohorts`: twenty clean cohorts that grow over five nights, to docs/clean_cohorts.md: no gate may close, and no warning
may stand every night."""

import argparse
import logging
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.contract.loading import Hospitals
from orchestration.settings import Settings
from simulated_hospital.hospital import simulate
from tests.fault_study.clean_nights import NIGHTS, Growth, closing_checks, emptied, grow, land, standing_warnings
from tests.fault_study.nights import settings_of
from tests.fault_study.side_by_side import (
    accept_side_by_side,
    copies_of,
    derive_side_by_side,
    take_in_side_by_side,
)
from tests.fault_study.study import HOSPITALS, Study, prepare, warm_up

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "clean_cohorts.md"
SIZES = (60, 120, 300, 600, 1200)
WHOLE_NIGHTS = (Growth(120, 501, True, 2, "results"), Growth(300, 502, False, 1, "results"))
Told = dict[Growth, list[pd.DataFrame]]
HEAD = """# What the gates say of clean cohorts

Made by `make clean-cohorts`; not edited by hand. {cohorts} simulated cohorts without a planted fault (with the dirt that the simulated
hospitals always have) grow over {nights} nights: *by patients*, from half of them to all, each with all their records, an eighth more a
night; or *by time*, two years more a night. Patients are those of the whole cohort, half of them at each of two hospitals. Each night is
accepted and the next one compared with it. *landing, cohort*: judged by the landing gate and by the rules of the cohort, in nights that
many cohorts share, each a hospital of its own; *whole*: by the suites of the marts and the rules of the estimates as well, in nights of
their own. A warning that stands every night would hide a new one; a gate that closes would be a false alarm.

"""


def cohorts() -> list[Growth]:
    """Every size, one hospital and two, grown by patients and by time."""
    return [
        Growth(size, 100 + 10 * place + 2 * two + by_time, by_time, 1 + two, "cohort")
        for place, size in enumerate(SIZES)
        for two in (False, True)
        for by_time in (False, True)
    ]


def main() -> int:
    """Exit status 0: no gate closed, and nothing stood."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to work; its night of dbt's is kept")
    parser.add_argument("--only", nargs="*", type=int, help="sizes; default: all")
    parser.add_argument("--without-whole-nights", action="store_true")
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    chosen = [growth for growth in cohorts() if not wanted.only or growth.patients in wanted.only]
    with tempfile.TemporaryDirectory(prefix="clean_cohorts.") as scratch:
        folder = wanted.folder or Path(scratch)
        study = Study(folder / "one", patients=120, second=True)
        study.folder.mkdir(parents=True, exist_ok=True)
        print("One night of dbt's, whose models derive the others ...", flush=True)
        prepare(study)
        warm_up(study, with_reports=False)
        told = grow_side_by_side(folder / "clean", chosen, study.base)
        for growth in () if wanted.without_whole_nights else WHOLE_NIGHTS:
            told[growth] = grow(folder / growth.name, growth, study.base)
            _say(growth, told[growth])
    lines, is_held = table(told)
    print(lines[0])
    if not wanted.only:
        DOCUMENT.write_text(HEAD.format(cohorts=len(told), nights=NIGHTS) + "\n".join(lines) + "\n", encoding="utf-8")
    return 0 if is_held else 1


def grow_side_by_side(folder: Path, chosen: list[Growth], base: Path | None) -> Told:
    """Each cohort's checks that did not pass, night by night; all cohorts in the same nights, each of them hospitals of its own.

    Args:
        base: a data folder after a night of dbt's, whose models derive these nights; without one the landing gate only.
    """
    shutil.rmtree(folder, ignore_errors=True)
    growing = folder / "growing"
    if base:
        emptied(base, growing)
    settings = settings_of(growing)
    settings.prepare_folders()
    known = hospitals_of(settings)
    hospitals = Hospitals()
    for growth in chosen:
        simulate(growth.patients // growth.hospitals, growth.seed, folder / growth.name, hospitals=growth.hospitals)
        for which in range(growth.hospitals):
            copied = copies_of(known, HOSPITALS[which], [_hospital(growth, which)])
            hospitals.contracts += copied.contracts
            hospitals.identities.update(copied.identities)
    told: Told = {growth: [] for growth in chosen}
    for number in range(1, NIGHTS + 1):
        for growth in chosen:
            for which in range(growth.hospitals):
                whole = folder / growth.name / "landing" / HOSPITALS[which]
                land(growth, whole, settings.landing / _hospital(growth, which), number)
        _one_night(settings, hospitals, number, told, derive=base is not None)
    shutil.rmtree(folder)
    for growth, nights in told.items():
        _say(growth, nights)
    return told


def _hospital(growth: Growth, which: int) -> str:
    return f"{growth.name}_{which + 1}"


def _one_night(settings: Settings, hospitals: Hospitals, number: int, told: Told, *, derive: bool) -> None:
    said = take_in_side_by_side(settings, hospitals, f"night {number}")
    if derive:
        derive_side_by_side(settings, said)
    accept_side_by_side(settings, f"night {number}")
    for growth, nights in told.items():
        own = [said[_hospital(growth, which)].checks for which in range(growth.hospitals)]
        nights.append(pd.concat(own, ignore_index=True).assign(night=number))
    print(
        f"  night {number}: {sum(len(nights[-1]) for nights in told.values())} warnings of {len(told)} cohorts",
        flush=True,
    )


def _say(growth: Growth, nights: list[pd.DataFrame]) -> None:
    standing = standing_warnings(nights)
    print(f"  {growth}: warnings {[len(checks) for checks in nights]}; {standing or 'nothing stands'}", flush=True)
    for text in sorted({text for checks in nights for text in checks.get("description", [])}):
        print(f"      {text.split(' If it is right')[0][:170]}", flush=True)


def table(told: Told) -> tuple[list[str], bool]:
    """A row a cohort, the rules that warned, and whether nothing closed or stood."""
    rows, counts, n_closed, n_standing = [], Counter(), 0, 0
    for growth, nights in told.items():
        closed, standing = closing_checks(nights), [name for name in standing_warnings(nights) if "closed" not in name]
        n_closed, n_standing = n_closed + bool(closed), n_standing + bool(standing)
        for checks in nights:
            counts.update(set(zip(checks["suite"], checks["check_name"], strict=True)))
        judged = "whole" if growth.until == "results" else "landing, cohort"
        rows.append(
            f"| {growth.patients:,} | {growth.hospitals} | {'time' if growth.by_time else 'patients'} | {judged} | "
            f"{', '.join(str(len(checks)) for checks in nights)} | {'; '.join(standing) or 'none'} | {'; '.join(closed) or 'none'} |"
        )
    warned = [f"| {suite} | {name} | {n} |" for (suite, name), n in counts.most_common()]
    return [
        f"Of {len(told)} cohorts, {n_closed} had a gate closed, {n_standing} a warning in every night after the first (bar: none).", "",
        "| patients | hospitals | grows by | judged by | warnings by night | stands every night | closed |",
        "|---|---|---|---|---|---|---|", *rows,
        "", f"## Which rules warned in how many of {NIGHTS * len(told)} nights", "", "| suite | rule | nights |", "|---|---|---|", *warned,
    ], not n_closed and not n_standing  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
