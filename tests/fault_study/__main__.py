"""`make fault-study`: every fault of a catalogue, planted overnight, to docs/fault_study.md."""

import argparse
import logging
import sys
import tempfile
import warnings
from pathlib import Path

from tests.fault_study.clean_nights import study_clean_nights
from tests.fault_study.report import write_report
from tests.fault_study.study import PATIENTS, load_catalogue, prepare, run_catalogue

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fault_study.md"


def main() -> int:
    """Exit status 0: the bar is held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=Path, help="another catalogue: a Python file with a dict FAULTS")
    parser.add_argument("--only", nargs="*", help="names of faults; default: all")
    parser.add_argument(
        "--no-effects", action="store_true", help="do not measure what a fault that a gate stopped would have done"
    )
    parser.add_argument("--landing-only", action="store_true", help="the landing gate only, without effects")
    parser.add_argument(
        "--clean",
        nargs="*",
        metavar="PATIENTS:SEED:time|patients",
        help="let clean hospitals grow instead: no gate may close",
    )
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work; kept, so that a study can be taken up again")
    parser.add_argument(
        "--out", type=Path, help=f"default: {DOCUMENT} for the project's own catalogue, else the screen only"
    )
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="fault_study.") as scratch:
        folder = wanted.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"One accepted night of {wanted.patients} patients ...", flush=True)
        prepare(folder, wanted.patients, derive=not wanted.landing_only)
        if wanted.clean:
            hospitals = [
                (int(size), int(seed), how == "time") for size, seed, how in (one.split(":") for one in wanted.clean)
            ]
            until = "landing" if wanted.landing_only else "results"
            return 1 if study_clean_nights(folder / "base", folder, hospitals, until) else 0
        catalogue = load_catalogue(wanted.faults)
        findings = run_catalogue(
            folder, wanted.faults, wanted.only or list(catalogue), processes=wanted.processes,
            derive=not wanted.landing_only, effects=not wanted.no_effects,
        )  # fmt: skip
    out = wanted.out or (None if wanted.faults or wanted.only else DOCUMENT)
    return 0 if write_report(findings, out, wanted.patients) else 1


if __name__ == "__main__":
    sys.exit(main())
