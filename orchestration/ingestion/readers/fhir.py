"""FHIR R4 resources from Bundles, arrays, NDJSON and exports; a contract's columns are paths into a resource and across references.

The path language, read from left to right:
    status, code.text, contact[0].name       elements; where one repeats, all of them, joined by ';', or the one of an index
    code.coding[http://loinc.org].code       of repeating elements the one with that `system`, `url`, `use` or type code
    identifier[MR].value                     (the identifier whose type has the code MR)
    value[x], performed[x]                   whichever type was chosen: a Quantity's value, a Period's start, a concept's text
    subject -> Patient.birthDate             follows a reference to another resource of the file, or a contained one
    Observation[http://loinc.org|2039-6] by subject -> value[x]
                                             the newest Observation of that code about the same Patient
                                             (never one that was entered in error or cancelled)
    fhirpath: identifier.where(type.coding.code = 'MR').value
                                             any FHIRPath expression, `resolve()` included
"""

import re
from collections import Counter
from pathlib import Path

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import Account, Notice, Withdrawal, account_of, with_account
from orchestration.ingestion.readers.fhir_entries import UNSENT, Entry, Resource, Scope, entries_of
from orchestration.ingestion.readers.fhir_export import resources_of_companions
from orchestration.ingestion.readers.fhir_fhirpath import WrongExpression
from orchestration.ingestion.readers.fhir_file import Elsewhere, FhirFile, Found, order_of, replaced_by
from orchestration.ingestion.readers.fhir_observations import OBSERVATION_TYPE, lines_of_report
from orchestration.ingestion.readers.fhir_paths import as_text, walk
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8
from orchestration.ingestion.told_names import is_known_name, told_name

REPORTS = ("DiagnosticReport", "DocumentReference", "Composition")
ENTERED_IN_ERROR = "entered-in-error"
PART_OF_REPORT = {"DocumentReference": "type.coding.code", "Composition": "type.coding.code"}
ELEMENTS_OF_REPORT = {
    "resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "identifier", "basedOn", "status", "category",
    "code", "subject", "encounter", "effectiveDateTime", "effectivePeriod", "issued", "performer", "resultsInterpreter", "specimen",
    "result", "conclusion", "conclusionCode", "codedDiagnosis", "note", "presentedForm", "context", "request",
}  # fmt: skip
OF_EXPORT = ("other file of the export", "it cannot be read: what refers to it is rejected")
# what a server says of the export or of its answer
OUTCOME = "OperationOutcome"


def read_fhir(
    content: bytes, contract: SourceContract, path: Path | None = None, others: Elsewhere | None = None
) -> pa.Table:
    """The contract's resources and paths as `read_fhir_resources` finds them, the paths named by `reader_column`.

    `path`: where the file lies; references that lead to none of its resources are looked for in the other files of its
    folder, if these are NDJSON, or in the `others` of its archive. A resource that was entered in error, and the contract
    does not map that, is withdrawn.

    Raises:
        UnreadableFile: bytes outside the contract's encoding, or what `read_fhir_resources` refuses.
    """
    text = as_utf_8(content, contract.encoding, contract.fallback_encoding)
    maps_errors = any(ENTERED_IN_ERROR in field.codes for field in contract.fields.values())
    columns = contract.source_columns
    table = read_fhir_resources(
        text,
        contract.resource or "",
        columns,
        contract.feed == "pathology_messages",
        contract.sections,
        path,
        not maps_errors,
        others,
    )
    names = dict(zip(columns, map(contract.reader_column, columns), strict=True))
    renamed = table.rename_columns([names.get(name, name) for name in table.column_names])
    return with_account(renamed, account_of(table))


def read_fhir_resources(
    content: bytes,
    resource: str,
    paths: list[str],
    with_observations: bool = False,
    sections: dict[str, str] | None = None,
    path: Path | None = None,
    withdraws_errors: bool = False,
    others: Elsewhere | None = None,
) -> pa.Table:
    """One row a resource of that type, in file order; what is no resource is a row too, with a structure problem.

    Columns: `source_line` int64 (line of NDJSON or entry of a Bundle), `payload` and `structure_problem` string, a string
    column a path; what the source calls the record and its patient, and its place in the record's history; then, if asked
    for, `observations` (OBSERVATION_TYPE: results, documents, conclusion) and `report_part`. A reference that a path
    follows to a resource that is not there is a structure problem. The table's account tells what was not read.

    Raises:
        UnreadableFile: empty, not UTF-8, or JSON that is cut off or damaged.
    """
    scope = Scope()
    try:
        entries = entries_of(as_utf_8(content, "utf-8"), scope)
    except RecursionError as error:
        raise UnreadableFile("not readable as FHIR: nested deeper than any resource") from error
    unreadable: Counter = Counter()

    def of_export() -> list[Resource]:
        return resources_of_companions(path, "utf-8", lambda n: unreadable.update({OF_EXPORT: n}))

    elsewhere = others or (of_export if path is not None else None)
    reading = _Reading(FhirFile(entries, scope, elsewhere), resource, sections or {}, unreadable)
    wanted, withdrawals = [], []
    for entry in entries:
        if entry.withdrawn is not None:
            if entry.withdrawn.split("/")[0] == resource:
                withdrawals.append(Withdrawal(entry.withdrawn, _sortable_time(entry), entry.line))
        elif entry.resource is None:
            if entry.unsent in (None, "", resource):
                wanted.append(entry)
        elif entry.resource["resourceType"] == resource:
            if withdraws_errors and entry.resource.get("status") == ENTERED_IN_ERROR and "id" in entry.resource:
                name = f"{resource}/{as_text(entry.resource['id'])}"
                withdrawals.append(Withdrawal(name, _sortable_time(entry), entry.line))
            else:
                wanted.append(entry)
                withdrawals += _replaced_elsewhere(entry)
    return reading.table(wanted, paths, with_observations, withdrawals)


def _replaced_elsewhere(entry: Entry) -> list[Withdrawal]:
    """The documents of its server that a document replaces, whichever file they came in."""
    if not entry.scope.is_of_server or entry.resource is None:
        return []
    names = [one["reference"] for one in replaced_by(entry.resource) if isinstance(one.get("reference"), str)]
    short = ["/".join(name.split("/_history/")[0].split("/")[-2:]) for name in names]
    return [Withdrawal(name, _sortable_time(entry), entry.line, is_entry=False) for name in short if "/" in name]


def _sortable_time(entry: Entry) -> str | None:
    _, updated_at, issued_at = order_of(entry.resource or {}, entry.updated_at)
    return updated_at or issued_at or None


def _deleted(kind: str) -> str:
    return f"deleted {kind}" if is_known_name("resource", kind) else told_name("deleted resource", kind)


class _Reading:
    """The rows of one file."""

    def __init__(self, file: FhirFile, resource: str, sections: dict[str, str], unread: Counter) -> None:
        self.file, self.resource, self.sections = file, resource, sections
        self.unread = unread
        self.followed: set[int] = set()

    def table(
        self, rows: list[Entry], paths: list[str], with_observations: bool, withdrawals: list[Withdrawal]
    ) -> pa.Table:
        values: dict[str, list] = {path: [] for path in paths}
        told: dict[str, list] = {
            "source_reference": [],
            "source_patient": [],
            "source_version": [],
            "source_updated_at": [],
        }
        problems, observations, parts = [], [], []
        for entry in rows:
            found = Found()
            for path in paths:
                values[path].append(self._value(entry.resource, path, found))
            if with_observations:
                lines = (
                    lines_of_report(self.file, entry.resource, found, self.sections, self.unread)
                    if entry.resource
                    else []
                )
                observations.append(lines)
                self._note_other_elements(entry.resource, paths)
                parts.append(self._part(entry.resource))
            self.followed.update(map(id, found.resources))
            for name, value in self._told(entry, found).items():
                told[name].append(value)
            problems.append(entry.problem or next(iter(found.problems), None))
        columns = {
            "source_line": pa.array([entry.line for entry in rows], pa.int64()),
            "payload": pa.array([entry.payload for entry in rows], pa.string()),
            "structure_problem": pa.array(problems, pa.string()),
            **{path: pa.array(column, pa.string()) for path, column in values.items()},
            **{
                name: pa.array(column, pa.int64() if name == "source_version" else pa.string())
                for name, column in told.items()
            },
        }
        if with_observations:
            columns["observations"] = pa.array(observations, OBSERVATION_TYPE)
            columns["report_part"] = pa.array(parts, pa.string())
        account = Account(0, self._notices(withdrawals), withdrawals, self.file.used_elsewhere)
        return with_account(pa.table(columns), account)

    def _value(self, resource: Resource | None, path: str, found: Found) -> str | None:
        if resource is None:
            return None
        try:
            return self.file.text_at(resource, path, found)
        except WrongExpression as error:
            found.problems.append(str(error))
            return None

    def _note_other_elements(self, report: Resource | None, paths: list[str]) -> None:
        """What a DiagnosticReport holds beside what is read of it, and beside who, when and for what."""
        if report is None or report["resourceType"] != "DiagnosticReport":
            return
        for name in report.keys() - ELEMENTS_OF_REPORT:
            if not any(re.match(rf"(?:fhirpath:\s*)?{re.escape(name)}\b", path) for path in paths) and name[:1] != "_":
                self.unread[told_name("element", name, f"element {name} of a report"), "nothing was taken from it"] += 1

    def _part(self, resource: Resource | None) -> str | None:
        if resource is None:
            return None
        path = PART_OF_REPORT.get(resource["resourceType"], "code.coding.code")
        return next((text for text in map(as_text, walk([resource], path)) if text), None)

    def _told(self, entry: Entry, found: Found) -> dict[str, str | int | None]:
        """The source's own name of the record and its patient, and its place in the record's history: as new as the newest
        of what it refers to."""
        resource = entry.resource
        if resource is None:
            return dict.fromkeys(("source_reference", "source_patient", "source_version", "source_updated_at"))
        version, updated_at, issued_at = order_of(resource, entry.updated_at)
        if updated_at:
            updated_at = max(updated_at, *(order_of(one)[1] for one in found.resources), "")
        return {
            "source_reference": self.file.names.get(id(resource)),
            "source_patient": self.file.patient_of(resource),
            "source_version": version or None,
            "source_updated_at": updated_at or issued_at or None,
        }

    def _notices(self, withdrawals: list[Withdrawal]) -> list[Notice]:
        kinds: Counter = Counter()
        withdrawn = {one.reference for one in withdrawals}
        for entry in self.file.entries:
            resource = entry.resource
            if entry.withdrawn is not None and entry.withdrawn not in withdrawn:
                kinds[_deleted(entry.withdrawn.split("/")[0]), "the contract reads resources of another type"] += 1
            elif entry.unsent not in (None, "", self.resource):
                kinds[f"unsent {entry.unsent}", UNSENT] += 1
            elif resource is not None and resource["resourceType"] == OUTCOME:
                kinds[f"resource {OUTCOME}", "the sender says that something of its export failed"] += 1
            elif (
                resource is not None and resource["resourceType"] != self.resource and id(resource) not in self.followed
            ):
                kinds[told_name("resource", resource["resourceType"]), "no record of this contract refers to it"] += 1
        return [Notice(what, n, reason) for (what, reason), n in (kinds + self.unread).items()]
