"""Great Expectations, imported while files are loaded: that takes seconds of Python, which has little to do while DuckDB stores records."""

import threading
from functools import cache

from orchestration.nights.uncollected import uncollected
from quality.run_expectations import load_great_expectations

_one_at_a_time = threading.Lock()


def load_judge() -> None:
    """Once a process; whoever asks while another thread loads it waits for that."""
    with _one_at_a_time:
        _load()


def load_judge_beside() -> None:
    """Begin, and do not wait. Where it fails the gate that needs it fails, with the reason."""
    threading.Thread(target=load_judge, daemon=True).start()


@cache
def _load() -> None:
    with uncollected():
        load_great_expectations()
