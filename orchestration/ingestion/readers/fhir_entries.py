"""The resources of a FHIR R4 file: Bundles (also nested, in arrays and in Parameters), arrays, NDJSON or a single one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any

from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.told_names import is_known_name

Resource = dict[str, Any]
HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
# Bundles of a server's own resources: their ids are the server's, whichever Bundle brings them; those of others are their own
BUNDLES_OF_A_SERVER = ("searchset", "history", "batch-response", "transaction-response")
NO_RESOURCE = "not a FHIR resource: no JSON object with a resourceType"
UNSENT = "an entry whose request changes a resource, without the resource"
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class Number(str):
    """A number as it is written, 0.10 and not 0.1; beside text it differs only in having no quotes in a payload."""

    __slots__ = ()


@dataclass(eq=False)
class Scope:
    """Within what a reference such as Patient/1 means one and the same resource; else the scope around it is asked."""

    parent: "Scope | None" = None
    resources: dict[str, list[Resource]] = field(default_factory=dict)

    def named(self, name: str) -> list[Resource]:
        """The versions of the resource of that name in the nearest scope that has it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.resources:
                return scope.resources[name]
            scope = scope.parent
        return []

    @property
    def is_of_server(self) -> bool:
        """Whether an id means the same resource in every file."""
        return self.parent is None


@dataclass(frozen=True)
class Entry:
    line: int
    payload: str
    resource: Resource | None
    scope: Scope
    problem: str | None = None
    full_url: str | None = None
    updated_at: str | None = None
    """When its Bundle says that it was changed or sent."""
    withdrawn: str | None = None
    """Type/id of a resource that was deleted, in an entry without one."""
    unsent: str | None = None
    """The type of a resource that the entry's request should bring, and that is not there; empty where it does not tell it."""


def entries_of(text: bytes, scope: Scope) -> list[Entry]:
    """Every resource of a file, Bundles opened, and every line or entry that is none. `scope` is that of the file.

    Raises:
        UnreadableFile: JSON that is cut off or damaged.
    """
    if not text.strip():
        raise UnreadableFile("the file is empty")
    whole = parsed(text)
    if isinstance(whole, dict) and "resourceType" in whole:
        return list(_opened(1, whole, scope, None, is_alone=True))
    if isinstance(whole, list):
        return [entry for number, one in enumerate(whole, start=1) for entry in _opened(number, one, scope)]
    return list(_entries_of_lines(text, scope))


def parsed(text: bytes) -> Any:
    """The JSON, its numbers as they are written; None where it is none."""
    try:
        value = json.loads(text, parse_float=Number, parse_int=Number)
        if HALF_A_PAIR.search(text):
            # half a surrogate pair is legal JSON but no text that can be kept
            whole = written(value).encode("utf-8", "replace")
            value = json.loads(whole, parse_float=Number, parse_int=Number)
        return value
    except (ValueError, RecursionError):
        return None


def written(value: Any) -> str:
    """The value as JSON, its numbers as they were; json.dumps would quote them."""
    if isinstance(value, dict):
        return "{" + ", ".join([f"{encode_basestring(name)}: {written(one)}" for name, one in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([written(one) for one in value]) + "]"
    if isinstance(value, Number):
        return str(value)
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _entries_of_lines(text: bytes, scope: Scope) -> Iterator[Entry]:
    lines = text.decode().split("\n")
    values = [parsed(line.encode()) if line.strip() else None for line in lines]
    is_blank = [not line.strip() for line in lines]
    are_resources = [is_resource(value) for value in values]
    n_broken = sum(value is None and not blank for value, blank in zip(values, is_blank, strict=True))
    # one indented Bundle that is cut off holds a few whole resources too, each on its own line
    if n_broken > sum(are_resources) or not any(are_resources):
        raise UnreadableFile("not readable as FHIR: JSON that is cut off or damaged, or holds no resource")
    if lines[-1].strip() and not are_resources[-1]:
        raise UnreadableFile("the last line is cut off: the file may be half written")
    for number, (line, value) in enumerate(zip(lines, values, strict=True), start=1):
        if line.strip():
            yield from _opened(number, value, scope, line.strip())


def _opened(
    line: int,
    value: Any,
    scope: Scope,
    payload: str | None = None,
    full_url: str | None = None,
    updated_at: str | None = None,
    is_alone: bool = False,
) -> Iterator[Entry]:
    """The resource, or those that a Bundle or Parameters hold; `is_alone`: its entries are counted, not its line."""
    if not is_resource(value):
        yield Entry(line, payload if payload is not None else written(value), None, scope, NO_RESOURCE, full_url)
    elif value["resourceType"] == "Bundle":
        yield from _entries_of_bundle(line, value, scope, is_alone)
    elif value["resourceType"] == "Parameters" and any(True for _ in _resources_of_parameters(value)):
        for number, one in enumerate(_resources_of_parameters(value), start=1):
            yield from _opened(number if is_alone else line, one, scope)
    else:
        yield Entry(line, written(value), value, scope, None, full_url, updated_at)


def _resources_of_parameters(value: Resource) -> Iterator[Any]:
    for name in ("parameter", "part"):
        several = value.get(name)
        for one in several if isinstance(several, list) else []:
            if isinstance(one, dict):
                if "resource" in one:
                    yield one["resource"]
                yield from _resources_of_parameters(one)


def _entries_of_bundle(line: int, bundle: Resource, scope: Scope, is_alone: bool) -> Iterator[Entry]:
    entries = bundle.get("entry", [])
    inner = scope if bundle.get("type") in BUNDLES_OF_A_SERVER and scope.is_of_server else Scope(scope)
    sent_at = _text(bundle.get("timestamp")) or _text(_of(bundle.get("meta"), "lastUpdated"))
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        place = number if is_alone else line
        resource = entry.get("resource") if isinstance(entry, dict) else None
        request = entry.get("request") if isinstance(entry, dict) else None
        changed_at = _text(_of(_of(entry, "response"), "lastModified")) or sent_at
        if resource is None and _text(_of(request, "method")) == "DELETE" and _text(_of(request, "url")):
            name = "/".join(_text(_of(request, "url")).split("/_history/")[0].split("?")[0].split("/")[-2:])
            yield Entry(place, written(entry), None, inner, None, None, changed_at, name)
        elif resource is None and (unsent := _unsent_type(request)) is not None:
            yield Entry(place, written(entry), None, inner, UNSENT, None, changed_at, None, unsent)
        elif (
            resource is None
            and isinstance(entry, dict)
            and ("response" in entry or "request" in entry or "link" in entry)
        ):
            # what a server answered to one step, without a resource
            continue
        elif is_resource(resource):
            yield from _opened(place, resource, inner, None, _text(_of(entry, "fullUrl")), changed_at)
        else:
            yield Entry(place, written(entry), None, inner, NO_RESOURCE, _text(_of(entry, "fullUrl")))


def _unsent_type(request: Any) -> str | None:
    """The type of the resource that a request should have brought; None where it needs none, as a search or an operation."""
    address = (_text(_of(request, "url")) or "").split("?")[0]
    if _text(_of(request, "method")) not in CHANGES or address.endswith("_search") or "$" in address:
        return None
    return next((part for part in address.split("/")[-2:] if is_known_name("resource", part)), "")


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and not isinstance(value, Number) else None


def is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)
