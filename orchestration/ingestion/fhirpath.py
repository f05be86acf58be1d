"""FHIRPath expressions of contracts, by the library fhirpathpy."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=256)
def compiled(path: str) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """The expression, to be called with a resource, and the functions it calls: `resolve` is to be put there before."""
    import fhirpathpy
    from fhirpathpy.models import models

    functions: dict[str, Any] = {}
    options = {"userInvocationTable": {"resolve": {"fn": lambda nodes: functions["resolve"](nodes), "arity": {0: []}}}}
    return fhirpathpy.compile(path, model=models["r4"], options=options), functions


def problem_of(path: str) -> str | None:
    """Why the text is no FHIRPath expression, or None."""
    if not path.strip():
        return "an empty FHIRPath"
    evaluate, functions = compiled(path.strip())
    functions["resolve"] = lambda nodes: []
    try:
        evaluate({"resourceType": "Basic"})
    except Exception as error:
        # the library tells syntax by several exceptions of its own and of its parser
        told = str(error).splitlines()
        return (
            f"'{path.strip()}' is no FHIRPath that can be evaluated ({told[0][:120] if told else type(error).__name__})"
        )
    return None
