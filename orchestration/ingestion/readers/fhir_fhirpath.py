"""FHIRPath expressions on resources, by the library fhirpathpy; `resolve()` follows references within the file."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from orchestration.ingestion.fhirpath import compiled
from orchestration.ingestion.readers.fhir_entries import Resource, written
from orchestration.ingestion.readers.fhir_paths import as_text

Resolve = Callable[[Any], Resource | None]


class WrongExpression(ValueError):
    """The text is no FHIRPath."""


def values_at(resource: Resource, path: str, resolve: Resolve) -> list[str]:
    """The values that the expression gives, as text.

    Raises:
        WrongExpression: it cannot be evaluated on this resource.
    """
    evaluate, functions = compiled(path)

    def resolved(nodes: Any) -> list[Any]:
        targets = [resolve({"reference": one} if isinstance(one, str) else one) for one in map(_plain, nodes)]
        return [_with_numbers(target) for target in targets if target is not None]

    functions["resolve"] = resolved
    try:
        found = evaluate(_with_numbers(resource))
    except Exception as error:
        raise WrongExpression(f"'{path}' cannot be evaluated as FHIRPath") from error
    return [text for text in map(_text, found if isinstance(found, list) else [found]) if text]


def _plain(node: Any) -> Any:
    return getattr(node, "data", node)


def _with_numbers(resource: Resource) -> Resource:
    return json.loads(written(resource), parse_float=Decimal)


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        if isinstance(value, dict) and isinstance(value.get("value"), int | float | Decimal):
            return f"{value.get('comparator') or ''}{value['value']}"
        return as_text(value) if isinstance(value, str | dict | bool) else (str(value) if value is not None else None)
    return str(value)
