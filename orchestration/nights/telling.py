"""After each night: keep its record and tell who is to be told; between nights: whether it has been too long since a good one."""

import logging
import socket
import sys

import dagster as dg
import duckdb

from orchestration.comparison.kept import publication_before
from orchestration.files.problems import WarehouseProblem
from orchestration.nights.dropped_files import dropped_files_sensor
from orchestration.nights.last_attempt import note_last_attempt
from orchestration.nights.lock import NightUnderWay, whole_night
from orchestration.nights.lost_nights import end_lost_nights
from orchestration.nights.night_records import NightRecord, add_night, now_utc, read_nights
from orchestration.nights.notices import Notice, notice_of_staleness, notices_of, send
from orchestration.nights.run_outcome import night_of_run
from orchestration.nights.steps import NIGHTLY_JOB
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import read_publication


def installation_name(settings: Settings) -> str:
    """How the readers of a notice know this warehouse."""
    return f"warehouse on {socket.gethostname()}"


def tell_of_night(settings: Settings, night: NightRecord) -> list[str]:
    """Keep the record and send its notices; returns what could not be sent. The same run is told once, whoever asks."""
    before = add_night(settings.nights_file, night)
    if before is None:
        return []
    notices = notices_of(night, before, installation_name(settings), has_published(settings, night))
    return send(notices, settings.notify)


def has_published(settings: Settings, night: NightRecord) -> bool:
    """Whether what is published is of this night, however it ended."""
    try:
        stamp = read_publication(settings.published_file)
    except (WarehouseProblem, duckdb.Error):
        return False
    return stamp is not None and stamp.run_id == night.run_id


def tell_of_lost_nights(settings: Settings, instance: dg.DagsterInstance, seconds_to_begin: float = 0) -> None:
    """Before a night of this process, which has the lock: those whose process is gone are ended and told of, without a daemon too."""
    for run_id in end_lost_nights(settings, instance, NIGHTLY_JOB, seconds_to_begin):
        for undelivered in tell_of_night(settings, night_of_run(instance, run_id)):
            print(f"notice not sent: {undelivered}", file=sys.stderr)


def say_on_the_published(settings: Settings, night: NightRecord) -> None:
    """After a night that did not publish: the published file and its report say so. While another night runs nothing is written;
    that one will have its own word."""
    from orchestration.reporting.pages import write_report

    try:
        with whole_night(settings.build_file.parent, "the word of the last night", 0, lambda text: None):
            if note_last_attempt(settings, night):
                before = publication_before(settings.history, settings.published_file)
                write_report(
                    settings.published_file, settings.report_file, settings.published_folder_mode & 0o666, before
                )
    except (NightUnderWay, WarehouseProblem, duckdb.Error, OSError) as problem:
        # another night, a full disk, a published file that is damaged: the night's own record and notice have been written
        logging.getLogger(__name__).warning(
            "the published file does not say how the night ended: %s", type(problem).__name__
        )


def overdue_notice(settings: Settings) -> Notice | None:
    """The notice that there has been no good night for too long, if so."""
    nights = read_nights(settings.nights_file)
    return notice_of_staleness(nights, now_utc(), settings.overdue_after_hours, installation_name(settings))


def _tell_of_run(context: dg.RunStatusSensorContext) -> None:
    settings, night = load_settings(), night_of_run(context.instance, context.dagster_run.run_id)
    for failure in tell_of_night(settings, night):
        context.log.error(failure)
    say_on_the_published(settings, night)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    name="tell_of_failed_night",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends the gate's summary, or which step failed, to the addresses of CRLM_NOTIFY.",
)
def tell_of_failed_night(context: dg.RunStatusSensorContext) -> None:
    if context.dagster_run.job_name == NIGHTLY_JOB:
        _tell_of_run(context)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="tell_of_good_night",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Says that a night is good again, and which warnings are new.",
)
def tell_of_good_night(context: dg.RunStatusSensorContext) -> None:
    if context.dagster_run.job_name == NIGHTLY_JOB:
        _tell_of_run(context)


@dg.sensor(
    name="tell_when_overdue",
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Says once that there has been no good night for CRLM_OVERDUE_AFTER_HOURS.",
)
def tell_when_overdue(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    settings = load_settings()
    notice = overdue_notice(settings)
    if notice is None:
        context.update_cursor("")
        return dg.SkipReason("the last good night is not overdue")
    if context.cursor == "told":
        return dg.SkipReason("no good night for too long; that has been told")
    failures = send([notice], settings.notify)
    if not failures:
        context.update_cursor("told")
    return dg.SkipReason(notice.title + "".join(f"; {failure}" for failure in failures))


@dg.sensor(
    name="end_lost_nights",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks a night whose process is gone as failed, so that it is told of and the next one may begin.",
)
def end_lost_nights_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    lost = end_lost_nights(load_settings(), context.instance, NIGHTLY_JOB)
    return dg.SkipReason(f"ended: {', '.join(lost)}" if lost else "no night is lost")


night_sensors = [
    tell_of_failed_night,
    tell_of_good_night,
    tell_when_overdue,
    end_lost_nights_sensor,
    dropped_files_sensor,
]
