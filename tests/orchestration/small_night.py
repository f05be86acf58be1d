"""A code location with the project's own schedule, over a night that does nothing: what test_schedule.py gives the daemon."""

import dagster as dg

from orchestration.nights.schedule import nightly_schedule
from orchestration.settings import load_settings


@dg.op
def nothing() -> None:
    """So quickly ends no night."""


@dg.job(executor_def=dg.in_process_executor)
def nightly_refresh() -> None:
    """Of the name of the real one."""
    nothing()


definitions = dg.Definitions(jobs=[nightly_refresh], schedules=[nightly_schedule(nightly_refresh, load_settings())])
