"""When a night begins by itself: at its hour, unless one waits for its turn already.

The queue lets one night run at a time. Where a night outlasts the day, the next hour's waits; a third would find nothing new, for the
one that waits takes in whatever has landed when it begins.
"""

import dagster as dg

from orchestration.settings import Settings

ONE_WAITS = "a night waits in the queue already; it will take in what has landed by then"


def nightly_schedule(job: dg.JobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the nightly job, by the settings' cron and time zone; on as long as a daemon runs."""

    @dg.schedule(
        name=job.name,
        job=job,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="By CRLM_NIGHTLY_CRON in CRLM_TIME_ZONE, as long as `make ui` or another Dagster daemon runs.",
    )
    def nights(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        waiting = dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.QUEUED])
        return dg.SkipReason(ONE_WAITS) if context.instance.get_runs_count(waiting) else dg.RunRequest()

    return nights
