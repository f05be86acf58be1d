"""Where the faults of all feeds are listed, and what several of them are made of."""

import os
from collections.abc import Callable
from pathlib import Path

Fault = Callable[[Path], None]
"""Changes the landing folder of one hospital."""
FAULTS: dict[str, tuple[str, str, Fault]] = {}
"""Name -> (feed, what happened, the change)."""
FEEDS = ("registry", "follow_up", "treatments", "vital_status")
"""Feeds of one file each; pathology has many."""
DATES = {
    "registry": "surgery_date",
    "follow_up": "event_date",
    "treatments": "treatment_date",
    "vital_status": "last_contact_date",
}


def fault(feed: str, what: str) -> Callable[[Fault], Fault]:
    """List the decorated change under its own name."""

    def listed(change: Fault) -> Fault:
        add(change.__name__, feed, what, change)
        return change

    return listed


def add(name: str, feed: str, what: str, change: Fault) -> None:
    """List a fault.

    Raises:
        ValueError: the name is taken.
    """
    if name in FAULTS:
        raise ValueError(f"two faults are called {name}")
    FAULTS[name] = (feed, what, change)


def other_cohort() -> Path:
    """The landing folder of another simulated cohort; the runner makes it."""
    return Path(os.environ["OTHER_COHORT"])
