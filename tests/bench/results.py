"""Every family of results on a drawn study: seconds, processor seconds and peak memory, by size (`make results-at-scale`)."""

import argparse
import gc
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from analysis.results.families import FAMILIES, compute_family
from tests.analysis.study_plan import PLAN
from tests.bench.drawn_marts import drawn_marts

PLACES = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def measured(n_patients: int, names: Sequence[str] = ()) -> pd.DataFrame:
    """A row a family: seconds, processor_seconds, peak_gb, n_not_done; the inputs are read anew as a night reads them: once a family."""
    inputs, rows, made = drawn_marts(n_patients), [], {}
    for family in FAMILIES:
        if names and family.name not in names:
            continue
        missing = [need for need in family.needs if need not in inputs and need not in made]
        if missing:
            continue
        gc.collect()
        forget_peak()
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        tables, reasons = compute_family(family, inputs | made, PLAN)
        after = resource.getrusage(resource.RUSAGE_SELF)
        made |= tables
        rows.append(
            {
                "family": family.name,
                "n_patients": n_patients,
                "seconds": time.perf_counter() - start,
                "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "peak_gb": peak_gb(),
                "n_rows": sum(map(len, tables.values())),
                "n_not_done": len(reasons),
            }
        )
        last = rows[-1]
        print(
            f"{n_patients:>9,} {family.name:<20} {last['processor_seconds']:8.2f} processor s {last['peak_gb']:6.2f} GB"
        )
        for reason in reasons["reason"].unique()[:3]:
            print(f"          not done: {reason}", flush=True)
    return pd.DataFrame(rows)


def forget_peak() -> None:
    """Begin the process's peak memory anew where the system can (Linux)."""
    if PLACES[0].exists():
        PLACES[0].write_text("5", encoding="ascii")


def peak_gb() -> float:
    """Most memory of this process since `forget_peak`, in GB."""
    if PLACES[1].exists():
        lines = PLACES[1].read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def with_exponents(frames: Sequence[pd.DataFrame]) -> Table:
    """One row a family: processor seconds at each size, and the exponent of growth between the last two (1: in proportion)."""
    seconds = (
        pd.concat(frames)
        .pivot(index="family", columns="n_patients", values="processor_seconds")
        .reindex([family.name for family in FAMILIES])
        .dropna(how="all")
    )
    peaks = pd.concat(frames).groupby("n_patients")["peak_gb"].max()
    sizes = list(seconds.columns)
    table = Table(
        "family", *(f"{size:,}" for size in sizes), "exponent", title="Results: processor seconds by number of patients"
    )
    for family, row in seconds.iterrows():
        table.add_row(str(family), *(f"{value:.2f}" for value in row), exponent_of(row.to_numpy(), sizes))
    total = seconds.sum()
    table.add_row("all", *(f"{value:.1f}" for value in total), exponent_of(total.to_numpy(), sizes))
    clock = pd.concat(frames).groupby("n_patients")["seconds"].sum()
    table.add_row("all, by the clock", *(f"{clock[size]:.1f}" for size in sizes), "")
    table.add_row("most memory, GB", *(f"{peaks[size]:.2f}" for size in sizes), "")
    return table


def exponent_of(seconds: np.ndarray, sizes: Sequence[int]) -> str:
    """d log(seconds) / d log(patients) between the last two sizes; a dash where there is one."""
    if len(sizes) < 2 or not (seconds[-2:] > 0).all():
        return "-"
    return f"{np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2]):.2f}"


def main() -> None:
    """Measure the sizes asked for."""
    parser = argparse.ArgumentParser(description="Seconds and memory of every family of results on a drawn study")
    parser.add_argument("--patients", type=int, nargs="+", default=[1_776, 17_760, 177_600], help="sizes, ascending")
    parser.add_argument("--families", nargs="*", default=[], help="only these")
    chosen = parser.parse_args()
    Console().print(with_exponents([measured(size, chosen.families) for size in sorted(chosen.patients)]))


if __name__ == "__main__":
    main()
