"""The resources of a FHIR R4 file: Bundle, array, NDJSON or a single one, each with its place and its JSON as it is written."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from orchestration.ingestion.readers.landed_file import UnreadableFile

Resource = dict[str, Any]
HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Number(str):
    """A number as it is written, 0.10 and not 0.1; beside text it differs only in having no quotes in a payload."""

    __slots__ = ()


@dataclass(frozen=True)
class Entry:
    line: int
    payload: str
    resource: Resource | None
    problem: str | None = None
    full_url: str | None = None


def entries_of(text: bytes) -> list[Entry]:
    """Every resource of a Bundle, an array, NDJSON or a file of its own, and every line that is none.

    Raises:
        UnreadableFile: JSON that is cut off or damaged.
    """
    if not text.strip():
        raise UnreadableFile("the file is empty")
    whole = parsed(text)
    if isinstance(whole, dict) and "resourceType" in whole and whole["resourceType"] != "Bundle":
        return [entry_of(1, whole)]
    if isinstance(whole, dict) and whole.get("resourceType") == "Bundle":
        return list(entries_of_bundle(whole))
    if isinstance(whole, list):
        return [entry_of(number, one) for number, one in enumerate(whole, start=1)]
    return list(entries_of_lines(text))


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


def entries_of_lines(text: bytes) -> Iterator[Entry]:
    lines = text.decode().split("\n")
    values = [parsed(line.encode()) for line in lines if line.strip()]
    are_resources = [is_resource(value) for value in values]
    # one indented Bundle that is cut off holds a few whole resources too, each on its own line
    if sum(value is None for value in values) > sum(are_resources) or not any(are_resources):
        raise UnreadableFile("not readable as FHIR: JSON that is cut off or damaged, or holds no resource")
    if lines[-1].strip() and not are_resources[-1]:
        raise UnreadableFile("the last line is cut off: the file may be half written")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        resource = parsed(line.encode())
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            for entry in entries_of_bundle(resource):
                yield Entry(number, entry.payload, entry.resource, entry.problem, entry.full_url)
        else:
            yield entry_of(number, resource, line.strip())


def entries_of_bundle(bundle: Resource) -> Iterator[Entry]:
    entries = bundle.get("entry", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        is_object = isinstance(entry, dict)
        full_url = entry.get("fullUrl") if is_object and isinstance(entry.get("fullUrl"), str) else None
        yield entry_of(number, entry.get("resource") if is_object else None, written(entry), full_url)


def is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def entry_of(number: int, value: Any, payload: str | None = None, full_url: str | None = None) -> Entry:
    if is_resource(value):
        return Entry(number, written(value), value, None, full_url)
    text = payload if payload is not None else written(value)
    return Entry(number, text, None, "not a FHIR resource: no JSON object with a resourceType")
