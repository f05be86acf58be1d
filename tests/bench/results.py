"""Every family of results on a drawn study: seconds, processor seconds and peak memory, by size (`make results-at-scale`).

As a night does it: the inputs are held once, and two families at a time are computed, each in a copy of the process.
"""

import argparse
import ctypes
import gc
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from analysis.results import attempts
from analysis.results.families import FAMILIES, Family, compute_family
from orchestration.computing.beside import longest_first
from tests.analysis.study_plan import PLAN
from tests.bench.drawn_marts import drawn_marts

SMAPS = "/proc/{}/smaps_rollup"
LOOK_EVERY_SECONDS = 0.5


def measured(n_patients: int, names: Sequence[str] = (), at_once: int = 2) -> pd.DataFrame:
    """A row a family: seconds, processor_seconds, the most memory of its process without what it shares (own_gb), and of all processes
    together while it ran (all_gb)."""
    attempts.AT_ONCE = 1 if at_once > 1 else attempts.AT_ONCE
    print(f"{n_patients:>9,} drawing the study ...", flush=True)
    inputs = drawn_marts(n_patients)
    _give_back()
    gc.freeze()
    chosen = [family for family in FAMILIES if not names or family.name in names]
    of_marts = [family for family in chosen if all(need in inputs for need in family.needs)]
    # as in a night, what takes longest begins first, so that the two processes end together
    order = longest_first([family.name for family in of_marts])
    of_marts.sort(key=lambda family: order.index(family.name))
    made: dict[str, pd.DataFrame] = {}
    memory, rows = Memory(), []
    begun = time.perf_counter()
    with memory, ThreadPoolExecutor(max_workers=at_once) as pool:
        for row, tables in pool.map(lambda family: in_a_copy(family, inputs, n_patients, memory), of_marts):
            made |= tables
            rows.append(row)
        for family in chosen:
            if family not in of_marts and all(need in inputs or need in made for need in family.needs):
                row, tables = in_a_copy(family, inputs | made, n_patients, memory)
                made |= tables
                rows.append(row)
    frame = pd.DataFrame(rows)
    frame.attrs |= {"seconds": time.perf_counter() - begun, "all_gb": memory.most, "inputs_gb": memory.at_first}
    print(
        f"{n_patients:>9,} {'all families':<20} {frame['processor_seconds'].sum():8.1f} processor s, {frame.attrs['seconds']:.0f} s,"
        f" {memory.most:.2f} GB together, of which the inputs {memory.at_first:.2f} GB"
    )
    return frame


def _give_back() -> None:
    """What drawing took of memory and let go of, back to the system: a night's process of the statistics never had it."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Memory:
    """The memory of this process and its copies together, looked at all the time; what they share counts once."""

    def __init__(self) -> None:
        self.copies: set[int] = set()
        self.at_first = self.most = used_gb(os.getpid())
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Memory":
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            self.most = max(self.most, sum(used_gb(process) for process in (os.getpid(), *self.copies)))


def used_gb(process: int) -> float:
    """A process's memory in GB, a page that several share counted in parts (Linux's Pss); 0 where the process has ended."""
    return _smaps(process, "Pss:")


def _smaps(process: int, *fields: str) -> float:
    try:
        lines = Path(SMAPS.format(process)).read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(fields)) / 1e6


def in_a_copy(
    family: Family, inputs: Mapping[str, pd.DataFrame], n_patients: int, memory: Memory
) -> tuple[dict, dict[str, pd.DataFrame]]:
    """A family computed in a copy of this process: its row and its tables."""
    context = multiprocessing.get_context("fork")
    reads, writes = context.Pipe(duplex=False)
    copy = context.Process(target=_compute, args=(family, inputs, n_patients, writes))
    copy.start()
    writes.close()
    memory.copies.add(int(copy.pid or 0))
    try:
        row, tables, reasons = reads.recv()
    except EOFError:
        row, tables, reasons = dict.fromkeys(("processor_seconds", "seconds", "own_gb"), np.nan), {}, []
    copy.join()
    memory.copies.discard(int(copy.pid or 0))
    if copy.exitcode:
        row |= {"family": family.name, "n_patients": n_patients}
        reasons = [f"the process ended with {copy.exitcode}: below 0 by a signal, -9 most likely for want of memory"]
    lines = [
        f"{n_patients:>9,} {family.name:<20} {row['processor_seconds']:8.2f} processor s {row['seconds']:8.2f} s"
        f" {row['own_gb']:6.2f} GB of its own"
    ]
    lines += [f"          not done: {reason}" for reason in reasons[:3]]
    print("\n".join(lines), flush=True)
    return row, tables


def _compute(family: Family, inputs: Mapping[str, pd.DataFrame], n_patients: int, answers: Connection) -> None:
    own = _Own()
    threading.Thread(target=own.look, daemon=True).start()
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    tables, reasons = compute_family(family, inputs, PLAN)
    after = resource.getrusage(resource.RUSAGE_SELF)
    row = {
        "family": family.name,
        "n_patients": n_patients,
        "seconds": time.perf_counter() - start,
        "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "own_gb": own.most,
        "n_rows": sum(map(len, tables.values())),
        "n_not_done": len(reasons),
    }
    answers.send((row, tables, list(reasons["reason"].unique())))
    answers.close()
    # a copy made by a thread of a pool would wait for itself at its end, and end with 1
    os._exit(0)


class _Own:
    """The memory of this process that it shares with no other, looked at all the time."""

    def __init__(self) -> None:
        self.most = 0.0

    def look(self) -> None:
        while True:
            self.most = max(self.most, _smaps(os.getpid(), "Private_Clean:", "Private_Dirty:"))
            time.sleep(LOOK_EVERY_SECONDS / 5)


def with_exponents(frames: Sequence[pd.DataFrame]) -> Table:
    """One row a family: processor seconds and memory at each size, and the exponent of growth between the last two (1: in proportion)."""
    stacked = pd.concat(frames)
    names = [family.name for family in FAMILIES]
    seconds, own = (
        stacked.pivot(index="family", columns="n_patients", values=value).reindex(names).dropna(how="all")
        for value in ("processor_seconds", "own_gb")
    )
    sizes = list(seconds.columns)
    table = Table(
        "family",
        *(f"{size:,}" for size in sizes),
        "exponent",
        title="Results: processor seconds, GB of its own, by patients",
    )
    for family, row in seconds.iterrows():
        cells = (f"{value:.2f}, {own.loc[family, size]:.2f}" for size, value in row.items())
        table.add_row(str(family), *cells, exponent_of(row.to_numpy(), sizes))
    total = seconds.sum()
    table.add_row("all, processor s", *(f"{value:.1f}" for value in total), exponent_of(total.to_numpy(), sizes))
    by_size = {int(frame["n_patients"].iloc[0]): frame.attrs for frame in frames}
    for label, name in (
        ("all, by the clock", "seconds"),
        ("all together, GB", "all_gb"),
        ("of it inputs, GB", "inputs_gb"),
    ):
        table.add_row(label, *(f"{by_size[size][name]:.2f}" for size in sizes), "")
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
    parser.add_argument("--at-once", type=int, default=2, help="families at a time")
    chosen = parser.parse_args()
    frames = [measured(size, chosen.families, chosen.at_once) for size in sorted(chosen.patients)]
    Console().print(with_exponents(frames))


if __name__ == "__main__":
    main()
