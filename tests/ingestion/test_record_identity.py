"""A record is its key and its patient; its version is what was read from it, in the order that its source gives it."""

import gzip
import json
import random
from unittest.mock import Mock

import pytest

from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.readers.account import Withdrawal
from orchestration.ingestion.withdrawals import LINEAGE, withdraw
from orchestration.night_profile.baseline import accept_night, compared_with_last_night
from orchestration.night_profile.landing import profile_landing
from quality.night import judge_night
from tests.ingestion.test_formats_text import write_contract
from tests.ingestion.whole_nights import night
from tests.permissions import bound_by_permissions

LOOKS = """
version: "{version}"
feed: follow_up
file_pattern: looks/*.csv
format: delimited
{more}
key: [event_id]
fields:
  event_id: {{column: id, required: true}}
  mrn: {{column: mrn, required: true}}
  event_date: {{column: dt, formats: ["{date_format}"], required: true}}
  event_type: {{constant: imaging}}
  finding: {{column: res, codes: {{"0": no_evidence_of_disease, "3": definite}}, required: true}}
"""
HEADER = "id,mrn,dt,res,other\n"


def contract(warehouse, version: str = "1", more: str = "", date_format: str = "%m/%d/%Y") -> None:
    write_contract(warehouse, "looks", LOOKS.format(version=version, more=more, date_format=date_format))


def in_force(warehouse, *columns: str) -> list[tuple]:
    return warehouse.rows(
        f"SELECT {', '.join(columns)} FROM raw.follow_up WHERE superseded_by IS NULL ORDER BY load_number, record_number"
    )


def shared_keys(warehouse) -> list[tuple]:
    return warehouse.rows(
        """SELECT what, value, source_line FROM raw.load_notices WHERE kind = 'key of two patients'
           ORDER BY load_number, source_line"""
    )


def test_a_key_that_comes_again_with_another_patient_replaces_nothing_and_is_listed(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,\n1,900002,03/05/2005,0,\n2,900001,03/04/2006,0,\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_duplicate) == (3, 0)
    assert shared_keys(warehouse) == [("event_id", "1", 2), ("event_id", "1", 3)]
    warehouse.land("looks/b.csv", HEADER + "1,900001,03/04/2005,3,\n2,900003,03/04/2006,0,\n")
    (load,) = warehouse.load("follow_up")
    # the first is known, the second is the key of a patient of the file before
    assert (load.rows_loaded, load.rows_duplicate) == (1, 1)
    assert shared_keys(warehouse)[2:] == [("event_id", "2", 3)]


def test_keys_that_come_again_with_other_patients_are_judged_from_night_to_night(warehouse):
    """A hospital's numbers restarted: three hundred keys of before, five of them with another patient."""
    contract(warehouse)
    rows = [f"{number},9{number:05d},03/04/2005,0,\n" for number in range(300)]
    warehouse.land("looks/a.csv", HEADER + "".join(rows))
    warehouse.load("follow_up", "night-1")
    profile_landing(warehouse.connection, [])
    accept_night(warehouse.connection, "night-1")
    warehouse.land("looks/b.csv", HEADER + "".join(f"{number},8{number:05d},03/04/2006,3,\n" for number in range(5)))
    warehouse.load("follow_up", "night-2")
    profile_landing(warehouse.connection, [])
    checks, _ = judge_night(compared_with_last_night(warehouse.connection, "landing"), "landing")
    told = checks[(checks["check_name"] == "records_keep_their_patient") & (checks["status"] == "failed")]
    assert told["n_failed"].tolist() == [5]
    assert "are now another patient's" in told["description"].item()
    # both patients' records are there
    assert warehouse.rows("SELECT count(DISTINCT mrn) FROM raw.follow_up WHERE record_key = '1'") == [(2,)]


def test_a_hospital_may_say_that_a_key_is_its_records_alone(warehouse):
    contract(warehouse, more="patient_may_be_corrected: true")
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,\n")
    warehouse.land("looks/b.csv", HEADER + "1,900002,03/04/2005,3,\n")
    _, load = warehouse.load("follow_up")
    assert (load.rows_loaded, shared_keys(warehouse)) == (1, [])
    assert warehouse.rows("SELECT count(DISTINCT (record_key, source_patient)) FROM raw.follow_up") == [(1,)]


def test_a_mended_contract_reads_its_files_again_and_what_it_read_before_is_no_longer_in_force(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,\n2,900001,03/25/2005,0,\n")
    warehouse.load("follow_up")
    contract(warehouse, "2", date_format="%d/%m/%Y")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected, load.rows_duplicate) == (1, 1, 0)
    # what the mended contract cannot read is not as the wrong one read it either
    assert in_force(warehouse, "event_id", "event_date", "contract_version") == [("1", "2005-04-03", "2")]
    assert warehouse.rows("SELECT count(*) FROM raw.follow_up") == [(3,)]


def test_a_mended_contract_makes_no_file_newer_than_it_was(warehouse):
    contract(warehouse)
    for name, day in (("2_first", "03/04/2005"), ("1_second", "03/05/2005"), ("3_gone", "03/06/2005")):
        path = warehouse.land(f"looks/{name}.csv", HEADER + f"1,900001,{day},3,\n")
        warehouse.load("follow_up")
    for version in ("2", "3"):
        path.unlink(missing_ok=True)
        contract(warehouse, version)
        warehouse.load("follow_up")
        assert in_force(warehouse, "load_number", "event_date", "contract_version") == [
            (1, "2005-03-04", version), (2, "2005-03-05", version), (3, "2005-03-06", "1"),
        ]  # fmt: skip
    # other bytes are something new
    warehouse.land("looks/2_first.csv", HEADER + "1,900001,03/07/2005,3,\n")
    warehouse.load("follow_up")
    assert in_force(warehouse, "load_number", "event_date")[-1] == (8, "2005-03-07")


def test_a_record_that_a_mended_contract_refuses_is_out_of_force_whichever_delivery_of_the_file_it_first_came_in(
    warehouse,
):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/25/2005,0,\n2,900001,03/25/2006,0,\n3,900001,03/25/2007,0,\n")
    warehouse.load("follow_up")
    # the next month's extract: the first as it was, the second with something else in a column that nobody reads, the third gone
    next_month = HEADER + "1,900001,03/25/2005,0,\n2,900001,03/25/2006,0,seen\n4,900002,03/04/2005,3,\n"
    warehouse.land("looks/a.csv", next_month)
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_duplicate) == (1, 2)
    contract(warehouse, "2", date_format="%d/%m/%Y")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (1, 2)
    # what no longer stands in the file stays as it was read
    assert in_force(warehouse, "event_id", "contract_version") == [("3", "1"), ("4", "2")]
    # it comes again, and is refused as well
    warehouse.land("looks/a.csv", next_month + "3,900001,03/25/2007,0,\n")
    warehouse.load("follow_up")
    assert in_force(warehouse, "event_id", "contract_version") == [("4", "2")]


def test_a_mended_contract_and_the_next_delivery_may_come_in_the_same_night(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/25/2005,0,\n2,900001,03/25/2006,0,\n")
    warehouse.load("follow_up")
    contract(warehouse, "2", date_format="%d/%m/%Y")
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/25/2005,0,\n4,900002,03/04/2005,3,\n")
    warehouse.load("follow_up")
    assert in_force(warehouse, "event_id", "contract_version") == [("2", "1"), ("4", "2")]


def test_of_another_patients_record_with_the_same_key_a_mended_contract_takes_nothing_back(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,\n2,900001,03/04/2006,0,\n")
    warehouse.load("follow_up")
    warehouse.land("looks/a.csv", HEADER + "1,900009,03/25/2005,3,\n")
    contract(warehouse, "2", date_format="%d/%m/%Y")
    warehouse.load("follow_up")
    assert in_force(warehouse, "event_id", "mrn") == [("1", "900001"), ("2", "900001")]


@pytest.mark.parametrize("unread", ["", "exported on Tuesday"])
def test_a_record_that_a_mended_contract_knows_by_another_key_is_there_once(warehouse, unread):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,\n")
    warehouse.load("follow_up")
    warehouse.land("looks/a.csv", HEADER + f"1,900001,03/04/2005,3,{unread}\n2,900001,03/04/2006,0,\n")
    warehouse.load("follow_up")
    by_patient = LOOKS.replace("key: [event_id]", "key: [event_id, mrn]")
    write_contract(warehouse, "looks", by_patient.format(version="2", more="", date_format="%m/%d/%Y"))
    warehouse.load("follow_up")
    assert in_force(warehouse, "record_key") == [("1|900001",), ("2|900001",)]


def test_a_row_that_a_mended_contract_leaves_to_another_is_out_of_force_too(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,ct\n")
    warehouse.load("follow_up")
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,ct\n2,900001,03/04/2006,0,letter\n")
    warehouse.load("follow_up")
    contract(warehouse, "2", more="only_rows: {other: [letter]}")
    warehouse.load("follow_up")
    assert in_force(warehouse, "event_id") == [("2",)]


def test_a_column_that_nobody_reads_makes_no_version(warehouse):
    contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,exported on Monday\n")
    warehouse.load("follow_up")
    warehouse.land("looks/a.csv", HEADER + "1,900001,03/04/2005,3,exported on Tuesday\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_duplicate) == (0, 1)


def test_files_are_counted_so_that_a_clock_that_goes_back_changes_no_order(warehouse):
    contract(warehouse)
    for day in ("03/04/2005", "03/05/2005"):
        warehouse.land("looks/a.csv", HEADER + f"1,900001,{day},3,\n")
        warehouse.load("follow_up")
        warehouse.connection.execute(
            "UPDATE raw.follow_up SET loaded_at = loaded_at - INTERVAL 1 DAY WHERE load_number = 2"
        )
        warehouse.connection.execute(
            "UPDATE raw.ingest_ledger SET loaded_at = loaded_at - INTERVAL 1 DAY WHERE load_number = 2"
        )
    assert warehouse.load("follow_up") == []
    assert in_force(warehouse, "load_number", "event_date") == [(1, "2005-03-04"), (2, "2005-03-05")]


def test_a_redcap_record_is_its_patient_whatever_mrn_stands_in_its_first_row(warehouse):
    redcap = LOOKS.format(version="1", more="instrument: look", date_format="%Y-%m-%d").replace(
        "format: delimited", "format: redcap"
    )
    write_contract(warehouse, "looks", redcap)
    header = "record_id,redcap_repeat_instrument,redcap_repeat_instance,id,mrn,dt,res\n"
    for name, mrn in (("a", "900001"), ("b", "900009")):
        warehouse.land(f"looks/{name}.csv", header + f"1,,,,{mrn},,\n1,look,1,u1,,2005-04-03,3\n")
        (load,) = warehouse.load("follow_up")
        assert (load.rows_loaded, shared_keys(warehouse)) == (1, [])
    assert warehouse.rows("SELECT mrn, source_patient FROM raw.follow_up ORDER BY load_number") == [
        ("900001", "record 1"),
        ("900009", "record 1"),
    ]


REPORTS = """
version: "1"
feed: pathology_messages
system: fhir
file_pattern: fhir/*.ndjson
format: fhir
resource: DiagnosticReport
key: [message_control_id]
fields:
  message_control_id: {column: id, required: true}
  mrn: {column: "subject -> Patient.identifier[MR].value", required: true}
  accession_number: {column: "identifier[ACSN].value", required: true}
  report_status: {column: status, codes: {final: final, corrected: corrected}, required: true}
"""


def resource(kind: str, number: str, **other) -> dict:
    return {"resourceType": kind, "id": number, **other}


def patient(mrn: str, number: str = "q1") -> dict:
    return resource("Patient", number, identifier=[{"type": {"coding": [{"code": "MR"}]}, "value": mrn}])


def report(words: str, number: str = "r1", **other) -> dict:
    told = {
        "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "K1"}],
        "subject": {"reference": "Patient/q1"},
    }
    return resource("DiagnosticReport", number, status="final", conclusion=words, **told, **other)


def lines(*resources: dict) -> str:
    return "".join(json.dumps(one) + "\n" for one in resources)


def newest(warehouse) -> list[tuple]:
    return warehouse.rows(
        """SELECT observations[1].value FROM raw.pathology_messages WHERE superseded_by IS NULL AND NOT coalesce(is_withdrawn, FALSE)
           ORDER BY source_version DESC NULLS LAST, source_updated_at DESC NULLS LAST, load_number DESC, record_number DESC LIMIT 1"""
    )


def test_the_servers_own_order_decides_whichever_way_the_versions_come(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    second = report("second", meta={"versionId": "2", "lastUpdated": "2004-03-12T09:00:00Z"})
    first = report("first", meta={"versionId": "1", "lastUpdated": "2004-03-05T09:00:00Z"})
    history = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [{"resource": one} for one in (patient("900001"), second, first)],
    }
    warehouse.land("fhir/a.ndjson", json.dumps(history) + "\n")
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_loaded, newest(warehouse)) == (2, [("second",)])
    # the same versions once more, then an even older one that was lost on the way
    warehouse.land("fhir/b.ndjson", lines(patient("900001"), first, second))
    warehouse.land(
        "fhir/c.ndjson", lines(patient("900001"), report("zeroth", meta={"lastUpdated": "2004-03-01T09:00:00+01:00"}))
    )
    again, late = warehouse.load("pathology_messages")
    assert (again.rows_loaded, again.rows_duplicate, late.rows_loaded) == (0, 2, 1)
    assert newest(warehouse) == [("second",)]


def test_a_resource_that_the_record_refers_to_is_part_of_its_version(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    told = {"result": [{"reference": "Observation/b1"}], "conclusion": None}
    for number, words in enumerate(("clear, 12 mm", "involved", "involved")):
        result = resource("Observation", "b1", status="final", valueString=words, code={"text": "Margin"})
        warehouse.land(f"fhir/{number}.ndjson", lines(patient("900001"), report("") | told, result))
        (load,) = warehouse.load("pathology_messages")
        assert (load.rows_loaded, load.rows_duplicate) == ((0, 1) if number == 2 else (1, 0))
    assert newest(warehouse) == [("involved",)]


def test_a_deleted_resource_and_one_entered_in_error_are_withdrawn(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), report("one"), report("two", "r2"), report("three", "r3")))
    deleted = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "DELETE", "url": "DiagnosticReport/r1"}}, {"request": {"method": "DELETE", "url": "DiagnosticReport/r9"}},
        {"request": {"method": "DELETE", "url": "Patient/q7"}},
    ]}  # fmt: skip
    warehouse.land("fhir/b.ndjson", lines(deleted, report("two", "r2") | {"status": "entered-in-error"}))
    _, load = warehouse.load("pathology_messages")
    # the one that never was changes nothing
    assert (load.rows_read, load.rows_loaded, load.rows_duplicate, load.rows_rejected) == (3, 2, 1, 0)
    assert warehouse.rows("SELECT message_control_id FROM raw.pathology_messages WHERE is_withdrawn ORDER BY 1") == [
        ("r1",),
        ("r2",),
    ]
    assert warehouse.rows("SELECT what, n FROM raw.load_notices WHERE source_file LIKE '%b.ndjson'") == [
        ("deleted Patient", 1),
        ("withdrawal of a record that is not here", 1),
    ]


def test_an_entry_that_should_bring_a_resource_and_does_not_is_rejected_or_listed(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    asked = [
        ("PUT", "DiagnosticReport/r1"), ("POST", "https://server/DiagnosticReport"), ("DELETE", None),
        ("PUT", "Patient/q1"), ("POST", "Patient/_search"), ("POST", "DiagnosticReport/$document"), ("GET", "Patient/q1"),
    ]  # fmt: skip
    entries = [{"request": {"method": method, **({"url": url} if url else {})}} for method, url in asked]
    warehouse.land("fhir/a.ndjson", lines({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_rejected) == (3, 3)
    unsent = "an entry whose request changes a resource, without the resource"
    assert warehouse.rows("SELECT DISTINCT reason FROM raw.rejected_records") == [(unsent,)]
    assert warehouse.rows("SELECT what, n, reason FROM raw.load_notices") == [("unsent Patient", 1, unsent)]


def deletion(reference: str, when: str | None) -> dict:
    told = {"meta": {"lastUpdated": when}} if when else {}
    entry = {"request": {"method": "DELETE", "url": reference}}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]} | told


def test_a_withdrawal_that_comes_before_its_record_waits_for_it(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    warehouse.land(
        "fhir/a.ndjson", lines(*(deletion(f"DiagnosticReport/r{n}", "2004-03-12T09:00:00Z") for n in (1, 2, 3)))
    )
    warehouse.load("pathology_messages")
    before, after = {"meta": {"lastUpdated": "2004-03-05T09:00:00Z"}}, {"meta": {"lastUpdated": "2004-03-20T09:00:00Z"}}
    told = (report("taken back") | before, report("made again", "r2") | after, report("who knows", "r3"))
    warehouse.land("fhir/b.ndjson", lines(patient("900001"), *told))
    warehouse.load("pathology_messages")
    assert warehouse.rows("SELECT message_control_id FROM raw.pathology_messages WHERE is_withdrawn") == [("r1",)]
    assert warehouse.rows("SELECT what, n FROM raw.load_notices ORDER BY noticed_at, what") == [
        ("withdrawal of a record that is not here", 3),
        ("record taken back before it came, without a time", 1),
        ("record that was taken back before it came", 1),
    ]
    assert warehouse.rows("FROM raw.waiting_withdrawals") == []


def test_of_several_withdrawals_of_one_record_the_first_that_is_not_older_takes_it_back(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    sent, again = {"meta": {"lastUpdated": "2004-03-10T09:00:00Z"}}, {"meta": {"lastUpdated": "2004-03-15T09:00:00Z"}}
    days = {"r1": ("01", "12", "20"), "r9": ("20", "12")}
    deletions = [
        deletion(f"DiagnosticReport/{reference}", f"2004-03-{day}T09:00:00Z")
        for reference in days
        for day in days[reference]
    ]
    # the record and its withdrawals in one file: raw has it only within the transaction
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), report("one") | sent, *deletions))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.rows_duplicate) == (6, 2, 4)
    versions = "SELECT is_withdrawn, source_updated_at[:8] FROM raw.pathology_messages WHERE message_control_id = '{}' ORDER BY 2"
    assert warehouse.rows(versions.format("r1")) == [(None, "20040310"), (True, "20040312")]
    assert warehouse.rows("SELECT what, n, source_line FROM raw.load_notices") == [
        ("withdrawal of a record that is not here", 2, 6)
    ]
    # two wait for one record: it is newer than one of them
    warehouse.land("fhir/b.ndjson", lines(patient("900001"), report("nine", "r9") | again))
    warehouse.load("pathology_messages")
    assert warehouse.rows(versions.format("r9")) == [(None, "20040315"), (True, "20040320")]
    assert warehouse.rows("FROM raw.waiting_withdrawals") == []


def test_raw_is_looked_through_as_often_for_many_withdrawals_as_for_one(warehouse):
    write_contract(warehouse, "fhir", REPORTS)
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), *(report("a", f"r{number}") for number in range(40))))
    warehouse.load("pathology_messages")
    (told,) = [one for one in load_hospitals(warehouse.contracts_folder) if one.format == "fhir"]

    def n_statements(first: int, end: int) -> int:
        counting = Mock(wraps=warehouse.connection)
        withdrawals = [Withdrawal(f"DiagnosticReport/r{number}", None, number) for number in range(first, end)]
        n_withdrawn, _ = withdraw(counting, told, withdrawals, ", ".join(f"NULL AS {name}" for name in LINEAGE))
        assert n_withdrawn == end - first
        return counting.execute.call_count

    assert n_statements(0, 1) == n_statements(1, 40)
    assert warehouse.rows("SELECT count(*), count(is_withdrawn) FROM raw.pathology_messages") == [(80, 40)]


def test_the_files_of_one_export_refer_to_each_other_and_are_read_again_when_one_of_them_changes(warehouse):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    told = {"result": [{"reference": "Observation/b1"}], "conclusion": None}
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("") | told))
    warehouse.land(
        "export/Observation.ndjson", lines(resource("Observation", "b1", status="final", valueString="clear"))
    )
    warehouse.land("export/error.ndjson", lines({"resourceType": "OperationOutcome", "issue": []}))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_rejected, load.rows_loaded) == (1, 0)
    warehouse.land("export/Patient.ndjson", lines(patient("900001")))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_rejected, load.rows_loaded, newest(warehouse)) == (0, 1, [("clear",)])
    assert warehouse.load("pathology_messages") == []
    warehouse.land(
        "export/Observation.ndjson", lines(resource("Observation", "b1", status="corrected", valueString="involved"))
    )
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_loaded, newest(warehouse)) == (1, [("involved",)])


def test_an_export_may_come_as_one_archive(warehouse):
    from tests.ingestion.test_tables_as_they_come import zipped

    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    files = {"DiagnosticReport__ndjson": lines(report("clear")), "Patient__ndjson": lines(patient("900001"))}
    warehouse.land("export/DiagnosticReport.ndjson.zip", zipped(**files))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_rejected, load.rows_loaded, load.n_notices, newest(warehouse)) == (0, 1, 0, [("clear",)])


def test_a_document_that_takes_the_place_of_another_withdraws_it_whichever_file_that_came_in(warehouse):
    write_contract(warehouse, "fhir", REPORTS.replace("resource: DiagnosticReport", "resource: DocumentReference"))
    old = report("", "r1", resourceType="DocumentReference", description="margin 12 mm")
    new = report("", "r2", resourceType="DocumentReference", description="margin involved") | {
        "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/r1"}}]
    }
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), old))
    warehouse.load("pathology_messages")
    warehouse.land("fhir/b.ndjson", lines(patient("900001"), new))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded) == (1, 1)
    assert warehouse.rows(
        "SELECT source_reference, is_withdrawn FROM raw.pathology_messages ORDER BY load_number, is_withdrawn"
    ) == [("DocumentReference/r1", None), ("DocumentReference/r1", True), ("DocumentReference/r2", None)]


def test_of_an_export_only_what_the_server_says_of_it_is_nobodys(warehouse):
    from orchestration.ingestion.contract.loading import read_hospitals
    from orchestration.ingestion.load_feed import unclaimed_files

    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("x")))
    warehouse.land("export/Patient.ndjson", lines(patient("900001")))
    warehouse.land("export/error.ndjson", lines({"resourceType": "OperationOutcome", "issue": []}))
    nobodys = unclaimed_files(warehouse.landing, read_hospitals(warehouse.contracts_folder))
    assert [path.name for path in nobodys] == ["error.ndjson"]


INVALID_BLOCK = bytes.fromhex("1f8b0800000000000003ffff")
DAMAGED_AND_NOBODYS = "refused: no contract names this file, and it is cut off or damaged"


@pytest.mark.parametrize("damaged", [INVALID_BLOCK, gzip.compress(b"x" * 100)[:15]], ids=["block", "cut off"])
def test_a_damaged_file_beside_an_export_stops_no_night_and_is_told_of(warehouse, damaged):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("clear")))
    warehouse.land("export/Patient.ndjson.gz", damaged)
    for run_id in ("night-1", "night-2"):
        stale, unclaimed = night(warehouse, run_id, "pathology_messages")
        assert (stale, unclaimed) == ([], ["a_hospital/export/Patient.ndjson.gz"])
    assert warehouse.rows("SELECT reason FROM raw.rejected_records") == [
        ("refers to a Patient, which is not in the file",)
    ]
    assert warehouse.rows("SELECT DISTINCT status FROM raw.ingest_ledger WHERE feed IS NULL") == [
        (DAMAGED_AND_NOBODYS,)
    ]

    warehouse.land("export/Patient.ndjson.gz", gzip.compress(lines(patient("900001")).encode()))
    assert night(warehouse, "night-3", "pathology_messages") == ([], [])
    assert newest(warehouse) == [("clear",)]


def test_a_file_of_an_export_that_is_damaged_further_down_is_told_of_beside_what_refers_to_it(warehouse):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("clear")))
    noise = random.Random(1).randbytes(200_000).hex()
    whole = gzip.compress(lines(patient("900001") | {"note": noise}).encode())
    warehouse.land("export/Patient.ndjson.gz", whole[:-20])
    night(warehouse, "night-1", "pathology_messages")
    assert warehouse.rows("SELECT what, n, reason FROM raw.load_notices") == [
        ("other file of the export", 1, "it cannot be read: what refers to it is rejected")
    ]


@pytest.mark.parametrize("name", ["Patient.ndjson", "Patient.ndjson.gz"])
@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["packed", "plain"])
def test_a_file_of_an_export_is_packed_when_its_bytes_say_so(warehouse, name, pack):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("clear")))
    warehouse.land(f"export/{name}", pack(lines(patient("900001")).encode()))
    assert night(warehouse, "night-1", "pathology_messages") == ([], [])
    assert newest(warehouse) == [("clear",)]


def test_a_closed_file_of_an_export_stops_no_night(warehouse, tmp_path):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    warehouse.land("export/DiagnosticReport.ndjson", lines(report("clear")))
    patients = warehouse.land("export/Patient.ndjson", lines(patient("900001")))
    night(warehouse, "night-1", "pathology_messages")
    patients.chmod(0)
    with bound_by_permissions(tmp_path):
        assert night(warehouse, "night-2", "pathology_messages") == ([], ["a_hospital/export/Patient.ndjson"])
    assert newest(warehouse) == [("clear",)], "what was read of it stays"
