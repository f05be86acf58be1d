"""All resources of a FHIR file, found by what other resources call them, each in its newest version."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestration.ingestion.contract.formats.fhir import FHIRPATH
from orchestration.ingestion.readers.fhir_entries import Entry, Resource, Scope
from orchestration.ingestion.readers.fhir_paths import as_text, children, walk

WITHDRAWN = ("entered-in-error", "cancelled")
HOP = re.compile(r"\s*->\s*(?![^\[]*\])")
REVERSE = re.compile(r"Observation\[(?P<system>[^|\]]+)\|(?P<code>[^\]]+)\] by subject -> (?P<rest>.+)")
CONDITIONAL = re.compile(r"([A-Za-z]+)\?identifier=(?:([^|]*)\|)?([^|&]+)")
"""A reference by what its resource is searched for, as in transactions: Patient?identifier=system|value."""
Elsewhere = Callable[[], Iterable[Resource]]
"""The resources of the other files of an export, read when a reference leads to none of this file's."""


@dataclass
class Found:
    """What was met on the way to a record's values."""

    problems: list[str] = field(default_factory=list)
    """References that lead nowhere."""
    resources: list[Resource] = field(default_factory=list)
    """The other resources that the values were read from."""


@dataclass
class FhirFile:
    """The file's entries and, when needed, the other files of its folder."""

    entries: list[Entry]
    scope: Scope
    elsewhere: Elsewhere | None = None
    used_elsewhere: bool = False
    scopes: dict[int, Scope] = field(default_factory=dict)
    """By the resource's own identity: a contained '#p' or a resource without id may have namesakes."""
    containers: dict[int, Resource] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    sent_at: dict[int, str] = field(default_factory=dict)
    observations: dict[tuple[str, str, str | int], list[Resource]] | None = None
    replaced: set[int] = field(default_factory=set)
    """The documents that another one of the file says it replaces."""
    further: list[Resource] = field(default_factory=list)
    """The resources of the other files, once they were read."""
    identified: dict[tuple[int, str], list[tuple[Resource, Resource]]] | None = None
    """By scope and value of an identifier: the resources that have it, each with that identifier."""

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry.resource is not None:
                self._note(entry.resource, entry.scope, entry.full_url)
                if entry.updated_at:
                    self.sent_at[id(entry.resource)] = entry.updated_at
        for entry in self.entries:
            for reference in replaced_by(entry.resource or {}):
                target = self.target(entry.resource or {}, reference) if entry.resource else None
                if target is not None and target is not entry.resource:
                    self.replaced.add(id(target))

    def _note(self, resource: Resource, scope: Scope, full_url: str | None = None) -> None:
        self.scopes[id(resource)] = scope
        if full_url:
            scope.resources.setdefault(full_url, []).append(resource)
        if isinstance(resource.get("id"), str):
            name = self.names[id(resource)] = f"{resource['resourceType']}/{resource['id']}"
            scope.resources.setdefault(name, []).append(resource)
        for one in children([resource], "contained", None):
            self.containers[id(one)] = resource
            if isinstance(one, dict):
                self.scopes[id(one)] = scope

    def target(self, resource: Resource, reference: Any, wanted: str | None = None) -> Resource | None:
        """The resource that a Reference means: contained, by fullUrl, by Type/id at the end of an address, or the only one (of type
        `wanted`, where the reference does not say it) that has an identifier."""
        name = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            return self._identified(resource, wanted, *_told_identifier(reference))
        if conditional := CONDITIONAL.fullmatch(name):
            return self._identified(resource, *conditional.groups())
        if name.startswith("#"):
            # contained resources refer to each other through the one that holds them, and to that one as '#'
            holder = self.containers.get(id(resource), resource)
            siblings = [one for one in children([holder], "contained", None) if isinstance(one, dict)]
            return holder if name == "#" else next((one for one in siblings if one.get("id") == name[1:]), None)
        name, _, version = name.partition("/_history/")
        scope = self.scopes.get(id(resource), self.scope)
        versions = self._versions(scope, name)
        if not versions and self.elsewhere is not None and "/" in name and not name.startswith("urn:"):
            self._read_elsewhere()
            versions = self._versions(scope, name)
        exact = [one for one in versions if version and _meta(one, "versionId") == version]
        return max(exact or versions, key=lambda one: order_of(one)[:2], default=None)

    def _identified(
        self, resource: Resource, kind: str | None, system: str | None, value: str | None
    ) -> Resource | None:
        """The only resource that has this identifier, of those that the resource can refer to."""
        if not value:
            return None
        found = self._with_identifier(self.scopes.get(id(resource), self.scope), kind, system, value)
        if not found and self.elsewhere is not None:
            self._read_elsewhere()
            found = self._with_identifier(self.scopes.get(id(resource), self.scope), kind, system, value)
        if len({self._identity(one) for one in found}) > 1:
            return None
        return max(found, key=lambda one: order_of(one)[:2], default=None)

    def _with_identifier(self, scope: Scope, kind: str | None, system: str | None, value: str) -> list[Resource]:
        if self.identified is None:
            self.identified = {}
            for name, number in [(one, id(one_scope)) for one, one_scope in self._all_resources()]:
                for identifier in children([name], "identifier", None):
                    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
                        self.identified.setdefault((number, identifier["value"]), []).append((name, identifier))
        found: list[Resource] = []
        around: Scope | None = scope
        while around is not None and not found:
            found = [
                one
                for one, identifier in self.identified.get((id(around), value), [])
                if kind in (None, "resource", one["resourceType"]) and system in (None, identifier.get("system"))
            ]
            around = around.parent
        return found

    def _all_resources(self) -> list[tuple[Resource, Scope]]:
        of_file = [(entry.resource, entry.scope) for entry in self.entries if entry.resource is not None]
        return [*of_file, *((one, self.scope) for one in self.further)]

    def _versions(self, scope: Scope, name: str) -> list[Resource]:
        return scope.named(name) or scope.named("/".join(name.split("/")[-2:]))

    def _read_elsewhere(self) -> None:
        elsewhere, self.elsewhere = self.elsewhere, None
        self.used_elsewhere = True
        own = set(self.scope.resources)
        for resource in elsewhere():
            # what the file says of a resource itself is not to be mixed with what another file says of it
            if f"{resource['resourceType']}/{resource.get('id')}" not in own:
                self._note(resource, self.scope)
                self.further.append(resource)
        self.observations = self.identified = None

    def text_at(self, resource: Resource, path: str, found: Found) -> str | None:
        """The text at the path, several values joined by ';'."""
        path = path.strip()
        if path.startswith(FHIRPATH):
            return self._text_at_fhirpath(resource, path.removeprefix(FHIRPATH), found)
        if reverse := REVERSE.fullmatch(path):
            newest = self._newest(resource, reverse["system"], reverse["code"], found)
            return self.text_at(newest, reverse["rest"], found) if newest else None
        here, *hops = HOP.split(path)
        values = walk([resource], here)
        if not hops:
            return ";".join(text for text in map(as_text, values) if text) or None
        texts = []
        for reference in values:
            wanted, _, rest = hops[0].partition("." if not hops[0].partition(".")[0].endswith(FHIRPATH) else "\0")
            target = self.followed(resource, reference, wanted, found)
            if target is not None and target.get("resourceType") == wanted:
                texts.append(self.text_at(target, " -> ".join([rest, *hops[1:]]), found))
        return ";".join(text for text in texts if text) or None

    def _text_at_fhirpath(self, resource: Resource, path: str, found: Found) -> str | None:
        from orchestration.ingestion.readers.fhir_fhirpath import values_at

        def resolve(reference: Any) -> Resource | None:
            return self.followed(resource, reference, "resource", found)

        return ";".join(values_at(resource, path.strip(), resolve)) or None

    def followed(self, resource: Resource, reference: Any, wanted: str, found: Found) -> Resource | None:
        """The resource that a Reference means; one that is not there is a problem."""
        target = self.target(resource, reference, wanted)
        if target is None:
            _note_absent(reference, wanted, found)
        else:
            found.resources.append(target)
        return target

    def _newest(self, resource: Resource, system: str, code: str, found: Found) -> Resource | None:
        subject = self.followed(resource, resource.get("subject"), "Patient", found)
        if subject is None:
            return None
        if self.observations is None:
            self._note_observations()
        several = self.observations.get((system, code, self._identity(subject)), [])
        newest = max(several, key=_times_of, default=None)
        if newest is not None:
            found.resources.append(newest)
        return newest

    def _note_observations(self) -> None:
        self.observations = {}
        for versions in {id(scope): scope for scope in [self.scope, *self.scopes.values()]}.values():
            for several in versions.resources.values():
                newest = max(several, key=lambda one: order_of(one)[:2])
                if newest["resourceType"] == "Observation" and newest.get("status") not in WITHDRAWN:
                    self._note_observation(newest)
        for entry in self.entries:
            resource = entry.resource
            # those without an id are in no scope by name
            if resource is None or resource["resourceType"] != "Observation" or id(resource) in self.names:
                continue
            if resource.get("status") not in WITHDRAWN:
                self._note_observation(resource)

    def _note_observation(self, resource: Resource) -> None:
        subject = self.target(resource, resource.get("subject"))
        for coding in children(children([resource], "code", None), "coding", None):
            if subject is not None and isinstance(coding, dict):
                key = (str(coding.get("system")), str(coding.get("code")), self._identity(subject))
                known = self.observations.setdefault(key, [])
                if not any(one is resource for one in known):
                    known.append(resource)

    def _identity(self, resource: Resource) -> str | int:
        scope = self.scopes.get(id(resource), self.scope)
        return f"{id(scope)} {self.names[id(resource)]}" if id(resource) in self.names else id(resource)

    def patient_of(self, resource: Resource) -> str | None:
        """Patient/id as the server itself calls the record's patient, where its ids are the server's; else None."""
        scope = self.scopes.get(id(resource), self.scope)
        if not scope.is_of_server:
            return None
        if resource["resourceType"] == "Patient":
            return self.names.get(id(resource))
        for name in ("subject", "patient"):
            reference = resource.get(name)
            told = reference.get("reference") if isinstance(reference, dict) else None
            if isinstance(told, str) and not told.startswith(("#", "urn:")) and "/" in told and "?" not in told:
                return "/".join(told.split("/_history/")[0].split("/")[-2:])
        return None


def replaced_by(document: Resource) -> list[Resource]:
    """The references of a DocumentReference or Composition to those that it replaces."""
    related = [one for one in children([document], "relatesTo", None) if isinstance(one, dict)]
    replacing = [one for one in related if "replaces" in (one.get("code"), *walk([one], "code.coding.code"))]
    targets = [one.get("target") or one.get("targetReference") for one in replacing]
    return [one for one in targets if isinstance(one, dict)]


def _told_identifier(reference: Any) -> tuple[str | None, str | None]:
    """System and value of a logical reference's identifier."""
    identifier = reference.get("identifier") if isinstance(reference, dict) else None
    told = [identifier.get(name) for name in ("system", "value")] if isinstance(identifier, dict) else [None, None]
    system, value = (one if isinstance(one, str) else None for one in told)
    return system, value


def _note_absent(reference: Any, wanted: str, found: Found) -> None:
    if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
        # not the reference's own words, which may be an address with a patient's name in it
        article = "an" if wanted[:1] in "AEIOU" else "a"
        found.problems.append(f"refers to {article} {wanted}, which is not in the file")


def _meta(resource: Resource, name: str) -> str | None:
    meta = resource.get("meta")
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else None


def order_of(resource: Resource, sent_at: str | None = None) -> tuple[int, str, str]:
    """Version number (0 where it is none), time of update, and time of issue, in an order that is that of time."""
    version = _meta(resource, "versionId") or ""
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 18 else 0
    issued = resource.get("issued") or resource.get("date")
    return number, _sortable(_meta(resource, "lastUpdated") or sent_at), _sortable(issued)


def _sortable(written: Any) -> str:
    time = instant(written)
    return "" if time == datetime.min.replace(tzinfo=UTC) else time.strftime("%Y%m%d%H%M%S%f")


def _times_of(observation: Resource) -> tuple[datetime, datetime]:
    """When it was observed, then when it was issued: a corrected result is observed when the first one was."""
    observed = walk([observation], "effective[x]")
    return instant(as_text(observed[0]) if observed else observation.get("issued")), instant(observation.get("issued"))


def instant(written: Any) -> datetime:
    """A FHIR date or time, of which months and days may be missing; the earliest of all where it is none."""
    text = written if isinstance(written, str) else ""
    try:
        time = datetime.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)
