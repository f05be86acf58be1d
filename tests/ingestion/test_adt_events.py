"""ADT messages: which events merge, link, unlink or say nothing of whose record a record is."""

import pytest

from tests.ingestion.test_formats_text import write_contract

CONTRACT = """
version: "1"
feed: patient_merges
file_pattern: adt/*.hl7
format: hl7_v2
message_type: ADT
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  merged_at: {column: MSH-7, formats: ["%Y%m%d%H%M%S"], required: true}
  mrn: {column: PID-3.1, required: true}
  retired_mrn: {column: MRG-1.1, required: true}
"""


@pytest.fixture
def registration(warehouse):
    write_contract(warehouse, "merges", CONTRACT)
    return warehouse


def message(event: str, *segments: str, control_id: str = "1") -> str:
    head = f"MSH|^~\\&|REG|SITE|WH|SITE|20050601080000||ADT^{event}|{control_id}|P|2.4"
    return "".join(f"{one}\r" for one in (head, f"EVN|{event}|20050601080000", *segments))


def pid(mrn: str) -> str:
    return f"PID|||{mrn}^^^SITE^MR"


def told(warehouse) -> list[tuple]:
    return warehouse.rows(
        "SELECT order_number, mrn, retired_mrn, merge_event FROM raw.patient_merges ORDER BY record_number"
    )


@pytest.mark.parametrize("event", ["A18", "A30", "A34", "A36", "A39", "A40", "A47"])
def test_an_event_that_merges_patients_is_a_merge(registration, event):
    registration.land("adt/a.hl7", message(event, pid("900001"), "PD1|1", "MRG|900002^^^SITE^MR", "PV1|1"))
    registration.load("patient_merges")
    assert told(registration) == [("1", "900001", "900002", "merge")]


@pytest.mark.parametrize("event", ["A35", "A41", "A42", "A43", "A44", "A45", "A49", "A50"])
def test_an_event_that_moves_a_visit_or_an_account_merges_nobody_and_is_counted(registration, event):
    registration.land("adt/a.hl7", message(event, pid("900001"), "MRG|900002^^^SITE^MR||||V77", "PV1|1|I"))
    (load,) = registration.load("patient_merges")
    assert (load.rows_read, load.rows_passed_over, told(registration)) == (0, 1, [])
    assert registration.rows("SELECT what, n, reason FROM raw.load_notices") == [
        (f"ADT^{event} message", 1, "it says nothing of whose record a record is")
    ]


def test_admissions_and_updates_pass_over(registration):
    events = [f"A{number:02}" for number in range(1, 14)] + ["A28", "A31"]
    registration.land("adt/a.hl7", "".join(message(event, pid("900001"), "PV1|1|I") for event in events))
    (load,) = registration.load("patient_merges")
    assert (load.rows_read, load.rows_rejected, load.rows_passed_over) == (0, 0, 15)


@pytest.mark.parametrize(("event", "effect"), [("A24", "merge"), ("A37", "unlink")])
def test_two_patients_are_linked_and_unlinked_without_an_mrg(registration, event, effect):
    registration.land("adt/a.hl7", message(event, pid("900001"), "PV1|1|O", pid("900002"), "PV1|1|O"))
    registration.load("patient_merges")
    assert told(registration) == [("1", "900001", "900002", effect)]


def test_every_repetition_of_mrg_1_of_the_same_kind_is_a_retired_record(registration):
    registration.land(
        "adt/a.hl7",
        message("A40", pid("1"), "MRG|2^^^SITE^MR~3^^^SITE^MR~123-45-6789^^^SSA^SS", pid("4"), "MRG|5^^^SITE^MR")
        + message("A40", pid("6"), "MRG|7^^^SITE^MR", control_id="2"),
    )
    (load,) = registration.load("patient_merges")
    assert (load.rows_read, load.rows_loaded) == (4, 4)
    assert told(registration) == [
        ("1", "1", "2", "merge"),
        ("2", "1", "3", "merge"),
        ("3", "4", "5", "merge"),
        ("1", "6", "7", "merge"),
    ]
    # what is no number of that kind retires nobody, and is told
    assert registration.rows("SELECT what, n FROM raw.load_notices") == [("repetition of MRG-1", 1)]


def test_a_retired_number_is_chosen_by_type_and_authority(registration):
    write_contract(registration, "merges", CONTRACT.replace("column: MRG-1.1", 'column: "MRG-1[MR@NORTH].1"'))
    registration.land("adt/a.hl7", message("A40", pid("1"), "MRG|2^^^SOUTH^MR~3^^^NORTH^MR~4^^^NORTH^VN~5^^^NORTH^MR"))
    registration.load("patient_merges")
    assert [retired for _, _, retired, _ in told(registration)] == ["3", "5"]


@pytest.mark.parametrize(
    ("event", "segments", "reason"),
    [
        ("A40", [pid("1")], "no MRG segment"),
        ("A37", [pid("1")], "no second PID segment"),
        ("Z99", [pid("1"), "MRG|2"], "MSH-9 and EVN-1 name no event of a merge"),
        ("", [pid("1"), "MRG|2"], "MSH-9 and EVN-1 name no event of a merge"),
    ],
)
def test_a_merge_that_cannot_be_understood_is_rejected(registration, event, segments, reason):
    registration.land("adt/a.hl7", message(event, *segments))
    registration.load("patient_merges")
    assert registration.rows("SELECT reason FROM raw.rejected_records") == [(reason,)]


def test_the_event_of_older_versions_stands_in_evn(registration):
    registration.land("adt/a.hl7", message("A40", pid("1"), "MRG|2").replace("ADT^A40", "ADT"))
    registration.load("patient_merges")
    assert told(registration) == [("1", "1", "2", "merge")]
