"""HL7 v2: several orders in a message, identifiers, escapes, batches, time zones, and merges of patients (ADT^A40)."""

import gzip

import pytest

from tests.ingestion.test_formats_text import status_of_one_load, write_contract

REPORTS_CONTRACT = """
version: "1"
feed: pathology_messages
system: orders
file_pattern: orders/*.hl7
format: hl7_v2
passes_over: [ADT]
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  message_datetime: {column: MSH-7, formats: ["%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"], required_when_present: true}
  mrn: {column: "PID-3[MR].1", required: true}
  accession_number: {column: OBR-3.1, required: true}
  collected_date: {column: OBR-7, formats: ["%Y%m%d", "%Y%m%d%H%M%S"]}
  report_status: {column: OBR-25, codes: {F: final, C: corrected}, required: true}
"""

MERGES_CONTRACT = """
version: "1"
feed: patient_merges
file_pattern: orders/*.hl7
format: hl7_v2
message_type: ADT
passes_over: [ORU]
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  retired_mrn: {column: MRG-1.1, required: true}
  mrn: {column: PID-3.1, required: true}
  merged_at: {column: MSH-7, formats: ["%Y%m%d%H%M%S"], required: true}
"""


@pytest.fixture
def laboratory(warehouse):
    write_contract(warehouse, "orders", REPORTS_CONTRACT)
    write_contract(warehouse, "merges", MERGES_CONTRACT)
    return warehouse


def segments(*lines: str) -> str:
    return "".join(f"{line}\r" for line in lines)


def header(control_id: str, message_type: str = "ORU^R01", sent_at: str = "20000102101500") -> str:
    return f"MSH|^~\\&|LIS|HOSP|CRLM|WH|{sent_at}||{message_type}|{control_id}|T|2.5.1"


def order(accession: str, collected: str = "20000101", status: str = "F") -> str:
    return f"OBR|1||{accession}^LIS|11529-5^Surgical pathology study^LN|||{collected}{'|' * 18}{status}"


def line_of_text(text: str, code: str = "22637-3") -> str:
    return f"OBX|1|TX|{code}^Final diagnosis^LN||{text}||||||F"


PATIENT = "PID|1||SIM0000001^^^HOSP^MR||Doe^Jane"


def report(control_id: str, *texts: str) -> str:
    return segments(header(control_id), PATIENT, order("S00-1"), *map(line_of_text, texts or ("Margin clear",)))


def values_and_patients(warehouse) -> list[tuple]:
    return warehouse.rows(
        """SELECT message_control_id, mrn, [o."value" FOR o IN observations] FROM raw.pathology_messages ORDER BY ALL"""
    )


def rejected(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT source_line, field, value, reason FROM raw.rejected_records ORDER BY ALL")


# orders


def test_a_message_with_two_orders_is_two_reports_with_their_own_lines(laboratory):
    laboratory.land(
        "orders/o.hl7",
        segments(
            header("M1"),
            PATIENT,
            order("S00-1"),
            line_of_text("Liver, segment 6"),
            line_of_text("Margin clear"),
            order("S00-2", status="C"),  # line 6
            line_of_text("Lymph node: no tumor", code="22634-0"),
        )
        + report("M2", "Colon"),  # line 8
    )
    (load,) = laboratory.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 3, 0)
    assert laboratory.rows(
        """SELECT source_line, message_control_id, order_number, accession_number, report_status, mrn,
                  [o."sequence" FOR o IN observations], [o.loinc_code FOR o IN observations],
                  [o."value" FOR o IN observations]
           FROM raw.pathology_messages ORDER BY source_line"""
    ) == [
        (
            1, "M1", "1", "S00-1", "final", "SIM0000001",
            [1, 2], ["22637-3", "22637-3"], ["Liver, segment 6", "Margin clear"],
        ),
        (6, "M1", "2", "S00-2", "corrected", "SIM0000001", [1], ["22634-0"], ["Lymph node: no tumor"]),
        (8, "M2", "1", "S00-1", "final", "SIM0000001", [1], ["22637-3"], ["Colon"]),
    ]  # fmt: skip


def test_an_order_without_lines_is_rejected_and_the_other_orders_of_its_message_are_loaded(laboratory):
    laboratory.land(
        "orders/o.hl7",
        segments(
            header("M1"), PATIENT, order("S00-1"), line_of_text("a"), order("S00-2"), order("S00-3"), line_of_text("c")
        ),
    )
    (load,) = laboratory.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert laboratory.rows(
        'SELECT order_number, accession_number, observations[1]."value" FROM raw.pathology_messages ORDER BY ALL'
    ) == [("1", "S00-1", "a"), ("3", "S00-3", "c")]
    assert rejected(laboratory) == [(5, None, None, "no OBX segment: the message is cut off")]


def test_lines_before_the_first_order_are_no_ones_and_reject_the_first_record(laboratory):
    laboratory.land(
        "orders/o.hl7", segments(header("M1"), PATIENT, line_of_text("whose?"), order("S00-1"), line_of_text("a"))
    )
    laboratory.load("pathology_messages")
    assert rejected(laboratory) == [(1, None, None, "1 OBX segment(s) before the first OBR")]


# identifiers, text, continuation


@pytest.mark.parametrize(
    ("identifiers", "mrn"),
    [
        ("SIM0000001^^^HOSP^MR", "SIM0000001"),
        ("123-45-6789^^^SSA^SS~SIM0000001^^^HOSP^MR~77^^^HOSP^VN", "SIM0000001"),
        ("77^^^HOSP^VN~SIM0000001^4^M10^HOSP&1.2.3&ISO^MR^HOSP^20000101", "SIM0000001"),
        ("SIM0000001^^^HOSP^MR~SIM0000009^^^HOSP^MR", "SIM0000001"),
        ("MR^^^HOSP^VN~77^^^MR^XMR~SIM0000001^^^^MR", "SIM0000001"),
    ],
)
def test_the_medical_record_number_is_found_among_several_identifiers(laboratory, identifiers, mrn):
    laboratory.land("orders/o.hl7", report("M1").replace("SIM0000001^^^HOSP^MR", identifiers))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT mrn FROM raw.pathology_messages") == [(mrn,)]


@pytest.mark.parametrize("identifiers", ["", "SIM0000001", "123-45-6789^^^SSA^SS", "^^^HOSP^MR"])
def test_a_message_without_a_medical_record_number_is_rejected(laboratory, identifiers):
    laboratory.land("orders/o.hl7", report("M1").replace("SIM0000001^^^HOSP^MR", identifiers))
    laboratory.load("pathology_messages")
    assert rejected(laboratory) == [(1, "mrn", None, "required, but missing")]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("first~second~~fourth", "first\nsecond\n\nfourth"),
        (r"one\.br\two\.br\\.br\four", "one\ntwo\n\nfour"),
        (r"\X41\\X4243\ and \X0D0A\end", "ABC and \r\nend"),
        (r"4\XC2B5\m", "4µm"),
        (r"a \H\bold\N\ word", "a bold word"),
        (r"indented\.in+4\ text\.sp2\end", "indented\n text\nend"),
        (r"\E\X41\E\ ", r"\X41\ "),
        (r"Zoë \T\ Müller~R\F\O", "Zoë & Müller\nR|O"),
        ("", ""),
    ],
)
def test_repetitions_and_escapes_become_the_text_that_was_typed(laboratory, sent, meant):
    laboratory.land("orders/o.hl7", report("M1", sent))
    laboratory.load("pathology_messages")
    assert values_and_patients(laboratory) == [("M1", "SIM0000001", [meant])]


def test_a_continuation_segment_goes_on_where_the_line_before_it_ended(laboratory):
    laboratory.land(
        "orders/o.hl7",
        segments(
            header("M1"),
            PATIENT,
            order("S00-1"),
            "OBX|1|TX|22637-3^Final diagnosis^LN||Margin cl",
            "ADD|ear by ",
            "ADD|4 mm.||||||F",
            line_of_text("No tumor."),
        )
        + report("M2"),
    )
    (load,) = laboratory.load("pathology_messages")

    assert (load.rows_loaded, load.rows_rejected) == (2, 0)
    assert values_and_patients(laboratory) == [
        ("M1", "SIM0000001", ["Margin clear by 4 mm.", "No tumor."]),
        ("M2", "SIM0000001", ["Margin clear"]),
    ]


def test_the_lines_of_the_messages_after_a_continuation_segment_are_those_of_the_file(laboratory):
    continued = report("M1", "Margin cl\rADD|ear")  # lines 1 to 5
    laboratory.land("orders/o.hl7", continued + report("M2"))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT message_control_id, source_line FROM raw.pathology_messages ORDER BY ALL") == [
        ("M1", 1),
        ("M2", 6),
    ]


# damage


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (report("M2").replace("|", "#"), "delimiters other than |^~\\& in MSH-1 and MSH-2"),
        (report("M2").replace("MSH|^~\\&", "MSH|$~\\&"), "delimiters other than |^~\\& in MSH-1 and MSH-2"),
        (report("M2", "Margin\rclear"), "1 line(s) that are no segment"),
        (report("M2") + "DSC|1|F\r", "continued in another message (DSC segment)"),
        (report("M2").replace(PATIENT, f"{PATIENT}\r{PATIENT}"), "a message must have one PID segment, this has 2"),
        (report("M2").replace("OBR|", "ZBR|"), "no OBR segment"),
        (report("M2").replace("ORU^R01", "ORM^O01"), "MSH-9 is not ORU"),
        (report("M2").replace("ORU^R01", ""), "MSH-9 is not ORU"),
    ],
)
def test_a_damaged_message_is_rejected_with_its_reason_and_its_neighbours_are_loaded(laboratory, damaged, reason):
    laboratory.land("orders/o.hl7", report("M1") + damaged + report("M3"))
    (load,) = laboratory.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert rejected(laboratory) == [(5, None, None, reason)]
    assert [control_id for control_id, _, _ in values_and_patients(laboratory)] == ["M1", "M3"]


def test_text_before_the_first_message_is_a_rejected_record(laboratory):
    laboratory.land("orders/o.hl7", line_of_text("the end of another file") + "\r" + report("M1"))
    (load,) = laboratory.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded) == (2, 1)
    assert rejected(laboratory) == [(1, None, None, "segments before the first MSH")]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("BHS|^~\\&|LIS\r" + report("M1") + report("M2") + "BTS|2\r", "loaded"),
        ("BHS|^~\\&|LIS\r" + report("M1") + report("M2") + "BTS\r", "loaded"),
        (
            "BHS|^~\\&|LIS\r" + report("M1") + report("M2") + "BTS|3\r",
            "refused: a batch trailer counts 3 messages where the file holds 2: it may be half written",
        ),
        (
            "BHS|^~\\&|LIS\r" + report("M1") + "BTS|1\rBHS|^~\\&|LIS\r" + report("M2") + "BTS|2\r",
            "refused: a batch trailer counts 2 messages where the file holds 1: it may be half written",
        ),
        (
            "FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r" + report("M1") + report("M2"),
            "refused: a batch has no trailer (BTS): the file may be half written",
        ),
        ("id,mrn\nE1,A1\n", "refused: no MSH segment: the file holds no HL7 v2 message"),
        (
            report("M1").removesuffix("\r"),
            "refused: the last line has no end: the file may be half written"
            " (a system that never ends its last line: set `ends_with_newline: false` in the contract)",
        ),
        (report("M1").encode("latin-1") + b"NTE|\xfc\r", None),
        (gzip.compress((report("M1") + report("M2")).encode()), "loaded"),
    ],
)
def test_a_batch_is_taken_whole_or_refused_with_the_reason(laboratory, content, status):
    laboratory.land("orders/o.hl7", content)
    expected = status or "refused: line 1 is not utf-8 text and the contract declares no fallback_encoding"
    assert status_of_one_load(laboratory, "pathology_messages") == expected
    loaded = [control_id for control_id, _, _ in values_and_patients(laboratory)]
    assert loaded == (["M1", "M2"] if expected == "loaded" else [])


# message types, times


def merge(control_id: str, *pairs: tuple[str, str], sent_at: str = "20000102101500") -> str:
    lines = [
        line for mrn, retired in pairs for line in (f"PID|1||{mrn}^^^HOSP^MR||Doe^Jane", f"MRG|{retired}^^^HOSP^MR")
    ]
    return segments(header(control_id, "ADT^A40^ADT_A39", sent_at), f"EVN|A40|{sent_at}", *lines)


def test_each_contract_takes_its_message_types_and_counts_the_others_as_passed_over(laboratory):
    laboratory.land(
        "orders/o.hl7",
        report("M1")  # lines 1 to 4
        + merge("M2", ("SIM0000001", "SIM0000002"))  # lines 5 to 8
        + report("M3").replace("ORU^R01", "SIU^S12"),  # lines 9 to 12: nobody's
    )
    (reports,) = laboratory.load("pathology_messages")
    assert (reports.rows_read, reports.rows_loaded, reports.rows_rejected, reports.rows_passed_over) == (2, 1, 1, 1)
    assert rejected(laboratory) == [(9, None, None, "MSH-9 is not ORU")]

    (merges,) = laboratory.load("patient_merges")
    assert (merges.rows_read, merges.rows_loaded, merges.rows_rejected, merges.rows_passed_over) == (2, 1, 1, 1)
    assert rejected(laboratory) == [(9, None, None, "MSH-9 is not ADT"), (9, None, None, "MSH-9 is not ORU")]


def test_a_file_of_other_contracts_messages_only_has_no_records(laboratory):
    laboratory.land("orders/o.hl7", merge("M1", ("SIM0000001", "SIM0000002")))
    (load,) = laboratory.load("pathology_messages")
    assert (load.status, load.rows_read) == ("loaded", 0)


@pytest.mark.parametrize(
    ("sent_at", "clock"),
    [
        ("20000102101500", "2000-01-02 10:15:00"),
        ("20000102101500-0500", "2000-01-02 10:15:00"),
        ("20000102233000+0100", "2000-01-02 23:30:00"),
        ("20000102101500.123-0500", "2000-01-02 10:15:00"),
        ("200001021015+0000", "2000-01-02 10:15:00"),
        ("20000102", "2000-01-02 00:00:00"),
        ("", None),
    ],
)
def test_the_clock_on_the_ward_counts_whatever_the_time_zone(laboratory, sent_at, clock):
    laboratory.land("orders/o.hl7", report("M1").replace("20000102101500", sent_at))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT message_datetime FROM raw.pathology_messages") == [(clock,)]


def test_a_day_of_collection_with_time_and_zone_is_the_day_on_the_ward(laboratory):
    laboratory.land("orders/o.hl7", report("M1").replace("||20000101|", "||20000101233000-0800|"))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT collected_date FROM raw.pathology_messages") == [("2000-01-01",)]


# merges


def test_a_merge_message_with_two_pairs_is_two_merges(laboratory):
    laboratory.land(
        "orders/a.hl7",
        merge("M1", ("SIM0000001", "SIM0000002"), ("SIM0000003", "SIM0000004"), sent_at="20000102101500-0500")
        + merge("M2", ("SIM0000005", "SIM0000006"), sent_at="20000103000000"),
    )
    (load,) = laboratory.load("patient_merges")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 3, 0)
    assert laboratory.rows(
        """SELECT source_line, message_control_id, order_number, retired_mrn, mrn, merged_at
           FROM raw.patient_merges ORDER BY source_line"""
    ) == [
        (1, "M1", "1", "SIM0000002", "SIM0000001", "2000-01-02 10:15:00"),
        (6, "M1", "2", "SIM0000004", "SIM0000003", "2000-01-02 10:15:00"),
        (7, "M2", "1", "SIM0000006", "SIM0000005", "2000-01-03 00:00:00"),
    ]


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        (segments(header("M1", "ADT^A40"), "MRG|SIM0000002"), None, "a message must have one PID segment, this has 0"),
        (segments(header("M1", "ADT^A40"), PATIENT), None, "no MRG segment"),
        (segments(header("M1", "ADT^A40"), PATIENT, "MRG|"), "retired_mrn", "required, but missing"),
    ],
)
def test_half_a_merge_is_rejected(laboratory, message, field, reason):
    laboratory.land("orders/a.hl7", message)
    (load,) = laboratory.load("patient_merges")
    assert (load.rows_read, load.rows_loaded) == (1, 0)
    assert rejected(laboratory) == [(1, field, None, reason)]


def test_the_second_half_of_a_message_that_is_cut_off_before_its_second_mrg_is_not_lost_in_silence(laboratory):
    whole = merge("M1", ("SIM0000001", "SIM0000002"), ("SIM0000003", "SIM0000004"))
    laboratory.land("orders/a.hl7", whole.replace("MRG|SIM0000004^^^HOSP^MR\r", ""))
    (load,) = laboratory.load("patient_merges")
    assert load.rows_rejected == 1


def test_each_merge_of_a_message_takes_its_own_patient_even_when_one_pair_lacks_it(laboratory):
    whole = merge("M1", ("SIM0000001", "SIM0000002"), ("SIM0000003", "SIM0000004"))
    laboratory.land("orders/a.hl7", whole.replace("PID|1||SIM0000003^^^HOSP^MR||Doe^Jane\r", ""))
    laboratory.load("patient_merges")
    # whose record SIM0000004 became is not said
    assert ("SIM0000004", "SIM0000001") not in laboratory.rows("SELECT retired_mrn, mrn FROM raw.patient_merges")
