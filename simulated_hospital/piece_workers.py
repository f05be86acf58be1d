"""Runs the pieces of a large hospital two at a time, each in a process of its own."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

# of more the memory would grow with the machine
MOST_WORKERS = 2
Progress = Callable[[float, str], None]
Work = Callable[[Progress], Any]


def in_turn_or_together(work: Sequence[Work], tell: Progress) -> list[Any]:
    """What each piece of work returns, in their order; a single one is done here, and tells how far it is.

    Args:
        work: picklable; called with what it may tell its progress to.
        tell: called with the share done (0-1) and what is being done.
    """
    if len(work) == 1:
        return [work[0](tell)]
    # a fresh process: a copy of this one could hold a lock of another thread for ever
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1), mp_context=context) as workers:
        begun = [workers.submit(_in_silence, one) for one in work]
        for n_done, done in enumerate(as_completed(begun), start=1):
            done.result()
            tell(n_done / len(work), f"{n_done} of {len(work)} pieces written")
        return [one.result() for one in begun]


def _in_silence(work: Work) -> Any:
    return work(lambda share, what: None)
