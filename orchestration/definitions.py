"""The house as Dagster shows it: assets by layer, one nightly job, its schedule."""

import dagster as dg

from orchestration.assets.dbt_models import built_patients, dbt_models, dbt_resource
from orchestration.assets.gates import gate_assets
from orchestration.assets.publication import publication_assets
from orchestration.assets.raw import raw_assets
from orchestration.assets.results import result_assets
from orchestration.nights.telling import night_sensors
from orchestration.progress import progress_logger
from orchestration.retention import retention
from orchestration.settings import load_settings

# DuckDB lets one process write at a time, so all steps run in one process, one after the other
nightly_refresh = dg.define_asset_job(
    "nightly_refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Everything from the landing folder to the published warehouse and its report.",
)

nightly_schedule = dg.ScheduleDefinition(
    name="nightly_refresh",
    job=nightly_refresh,
    cron_schedule=load_settings().nightly_cron,
    execution_timezone=load_settings().time_zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="By CRLM_NIGHTLY_CRON in CRLM_TIME_ZONE, as long as `make ui` or another Dagster daemon runs.",
)

definitions = dg.Definitions(
    assets=[*raw_assets, built_patients, dbt_models, *gate_assets, *result_assets, *publication_assets, retention],
    jobs=[nightly_refresh],
    schedules=[nightly_schedule],
    sensors=night_sensors,
    resources={"dbt": dbt_resource},
    executor=dg.in_process_executor,
    loggers={"progress": progress_logger, "console": dg.colored_console_logger},
)
