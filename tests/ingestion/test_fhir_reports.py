"""FHIR R4 reports as servers send them: Bundles of several shapes, groups, documents, narratives, answers, instants, FHIRPath."""

import base64
import json

import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals
from orchestration.ingestion.readers.account import account_of
from orchestration.ingestion.readers.fhir import read_fhir_resources
from tests.ingestion.test_formats_text import write_contract
from tests.ingestion.test_record_identity import REPORTS, lines, patient, report, resource

MRN = "subject -> Patient.identifier[MR].value"


def bundle(*resources: dict, kind: str = "collection") -> dict:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def read(content: object, kind: str = "DiagnosticReport", *paths: str) -> list[dict]:
    table = read_fhir_resources(json.dumps(content).encode(), kind, [MRN, *paths], with_observations=True)
    return table.to_pylist()


def said(*resources: dict, kind: str = "DiagnosticReport") -> list[tuple]:
    (row,) = read(bundle(patient("1"), *resources), kind)
    assert row["structure_problem"] is None
    return [(line["label"], line["value"], line["unit"], line["kind"]) for line in row["observations"]]


def test_each_bundles_references_are_its_own():
    two = [
        bundle(patient("900001", "1"), report("a") | {"subject": {"reference": "Patient/1"}}),
        bundle(patient("900002", "1"), report("b", "r2") | {"subject": {"reference": "Patient/1"}}),
        bundle(report("c", "r3") | {"subject": {"reference": "Patient/1"}}),
    ]
    rows = read(two)
    assert [(row[MRN], row["observations"][0]["value"], row["structure_problem"]) for row in rows] == [
        ("900001", "a", None),
        ("900002", "b", None),
        (None, "c", "refers to a Patient, which is not in the file"),
    ]


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda inner: [inner],
        lambda inner: bundle(inner),
        lambda inner: bundle(bundle(inner, kind="searchset"), kind="batch-response"),
        lambda inner: {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": inner}]},
        lambda inner: {
            "resourceType": "Parameters",
            "parameter": [{"name": "a", "part": [{"name": "b", "resource": inner}]}],
        },
    ],
)
def test_a_bundle_is_opened_wherever_it_stands(wrapped):
    (row,) = read(wrapped(bundle(patient("900001"), report("Margin involved."))))
    assert (row[MRN], row["observations"][0]["value"]) == ("900001", "Margin involved.")


def test_pages_of_a_search_are_one_server():
    pages = [bundle(patient("900001"), kind="searchset"), bundle(report("x"), kind="searchset")]
    assert [row[MRN] for row in read(pages)] == ["900001"]


def test_of_several_versions_of_a_patient_the_newest_is_meant_or_the_one_that_is_named():
    old, new = patient("1") | {"meta": {"versionId": "9"}}, patient("2") | {"meta": {"versionId": "10"}}
    named = report("b", "r2") | {"subject": {"reference": "Patient/q1/_history/9"}}
    assert [row[MRN] for row in read(bundle(new, old, report("a"), named, kind="history"))] == ["2", "1"]


def test_a_group_is_its_members_however_deep_and_a_circle_of_groups_ends():
    text = {"coding": [{"system": "http://loinc.org", "code": "22637-3"}]}
    member = resource("Observation", "m", status="final", code=text, valueString="Margin involved.")
    inner = resource(
        "Observation", "i", status="final", hasMember=[{"reference": "Observation/m"}, {"reference": "Observation/g"}]
    )
    group = resource(
        "Observation", "g", status="final", code={"text": "Group"}, hasMember=[{"reference": "Observation/i"}]
    )
    told = report("") | {"conclusion": None, "result": [{"reference": "Observation/g"}]}
    assert said(told, group, inner, member) == [(None, "Margin involved.", None, "short text")]


CODED = {"coding": [{"code": "1", "display": "Involved by carcinoma"}]}


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"valueQuantity": {"value": 4, "unit": "mm"}}, ("Margin", "4", "mm", "statement")),
        ({"valueQuantity": {"value": 1, "comparator": "<", "code": "mm"}}, ("Margin", "<1", "mm", "statement")),
        ({"valueCodeableConcept": CODED}, ("Margin", "Involved by carcinoma", None, "statement")),
        ({"valueCodeableConcept": {"text": "at ink", **CODED}}, ("Margin", "at ink", None, "statement")),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 3}}}, ("Margin", "1 - 3", None, "statement")),
        (
            {"valueRange": {"low": {"value": 1, "unit": "mm"}, "high": {"value": 3, "unit": "mm"}}},
            ("Margin", "1 - 3", "mm", "statement"),
        ),
        (
            {"interpretation": [{"coding": [{"code": "POS", "display": "Positive"}]}]},
            ("Margin", "Positive", None, "statement"),
        ),
        (
            {"valueAttachment": {"contentType": "text/plain", "data": base64.b64encode(b"at ink").decode()}},
            (None, "at ink", None, "text"),
        ),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 4}}},
            ("Margin", "1:4", None, "statement"),
        ),
        ({"valueInteger": 2}, ("Margin", "2", None, "statement")),
        ({"valueString": "Involved"}, ("Margin", "Involved", None, "short text")),
        ({"note": [{"text": "cannot be assessed"}]}, (None, "cannot be assessed", None, "text")),
        (
            {"text": {"status": "generated", "div": "<div>Margin: <b>4 mm</b></div>"}},
            (None, "Margin: 4 mm", None, "text"),
        ),
    ],
)
def test_an_answer_has_its_question_and_its_unit(answer, line):
    result = resource("Observation", "m", status="final", code={"text": "Margin"}, **answer)
    assert said(report("") | {"conclusion": None, "result": [{"reference": "Observation/m"}]}, result) == [line]


def form(content: bytes, kind: str) -> dict:
    return {"contentType": kind, "data": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("attached", "text"),
    [
        (form("Märgin".encode("latin-1"), "text/plain; charset=iso-8859-1"), "Märgin"),
        (form(b"<table><tr><td>Margin</td><td>4 mm</td></tr></table><p>x</p>", "text/html"), "Margin: 4 mm\n\nx"),
        (form(rb"{\rtf1\ansi Margin\par 4 mm}", "application/rtf"), "Margin\n4 mm"),
        (form(b"<ClinicalDocument><paragraph>4 mm</paragraph></ClinicalDocument>", "application/xml"), "4 mm"),
        (form(b"<note><paragraph>4 mm</paragraph></note>", "text/xml"), "4 mm"),
        ({"contentType": "text/plain", "url": "Binary/b"}, "of a Binary"),
        (form(b"\x89PNG\r\n", "image/png"), "[attachment image/png was not read: it is of a type that is not read]"),
        (
            {"url": "https://a.hospital/x.pdf"},
            "[attachment of no type was not read: it is a pointer to a document elsewhere]",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["DiagnosticReport", "DocumentReference"])
def test_an_attachment_of_a_report_is_read_or_said_not_to_be(attached, text, kind):
    binary = resource("Binary", "b", contentType="text/plain", data=base64.b64encode(b"of a Binary").decode())
    if kind == "DiagnosticReport":
        told = report("") | {"conclusion": None, "presentedForm": [attached]}
    else:
        told = resource(
            kind, "d", status="current", subject={"reference": "Patient/q1"}, content=[{"attachment": attached}]
        )
    table = read_fhir_resources(
        json.dumps(bundle(patient("1"), told, binary)).encode(), kind, [MRN], with_observations=True
    )
    assert [line["value"] for line in table["observations"].to_pylist()[0]] == [text]
    unread = [one.what for one in account_of(table).notices if one.what.startswith("attachment")]
    assert bool(unread) == text.startswith("[")


@pytest.mark.parametrize(("status", "n_lines"), [("generated", 1), ("additional", 2)])
def test_a_narrative_is_read_unless_it_says_again_what_was_said(status, n_lines):
    narrative = {"status": status, "div": "<div>Margin 4 mm.<br/>No tumor.</div>"}
    assert len(said(report("Margin 4 mm.") | {"text": narrative})) == n_lines
    alone = said(report("") | {"conclusion": None, "text": narrative})
    assert [value for _, value, _, _ in alone] == ["Margin 4 mm.\nNo tumor."]


def test_what_no_record_refers_to_is_listed_by_type():
    content = bundle(patient("1"), report("x"), resource("Encounter", "e"), {"resourceType": "OperationOutcome"})
    table = read_fhir_resources(json.dumps(content).encode(), "DiagnosticReport", [MRN])
    assert sorted((one.what, one.n) for one in account_of(table).notices) == [
        ("resource Encounter", 1),
        ("resource OperationOutcome", 1),
    ]


@pytest.mark.parametrize("reference", [
    {"reference": "Patient?identifier=urn:mrn|900001"}, {"reference": "Patient?identifier=900001"},
    {"identifier": {"system": "urn:mrn", "value": "900001"}}, {"identifier": {"value": "900001"}, "type": "Patient"},
])  # fmt: skip
def test_a_patient_may_be_named_by_an_identifier(reference):
    def named(mrn: str, number: str) -> dict:
        one = patient(mrn, number)
        return one | {"identifier": [one["identifier"][0] | {"system": "urn:mrn"}]}

    told = report("x") | {"subject": reference}
    assert [row[MRN] for row in read(bundle(named("900002", "2"), named("900001", "1"), told))] == ["900001"]
    # two patients with it: nobody knows which one is meant
    (row,) = read(bundle(named("900001", "2"), named("900001", "1"), told))
    assert row[MRN] is None


def test_an_identifier_that_is_no_longer_used_is_second_choice():
    (one,) = patient("1")["identifier"]
    old, new = one | {"use": "old", "value": "900002"}, one | {"use": "official", "value": "900001"}
    assert [row[MRN] for row in read(bundle(patient("1") | {"identifier": [old, new]}, report("x")))] == ["900001"]
    assert [row[MRN] for row in read(bundle(patient("1") | {"identifier": [old]}, report("x")))] == ["900002"]


def test_notes_of_a_report_are_read_and_its_other_elements_and_results_without_anything_are_listed():
    empty = resource("Observation", "e", status="final", code={"text": "Margin"})
    strange = empty | {"id": "s", "valueSampledData": {"data": "1 2"}}
    told = report("x") | {
        "note": [{"text": "Margin involved."}], "media": [{"comment": "slide"}],
        "result": [{"reference": "Observation/e"}, {"reference": "Observation/s"}],
    }  # fmt: skip
    table = read_fhir_resources(
        json.dumps(bundle(patient("1"), told, empty, strange)).encode(),
        "DiagnosticReport",
        [MRN],
        with_observations=True,
    )
    assert [line["value"] for line in table["observations"].to_pylist()[0]] == ["x", "Margin involved."]
    assert sorted((one.what, one.reason) for one in account_of(table).notices) == [
        ("element media of a report", "nothing was taken from it"),
        ("result without a value", "it has no value, no interpretation and no text"),
        ("result without a value", "of its type of value no text is made"),
    ]


def test_lines_of_a_document_that_another_one_of_the_file_replaces_do_not_count():
    old = resource("DocumentReference", "a", status="current", subject={"reference": "Patient/q1"}, description="12 mm")
    new = old | {"id": "b", "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/a"}}]}
    rows = read(bundle(patient("1"), old, new), "DocumentReference")
    assert [row["observations"][0]["status"] for row in rows] == ["W", "F"]


def test_a_result_that_is_only_named_is_listed():
    content = bundle(patient("1"), report("x") | {"result": [{"display": "Margin status"}]})
    table = read_fhir_resources(json.dumps(content).encode(), "DiagnosticReport", [MRN], with_observations=True)
    assert [(one.what, one.n) for one in account_of(table).notices] == [("result of a report", 1)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fhirpath: identifier.where(type.coding.code = 'ACSN').value", "K1"),
        ("fhirpath: subject.resolve().identifier.where(type.coding.exists(code = 'MR')).value", "900001"),
        ("fhirpath: iif(status = 'final', 'signed', 'open')", "signed"),
        ("fhirpath: result.count()", "0"),
        ("fhirpath: conclusion.exists()", "true"),
    ],
)
def test_a_field_may_be_named_by_fhirpath(path, value):
    (row,) = read(bundle(patient("900001"), report("x")), "DiagnosticReport", path)
    assert (row[path], row["structure_problem"]) == (value, None)


def test_what_is_no_fhirpath_is_an_error_of_the_contract(warehouse):
    write_contract(warehouse, "fhir", REPORTS.replace("column: status", 'column: "fhirpath: status.nosuch()"'))
    with pytest.raises(ContractError, match=r"fhir\.yml:\d+: .*no FHIRPath that can be evaluated"):
        load_hospitals(warehouse.contracts_folder)


@pytest.mark.parametrize(
    ("zone", "issued", "day", "clock"),
    [
        ("America/New_York", "2004-03-05T02:30:00Z", "2004-03-04", "2004-03-04 21:30:00"),
        ("Europe/Berlin", "2004-07-05T23:30:00Z", "2004-07-06", "2004-07-06 01:30:00"),
        ("Europe/Berlin", "2004-07-05T23:30:00", "2004-07-05", "2004-07-05 23:30:00"),
        ("Europe/Berlin", "2004-07-05", "2004-07-05", "2004-07-05 00:00:00"),
        (None, "2004-07-05T23:30:00.5+02:00", "2004-07-05", "2004-07-05 23:30:00"),
    ],
)
def test_an_instant_is_read_on_the_hospitals_clock(warehouse, zone, issued, day, clock):
    formats = 'formats: ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]'
    write_contract(
        warehouse,
        "fhir",
        REPORTS
        + f"  collected_date: {{column: issued, {formats}}}\n  reported_datetime: {{column: issued, {formats}}}\n",
    )
    hospital = warehouse.contracts_folder / "a_hospital" / "hospital.yml"
    hospital.write_text(hospital.read_text() + (f"time_zone: {zone}\n" if zone else ""))
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), report("x", issued=issued)))
    warehouse.load("pathology_messages")
    assert warehouse.rows("SELECT collected_date, reported_datetime FROM raw.pathology_messages") == [(day, clock)]


def test_files_that_were_read_on_another_clock_are_read_again_and_others_are_not(warehouse):
    told = REPORTS + '  collected_date: {column: issued, formats: ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]}\n'
    write_contract(warehouse, "fhir", told)
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), report("x", issued="2005-03-14T23:30:00Z")))
    warehouse.land("treatments/1.csv", "id;patient;when;what;where;left\nT1;SIM0000001;03.04.2009;op;L;0\n")
    warehouse.load("treatments")
    warehouse.load("pathology_messages")
    hospital = warehouse.contracts_folder / "a_hospital" / "hospital.yml"
    as_before = hospital.read_text()
    in_force = "SELECT collected_date FROM raw.pathology_messages WHERE superseded_by IS NULL"
    for zone, day in (("Europe/Berlin", "2005-03-15"), ("America/New_York", "2005-03-14")):
        hospital.write_text(f"{as_before}time_zone: {zone}\n")
        (load,) = warehouse.load("pathology_messages")
        assert (load.rows_loaded, warehouse.rows(in_force)) == (1, [(day,)])
        # a table's days are on no clock
        assert (warehouse.load("pathology_messages"), warehouse.load("treatments")) == ([], [])


def test_a_time_zone_that_does_not_exist_is_an_error_of_the_hospital(warehouse):
    hospital = warehouse.contracts_folder / "a_hospital" / "hospital.yml"
    hospital.write_text(hospital.read_text() + "time_zone: Berlin\n")
    with pytest.raises(ContractError, match="time_zone 'Berlin' is no name"):
        load_hospitals(warehouse.contracts_folder)


def test_a_result_without_a_value_is_listed():
    """A laboratory that did not measure says so; nothing is read of it, and nobody is to think that it was never asked."""
    absent = resource(
        "Observation", "b1", status="final", code={"text": "Distance"}, dataAbsentReason={"text": "not measured"}
    )
    told = report("") | {"result": [{"reference": "Observation/b1"}], "conclusion": None}
    content = json.dumps(bundle(patient("1"), told, absent)).encode()
    table = read_fhir_resources(content, "DiagnosticReport", [MRN], with_observations=True)
    assert [(notice.what, notice.n) for notice in account_of(table).notices] == [("result without a value", 1)]
