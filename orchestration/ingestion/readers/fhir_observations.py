"""The lines of a report: a DiagnosticReport's results and texts, a DocumentReference's documents, a Composition's sections."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from orchestration.ingestion.readers.attachments import UnreadableAttachment, from_base64, text_of_attachment
from orchestration.ingestion.readers.fhir_entries import Number, Resource
from orchestration.ingestion.readers.fhir_file import FhirFile, Found
from orchestration.ingestion.readers.fhir_paths import as_text, children, chosen_type, walk
from orchestration.ingestion.told_names import told_name

LOINC = "http://loinc.org"
FINAL_DIAGNOSIS = "22637-3"
# as statuses of HL7 table 0085; an unknown status is none
OBSERVATION_STATUS = {
    "final": "F", "corrected": "C", "amended": "C", "appended": "B", "preliminary": "P", "partial": "S", "registered": "I",
    "cancelled": "X", "entered-in-error": "W", "current": "F", "superseded": "W",
}  # fmt: skip
TEXT, SHORT, STATEMENT, NOT_READ = "text", "short text", "statement", "not read"
LINE_FIELDS = ("loinc_code", "section", "specimen", "label", "value", "unit", "status", "kind")
OBSERVATION_TYPE = pa.list_(
    pa.struct([("sequence", pa.int32()), ("set_id", pa.string()), *((name, pa.string()) for name in LINE_FIELDS)])
)
MOST_MEMBERS = 10_000
Line = dict[str, str | None]


def lines_of_report(
    file: FhirFile, report: Resource, found: Found, sections: dict[str, str], unread: Counter
) -> list[dict[str, Any]]:
    """The report's lines, numbered; `unread` gains what is attached and cannot be read."""
    lines = list(_Report(file, report, found, sections, unread).lines())
    return [{"sequence": number, "set_id": None, **line} for number, line in enumerate(lines, start=1)]


class _Report:
    def __init__(
        self, file: FhirFile, report: Resource, found: Found, sections: dict[str, str], unread: Counter
    ) -> None:
        self.file, self.report, self.found, self.sections, self.unread = file, report, found, sections, unread
        is_replaced = id(report) in file.replaced
        self.status = OBSERVATION_STATUS.get("superseded" if is_replaced else str(report.get("status")))
        self.specimen = self._specimen(report)
        self.seen: set[int] = set()

    def lines(self) -> Iterator[Line]:
        kind = self.report["resourceType"]
        n_lines = 0
        ways = {
            "Observation": [lambda: self._result(self.report, self.report, None)],
            "DocumentReference": [self._documents],
            "Composition": [lambda: self._sections_of_composition(self.report)],
        }
        for way in ways.get(kind, [self._results, self._forms, self._conclusions]):
            for line in way():
                n_lines += line["value"] is not None
                yield line
        narrative = self.report.get("text")
        told = narrative.get("status") if isinstance(narrative, dict) else None
        # a generated narrative says again what the elements say
        if kind != "Observation" and (not n_lines or told == "additional"):
            yield from self._narrative(self.report, self._code(self.report))

    def _line(self, code: str | None, value: str | None, kind: str = TEXT, **other: str | None) -> Line:
        line = dict.fromkeys(LINE_FIELDS) | {
            "loinc_code": code,
            "section": self.sections.get(code or ""),
            "specimen": self.specimen,
            "value": value,
            "status": self.status,
            "kind": kind,
        }
        return line | other

    def _results(self) -> Iterator[Line]:
        for reference in children([self.report], "result", None):
            result = self.file.followed(self.report, reference, "Observation", self.found)
            if result is not None:
                yield from self._result(self.report, result, self.specimen)
            elif not (isinstance(reference, dict) and isinstance(reference.get("reference"), str)):
                self.unread["result of a report", "it is only named, not referred to"] += 1

    def _result(self, holder: Resource, result: Resource, specimen: str | None) -> Iterator[Line]:
        """An observation, its components, and the observations that it groups (hasMember), however deep."""
        if id(result) in self.seen or len(self.seen) > MOST_MEMBERS:
            return
        self.seen.add(id(result))
        own = {
            "specimen": self._specimen(result) or specimen,
            "status": OBSERVATION_STATUS.get(str(result.get("status"))),
        }
        is_told = False
        for part in (result, *children([result], "component", None)):
            if isinstance(part, dict) and "valueAttachment" in part:
                line = self._attachment(part["valueAttachment"], self._code(part))
            else:
                line = self._value(part) if isinstance(part, dict) else None
            if line is not None:
                is_told = True
                yield line | own
        for note in children([result], "note", None):
            if isinstance(note, dict) and isinstance(note.get("text"), str):
                is_told = True
                yield self._line(self._code(result), note["text"]) | own
        for attachment in children(children([result], "extension", None), "valueAttachment", None):
            is_told = True
            yield self._attachment(attachment, self._code(result)) | own
        members = children([result], "hasMember", None)
        if not is_told and not members:
            narrative = [line | own for line in self._narrative(result, self._code(result))]
            if not narrative and chosen_type(result, "value") is None and "dataAbsentReason" not in result:
                self.unread["result without a value", "it has no value, no interpretation and no text"] += 1
            yield from narrative
        for reference in members:
            member = self.file.followed(result, reference, "Observation", self.found)
            if member is not None:
                yield from self._result(result, member, own["specimen"])

    def _value(self, element: Resource) -> Line | None:
        """A value as a pathologist would have written it: what was asked, the answer, its unit."""
        value = chosen_type(element, "value")
        text = _answer(value)
        if text is None and value is not None:
            self.unread["result without a value", "of its type of value no text is made"] += 1
        if text is None:
            meant = [said for said in map(_answer, children([element], "interpretation", None)) if said]
            if meant:
                return self._line(self._code(element), "; ".join(meant), STATEMENT, label=_label(element))
            if "dataAbsentReason" in element:
                self.unread["result without a value", "its sender says why it has none (dataAbsentReason)"] += 1
            return None
        code, label = self._code(element), _label(element)
        if isinstance(value, str) and not isinstance(value, Number) and "valueString" in element:
            return self._line(code, text, SHORT, label=label)
        return self._line(code, text, STATEMENT, label=label, unit=_unit(value))

    def _forms(self) -> Iterator[Line]:
        for form in children([self.report], "presentedForm", None):
            if isinstance(form, dict):
                yield self._attachment(form, self._code(self.report))

    def _conclusions(self) -> Iterator[Line]:
        if isinstance(self.report.get("conclusion"), str):
            yield self._line(FINAL_DIAGNOSIS, self.report["conclusion"])
        for note in children([self.report], "note", None):
            if isinstance(note, dict) and isinstance(note.get("text"), str):
                yield self._line(None, note["text"])
        # as R5 and DSTU2 call it too
        concepts = [
            one.get("concept", one) if isinstance(one, dict) else one
            for name in ("conclusionCode", "codedDiagnosis")
            for one in children([self.report], name, None)
        ]
        for concept in concepts:
            if text := _answer(concept):
                yield self._line(None, text, STATEMENT, label="Conclusion")

    def _documents(self) -> Iterator[Line]:
        code = next(iter(walk([self.report], f"type.coding[{LOINC}].code")), None)
        if isinstance(self.report.get("description"), str) and not self.report.get("content"):
            yield self._line(code, self.report["description"])
        for content in children([self.report], "content", None):
            attachment = content.get("attachment") if isinstance(content, dict) else None
            if isinstance(attachment, dict):
                yield self._attachment(attachment, code)

    def _sections_of_composition(self, element: Resource) -> Iterator[Line]:
        for section in children([element], "section", None):
            if not isinstance(section, dict):
                continue
            yield from self._narrative(section, self._code(section))
            for reference in children([section], "entry", None):
                target = self.file.followed(self.report, reference, "resource", self.found)
                if target is not None and target.get("resourceType") == "Observation":
                    yield from self._result(self.report, target, self.specimen)
            yield from self._sections_of_composition(section)

    def _narrative(self, element: Resource, code: str | None) -> Iterator[Line]:
        """text.div, the element's XHTML for people."""
        narrative = element.get("text")
        div = narrative.get("div") if isinstance(narrative, dict) else None
        if isinstance(div, str) and narrative.get("status") != "empty":
            try:
                yield self._line(code, text_of_attachment(div.encode(), "text/html; charset=utf-8"))
            except UnreadableAttachment as reason:
                if str(reason) not in ("it holds no text", "it is empty"):
                    yield self._not_read("narrative", str(reason), code)

    def _attachment(self, attachment: Any, code: str | None) -> Line:
        attachment = attachment if isinstance(attachment, dict) else {}
        content_type, data = str(attachment.get("contentType") or ""), attachment.get("data")
        if not isinstance(data, str) and isinstance(attachment.get("url"), str):
            binary = self.file.target(self.report, {"reference": attachment["url"]})
            if binary is None or binary.get("resourceType") != "Binary":
                return self._not_read(_type_name(content_type), "it is a pointer to a document elsewhere", code)
            self.found.resources.append(binary)
            content_type, data = content_type or str(binary.get("contentType") or ""), binary.get("data")
        try:
            text = text_of_attachment(from_base64(data if isinstance(data, str) else ""), content_type)
        except UnreadableAttachment as reason:
            return self._not_read(_type_name(content_type), str(reason), code)
        return self._line(code, text)

    def _not_read(self, what: str, reason: str, code: str | None) -> Line:
        self.unread[what, reason] += 1
        # a person who looks at the report is to see that there is more of it
        return self._line(code, f"[{what} was not read: {reason}]", NOT_READ)

    def _code(self, element: Resource) -> str | None:
        """The LOINC code, else the first code that the contract gives a section, else the first."""
        if loinc := next(iter(walk([element], f"code.coding[{LOINC}].code")), None):
            return as_text(loinc)
        codes = [text for text in map(as_text, walk([element], "code.coding.code")) if text]
        return next((code for code in codes if code in self.sections), next(iter(codes), None))

    def _specimen(self, resource: Resource) -> str | None:
        for reference in children([resource], "specimen", None):
            target = self.file.target(resource, reference)
            for path in ("accessionIdentifier.value", "identifier[0].value", "id"):
                if target and (values := walk([target], path)):
                    self.found.resources.append(target)
                    return as_text(values[0])
            if isinstance(reference, dict) and isinstance(reference.get("display"), str):
                return reference["display"]
        return None


def _unit(value: Any) -> str | None:
    """A quantity's unit, or that of a range's ends."""
    ends = [value, value.get("low"), value.get("high")] if isinstance(value, dict) else []
    units = [one.get("unit") or one.get("code") for one in ends if isinstance(one, dict) and "value" in one]
    return units[0] if units and isinstance(units[0], str) and len(set(units)) == 1 else None


def _type_name(content_type: str) -> str:
    name = content_type.split(";")[0].strip().lower()
    return told_name("attachment", name) if name else "attachment of no type"


def _label(element: Resource) -> str | None:
    """What was asked: the code's text, else the display of its first coding."""
    code = element.get("code")
    if not isinstance(code, dict):
        return None
    return next((text for text in (code.get("text"), *walk([code], "coding.display")) if isinstance(text, str)), None)


def _answer(value: Any) -> str | None:
    """A value for people: a concept's text or display, a range's two ends, a ratio, an amount with its comparator."""
    if not isinstance(value, dict):
        return as_text(value)
    if "coding" in value or "text" in value:
        shown = [value.get("text"), *walk([value], "coding.display"), *walk([value], "coding.code")]
        return next((text for text in shown if isinstance(text, str) and text), None)
    if isinstance(value.get("display"), str):
        return value["display"]
    for parts, sign in ((("low", "high"), " - "), (("numerator", "denominator"), ":")):
        ends = [as_text(value.get(part)) for part in parts]
        if any(ends):
            return (
                sign.join(text for text in ends if text)
                if all(ends)
                else (f">={ends[0]}" if ends[0] else f"<={ends[1]}")
            )
    return as_text(value)
