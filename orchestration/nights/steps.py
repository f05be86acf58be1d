"""What holds for every step of a night, whoever starts it: one night at a time, a healed data folder, errors without values."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from orchestration.files.problems import DamagedFile
from orchestration.nights.finished import LAST_STEPS, begin_night
from orchestration.nights.healing import heal
from orchestration.nights.lock import hold_until_exit
from orchestration.nights.step_costs import measured
from orchestration.settings import Settings, load_settings
from orchestration.spoken_errors import without_values

NIGHTLY_JOB = "nightly_refresh"
PUBLISHES = "published__warehouse"


def night_step(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step of an asset (its first argument is Dagster's context), begun only when this process has the night."""
    if inspect.isgeneratorfunction(step):

        @functools.wraps(step)
        def generate(context: dg.AssetExecutionContext, *args: Any, **kwargs: Any) -> Iterator[Any]:
            settings = _begin(context)
            try:
                with measured(context.op_def.name):
                    yield from step(context, *args, **kwargs)
            except DamagedFile:
                settings.suspicion.touch()
                raise

        return without_values(generate)

    @functools.wraps(step)
    def run(context: dg.AssetExecutionContext, *args: Any, **kwargs: Any) -> Any:
        settings = _begin(context)
        try:
            with measured(context.op_def.name):
                return step(context, *args, **kwargs)
        except DamagedFile:
            settings.suspicion.touch()
            raise

    return without_values(run)


def _begin(context: dg.AssetExecutionContext) -> Settings:
    settings = load_settings()
    who = f"Dagster's run {context.run.run_id[:8]}"
    patience = 60 * settings.wait_for_night_minutes
    if hold_until_exit(settings.build_file.parent, who, patience, context.log.info):
        heal(settings, context.log.warning)
    step = context.op_def.name
    if step == PUBLISHES or step not in LAST_STEPS:
        begin_night(settings, context.run.run_id, _is_whole_night(context))
    return settings


def _is_whole_night(context: dg.AssetExecutionContext) -> bool:
    """Whether a run makes everything, rather than the steps that somebody chose, or those after a failure."""
    run = context.run
    if run.job_name != NIGHTLY_JOB or run.asset_selection:
        return False
    # Dagster names no step where a daemon starts all of them, and all of them where this process does
    return run.step_keys_to_execute is None or {node.name for node in context.job_def.nodes} <= set(
        run.step_keys_to_execute
    )
