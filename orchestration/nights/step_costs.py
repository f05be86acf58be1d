"""What each step of a night costs, for whoever asks (CRLM_STEP_COSTS names a file): one line of JSON a step, none of it of patients.

Seconds by the clock and of the processor, this process and its children apart (dbt is one), and the most memory that this
process held during the step, where the system tells (Linux).
"""

import contextlib
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "CRLM_STEP_COSTS"
FORGET_PEAK, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@contextlib.contextmanager
def measured(step: str) -> Iterator[None]:
    """Within it a step runs; its costs are added to the file that CRLM_STEP_COSTS names."""
    file = os.environ.get(VARIABLE)
    if not file:
        yield
        return
    with contextlib.suppress(OSError):
        FORGET_PEAK.write_text("5", encoding="ascii")
    before, start = _seconds(), time.perf_counter()
    try:
        yield
    finally:
        spent = {name: round(after - before[name], 2) for name, after in _seconds().items()}
        costs = {"step": step, "wall": round(time.perf_counter() - start, 2), **spent, "peak_mb": _peak_mb()}
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(costs) + "\n")


def _seconds() -> dict[str, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "user": own.ru_utime,
        "sys": own.ru_stime,
        "children_user": children.ru_utime,
        "children_sys": children.ru_stime,
    }


def _peak_mb() -> int | None:
    if not STATUS.exists():
        return None
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), None)
