"""FHIR R4 resources from Bundles, arrays and NDJSON; a contract's columns are paths into a resource and across references.

The path language, read from left to right:
    status, code.text, contact[0].name       elements; where one repeats, all of them, joined by ';', or the one of an index
    code.coding[http://loinc.org].code       of repeating elements the one with that `system`, `url`, `use` or type code
    identifier[MR].value                     (the identifier whose type has the code MR)
    value[x], performed[x]                   whichever type was chosen: a Quantity's value, a Period's start, a concept's text
    subject -> Patient.birthDate             follows a reference to another resource of the file, or a contained one
    Observation[http://loinc.org|2039-6] by subject -> value[x]
                                             the newest Observation of that code about the same subject
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8
from orchestration.ingestion.source_contract import SourceContract

Resource = dict[str, Any]
LOINC = "http://loinc.org"
FINAL_DIAGNOSIS = "22637-3"
OBSERVATION_STATUS = {
    "final": "F", "corrected": "C", "amended": "C", "preliminary": "P", "registered": "P", "cancelled": "X",
    "entered-in-error": "X",
}  # fmt: skip
OBSERVATION_TYPE = pa.list_(
    pa.struct(
        [
            ("sequence", pa.int32()),
            *((name, pa.string()) for name in ("loinc_code", "specimen", "value", "status")),
        ]
    )
)
STEP = re.compile(r"(?P<name>[A-Za-z]+(?:\[x\])?)(?:\[(?P<picked>[^\]]*)\])?")
REVERSE = re.compile(r"Observation\[(?P<system>[^|\]]+)\|(?P<code>[^\]]+)\] by subject -> (?P<rest>.+)")


def read_fhir(content: bytes, contract: SourceContract) -> pa.Table:
    """One row a resource of the contract's type; an NDJSON line that is no resource is a record with a structure problem.

    Columns beside the readers' usual ones: the contract's paths; for DiagnosticReport also `observations` (its results,
    then its text form and conclusion). `source_line` is the line of NDJSON or the entry of a Bundle. A reference that a path
    follows to a resource that the file does not hold is a structure problem.

    Raises:
        UnreadableFile: not UTF-8, or JSON that is cut off or damaged.
    """
    file = _resources(as_utf_8(content, contract.encoding, contract.fallback_encoding))
    rows = [
        entry for entry in file.entries if entry.resource is None or entry.resource["resourceType"] == contract.resource
    ]
    paths = contract.source_columns
    columns: dict[str, list[str | None]] = {path: [] for path in paths}
    problems, observations = [], []
    for entry in rows:
        absent: list[str] = []
        for path in paths:
            columns[path].append(file.text_at(entry.resource, path, absent) if entry.resource else None)
        observations.append(_observations(file, entry.resource, absent) if entry.resource else [])
        problems.append(entry.problem or (f"refers to {absent[0]}, which is not in the file" if absent else None))
    table = {
        "source_line": pa.array([entry.line for entry in rows], pa.int64()),
        "payload": pa.array([entry.payload for entry in rows], pa.string()),
        "structure_problem": pa.array(problems, pa.string()),
        **{contract.reader_column(path): pa.array(values, pa.string()) for path, values in columns.items()},
    }
    if contract.resource == "DiagnosticReport":
        table["observations"] = pa.array(observations, OBSERVATION_TYPE)
    return pa.table(table)


@dataclass(frozen=True)
class _Entry:
    line: int
    payload: str
    resource: Resource | None
    problem: str | None = None
    full_url: str | None = None


@dataclass
class _File:
    """All resources of a file, found by what other resources call them."""

    entries: list[_Entry]
    by_reference: dict[str, Resource] = field(default_factory=dict)
    observations: dict[tuple[str, str, str], list[Resource]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry.resource is None:
                continue
            for name in (entry.full_url, f"{entry.resource['resourceType']}/{entry.resource.get('id')}"):
                if name:
                    self.by_reference[name] = entry.resource
        for entry in self.entries:
            if entry.resource and entry.resource["resourceType"] == "Observation":
                self._note_observation(entry.resource)

    def _note_observation(self, resource: Resource) -> None:
        subject = self.target(resource, resource.get("subject"))
        for coding in _children(_children([resource], "code", None), "coding", None):
            if subject is not None and isinstance(coding, dict):
                key = (str(coding.get("system")), str(coding.get("code")), _name(subject))
                self.observations.setdefault(key, []).append(resource)

    def target(self, resource: Resource, reference: Any) -> Resource | None:
        """The resource that a Reference means: contained, by fullUrl, or by Type/id at the end of an address."""
        name = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            return None
        if name.startswith("#"):
            contained = resource.get("contained")
            return next((one for one in contained or [] if isinstance(one, dict) and one.get("id") == name[1:]), None)
        name = name.split("/_history/")[0]
        return self.by_reference.get(name) or self.by_reference.get("/".join(name.split("/")[-2:]))

    def text_at(self, resource: Resource, path: str, absent: list[str]) -> str | None:
        """The text at the path, several values joined by ';'; names in `absent` the references that lead nowhere."""
        if reverse := REVERSE.fullmatch(path.strip()):
            subject = self.target(resource, resource.get("subject"))
            key = (reverse["system"], reverse["code"], _name(subject or {}))
            newest = max(self.observations.get(key, []), key=_time_of, default=None)
            return self.text_at(newest, reverse["rest"], absent) if newest else None
        here, *hops = (part.strip() for part in path.split("->"))
        values = _walk([resource], here)
        if not hops:
            return ";".join(text for text in map(_as_text, values) if text) or None
        found = []
        for reference in values:
            target = self.target(resource, reference)
            wanted, _, rest = hops[0].partition(".")
            if target is None and isinstance(reference, dict) and isinstance(reference.get("reference"), str):
                # not the reference's own words, which may be an address with a patient's name in it
                absent.append(f"a {wanted}")
            elif target and target.get("resourceType") == wanted:
                found.append(self.text_at(target, " -> ".join([rest, *hops[1:]]), absent))
        return ";".join(text for text in found if text) or None


def _name(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _time_of(observation: Resource) -> str:
    return str(observation.get("effectiveDateTime") or observation.get("issued") or "")


def _resources(text: bytes) -> _File:
    whole = _parsed(text)
    if isinstance(whole, dict) and "resourceType" in whole and whole["resourceType"] != "Bundle":
        return _File([_entry(1, whole)])
    if isinstance(whole, dict) and whole.get("resourceType") == "Bundle":
        return _File(list(_bundle_entries(whole)))
    if isinstance(whole, list):
        return _File([_entry(number, one) for number, one in enumerate(whole, start=1)])
    return _File(list(_lines(text)))


def _parsed(text: bytes) -> Any:
    """The JSON, its numbers as they are written; None where it is none."""
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def _lines(text: bytes) -> Iterator[_Entry]:
    lines = text.decode().split("\n")
    are_resources = [_is_resource(_parsed(line.encode())) for line in lines if line.strip()]
    if not any(are_resources):
        raise UnreadableFile("not readable as FHIR: JSON that is cut off or damaged, or holds no resource")
    if lines[-1].strip() and not are_resources[-1]:
        raise UnreadableFile("the last line is cut off: the file may be half written")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        resource = _parsed(line.encode())
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            for entry in _bundle_entries(resource):
                yield _Entry(number, entry.payload, entry.resource, entry.problem, entry.full_url)
        else:
            yield _entry(number, resource, line.strip())


def _bundle_entries(bundle: Resource) -> Iterator[_Entry]:
    entries = bundle.get("entry", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        is_object = isinstance(entry, dict)
        full_url = entry.get("fullUrl") if is_object and isinstance(entry.get("fullUrl"), str) else None
        yield _entry(
            number, entry.get("resource") if is_object else None, json.dumps(entry, ensure_ascii=False), full_url
        )


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _entry(number: int, value: Any, payload: str | None = None, full_url: str | None = None) -> _Entry:
    if _is_resource(value):
        return _Entry(number, json.dumps(value, ensure_ascii=False), value, None, full_url)
    written = payload if payload is not None else json.dumps(value, ensure_ascii=False)
    return _Entry(number, written, None, "not a FHIR resource: no JSON object with a resourceType")


def _walk(values: list[Any], path: str) -> list[Any]:
    """All values at a path of plain elements, from each of the values."""
    for step in _steps(path):
        match = STEP.fullmatch(step)
        values = _children(values, match["name"], match["picked"]) if match else []
    return values


def _steps(path: str) -> list[str]:
    # a dot inside brackets belongs to an address
    return re.findall(r"[^.\[]+(?:\[[^\]]*\])*", path)


def _children(values: list[Any], name: str, picked: str | None) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not isinstance(value, dict):
            continue
        child = _chosen_type(value, name.removesuffix("[x]")) if name.endswith("[x]") else value.get(name)
        several = child if isinstance(child, list) else [child]
        found += _picked([one for one in several if one is not None], picked)
    return found


def _chosen_type(value: Resource, name: str) -> Any:
    """The element whose name is `name` and the type that was chosen for it, such as valueQuantity."""
    return next((value[key] for key in value if re.fullmatch(name + "[A-Z]\\w*", key)), None)


def _picked(several: list[Any], picked: str | None) -> list[Any]:
    if picked is None:
        return several
    if picked.isdigit():
        return several[int(picked) : int(picked) + 1]
    return [one for one in several if isinstance(one, dict) and picked in _marks(one)][:1]


def _marks(element: Resource) -> set[str]:
    """What a repeating element can be picked by."""
    marks = {element.get(name) for name in ("system", "url", "use") if isinstance(element.get(name), str)}
    codes = _children(_children([element], "type", None), "coding", None)
    return marks | {
        coding.get("code") for coding in codes if isinstance(coding, dict) and isinstance(coding.get("code"), str)
    }


def _as_text(value: Any) -> str | None:
    """A value as text: a Quantity's number, a Period's start, a concept's text or first code, true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for name in ("value", "text", "start", "code", "reference"):
            if isinstance(value.get(name), str):
                return value[name]
        coding = value.get("coding")
        return _as_text(coding[0]) if isinstance(coding, list) and coding else None
    return None


def _observations(file: _File, report: Resource, absent: list[str]) -> list[dict[str, Any]]:
    """A report's results with their components, its plain text form and its conclusion, numbered."""
    found: list[tuple[str | None, str | None, str | None, str | None]] = []
    status = OBSERVATION_STATUS.get(str(report.get("status")))
    for reference in _children([report], "result", None):
        result = file.target(report, reference)
        if result is None:
            absent.append("an Observation")
            continue
        result_status = OBSERVATION_STATUS.get(str(result.get("status")))
        specimen = _specimen(file, result)
        found += [
            (_loinc(part), specimen, _value(part), result_status)
            for part in (result, *_children([result], "component", None))
            if isinstance(part, dict) and _value(part) is not None
        ]
    specimen = _specimen(file, report)
    for form in _children([report], "presentedForm", None):
        if isinstance(form, dict) and str(form.get("contentType", "")).startswith("text/plain"):
            found.append((_loinc(report), specimen, _decoded(form.get("data")), status))
    if isinstance(report.get("conclusion"), str):
        found.append((FINAL_DIAGNOSIS, specimen, report["conclusion"], status))
    return [
        {"sequence": number, "loinc_code": code, "specimen": specimen, "value": value, "status": status}
        for number, (code, specimen, value, status) in enumerate(found, start=1)
    ]


def _loinc(element: Resource) -> str | None:
    return next(iter(_walk([element], f"code.coding[{LOINC}].code")), None)


def _value(element: Resource) -> str | None:
    """The value as a pathologist would have written it: a number with its unit."""
    value = _chosen_type(element, "value")
    text = _as_text(value)
    unit = value.get("unit") or value.get("code") if isinstance(value, dict) and "value" in value else None
    comparator = value.get("comparator", "") if isinstance(value, dict) else ""
    return f"{comparator}{text} {unit}" if text and isinstance(unit, str) else text


def _specimen(file: _File, resource: Resource) -> str | None:
    for reference in _children([resource], "specimen", None):
        target = file.target(resource, reference)
        for path in ("accessionIdentifier.value", "identifier[0].value", "id"):
            if target and (values := _walk([target], path)):
                return _as_text(values[0])
        if isinstance(reference, dict) and isinstance(reference.get("display"), str):
            return reference["display"]
    return None


def _decoded(data: Any) -> str | None:
    try:
        return (
            base64.b64decode(data, validate=True).decode("utf-8").replace("\0", "") if isinstance(data, str) else None
        )
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
