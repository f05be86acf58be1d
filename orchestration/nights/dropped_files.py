"""A file dropped by day starts a night, once the landing folder has been quiet for a while. Off unless a setting gives the minutes."""

import hashlib
import time
from pathlib import Path

import dagster as dg

from orchestration.ingestion.landing_folder import look_through
from orchestration.settings import load_settings


def state_of_landing(landing: Path) -> tuple[str, float]:
    """A fingerprint of the files' names, sizes and times, and when the latest was written (epoch seconds; 0 of an empty folder).

    Hidden files are not there yet: whoever copies a large file writes it under such a name first, or is quiet when it is whole.
    Nor is one that is taken away or named otherwise while it is looked at.
    """
    digest, latest = hashlib.sha256(), 0.0
    for path in sorted(look_through(landing).files):
        if path.name.startswith("."):
            continue
        try:
            told = path.stat()
        except OSError:
            continue
        digest.update(
            f"{path.relative_to(landing)}|{told.st_size}|{told.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
        )
        latest = max(latest, told.st_mtime, told.st_ctime)
    return digest.hexdigest()[:16], latest


def night_for_dropped_files(
    known: str | None, state: str, latest: float, now: float, quiet_minutes: float
) -> tuple[str, str | None]:
    """What the sensor does: a word on why, and the state that a night is started for, or None.

    Args:
        known: the state that the last night was started for; None when the sensor has never looked.
    """
    if known is None or known == state:
        return "nothing was dropped", None
    if now - latest < 60 * quiet_minutes:
        return f"files are still arriving: quiet for {now - latest:.0f} of {60 * quiet_minutes:.0f} s", None
    return "files were dropped", state


@dg.sensor(
    name="night_for_dropped_files",
    job_name="nightly_refresh",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a night when files were dropped and nothing has changed for CRLM_QUIET_MINUTES (0: never).",
)
def dropped_files_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    settings = load_settings()
    if settings.quiet_minutes <= 0:
        return dg.SkipReason("off: CRLM_QUIET_MINUTES is 0")
    state, latest = state_of_landing(settings.landing)
    why, started_for = night_for_dropped_files(context.cursor, state, latest, time.time(), settings.quiet_minutes)
    if started_for is None:
        return dg.SensorResult(skip_reason=why, cursor=context.cursor or state)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=started_for)], cursor=started_for)
