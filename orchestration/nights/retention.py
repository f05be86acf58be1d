"""What is kept of old nights: publications by days, weeks and months; Dagster's runs and dbt's working folders by number.

Nothing here touches the landing folder, the build file or the latest publication.
"""

import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from orchestration.nights.finished import end_of_step
from orchestration.settings import Settings, load_settings

STAMP = "%Y%m%dT%H%M%S"
"""How a kept publication's name begins: the UTC second of its publication."""
DBT_RUN_FOLDERS = "dbt_models-*"


@dataclass(frozen=True)
class Pruned:
    """How much was removed."""

    publications: int
    runs: int
    dbt_folders: int


def publications_to_keep(
    published_at: Iterable[datetime], now: datetime, days: int, weeks: int, months: int
) -> set[datetime]:
    """The latest; all of the last `days`; of each of the last `weeks` and `months` the last one in it."""
    newest_first = sorted(published_at, reverse=True)
    keep = set(newest_first[:1])
    seen: set[tuple[str, object]] = set()
    for moment in newest_first:
        age_days = (now - moment).days
        week, month = ("week", moment.isocalendar()[:2]), ("month", (moment.year, moment.month))
        if age_days < days:
            keep.add(moment)
        if age_days < 7 * weeks and week not in seen:
            keep.add(moment)
        if age_days < 31 * months and month not in seen:
            keep.add(moment)
        seen |= {week, month}
    return keep


def prune_history(settings: Settings, now: datetime) -> int:
    """Remove kept publications that no rule keeps; a file of another name is somebody's and stays."""
    files = {}
    for path in settings.history.glob("*.duckdb"):
        try:
            files[datetime.strptime(path.name[:15], STAMP).replace(tzinfo=UTC)] = path
        except ValueError:
            continue
    keep = publications_to_keep(
        files, now, settings.keep_publication_days, settings.keep_publication_weeks, settings.keep_publication_months
    )
    for moment in files.keys() - keep:
        files[moment].unlink(missing_ok=True)
    return len(files.keys() - keep)


def prune_dbt_folders(settings: Settings) -> int:
    """dbt writes a folder a run beside its manifest; the last one is for whoever looks into a failure."""
    folders = sorted(settings.dbt_target.glob(DBT_RUN_FOLDERS), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-1]:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders[:-1])


def prune_runs(instance: dg.DagsterInstance, keep: int) -> int:
    """Remove the oldest finished runs with their events; their outcome stays in the nights' records."""
    finished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    old = [run.run_id for run in instance.get_runs(filters=finished)][keep:]
    for run_id in old:
        instance.delete_run(run_id)
        # what its steps printed lies beside the events, and Dagster leaves it there
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    return len(old)


def remove_event_files(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Dagster keeps a run's events in a file of its own, and empties that file instead of removing it with the run."""
    for path in (settings.dagster_home / "history" / "runs").glob("*-*-*-*-*.db*"):
        if not instance.has_run(path.name.split(".")[0]):
            path.unlink(missing_ok=True)


def shrink_event_index(settings: Settings) -> None:
    """Forget what checks said in runs that are gone, which Dagster keeps (1.2 MB a night), and give the pages of deleted rows back
    to the disk; SQLite keeps them otherwise."""
    index = settings.dagster_home / "history" / "runs" / "index.db"
    if index.exists():
        connection = sqlite3.connect(index, timeout=5)
        try:
            gone = "DELETE FROM asset_check_executions WHERE run_id NOT IN (SELECT run_id FROM event_logs)"
            connection.execute(gone)
            connection.commit()
            connection.execute("VACUUM")
        except sqlite3.OperationalError:
            # somebody reads it just now; the next night will do
            pass
        finally:
            connection.close()


def prune(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> Pruned:
    """Everything of old nights that no setting keeps."""
    runs = prune_runs(instance, settings.keep_runs)
    remove_event_files(settings, instance)
    if runs:
        shrink_event_index(settings)
    return Pruned(prune_history(settings, now), runs, prune_dbt_folders(settings))


@dg.asset(
    key=["restricted", "retention"],
    group_name="restricted",
    deps=[["published", "report"]],
    description="Removes old publications by days, weeks and months, old runs and dbt's folders by number (CRLM_KEEP_...).",
)
def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    pruned = prune(settings, context.instance, datetime.now(UTC))
    end_of_step(settings, context.op_def.name)
    return dg.MaterializeResult(
        metadata={"publications": pruned.publications, "runs": pruned.runs, "dbt_folders": pruned.dbt_folders}
    )
