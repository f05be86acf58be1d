"""`make fault-study`: every fault of a catalogue, planted overnight, to docs/fault_study.md."""

import argparse
import logging
import sys
import tempfile
import warnings
from pathlib import Path

from tests.fault_study.report import write_report
from tests.fault_study.study import PATIENTS, Finding, Study, load_catalogue, prepare, run_catalogue

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fault_study.md"


def main() -> int:
    """Exit status 0: the bar is held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=Path, help="another catalogue: a Python file with a dict FAULTS")
    parser.add_argument("--only", nargs="*", help="names of faults; default: all")
    parser.add_argument(
        "--no-effects", action="store_true", help="do not measure what a fault that a gate stopped would have done"
    )
    parser.add_argument(
        "--hospital",
        choices=("one", "second", "both"),
        default="both",
        help="whom the faults befall: one hospital (whole nights), the second of two (landing gate)",
    )
    parser.add_argument("--landing-only", action="store_true", help="the landing gate only, without effects")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--folder", type=Path, help="where to work; kept, so that a study can be taken up again")
    parser.add_argument(
        "--out", type=Path, help=f"default: {DOCUMENT} for the project's own catalogue, else the screen only"
    )
    wanted = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="fault_study.") as scratch:
        folder = wanted.folder or Path(scratch)
        names = wanted.only or list(load_catalogue(wanted.faults))
        of_one, of_second = [], []
        if wanted.hospital != "second":
            of_one = _study(
                Study(folder / "one", wanted.faults, wanted.patients, not wanted.landing_only, not wanted.no_effects),
                names,
            )
        if wanted.hospital != "one":
            second = Study(folder / "second", wanted.faults, wanted.patients, derive=False, second=True)
            of_second = _study(second, names)
    out = wanted.out or (None if wanted.faults or wanted.only or wanted.hospital != "both" else DOCUMENT)
    return 0 if write_report(of_one, of_second, out, wanted.patients) else 1


def _study(study: Study, names: list[str]) -> list[Finding]:
    study.folder.mkdir(parents=True, exist_ok=True)
    print(f"One accepted night of {study.patients} patients a hospital; faults at {study.hospital} ...", flush=True)
    prepare(study)
    return run_catalogue(study, names)


if __name__ == "__main__":
    sys.exit(main())
