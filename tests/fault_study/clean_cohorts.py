"""`make clean-cohorts`: twenty clean cohorts that grow over five nights, to docs/clean_cohorts.md: no gate may close, and no warning
may stand every night."""

import argparse
import logging
import multiprocessing
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd

from tests.fault_study.clean_nights import NIGHTS, Growth, closing_checks, grow, standing_warnings
from tests.fault_study.study import Study, prepare, warm_up

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "clean_cohorts.md"
SIZES = (60, 120, 300, 600, 1200)
DERIVED_UP_TO = 300
"""Larger cohorts are judged at the landing gate only, which is where most rules are: their derivation costs minutes."""
HEAD = """# What the gates say of clean cohorts

Made by `make clean-cohorts`; not edited by hand. {cohorts} simulated cohorts without a planted fault (with the dirt that the simulated
hospitals always have) grow over {nights} nights: *by patients*, from half of them to all, each with all their records, an eighth more a
night; or *by time*, two years more a night. Each night is accepted and the next one compared with it. Judged until *landing*: what
landed; until *results*: cohort and estimates as well, derived by the SQL that dbt wrote. A warning that stands every night would hide a new
one; a gate that closes would be a false alarm.

"""


def cohorts() -> list[Growth]:
    """Every size, one hospital and two, grown by patients and by time."""
    return [
        Growth(size, 100 + 10 * place + 2 * two + by_time, by_time, 1 + two, "results" if size <= DERIVED_UP_TO else "landing")
        for place, size in enumerate(SIZES)
        for two in (False, True)
        for by_time in (False, True)
    ]  # fmt: skip


def main() -> int:
    """Exit status 0: no gate closed, and nothing stood."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to work; kept, so that it can be taken up again")
    parser.add_argument("--only", nargs="*", type=int, help="sizes; default: all")
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    chosen = [growth for growth in cohorts() if not wanted.only or growth.patients in wanted.only]
    with tempfile.TemporaryDirectory(prefix="clean_cohorts.") as scratch:
        folder = wanted.folder or Path(scratch)
        study = Study(folder / "one", patients=120)
        study.folder.mkdir(parents=True, exist_ok=True)
        print("One night of dbt's, whose models derive the others ...", flush=True)
        prepare(study)
        warm_up(study, with_reports=False)
        told = {growth: _grown(folder, study, growth) for growth in chosen}
    lines, is_held = table(told)
    print("\n".join(lines[:6]))
    if not wanted.only:
        head = HEAD.format(cohorts=len(told), nights=NIGHTS)
        DOCUMENT.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return 0 if is_held else 1


def _grown(folder: Path, study: Study, growth: Growth) -> list[pd.DataFrame]:
    """In a process of its own, so that its memory is given back; kept in a file."""
    kept = folder / f"{growth.name}.json"
    if not kept.exists():
        process = multiprocessing.get_context("fork").Process(target=_grow_and_keep, args=(folder, study, growth, kept))
        process.start()
        process.join()
    nights = pd.read_json(kept, orient="records")
    per_night = [nights[nights["night"] == number] if len(nights) else nights for number in range(1, NIGHTS + 1)]
    standing = standing_warnings(per_night)
    print(f"  {growth}: warnings {[len(checks) for checks in per_night]}; {standing or 'nothing stands'}", flush=True)
    for text in sorted({text for checks in per_night for text in checks.get("description", [])}):
        print(f"      {text.split(' If it is right')[0][:170]}", flush=True)
    return per_night


def _grow_and_keep(folder: Path, study: Study, growth: Growth, kept: Path) -> None:
    base = None if growth.until == "landing" else study.base
    told = pd.concat(grow(folder / growth.name, growth, base), ignore_index=True)
    kept.write_text(told.to_json(orient="records"), encoding="utf-8")


def table(told: dict[Growth, list[pd.DataFrame]]) -> tuple[list[str], bool]:
    """A row a cohort, the rules that warned, and whether nothing closed or stood."""
    rows, counts, n_closed, n_standing = [], Counter(), 0, 0
    for growth, nights in told.items():
        closed, standing = closing_checks(nights), [name for name in standing_warnings(nights) if "closed" not in name]
        n_closed, n_standing = n_closed + bool(closed), n_standing + bool(standing)
        counts.update(
            check
            for checks in nights
            for check in set(zip(checks.get("suite", []), checks.get("check_name", []), strict=True))
        )
        rows.append(
            f"| {growth.patients:,} | {growth.hospitals} | {'time' if growth.by_time else 'patients'} | {growth.until} | "
            f"{', '.join(str(len(checks)) for checks in nights)} | {'; '.join(standing) or 'none'} | {'; '.join(closed) or 'none'} |"
        )
    warned = [f"| {suite} | {name} | {n} |" for (suite, name), n in counts.most_common()]
    lines = [
        f"Of {len(told)} cohorts, {n_closed} had a gate closed, {n_standing} a warning in every night after the first (bar: none).", "",
        "| patients a hospital | hospitals | grows by | judged until | warnings by night | stands every night | closed |",
        "|---|---|---|---|---|---|---|", *rows,
        "", f"## Which rules warned in how many of {NIGHTS * len(told)} nights", "", "| suite | rule | nights |", "|---|---|---|", *warned,
    ]  # fmt: skip
    return lines, not n_closed and not n_standing


if __name__ == "__main__":
    sys.exit(main())
