"""What the night's process and the one that computes say to each other; imports nothing that takes long to import."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from analysis.patients.plan import Plan


class Work(NamedTuple):
    """What is to be computed: names of families in the order in which they begin; frames by name; the plan."""

    names: Sequence[str]
    inputs: Mapping[str, Any]
    plan: "Plan"


class Answer(NamedTuple):
    """What became of a family: its tables by name with the reasons of what could not be done, or the error, or how its process
    ended (a signal below zero, as `subprocess` tells it)."""

    name: str
    result: tuple[dict[str, Any], Any] | None = None
    error: Exception | None = None
    ended_by: int | None = None
