"""FHIR R4: resources of Bundles and NDJSON, paths across references, reports as observations, damage told by reason."""

import base64
import json
import random

import pytest

from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.readers.fhir import read_fhir_resources

MR = {"type": {"coding": [{"code": "MR"}]}, "value": "0001"}
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "identifier": [{"use": "old", "value": "X"}, MR]}
CONDITION = {
    "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "94381002"}, {"system": "http://hl7.org/icd", "code": "C78.7"}]},
}  # fmt: skip
PROCEDURE = {
    "resourceType": "Procedure",
    "id": "op1",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "performedPeriod": {"start": "2003-03-14", "end": "2003-03-14"},
    "reasonReference": [{"reference": "Condition/c1"}],
    "bodySite": [{"text": "segment 6"}, {"text": "segment 7"}],
}


def observation(number: str, code: str, when: str, value: dict) -> dict:
    return {
        "resourceType": "Observation", "id": number, "status": "final", "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": when, "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value,
    }  # fmt: skip


def bundle(*resources: dict) -> bytes:
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}).encode()


def lines(*resources: dict) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in resources)


def contract(resource: str, *paths: str) -> SourceContract:
    feed = "pathology_messages" if resource == "DiagnosticReport" else "registry"
    key = "message_control_id" if resource == "DiagnosticReport" else "registry_record_id"
    sound = SourceContract(
        version="1",
        feed=feed,
        file_pattern="*",
        format="fhir",
        resource=resource,
        key=[key],
        fields={key: FieldContract(column="id", required=True)},
    )
    extra = {f"column {path}": FieldContract(column=path) for path in paths}
    return sound.model_copy(update={"fields": {**sound.fields, **extra}})


def rows_of(content: bytes, resource: str, *paths: str) -> list[dict]:
    """The reader's rows, the hospital's columns under their own names."""
    rows = read_records(content, contract(resource, *paths)).to_pylist()
    return [{name.split(": ", 1)[-1]: value for name, value in row.items()} for row in rows]


def value_at(path: str, *resources: dict, resource: str = "Procedure") -> str | None:
    (row,) = rows_of(bundle(*resources), resource, path)
    assert row["structure_problem"] is None
    return row[path]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("status", "completed"),
        ("performed[x]", "2003-03-14"),
        ("bodySite.text", "segment 6;segment 7"),
        ("bodySite[1].text", "segment 7"),
        ("bodySite", "segment 6;segment 7"),
        ("outcome.text", None),
        ("subject -> Patient.gender", "female"),
        ("subject -> Patient.identifier[MR].value", "0001"),
        ("subject -> Patient.identifier[old].value", "X"),
        ("reasonReference -> Condition.code.coding[http://hl7.org/icd].code", "C78.7"),
        ("reasonReference -> Condition.subject -> Patient.gender", "female"),
        ("Observation[http://loinc.org|2039-6] by subject -> value[x]", "12.50"),
        ("Observation[http://loinc.org|99999-9] by subject -> value[x]", None),
    ],
)
def test_a_path_leads_to_its_value(path, expected):
    cea = [
        observation("o2", "2039-6", "2003-03-01", {"valueQuantity": {"value": 12.5, "unit": "ng/mL"}}),
        observation("o1", "2039-6", "2002-01-01", {"valueQuantity": {"value": 3, "unit": "ng/mL"}}),
    ]
    content = bundle(PATIENT, CONDITION, PROCEDURE, *cea).replace(b"12.5", b"12.50")
    (row,) = rows_of(content, "Procedure", path)
    assert (row[path], row["structure_problem"]) == (expected, None)


def test_full_urls_contained_resources_and_absolute_addresses_are_followed():
    by_urn = json.dumps(
        {
            "resourceType": "Bundle",
            "entry": [
                {"fullUrl": "urn:uuid:1", "resource": {**PATIENT, "id": None}},
                {"resource": {**PROCEDURE, "subject": {"reference": "urn:uuid:1"}}},
            ],
        }
    ).encode()
    (row,) = rows_of(by_urn, "Procedure", "subject -> Patient.gender")
    assert row["subject -> Patient.gender"] == "female"
    contained = {**PROCEDURE, "subject": {"reference": "#p"}, "contained": [{**PATIENT, "id": "p"}]}
    assert value_at("subject -> Patient.gender", contained) == "female"
    address = {**PROCEDURE, "subject": {"reference": "https://a.hospital/fhir/Patient/p1/_history/3"}}
    assert value_at("subject -> Patient.gender", PATIENT, address) == "female"


def test_lines_keep_their_numbers_and_a_line_that_is_no_resource_is_rejected_whatever_was_asked_for():
    content = lines(PATIENT, PROCEDURE) + b'{"resourceType": "Proc\n\n' + lines({**PROCEDURE, "id": "op2"})
    rows = rows_of(content, "Procedure")
    assert [(row["source_line"], row["id"], row["structure_problem"] is None) for row in rows] == [
        (2, "op1", True),
        (3, None, False),
        (5, "op2", True),
    ]
    assert rows[1]["payload"] == '{"resourceType": "Proc'


def test_a_reference_to_a_resource_that_is_not_there_rejects_the_record_without_quoting_it():
    (row,) = rows_of(bundle(PROCEDURE), "Procedure", "subject -> Patient.gender")
    assert row["structure_problem"] == "refers to a Patient, which is not in the file"


def test_a_report_holds_its_results_their_components_its_text_and_its_conclusion():
    margin = observation("m", "44669-0", "2003-03-18", {"valueQuantity": {"value": 4, "unit": "mm", "comparator": "<"}})
    margin["specimen"] = {"reference": "Specimen/s1"}
    margin["component"] = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "84892-9"}]},
            "valueCodeableConcept": {"text": "parenchymal"},
        }
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "d1",
        "status": "amended",
        "result": [{"reference": "Observation/m"}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "11529-5"}]},
        "conclusion": "Märgin clear",
        "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(b"whole text").decode()}],
    }
    specimen = {"resourceType": "Specimen", "id": "s1", "accessionIdentifier": {"value": "S03-77-A"}}
    (row,) = rows_of(bundle(margin, report, specimen), "DiagnosticReport")
    names = ("sequence", "loinc_code", "specimen", "value", "unit", "status", "kind")
    assert [tuple(line[name] for name in names) for line in row["observations"]] == [
        (1, "44669-0", "S03-77-A", "<4", "mm", "F", "statement"),
        (2, "84892-9", "S03-77-A", "parenchymal", None, "F", "statement"),
        (3, "11529-5", None, "whole text", None, "C", "text"),
        (4, "22637-3", None, "Märgin clear", None, "C", "text"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (bundle(PATIENT)[:-20], "not readable as FHIR"),
        (b"id;name\n1;x\n", "not readable as FHIR"),
        (lines(PATIENT, PROCEDURE)[:-30], "the last line is cut off"),
        (b"\xff\xfe" + lines(PATIENT), "not utf-8 text"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(content, reason):
    with pytest.raises(UnreadableFile, match=reason):
        read_records(content, contract("Procedure"))


def test_damaged_files_are_read_or_refused_and_never_anything_else():
    sound = [bundle(PATIENT, CONDITION, PROCEDURE), lines(PATIENT, CONDITION, PROCEDURE)]
    chance = random.Random(1)
    n_refused = 0
    for number in range(2000):
        damaged = bytearray(sound[number % 2])
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        try:
            table = read_records(bytes(damaged), contract("Procedure", "subject -> Patient.identifier[MR].value"))
        except UnreadableFile:
            n_refused += 1
        else:
            assert table.column_names[:3] == ["source_line", "payload", "structure_problem"]
    assert 0 < n_refused < 2000


CEA = "Observation[http://loinc.org|2039-6] by subject -> value[x]"


def cea(number: str, when: str, text: str, **other) -> dict:
    return {**observation(number, "2039-6", when, {"valueString": text}), **other}


def test_paths_name_the_columns_and_observations_come_only_when_asked_for():
    table = read_fhir_resources(bundle(PATIENT, PROCEDURE), "Procedure", ["id", "status"])
    assert table.column_names[:5] == ["source_line", "payload", "structure_problem", "id", "status"]
    assert "observations" not in table.column_names
    assert table["source_line"].to_pylist() == [2]
    assert "observations" in read_fhir_resources(bundle(PATIENT), "Patient", [], with_observations=True).column_names


@pytest.mark.parametrize("without_id", [True, False])
def test_another_patients_value_is_never_taken_for_this_ones(without_id):
    """Patients without an id, known by fullUrl only, and contained ones that are all called '#p'."""
    patient = {"resourceType": "Patient", "gender": "female"}
    if without_id:
        entries = [
            {"fullUrl": "urn:uuid:1", "resource": patient},
            {"fullUrl": "urn:uuid:2", "resource": dict(patient)},
            {"resource": {**PROCEDURE, "subject": {"reference": "urn:uuid:1"}}},
            {"resource": cea("o", "2003", "another's", subject={"reference": "urn:uuid:2"})},
        ]
    else:
        own = {"subject": {"reference": "#p"}, "contained": [{**patient, "id": "p"}]}
        entries = [{"resource": {**PROCEDURE, **own}}, {"resource": {**cea("o", "2003", "another's"), **own}}]
    (row,) = rows_of(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), "Procedure", CEA)
    assert (row[CEA], row["structure_problem"]) == (None, None)


@pytest.mark.parametrize(
    ("older", "newest"),
    [
        # the same night in two time zones; texts sort the other way round
        (cea("a", "2001-01-02T01:00:00+00:00", "old"), cea("b", "2001-01-01T23:00:00-05:00", "new")),
        (cea("a", "2001", "old"), cea("b", "2001-02", "new")),
        (cea("a", "2001-02-03", "old"), cea("b", "", "new", effectiveDateTime=None, effectivePeriod={"start": "2002"})),
        (cea("a", "2001", "old", issued="2001-01-01"), cea("b", "2001", "new", issued="2001-01-05")),
        (cea("b", "2001", "new"), cea("a", "2005", "withdrawn", status="entered-in-error")),
    ],
)
def test_the_newest_observation_is_the_one_that_was_observed_last(older, newest):
    assert value_at(CEA, PATIENT, PROCEDURE, older, newest) == "new"
    assert value_at(CEA, PATIENT, newest, PROCEDURE, older) == "new"


def test_a_subject_that_is_not_there_is_told_for_the_way_back_too():
    (row,) = rows_of(bundle(PROCEDURE, cea("a", "2001", "x")), "Procedure", CEA)
    assert row["structure_problem"] == "refers to a Patient, which is not in the file"


def test_contained_resources_refer_to_each_other():
    condition = {**CONDITION, "id": "c", "subject": {"reference": "#p"}}
    procedure = {
        **PROCEDURE,
        "reasonReference": [{"reference": "#c"}],
        "contained": [condition, {**PATIENT, "id": "p"}],
    }
    assert value_at("reasonReference -> Condition.subject -> Patient.gender", procedure) == "female"


@pytest.mark.parametrize("url", ["http://a.hospital/x.y", "http://a->b"])
@pytest.mark.parametrize("element", ["value[x]", "valueCode"])
def test_an_extension_is_picked_by_its_url(url, element):
    patient = {**PATIENT, "extension": [{"url": "http://other", "valueCode": "no"}, {"url": url, "valueCode": "R1"}]}
    assert value_at(f"extension[{url}].{element}", patient, resource="Patient") == "R1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"valueInteger": 0}, "0"),
        ({"valueBoolean": False}, "false"),
        ({"valueDateTime": "2003-03"}, "2003-03"),
        ({"valueCodeableConcept": {"coding": [{"code": "R0"}]}}, "R0"),
        ({"valueString": "Łoś 李"}, "Łoś 李"),
    ],
)
def test_each_type_of_value_becomes_text(value, text):
    assert value_at("value[x]", observation("o", "1-1", "2003", value), resource="Observation") == text


def test_half_a_surrogate_pair_does_not_stop_the_file():
    content = b'{"resourceType": "Patient", "id": "a", "gender": "\\ud800"}\n' + lines(PATIENT)
    assert [row["gender"] for row in rows_of(content, "Patient", "gender")] == ["?", "female"]


def test_an_indented_bundle_cut_off_after_a_line_is_no_ndjson():
    content = b'{"resourceType": "Bundle",\n"entry": [\n{"resource":\n' + lines(PATIENT) + b"},\n"
    with pytest.raises(UnreadableFile, match="not readable as FHIR"):
        rows_of(content, "Patient")


def test_contained_results_and_specimens_of_a_report():
    result = {**observation("m", "1-1", "2003", {"valueQuantity": {"value": 4}}), "specimen": {"reference": "#s"}}
    specimen = {"resourceType": "Specimen", "id": "s", "identifier": [{"value": "S03-1"}]}
    report = {"resourceType": "DiagnosticReport", "id": "d", "result": [{"reference": "#m"}]}
    (row,) = rows_of(bundle({**report, "contained": [result, specimen]}), "DiagnosticReport")
    assert [(o["specimen"], o["value"]) for o in row["observations"]] == [("S03-1", "4")]


@pytest.mark.parametrize(
    ("content_type", "data", "text"),
    [
        ("text/plain", "d2hv\nbGU=", "whole"),
        ("text/plain; charset=iso-8859-1", base64.b64encode("Rän".encode("latin-1")).decode(), "Rän"),
        ("text/plain", "@@", "[attachment text/plain was not read: its base64 cannot be decoded]"),
        (
            "text/plain; charset=none-such",
            "d2hvbGU=",
            "[attachment text/plain was not read: it cannot be decoded in its character set]",
        ),
    ],
)
def test_a_text_form_is_decoded_or_said_to_be_unreadable(content_type, data, text):
    form = {"contentType": content_type, "data": data}
    (row,) = rows_of(
        bundle({"resourceType": "DiagnosticReport", "id": "d", "presentedForm": [form]}), "DiagnosticReport"
    )
    assert [(o["value"], o["kind"] == "not read") for o in row["observations"]] == [(text, text.startswith("["))]
    assert row["structure_problem"] is None


def test_mutated_reports_and_ways_back_never_fail_otherwise_than_as_unreadable():
    """Past `read_records`, which would hide what a reader did not foresee."""
    report = {
        "resourceType": "DiagnosticReport",
        "id": "d",
        "status": "final",
        "result": [{"reference": "Observation/o"}],
        "presentedForm": [{"contentType": "text/plain", "data": "d2hvbGU="}],
        "conclusion": "\ud83d\ude00 clear",
        "subject": {"reference": "Patient/p1"},
    }
    sound = bundle(PATIENT, cea("o", "2003-01-01T10:00:00Z", "4"), report)
    chance = random.Random(2)
    n_refused = 0
    for _ in range(200):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(damaged))] = chance.choice(b'{}[]":,\\0aZ~\xff')
        try:
            read_fhir_resources(bytes(damaged), "DiagnosticReport", ["subject -> Patient.gender", CEA], True)
        except UnreadableFile:
            n_refused += 1
    assert 0 < n_refused < 200


@pytest.mark.parametrize("wrapped", [b"%s\n", b"[%s]", b'{"resourceType": "Bundle", "entry": [{"resource": %s}]}'])
def test_a_payload_keeps_its_numbers_as_they_are_written(wrapped):
    resource = b'{"resourceType": "Observation", "valueQuantity": {"value": 0.10, "code": "1"}, "x": [1, true, null]}'
    (row,) = rows_of(wrapped % resource, "Observation", "value[x]")
    assert (row["payload"], row["value[x]"]) == (resource.decode(), "0.10")


def test_nesting_too_deep_is_refused_or_read():
    for depth in (100, 400, 600, 900, 100_000):
        content = b'{"resourceType": "Patient", "a": ' + b"[" * depth + b"]" * depth + b"}"
        try:
            assert read_fhir_resources(content, "Patient", ["a"]).num_rows == 1
        except UnreadableFile:
            assert depth > 100


def test_a_bound_does_not_pass_for_a_value():
    below = observation(
        "o1", "2039-6", "2003-03-01", {"valueQuantity": {"value": 5, "unit": "ng/mL", "comparator": "<"}}
    )
    path = "Observation[http://loinc.org|2039-6] by subject -> value[x]"
    assert value_at(path, PATIENT, PROCEDURE, below) == "<5"
