"""Which families a run computes beside itself: started as soon as the marts are derived, asked for by each family's own step."""

import atexit
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import dagster as dg
import duckdb
import pandas as pd

from analysis.results.families import FAMILIES, Family, compute_family
from orchestration.computing.beside import WAITING, ComputingBeside, ComputingEnded, start_early
from orchestration.computing.inputs import RESULT_NAMES, read_input, read_inputs, read_plan
from orchestration.computing.unchanged import family_fingerprints, stays
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file

STEP = "results_{}"


class Computed(NamedTuple):
    """A family's `tables` by name and the `reasons` of what could not be done, None where those of the build file stay; `of_inputs`:
    the fingerprint of what they follow from, where it is known."""

    tables: dict[str, pd.DataFrame] | None
    reasons: pd.DataFrame | None
    of_inputs: str | None = None


@dataclass
class Computing:
    """The work for a run: the process, fingerprints by family, and the families whose tables stay."""

    beside: ComputingBeside
    of_inputs: dict[str, str] = field(default_factory=dict)
    staying: set[str] = field(default_factory=set)


COMPUTING: dict[str, Computing] = {}
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


def begin_computing(
    context: dg.AssetExecutionContext, families: Sequence[Family], is_whole_night: bool = False
) -> Computing:
    """Read what these families need, once, and have them computed beside this process from now on; in a whole night, those whose
    tables would be the same are left as they stand.

    What the marts' gate does not let through is thrown away: a family's own step writes it, and comes after the gate.

    Raises:
        ComputingEnded: the process was ended from outside.
    """
    settings = load_settings()
    _end_work()
    start_early(settings.statistics_log)
    COMPUTING[context.run.run_id] = computing = Computing(WAITING.pop())
    with open_build_file(settings.build_file) as connection:
        computing.of_inputs = family_fingerprints(connection, families, settings.code_version)
        if is_whole_night and not settings.compute_anew:
            computing.staying = {
                family.name for family in families if stays(connection, family, computing.of_inputs[family.name])
            }
        anew = [family for family in families if family.name not in computing.staying]
        needs = list(dict.fromkeys(need for family in anew for need in family.needs))
        computing.beside.begin([family.name for family in anew], _frames(connection, needs), read_plan(connection))
    return computing


def computed(family: Family, context: dg.AssetExecutionContext) -> Computed:
    """A family's tables by name, and the reasons of what could not be done; no tables where those of the build file stay.

    Raises:
        dagster.Failure: a process that computes was ended from outside. Exception: what the computing ended with.
    """
    settings = load_settings()
    if RESULT_NAMES.intersection(family.needs):
        with open_build_file(settings.build_file) as connection:
            return Computed(*compute_family(family, read_inputs(connection, family), read_plan(connection)))
    try:
        computing = COMPUTING.get(context.run.run_id)
        if computing is None:
            # a run without dbt's step: this family and those to come
            computing = begin_computing(context, families_of_run(context))
        if family.name in computing.staying:
            computing.staying.discard(family.name)
            return Computed(None, None, computing.of_inputs[family.name])
        if family.name not in computing.beside.left:
            # a step that is done again
            computing = begin_computing(context, [family])
        result = computing.beside.result(family.name)
    except ComputingEnded as ended:
        end_computing()
        raise dg.Failure(description=f"{family.title}: {ended}", allow_retries=False) from None
    return Computed(*result, computing.of_inputs[family.name])


def end_computing() -> None:
    """End what is under way or waits; what was not asked for is thrown away."""
    _end_work()
    while WAITING:
        WAITING.pop().close()


def _end_work() -> None:
    while COMPUTING:
        COMPUTING.popitem()[1].beside.close()


atexit.register(end_computing)


def _frames(connection: duckdb.DuckDBPyConnection, needs: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """One at a time: each is let go of before the next is read."""
    for need in needs:
        yield need, read_input(connection, need)
