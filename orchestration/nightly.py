"""A refresh from the command line: the nightly job in this process, or the finding that there is nothing to do."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb

from orchestration.computing.beside import start_early
from orchestration.hospitals import hospitals_of
from orchestration.ingestion.closed_folders import Place, closed_folders
from orchestration.ingestion.contract import Hospitals
from orchestration.ingestion.database import fetch_sources
from orchestration.ingestion.feed_rhythm import feeds_that_stopped
from orchestration.ingestion.load_feed import REFUSED_CONTRACT, landed_by_feed, unclaimed_files, waiting_files
from orchestration.ingestion.load_file import landed_files
from orchestration.night_profile.baseline import files_gone
from orchestration.nights.finished import not_as_published, run_of_last_night
from orchestration.nights.healing import heal
from orchestration.nights.lock import whole_night
from orchestration.nights.night_records import read_nights
from orchestration.nights.uncollected import uncollected
from orchestration.page.dagster_yaml import dagster_yaml
from orchestration.page.storage import make_dagster_storage
from orchestration.settings import Settings
from orchestration.warehouse import has_unpublished_files, open_build_file, read_publication, table_exists

COMPUTE_ANEW = "CRLM_COMPUTE_ANEW"
INTERRUPTED = "DagsterExecutionInterruptedError"
"""What Dagster raises in a step when Ctrl-C or SIGTERM comes."""
CODE_LOCATION = "orchestration.definitions"
"""How `crlm ui` and `crlm serve` name the code that they serve."""


class NothingLanded(Exception):
    """The landing folder holds no file that any contract describes."""


@dataclass(frozen=True)
class RefreshOutcome:
    """How a refresh ended; the message is for a person."""

    is_failed: bool
    message: str
    run_id: str | None = None


def nothing_new(settings: Settings, say: Callable[[str], None] = lambda text: None) -> str | None:
    """Why a refresh would change nothing - no waiting file, a whole night published, by the same code and settings - or None when it
    might.

    Args:
        say: gets, for a person, why a night is made although no file and no code is new.
    Raises:
        NothingLanded: no file in the landing folder belongs to any contract.
    """
    hospitals = hospitals_of(settings)
    contracts = hospitals.contracts
    unreached = [fetch for fetch in fetch_sources(settings.landing, contracts) if fetch.refusal]
    closed = closed_folders(settings.landing, hospitals)
    n_landed = sum(len(landed_files(settings.landing, contract)) for contract in contracts)
    if n_landed == 0:
        raise NothingLanded(
            f"no file for any source contract in {settings.landing}; `crlm simulate` lands a simulated hospital"
            + told_refusals(hospitals)
            + "".join(f"\nNot fetched: {fetch.name}: {fetch.refusal}" for fetch in unreached)
            + told_closed_folders(closed)
        )
    stamp = read_publication(settings.published_file)
    if stamp is None or stamp.code_version != settings.code_version or not settings.build_file.exists():
        return None
    if other := not_as_published(settings, stamp):
        say(f"a whole night is made: {other}")
        return None
    with open_build_file(settings.build_file) as connection:
        if not table_exists(connection, "marts", "index_operations"):
            return None
        if waiting_files(connection, settings.landing, contracts) or has_unpublished_files(
            connection, settings.published_file
        ):
            return None
        landed = landed_by_feed(connection, settings.landing, hospitals)
        if unreached or any(feed for _, feed, *_ in closed) or _was_unreached(connection):
            return None
        # a feed that stands still is news, although there is nothing to load
        if settings.accepted_changes or files_gone(connection, landed):
            return None
        stopped = feeds_that_stopped(connection, settings.landing)
    if _published_refusals(settings) != {(one.source_system, one.reason) for one in hospitals.refusals}:
        return None
    unclaimed = unclaimed_files(settings.landing, hospitals)
    return (
        f"Nothing new: all {n_landed} files in the landing folder are loaded already; code, contracts and settings are unchanged. "
        f"The warehouse published {stamp.published_at:%Y-%m-%d %H:%M} UTC stays ({stamp.n_patients:,} patients, data {stamp.data_hash})."
        + (f" {len(unclaimed)} file(s) are named by no contract; `crlm doctor` names them." if unclaimed else "")
        + told_closed_folders(closed)
        + "".join(
            f"\nStale, its last records stay: {hospital}, {feed} ({system}): {why}"
            for hospital, feed, system, why in stopped
        )
        + told_refusals(hospitals)
    )


def _was_unreached(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the night before could not fetch a source, or read a feed's folder: that it can be reached again is news too."""
    rows = connection.execute(
        """SELECT count(*) FROM (SELECT arg_max(status, load_number) AS status FROM raw.ingest_ledger
                WHERE source_file LIKE '%/fetched/%' AND source_file NOT LIKE '%.parquet'
                GROUP BY source_system, feed, system, source_file
                UNION ALL
                SELECT arg_max(status, loaded_at) FROM raw.ingest_ledger WHERE source_file LIKE '%/' AND feed IS NOT NULL
                GROUP BY source_system, feed, system, source_file) WHERE status LIKE 'refused%'"""
    ).fetchall()
    return rows[0][0] > 0


def told_refusals(hospitals: Hospitals) -> str:
    """The contracts that cannot be used, for a person; empty where there are none."""
    return "".join(f"\nContract not used, its records stay as they were: {one.reason}" for one in hospitals.refusals)


def told_closed_folders(closed: dict[Place, str]) -> str:
    """The folders that cannot be read, for a person; not their names, in which a patient's may stand."""
    folders = sorted({(place[0], place[3], why) for place, why in closed.items()})
    return "".join(
        f"\nA folder of {hospital} cannot be read ({why}); `crlm doctor` names it" for hospital, _, why in folders
    )


def _published_refusals(settings: Settings) -> set[tuple[str, str]]:
    """Hospital and reason of the contracts that the published warehouse says could not be used."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        rows = connection.execute(
            f"""SELECT DISTINCT source_system, status[{len(REFUSED_CONTRACT) + 1}:] FROM raw.ingest_ledger
                WHERE starts_with(status, '{REFUSED_CONTRACT}') AND run_id = ?""",
            [read_publication(settings.published_file).run_id],
        ).fetchall()
    return set(rows)


def told_stale_feeds(settings: Settings) -> str:
    """The feeds whose last records stay because something of them was refused, for a person; empty where there are none."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        if not table_exists(connection, "raw", "stale_feeds"):
            return ""
        rows = connection.execute(
            """SELECT source_system, feed, system, coalesce('loaded last ' || strftime(last_loaded_at, '%Y-%m-%d %H:%M'),
                      'never loaded'), reason FROM raw.stale_feeds ORDER BY ALL"""
        ).fetchall()
    return "".join(
        f"\nStale, its last records stay: {hospital}, {feed} ({system}), {last}: {reason}"
        for hospital, feed, system, last, reason in rows
    )


def prepare_dagster_home(settings: Settings) -> None:
    """Dagster's home folder with telemetry off and its storage made, and the variables that runs need.

    Raises:
        StorageAway: Dagster's database does not answer.
    """
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    written = settings.dagster_home / "dagster.yaml"
    if not written.exists() or written.stat().st_size == 0:
        # page and daemon may begin at once: a file of its own for each
        new_file = written.with_suffix(f".{os.getpid()}.new")
        new_file.write_text(dagster_yaml(bool(settings.dagster_postgres_url)), encoding="utf-8")
        new_file.replace(written)
    make_dagster_storage(settings.dagster_home, settings.dagster_postgres_url)


def refresh(
    settings: Settings, force: bool, verbose: bool, say: Callable[[str], None] = lambda text: None
) -> RefreshOutcome:
    """Run the nightly job unless there is nothing new; a night that met with a damaged build file is run again from the
    landing folder, once.

    Args:
        say: gets, for a person, whom the night waits for and which damaged files were put aside.
    Raises:
        NothingLanded, WarehouseBusy, DiskFull: see `nothing_new`, `open_build_file`, `heal`.
        NightUnderWay: another process has the night, for longer than the settings say to wait.
        StudyIdKeyProblem: the key is empty, lost, or another than before.
        StorageAway: Dagster's database does not answer.
    """
    with whole_night(settings.build_file.parent, "crlm refresh", 60 * settings.wait_for_night_minutes, say):
        heal(settings, say)
        _ = settings.study_id_key
        reason = nothing_new(settings, say if not force else lambda text: None)
        if reason and not force:
            _tell_of_a_night_lost_at_its_end(settings)
            return RefreshOutcome(is_failed=False, message=reason)
        with _computing_anew(force):
            outcome = _run_night(settings, verbose)
            if outcome.is_failed and settings.suspicion.exists() and heal(settings, say):
                outcome = _run_night(settings, verbose)
        return outcome


def _tell_of_a_night_lost_at_its_end(settings: Settings) -> None:
    """The process of a night may go after its last step and before anybody was told: Dagster would take it for running, and keep the
    next one of the schedule out."""
    if run_of_last_night(settings) in {night.run_id for night in read_nights(settings.nights_file)}:
        return
    prepare_dagster_home(settings)
    import dagster as dg

    from orchestration.nights.lost_nights import SECONDS_TO_BEGIN
    from orchestration.nights.telling import tell_of_lost_nights

    # a run of the schedule may be about to begin, and wait for this process
    tell_of_lost_nights(settings, dg.DagsterInstance.get(), SECONDS_TO_BEGIN)


@contextlib.contextmanager
def _computing_anew(is_forced: bool) -> Iterator[None]:
    """Within it the steps of the job, which load their own settings, compute all statistics if that is forced."""
    before = os.environ.get(COMPUTE_ANEW)
    if is_forced:
        os.environ[COMPUTE_ANEW] = "true"
    try:
        yield
    finally:
        os.environ.pop(COMPUTE_ANEW, None)
        if before is not None:
            os.environ[COMPUTE_ANEW] = before


def _run_night(settings: Settings, verbose: bool) -> RefreshOutcome:
    prepare_dagster_home(settings)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    # it imports what the statistics need while this process imports Dagster and loads
    start_early(settings.statistics_log)
    with uncollected():
        import dagster as dg
        from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME

        from orchestration.computing.night import end_computing
        from orchestration.dbt_build.waiting import end_waiting_dbt, start_dbt_early
        from orchestration.definitions import definitions
        from orchestration.judging.load_judge import load_judge_beside
        from orchestration.nights.quick_run_storage import quick_run_storage
        from orchestration.nights.run_outcome import night_of_run
        from orchestration.nights.telling import say_on_the_published, tell_of_lost_nights, tell_of_night
        from orchestration.reporting.drawing_beside import end_drawing

    start_dbt_early(settings)
    load_judge_beside()
    tell_of_lost_nights(settings, dg.DagsterInstance.get())
    with log_of_refresh(settings, verbose), quick_run_storage():
        result = definitions.resolve_job_def("nightly_refresh").execute_in_process(
            instance=dg.DagsterInstance.get(),
            raise_on_error=False,
            run_config={"loggers": {"console" if verbose else "progress": {}}},
            # without it the page of the job and the timeline pass over a night of the command line
            tags={".dagster/repository": f"{SINGLETON_REPOSITORY_NAME}@{CODE_LOCATION}"},
        )
    end_waiting_dbt()
    end_computing()
    end_drawing()
    night = night_of_run(dg.DagsterInstance.get(), result.run_id)
    for undelivered in tell_of_night(settings, night):
        print(f"notice not sent: {undelivered}", file=sys.stderr)
    say_on_the_published(settings, night)
    if result.success:
        stamp = read_publication(settings.published_file)
        published = f"Published {stamp.n_patients:,} patients (data {stamp.data_hash})."
        return RefreshOutcome(
            False, "\n".join([published, *warnings_of_gates(settings)]) + told_stale_feeds(settings), result.run_id
        )
    failures = [event for event in result.all_events if event.is_step_failure]
    told = "\n".join(f"{event.step_key}: {_reason(event)}" for event in failures)
    stamp = read_publication(settings.published_file)
    is_published = stamp is not None and stamp.run_id == result.run_id
    what = "the warehouse was published, what follows it was not done." if is_published else "nothing was published."
    return RefreshOutcome(True, f"{what}\n{told}{told_stale_feeds(settings)}", result.run_id)


def warnings_of_gates(settings: Settings) -> list[str]:
    """A line for each check that did not pass in a night that was published all the same; one that looks at several columns is told
    by the worst of them."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        checks = connection.execute(
            """SELECT status, suite, check_name, max(n_failed), arg_max(n_checked, n_failed), description, change IS NOT NULL AS is_change
               FROM quality.check_results WHERE status <> 'passed'
               GROUP BY status, suite, check_name, description, is_change ORDER BY is_change DESC, suite, check_name, description"""
        ).fetchall()
    return [
        f"- {'accepted' if status == 'accepted' else 'warning'}: "
        + (told if is_change else f"{suite}: {told} ({n_failed:,} of {n_checked:,} do not)")
        for status, suite, _, n_failed, n_checked, told, is_change in checks
    ]


@contextlib.contextmanager
def log_of_refresh(settings: Settings, verbose: bool) -> Iterator[None]:
    """What dbt prints goes to a file in the build area (it may quote failing rows), or to the terminal when verbose."""
    if verbose:
        yield
        return
    with settings.refresh_log.open("w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        yield


def _reason(event) -> str:
    failure = event.event_specific_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error.cause is not None:
        error = error.cause
    if error.cls_name == INTERRUPTED:
        return "stopped here (Ctrl-C, or the process was asked to end); the next refresh takes in what was not loaded"
    return error.message.strip()
