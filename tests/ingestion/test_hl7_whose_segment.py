"""Which order of an HL7 v2 message a segment belongs to: a value is never taken from another order."""

import pytest

from tests.ingestion.test_formats_text import write_contract

CONTRACT = """
version: "1"
feed: pathology_messages
file_pattern: lab/*.hl7
format: hl7_v2
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  mrn: {column: PID-3.1, required: true}
  accession_number: {column: OBR-3.1, required: true}
  collected_date: {column: "%s", formats: ["%%Y%%m%%d"]%s}
"""
DOCUMENTS = CONTRACT.replace("format: hl7_v2", "format: hl7_v2\nmessage_type: MDM").replace("OBR-3.1", "TXA-12.1")
MERGES = """
version: "1"
feed: patient_merges
file_pattern: lab/*.hl7
format: hl7_v2
message_type: ADT
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  retired_mrn: {column: MRG-1.1, required: true}
  mrn: {column: PID-3.1, required: true}
  merged_at: {column: "%s", formats: ["%%Y%%m%%d"]}
"""
HEADER = "MSH|^~\\&|L|H|C|W|20090610||ORU^R01|M1|T|2.5.1"
PATIENT = "PID|1||SIM0000001^^^H^MR"
RESULT = "OBX|1|TX|22637-3||margin free||||||F"
COLLECTED_2003, COLLECTED_2009 = "SPM|1|||LIV|||||||||||||20030314", "SPM|1|||LIV|||||||||||||20090602"


def order(number: int) -> str:
    return f"OBR|{number}||S-{number}|11529-5"


def dates_of_orders(warehouse, path: str, *segments: str, also: str = "", contract: str = CONTRACT) -> dict:
    write_contract(warehouse, "pathology", contract % (path, also))
    warehouse.land("lab/a.hl7", "".join(f"{one}\r" for one in segments))
    warehouse.load("pathology_messages")
    return dict(warehouse.rows("SELECT accession_number, collected_date FROM raw.pathology_messages ORDER BY ALL"))


def test_the_specimen_that_follows_an_orders_results_is_that_orders(warehouse):
    assert dates_of_orders(
        warehouse, "SPM-17.1",
        HEADER, PATIENT, order(1), RESULT, COLLECTED_2003, order(2), RESULT, COLLECTED_2009,
    ) == {"S-1": "2003-03-14", "S-2": "2009-06-02"}  # fmt: skip


def test_an_order_without_a_specimen_has_none_and_is_rejected_where_its_day_is_required(warehouse):
    assert dates_of_orders(
        warehouse, "SPM-17.1",
        HEADER, PATIENT, order(1), RESULT, COLLECTED_2003, order(2), RESULT, order(3), RESULT, COLLECTED_2009,
        also=", required: true",
    ) == {"S-1": "2003-03-14", "S-3": "2009-06-02"}  # fmt: skip
    assert warehouse.rows("SELECT source_line, field, reason FROM raw.rejected_records") == [
        (6, "collected_date", "required, but missing")
    ]


@pytest.mark.parametrize(
    ("path", "of_2003", "of_2009"),
    [
        ("OBX-14", "OBX|1|TX|22637-3||x||||||F|||20030314", "OBX|1|TX|22637-3||y||||||F|||20090602"),
        ("NTE-3", f"{RESULT}\rNTE|1|L|20030314", f"{RESULT}\rNTE|1|L|20090602"),
        ("ZSP-2", f"{RESULT}\rZSP|1|20030314", f"{RESULT}\rZSP|1|20090602"),
        ("TQ1-7", f"TQ1|1||||||20030314\r{RESULT}", f"TQ1|1||||||20090602\r{RESULT}"),
    ],
)
def test_a_line_a_note_and_a_segment_of_the_sender_are_their_own_orders(warehouse, path, of_2003, of_2009):
    told = dates_of_orders(warehouse, path, HEADER, PATIENT, order(1), of_2003, of_2003, order(2), of_2009)
    assert told == {"S-1": "2003-03-14", "S-2": "2009-06-02"}


def test_an_orders_first_line_is_taken_not_its_last(warehouse):
    first, second = (f"OBX|{n}|TX|22637-3||x||||||F|||{day}" for n, day in ((1, "20030314"), (2, "20090602")))
    assert dates_of_orders(warehouse, "OBX-14", HEADER, PATIENT, order(1), first, second) == {"S-1": "2003-03-14"}


def test_a_note_about_the_patient_is_no_orders(warehouse):
    note = "NTE|1|L|20030314"
    assert dates_of_orders(warehouse, "NTE-3", HEADER, PATIENT, note, order(1), RESULT) == {"S-1": None}


def test_the_common_order_before_an_order_is_its_own_and_an_order_without_one_has_none(warehouse):
    assert dates_of_orders(
        warehouse, "ORC-9",
        HEADER, PATIENT, "ORC|RE||||||||20030314", order(1), RESULT,
        order(2), RESULT, "ORC|RE||||||||20090602", order(3), RESULT,
    ) == {"S-1": "2003-03-14", "S-2": None, "S-3": "2009-06-02"}  # fmt: skip


def test_a_segment_between_the_common_order_and_the_order_is_not_the_order_befores(warehouse):
    assert dates_of_orders(
        warehouse, "ZOR-1",
        HEADER, PATIENT, order(1), RESULT, "ORC|RE", "ZOR|20090602", order(2), RESULT,
    ) == {"S-1": None, "S-2": "2009-06-02"}  # fmt: skip


def test_a_common_order_that_a_sender_puts_after_its_order_is_still_that_orders(warehouse):
    assert dates_of_orders(
        warehouse, "ORC-9",
        HEADER, PATIENT, order(1), "ORC|RE||||||||20030314", RESULT, order(2), "ORC|RE||||||||20090602", RESULT,
    ) == {"S-1": "2003-03-14", "S-2": "2009-06-02"}  # fmt: skip


def test_what_stands_before_the_first_order_is_of_the_patient_and_holds_for_every_order(warehouse):
    # the visit and the sender's own segment about the patient
    head = [HEADER, PATIENT, f"PV1|1|I{'|' * 42}20030314", "ZPI|1|20030315"]
    both = dates_of_orders(warehouse, "PV1-44", *head, order(1), RESULT, order(2), RESULT)
    assert both == {"S-1": "2003-03-14", "S-2": "2003-03-14"}


def test_the_senders_own_segment_about_the_patient_holds_for_every_order(warehouse):
    told = dates_of_orders(warehouse, "ZPI-2", HEADER, PATIENT, "ZPI|1|20030315", order(1), RESULT, order(2), RESULT)
    assert told == {"S-1": "2003-03-15", "S-2": "2003-03-15"}


def test_the_segments_that_no_order_gave_a_value_from_are_listed(warehouse):
    dates_of_orders(
        warehouse, "SPM-17.1", HEADER, PATIENT, COLLECTED_2003, order(1), RESULT, COLLECTED_2009, COLLECTED_2003
    )
    assert warehouse.rows("SELECT what, n, reason FROM raw.load_notices") == [
        ("segment SPM", 2, "under no order, or not the first of its order: nothing was taken from it")
    ]


def test_a_note_under_what_leads_up_to_an_order_is_no_line_of_the_order_before(warehouse):
    dates_of_orders(
        warehouse, "OBR-7",
        HEADER, PATIENT, order(1), RESULT, "ORC|RE", "NTE|1|L|Margin involved.", order(2), RESULT,
    )  # fmt: skip
    lines = warehouse.rows('SELECT [o."value" FOR o IN observations] FROM raw.pathology_messages')
    assert lines == [(["margin free"],), (["margin free"],)]
    assert warehouse.rows("SELECT what, n, reason FROM raw.load_notices WHERE what LIKE '%NTE'") == [
        ("segment NTE", 1, "a note under no order and no line of a report")
    ]


def test_the_order_of_a_document_stands_before_it(warehouse):
    told = dates_of_orders(
        warehouse, "OBR-7",
        HEADER.replace("ORU^R01", "MDM^T02"), PATIENT, "ORC|RE", "OBR|1||S-1|11529-5|||20030314",
        f"TXA|1|SP{'|' * 10}S-1", RESULT,
        contract=DOCUMENTS,
    )  # fmt: skip
    assert told == {"S-1": "2003-03-14"}


def test_each_merge_has_its_own_visit_and_patient(warehouse):
    write_contract(warehouse, "merges", MERGES % "PV1-44")
    pairs = [
        f"PID|1||SIM000000{new}^^^H^MR\rMRG|SIM000000{old}^^^H^MR\rPV1|1|I{'|' * 42}{day}"
        for new, old, day in (("1", "2", "20030314"), ("3", "4", "20090602"))
    ]
    warehouse.land("lab/m.hl7", "\r".join([HEADER.replace("ORU^R01", "ADT^A40"), *pairs]) + "\r")
    warehouse.load("patient_merges")
    assert warehouse.rows("SELECT mrn, retired_mrn, merged_at FROM raw.patient_merges ORDER BY ALL") == [
        ("SIM0000001", "SIM0000002", "2003-03-14 00:00:00"),
        ("SIM0000003", "SIM0000004", "2009-06-02 00:00:00"),
    ]


def test_a_merge_without_a_patient_does_not_take_the_one_of_the_next(warehouse):
    write_contract(warehouse, "merges", MERGES % "EVN-2")
    segments = [HEADER.replace("ORU^R01", "ADT^A40"), "EVN|A40|20030314", "MRG|SIM0000002", PATIENT, "MRG|SIM0000004"]
    warehouse.land("lab/m.hl7", "".join(f"{one}\r" for one in segments))
    warehouse.load("patient_merges")
    assert warehouse.rows("SELECT mrn, retired_mrn FROM raw.patient_merges") == [("SIM0000001", "SIM0000004")]
