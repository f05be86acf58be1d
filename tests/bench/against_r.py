"""Curves, tests and models against R's survival and cmprsk, and lifelines, on the same rows in the same run (`make bench`)."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rich.table import Table

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import gray_test
from analysis.curves.kaplan_meier import kaplan_meier
from analysis.models.cox_fit import fit_cox
from analysis.models.fine_gray import fit_fine_gray
from analysis.patients.collapsed_counts import count_events
from analysis.patients.model_rows import model_rows
from analysis.results.study_rows import as_codes
from simulated_hospital.cohort import draw_cohort, endpoint_times
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, MARGIN
from tests.simulation_study.study import COHORT_COLUMNS

SIZES = (10_000, 100_000)
TRIES = 10
# crr's time grows with the square of the patients, finegray makes a row of each patient and day of censoring: each part of R has so
# many processor seconds and so much memory, and is stopped beyond them
R_PARTS = ("curves and Cox", "finegray and coxph", "crr")
R_SECONDS, R_BYTES = 120, 6 * 1024**3
R_SCRIPT = Path(__file__).parent / "against_r.R"
LIFELINES_SCRIPT = Path(__file__).parent / "against_lifelines.py"
# an interpreter with lifelines, which wants an older pandas than the project's
LIFELINES_PYTHON = os.environ.get("LIFELINES_PYTHON")


def drawn_rows(n_patients: int) -> pd.DataFrame:
    """Recurrence at the resection margin in a drawn cohort: time_days, event_code, margin_group and the adjusted model's covariates."""
    cohort = draw_cohort(n_patients, 7)
    columns = dict(zip(COHORT_COLUMNS, (covariate.column for covariate in ADJUSTMENT_COVARIATES), strict=True))
    patients = cohort.patients[["patient_index", "margin_group", *COHORT_COLUMNS]].rename(columns=columns)
    times = endpoint_times(cohort).query("endpoint == 'margin_recurrence'")
    return as_codes(times.merge(patients, on="patient_index").drop(columns="patient_index"))


def ours(rows: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """What is timed, by name; each begins with the patients' rows."""
    of_all = rows.assign(endpoint="recurrence_free_survival", event_code=(rows["event_code"] > 0).astype(int))
    data = model_rows(rows, "margin_recurrence", ADJUSTMENT_COVARIATES, MARGIN)
    return {
        "Kaplan-Meier": lambda: kaplan_meier(count_events(of_all, "margin_group")),
        "cumulative incidence": lambda: cumulative_incidence(count_events(rows, "margin_group")),
        "Gray's test": lambda: gray_test(count_events(rows, "margin_group")),
        "Cox": lambda: fit_cox(data.time_days, data.is_event, data.design),
        "Fine-Gray": lambda: fit_fine_gray(data.time_days, data.event_code, data.design),
    }


def seconds_of(work: Callable[[], object]) -> float:
    """Processor seconds, the least of a few tries: other processes of the machine do not count."""
    spent = []
    for _ in range(TRIES):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


class Theirs(NamedTuple):
    """Processor seconds, and why they are no more than a lower bound: what was computed had not ended (empty: it had)."""

    seconds: float
    why_stopped: str = ""


def seconds_of_others(rows: pd.DataFrame) -> dict[str, Theirs]:
    """The same of R and, where an interpreter has it, of lifelines, by name."""
    data = model_rows(rows, "margin_recurrence", ADJUSTMENT_COVARIATES, MARGIN)
    frame = pd.DataFrame({f"x{number}": column for number, column in enumerate(data.design.values())})
    frame = frame.assign(time=data.time_days, code=data.event_code, group=data.level)
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "rows.csv", index=False)
        theirs: dict[str, Theirs] = {}
        for part in R_PARTS:
            command = ["Rscript", "--vanilla", str(R_SCRIPT), folder, str(TRIES), part]
            before = _of_children()
            ended = subprocess.run(command, check=False, capture_output=True, preexec_fn=_limit)
            if ended.returncode:
                # a signal: the processor time was used up; else R says itself that it cannot have the memory
                limit = f"{R_SECONDS} s" if ended.returncode < 0 else f"{R_BYTES / 1024**3:.0f} GB"
                theirs[f"Fine-Gray: {part}"] = Theirs(_of_children() - before, f"had not ended at {limit}")
            else:
                known = json.loads((Path(folder) / "seconds.json").read_text(encoding="utf-8"))
                theirs |= {name: Theirs(value) for name, value in known.items()}
        if LIFELINES_PYTHON:
            command = [LIFELINES_PYTHON, str(LIFELINES_SCRIPT), folder, str(TRIES)]
            known = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            theirs |= {name: Theirs(value) for name, value in known.items()}
        return theirs


def _of_children() -> float:
    """Processor seconds of all processes started and ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _limit() -> None:
    """What a part of R may take, of the process about to become it."""
    resource.setrlimit(resource.RLIMIT_CPU, (R_SECONDS, R_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (R_BYTES, R_BYTES))


def bench_against_r() -> Table:
    """A row a statistic and size: processor seconds of both and theirs over ours (above 1: ours is ahead); what R had not ended by its
    limits is a lower bound of both ('>')."""
    table = Table(
        "statistic",
        "patients",
        "ours, s",
        "theirs, s",
        "theirs / ours",
        "theirs",
        title="Against R and lifelines, processor seconds, from patients' rows in memory",
    )
    if shutil.which("Rscript") is None:
        table.caption = "Rscript is not there (Debian: r-base-core r-cran-survival r-cran-cmprsk r-cran-jsonlite): nothing was compared"
        return table
    if not LIFELINES_PYTHON:
        table.caption = "lifelines is not installed: LIFELINES_PYTHON names no interpreter that has it"
    limits = f"each part of R is stopped after {R_SECONDS} processor s or beyond {R_BYTES / 1024**3:.0f} GB: '>' is a lower bound"
    table.caption = "; ".join(filter(None, [str(table.caption or ""), limits]))
    for n_patients in SIZES:
        rows = drawn_rows(n_patients)
        of_others = seconds_of_others(rows)
        for name, work in ours(rows).items():
            own = seconds_of(work)
            for function, theirs in (
                (key.split(": ")[1], value) for key, value in of_others.items() if key.split(": ")[0] == name
            ):
                bound = "> " if theirs.why_stopped else ""
                cells = (f"{bound}{theirs.seconds:.4f}", f"{bound}{theirs.seconds / own:.1f}")
                called = f"{function}, {theirs.why_stopped}" if theirs.why_stopped else function
                table.add_row(name, f"{n_patients:,}", f"{own:.4f}", *cells, called)
    return table
