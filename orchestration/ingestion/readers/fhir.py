"""FHIR R4 resources from Bundles, arrays and NDJSON; a contract's columns are paths into a resource and across references.

The path language, read from left to right:
    status, code.text, contact[0].name       elements; where one repeats, all of them, joined by ';', or the one of an index
    code.coding[http://loinc.org].code       of repeating elements the one with that `system`, `url`, `use` or type code
    identifier[MR].value                     (the identifier whose type has the code MR)
    value[x], performed[x]                   whichever type was chosen: a Quantity's value, a Period's start, a concept's text
    subject -> Patient.birthDate             follows a reference to another resource of the file, or a contained one
    Observation[http://loinc.org|2039-6] by subject -> value[x]
                                             the newest Observation of that code about the same Patient
                                             (never one that was entered in error or cancelled)
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa

from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8
from orchestration.ingestion.source_contract import SourceContract

Resource = dict[str, Any]


class _Number(str):
    """A number as it is written, 0.10 and not 0.1; beside text it differs only in having no quotes in a payload."""

    __slots__ = ()


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
HOP = re.compile(r"\s*->\s*(?![^\[]*\])")
WITHDRAWN = ("entered-in-error", "cancelled")
HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
REVERSE = re.compile(r"Observation\[(?P<system>[^|\]]+)\|(?P<code>[^\]]+)\] by subject -> (?P<rest>.+)")


def read_fhir(content: bytes, contract: SourceContract) -> pa.Table:
    """The contract's resources and paths as `read_fhir_resources` finds them, the paths named by `reader_column`.

    Raises:
        UnreadableFile: bytes outside the contract's encoding, or what `read_fhir_resources` refuses.
    """
    text = as_utf_8(content, contract.encoding, contract.fallback_encoding)
    paths, with_observations = contract.source_columns, contract.resource == "DiagnosticReport"
    table = read_fhir_resources(text, contract.resource or "", paths, with_observations)
    own = ["source_line", "payload", "structure_problem"]
    return table.rename_columns(
        [*own, *map(contract.reader_column, paths), *(["observations"] if with_observations else [])]
    )


def read_fhir_resources(content: bytes, resource: str, paths: list[str], with_observations: bool = False) -> pa.Table:
    """One row a resource of that type, in file order; what is no resource is a row too, with a structure problem.

    Columns: `source_line` int64 (line of NDJSON or entry of a Bundle), `payload` and `structure_problem` string, a string
    column a path; then, if asked for, `observations` (OBSERVATION_TYPE: results, text form, conclusion). A reference that a
    path follows to a resource that the file does not hold is a structure problem.

    Raises:
        UnreadableFile: empty, not UTF-8, or JSON that is cut off or damaged.
    """
    try:
        file = _resources(as_utf_8(content, "utf-8"))
    except RecursionError as error:
        raise UnreadableFile("not readable as FHIR: nested deeper than any resource") from error
    rows = [entry for entry in file.entries if entry.resource is None or entry.resource["resourceType"] == resource]
    columns: list[list[str | None]] = [[] for _ in paths]
    problems, observations = [], []
    for entry in rows:
        found: list[str] = []
        for path, column in zip(paths, columns, strict=True):
            column.append(file.text_at(entry.resource, path, found) if entry.resource else None)
        if with_observations:
            observations.append(_observations(file, entry.resource, found) if entry.resource else [])
        problems.append(entry.problem or next(iter(found), None))
    names = ["source_line", "payload", "structure_problem", *paths]
    arrays = [pa.array([entry.line for entry in rows], pa.int64())]
    arrays += [pa.array(column, pa.string()) for column in ([entry.payload for entry in rows], problems, *columns)]
    if with_observations:
        names, arrays = [*names, "observations"], [*arrays, pa.array(observations, OBSERVATION_TYPE)]
    return pa.table(arrays, names=names)


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
    names: dict[int, str] = field(default_factory=dict)
    """Type/id by the resource's own identity: a contained '#p' or a resource without id may have namesakes."""
    containers: dict[int, Resource] = field(default_factory=dict)
    observations: dict[tuple[str, str, str | int], list[Resource]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        resources = [(entry.resource, entry.full_url) for entry in self.entries if entry.resource is not None]
        for resource, full_url in resources:
            if full_url:
                self.by_reference[full_url] = resource
            if isinstance(resource.get("id"), str):
                name = self.names[id(resource)] = f"{resource['resourceType']}/{resource['id']}"
                self.by_reference[name] = resource
            for one in _children([resource], "contained", None):
                self.containers[id(one)] = resource
        for resource, _ in resources:
            if resource["resourceType"] == "Observation" and resource.get("status") not in WITHDRAWN:
                self._note_observation(resource)

    def _note_observation(self, resource: Resource) -> None:
        subject = self.target(resource, resource.get("subject"))
        for coding in _children(_children([resource], "code", None), "coding", None):
            if subject is not None and isinstance(coding, dict):
                key = (str(coding.get("system")), str(coding.get("code")), self._identity(subject))
                self.observations.setdefault(key, []).append(resource)

    def _identity(self, resource: Resource) -> str | int:
        return self.names.get(id(resource), id(resource))

    def target(self, resource: Resource, reference: Any) -> Resource | None:
        """The resource that a Reference means: contained, by fullUrl, or by Type/id at the end of an address."""
        name = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            return None
        if name.startswith("#"):
            # contained resources refer to each other through the one that holds them, and to that one as '#'
            holder = self.containers.get(id(resource), resource)
            siblings = [one for one in _children([holder], "contained", None) if isinstance(one, dict)]
            return holder if name == "#" else next((one for one in siblings if one.get("id") == name[1:]), None)
        name = name.split("/_history/")[0]
        return self.by_reference.get(name) or self.by_reference.get("/".join(name.split("/")[-2:]))

    def text_at(self, resource: Resource, path: str, problems: list[str]) -> str | None:
        """The text at the path, several values joined by ';'; `problems` gains the references that lead nowhere."""
        if reverse := REVERSE.fullmatch(path.strip()):
            newest = self._newest(resource, reverse["system"], reverse["code"], problems)
            return self.text_at(newest, reverse["rest"], problems) if newest else None
        here, *hops = HOP.split(path.strip())
        values = _walk([resource], here)
        if not hops:
            return ";".join(text for text in map(_as_text, values) if text) or None
        found = []
        for reference in values:
            wanted, _, rest = hops[0].partition(".")
            target = self.target(resource, reference)
            if target is None:
                _note_absent(reference, wanted, problems)
            elif target.get("resourceType") == wanted:
                found.append(self.text_at(target, " -> ".join([rest, *hops[1:]]), problems))
        return ";".join(text for text in found if text) or None

    def _newest(self, resource: Resource, system: str, code: str, problems: list[str]) -> Resource | None:
        subject = self.target(resource, resource.get("subject"))
        if subject is None:
            _note_absent(resource.get("subject"), "Patient", problems)
            return None
        return max(self.observations.get((system, code, self._identity(subject)), []), key=_times_of, default=None)


def _note_absent(reference: Any, wanted: str, problems: list[str]) -> None:
    if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
        # not the reference's own words, which may be an address with a patient's name in it
        article = "an" if wanted[:1] in "AEIOU" else "a"
        problems.append(f"refers to {article} {wanted}, which is not in the file")


def _times_of(observation: Resource) -> tuple[datetime, datetime]:
    """When it was observed, then when it was issued: a corrected result is observed when the first one was."""
    observed = _walk([observation], "effective[x]")
    return _instant(_as_text(observed[0]) if observed else observation.get("issued")), _instant(
        observation.get("issued")
    )


def _instant(written: Any) -> datetime:
    """A FHIR date or time, of which months and days may be missing; the earliest of all where it is none."""
    text = written if isinstance(written, str) else ""
    try:
        time = datetime.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _resources(text: bytes) -> _File:
    if not text.strip():
        raise UnreadableFile("the file is empty")
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
        value = json.loads(text, parse_float=_Number, parse_int=_Number)
        if HALF_A_PAIR.search(text):
            # half a surrogate pair is legal JSON but no text that can be kept
            whole = _written(value).encode("utf-8", "replace")
            value = json.loads(whole, parse_float=_Number, parse_int=_Number)
        return value
    except (ValueError, RecursionError):
        return None


def _written(value: Any) -> str:
    """The value as JSON, its numbers as they were; json.dumps would quote them."""
    if isinstance(value, dict):
        return "{" + ", ".join([f"{encode_basestring(name)}: {_written(one)}" for name, one in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_written(one) for one in value]) + "]"
    if isinstance(value, _Number):
        return str(value)
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _lines(text: bytes) -> Iterator[_Entry]:
    lines = text.decode().split("\n")
    parsed = [_parsed(line.encode()) for line in lines if line.strip()]
    are_resources = [_is_resource(value) for value in parsed]
    # one indented Bundle that is cut off holds a few whole resources too, each on its own line
    if sum(value is None for value in parsed) > sum(are_resources) or not any(are_resources):
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
        yield _entry(number, entry.get("resource") if is_object else None, _written(entry), full_url)


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _entry(number: int, value: Any, payload: str | None = None, full_url: str | None = None) -> _Entry:
    if _is_resource(value):
        return _Entry(number, _written(value), value, None, full_url)
    written = payload if payload is not None else _written(value)
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
    return next((value[key] for key in value if value[key] is not None and re.fullmatch(name + "[A-Z]\\w*", key)), None)


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
                # '<5' is no number: a bound must not pass for a value
                return (str(value.get("comparator") or "") if name == "value" else "") + value[name]
        coding = value.get("coding")
        return _as_text(coding[0]) if isinstance(coding, list) and coding else None
    return None


def _observations(file: _File, report: Resource, problems: list[str]) -> list[dict[str, Any]]:
    """A report's results with their components, its plain text form and its conclusion, numbered."""
    found: list[tuple[str | None, str | None, str | None, str | None]] = []
    status = OBSERVATION_STATUS.get(str(report.get("status")))
    for reference in _children([report], "result", None):
        result = file.target(report, reference)
        if result is None:
            _note_absent(reference, "Observation", problems)
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
            text = _decoded(form.get("data"), str(form["contentType"]))
            if text is None:
                problems.append("the report's text form cannot be decoded")
            found.append((_loinc(report), specimen, text, status))
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
    return f"{text} {unit}" if text and isinstance(unit, str) else text


def _specimen(file: _File, resource: Resource) -> str | None:
    for reference in _children([resource], "specimen", None):
        target = file.target(resource, reference)
        for path in ("accessionIdentifier.value", "identifier[0].value", "id"):
            if target and (values := _walk([target], path)):
                return _as_text(values[0])
        if isinstance(reference, dict) and isinstance(reference.get("display"), str):
            return reference["display"]
    return None


def _decoded(data: Any, content_type: str) -> str | None:
    """Base64 as text, in the character set that its content type names; None where it is none."""
    charset = re.search(r"charset\s*=\s*\"?([\w.:-]+)", content_type)
    try:
        written = base64.b64decode(re.sub(r"\s", "", data), validate=True)
        return written.decode(charset[1] if charset else "utf-8").replace("\0", "")
    except (binascii.Error, ValueError, LookupError, TypeError):
        return None
