"""Which families a run computes beside itself: started as soon as the marts are derived, asked for by each family's own step."""

import atexit
from collections.abc import Iterator, Sequence

import dagster as dg
import duckdb
import pandas as pd

from analysis.results.families import FAMILIES, Family, compute_family
from orchestration.computing.beside import WAITING, ComputingBeside, ComputingEnded, start_early
from orchestration.computing.inputs import RESULT_NAMES, read_input, read_inputs, read_plan
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file

STEP = "results_{}"
COMPUTING: dict[str, ComputingBeside] = {}
"""By the run that it works for; of one run at a time."""


def families_of_run(context: dg.AssetExecutionContext) -> list[Family]:
    """The families that this run has a step of and that read no other family's results."""
    steps = {node.name for node in context.job_def.nodes}
    if context.run.step_keys_to_execute is not None:
        steps &= set(context.run.step_keys_to_execute)
    return [
        family
        for family in FAMILIES
        if STEP.format(family.name) in steps and not RESULT_NAMES.intersection(family.needs)
    ]


def begin_computing(context: dg.AssetExecutionContext, families: Sequence[Family]) -> ComputingBeside:
    """Read what these families need, once, and have them computed beside this process from now on.

    What the marts' gate does not let through is thrown away: a family's own step writes it, and comes after the gate.

    Raises:
        ComputingEnded: the process was ended from outside.
    """
    settings = load_settings()
    _end_work()
    start_early(settings.statistics_log)
    COMPUTING[context.run.run_id] = beside = WAITING.pop()
    needs = list(dict.fromkeys(need for family in families for need in family.needs))
    with open_build_file(settings.build_file) as connection:
        beside.begin([family.name for family in families], _frames(connection, needs), read_plan(connection))
    return beside


def computed(family: Family, context: dg.AssetExecutionContext) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """A family's tables by name, and the reasons of what could not be done.

    Raises:
        dagster.Failure: a process that computes was ended from outside. Exception: what the computing ended with.
    """
    settings = load_settings()
    if RESULT_NAMES.intersection(family.needs):
        with open_build_file(settings.build_file) as connection:
            return compute_family(family, read_inputs(connection, family), read_plan(connection))
    beside = COMPUTING.get(context.run.run_id)
    try:
        if beside is None or family.name not in beside.left:
            # a step that is done again, or a run without dbt's step: this family and those to come
            ours = families_of_run(context)
            beside = begin_computing(context, ours if beside is None else [family])
        result = beside.result(family.name)
    except ComputingEnded as ended:
        end_computing()
        raise dg.Failure(description=f"{family.title}: {ended}", allow_retries=False) from None
    if not beside.left:
        end_computing()
    return result


def end_computing() -> None:
    """End what is under way or waits; what was not asked for is thrown away."""
    _end_work()
    while WAITING:
        WAITING.pop().close()


def _end_work() -> None:
    while COMPUTING:
        COMPUTING.popitem()[1].close()


atexit.register(end_computing)


def _frames(connection: duckdb.DuckDBPyConnection, needs: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """One at a time: each is let go of before the next is read."""
    for need in needs:
        yield need, read_input(connection, need)
