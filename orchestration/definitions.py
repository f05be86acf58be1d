"""The house as Dagster shows it: assets by layer, one nightly job, its schedule."""

import warnings
from datetime import timedelta

import dagster as dg

from orchestration.assets.dbt_models import built_patients, dbt_models, dbt_resource
from orchestration.assets.gates import gate_assets
from orchestration.assets.publication import publication_assets
from orchestration.assets.raw import raw_assets
from orchestration.assets.results import result_assets
from orchestration.nights.progress import progress_logger
from orchestration.nights.retention import retention
from orchestration.nights.schedule import nightly_schedule
from orchestration.nights.telling import night_sensors
from orchestration.page.written_pages import page_of
from orchestration.settings import load_settings

# DuckDB lets one process write at a time, so all steps run in one process, one after the other; what needs no file open is done
# beside it: the statistics (orchestration/computing) and the drawing of the report (orchestration/reporting)
nightly_refresh = dg.define_asset_job(
    "nightly_refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Everything from the landing folder to the published warehouse and its report.",
)


# read once: to read them takes some milliseconds, and there are 240 assets
settings = load_settings()


def _owned_and_fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Whom to ask and where to read on; and of what is published, how old it may be."""
    page = page_of(spec, settings.docs_url)
    owned = spec.merge_attributes(owners=list(settings.owners), metadata={"explained in": page} if page else {})
    if spec.key.path[0] != "published":
        return owned
    fail_window = timedelta(hours=settings.overdue_after_hours)
    return dg.apply_freshness_policy(owned, dg.FreshnessPolicy.time_window(fail_window=fail_window))


with warnings.catch_warnings():
    # links to code are new in Dagster
    warnings.simplefilter("ignore", dg.BetaWarning)
    written_here = dg.with_source_code_references(
        [*raw_assets, *gate_assets, *result_assets, *publication_assets, retention]
    )
definitions = dg.Definitions(
    assets=list(dg.map_asset_specs(_owned_and_fresh, [*written_here, built_patients, dbt_models])),
    jobs=[nightly_refresh],
    schedules=[nightly_schedule(nightly_refresh, settings)],
    sensors=night_sensors,
    resources={"dbt": dbt_resource},
    executor=dg.in_process_executor,
    loggers={"progress": progress_logger, "console": dg.colored_console_logger},
)
