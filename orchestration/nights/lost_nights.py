"""Nights whose process is gone - killed, or the machine restarted - and which Dagster still takes for running.

The queue lets one run in: a lost one would keep every later night out, and nobody would be told. The night's lock tells them apart: the
operating system takes it from a process that ends, however that ends.
"""

import time

import dagster as dg

from orchestration.nights.lock import NightUnderWay, whole_night
from orchestration.settings import Settings

LOST = "the night's process is gone: it was killed, or the machine was restarted. The next night heals what it left"
SECONDS_TO_BEGIN = 300
"""A run has the lock from its first step on; so long it may take to get there."""


def end_lost_nights(
    settings: Settings, instance: dg.DagsterInstance, job_name: str, seconds_to_begin: float = SECONDS_TO_BEGIN
) -> list[str]:
    """Mark the runs of the job that have no process any more as failed; returns their ids. None while a night is under way."""
    try:
        with whole_night(settings.build_file.parent, "a look for lost nights", 0, lambda text: None):
            return _end(instance, job_name, seconds_to_begin)
    except NightUnderWay:
        return []


def _end(instance: dg.DagsterInstance, job_name: str, seconds_to_begin: float) -> list[str]:
    alive = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    lost = []
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=alive)):
        if time.time() - record.update_timestamp.timestamp() >= seconds_to_begin:
            instance.report_run_failed(record.dagster_run, LOST)
            lost.append(record.dagster_run.run_id)
    return lost
