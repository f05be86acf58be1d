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
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.fhir_entries import Entry, Resource, entries_of
from orchestration.ingestion.readers.fhir_paths import as_text, children, chosen_type, walk
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8

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
HOP = re.compile(r"\s*->\s*(?![^\[]*\])")
WITHDRAWN = ("entered-in-error", "cancelled")
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
        file = _File(entries_of(as_utf_8(content, "utf-8")))
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


@dataclass
class _File:
    """All resources of a file, found by what other resources call them."""

    entries: list[Entry]
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
            for one in children([resource], "contained", None):
                self.containers[id(one)] = resource
        for resource, _ in resources:
            if resource["resourceType"] == "Observation" and resource.get("status") not in WITHDRAWN:
                self._note_observation(resource)

    def _note_observation(self, resource: Resource) -> None:
        subject = self.target(resource, resource.get("subject"))
        for coding in children(children([resource], "code", None), "coding", None):
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
            siblings = [one for one in children([holder], "contained", None) if isinstance(one, dict)]
            return holder if name == "#" else next((one for one in siblings if one.get("id") == name[1:]), None)
        name = name.split("/_history/")[0]
        return self.by_reference.get(name) or self.by_reference.get("/".join(name.split("/")[-2:]))

    def text_at(self, resource: Resource, path: str, problems: list[str]) -> str | None:
        """The text at the path, several values joined by ';'; `problems` gains the references that lead nowhere."""
        if reverse := REVERSE.fullmatch(path.strip()):
            newest = self._newest(resource, reverse["system"], reverse["code"], problems)
            return self.text_at(newest, reverse["rest"], problems) if newest else None
        here, *hops = HOP.split(path.strip())
        values = walk([resource], here)
        if not hops:
            return ";".join(text for text in map(as_text, values) if text) or None
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
    observed = walk([observation], "effective[x]")
    return _instant(as_text(observed[0]) if observed else observation.get("issued")), _instant(
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


def _observations(file: _File, report: Resource, problems: list[str]) -> list[dict[str, Any]]:
    """A report's results with their components, its plain text form and its conclusion, numbered."""
    found: list[tuple[str | None, str | None, str | None, str | None]] = []
    status = OBSERVATION_STATUS.get(str(report.get("status")))
    for reference in children([report], "result", None):
        result = file.target(report, reference)
        if result is None:
            _note_absent(reference, "Observation", problems)
            continue
        result_status = OBSERVATION_STATUS.get(str(result.get("status")))
        specimen = _specimen(file, result)
        found += [
            (_loinc(part), specimen, _value(part), result_status)
            for part in (result, *children([result], "component", None))
            if isinstance(part, dict) and _value(part) is not None
        ]
    specimen = _specimen(file, report)
    for form in children([report], "presentedForm", None):
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
    return next(iter(walk([element], f"code.coding[{LOINC}].code")), None)


def _value(element: Resource) -> str | None:
    """The value as a pathologist would have written it: a number with its unit."""
    value = chosen_type(element, "value")
    text = as_text(value)
    unit = value.get("unit") or value.get("code") if isinstance(value, dict) and "value" in value else None
    return f"{text} {unit}" if text and isinstance(unit, str) else text


def _specimen(file: _File, resource: Resource) -> str | None:
    for reference in children([resource], "specimen", None):
        target = file.target(resource, reference)
        for path in ("accessionIdentifier.value", "identifier[0].value", "id"):
            if target and (values := walk([target], path)):
                return as_text(values[0])
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
