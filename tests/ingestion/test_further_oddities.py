"""Oddities of files met in public bug reports and format guides, beside those that have a room of their own; each with what is right."""

import pytest

from tests.ingestion.test_formats_text import rejected, status_of_one_load, write_contract
from tests.ingestion.test_hl7_reports import laboratory, lines, message, notices, text  # noqa: F401 (a fixture)
from tests.ingestion.test_redcap_projects import looks, looks_contract
from tests.ingestion.test_tables_as_they_come import OPERATIONS
from tests.ingestion.test_tables_as_they_come import notices as notices_of_tables

VITAL = """
version: "1"
feed: vital_status
file_pattern: "vital/*"
format: delimited
key: [mrn]
fields:
  mrn: {column: mrn, required: true}
  vital_status: {column: st, codes: {A: alive, D: dead}, required: true}
  last_contact_date: {column: lc, formats: ["%Y-%m-%d"], required: true}
  death_date: {column: dd, formats: ["%Y-%m-%d"]}
"""
HEADER, SEEN = "mrn,st,lc,dd\n", "900001,A,2009-04-03,\n"


@pytest.fixture
def vital(warehouse):
    write_contract(warehouse, "vital", VITAL)
    return warehouse


def patients(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT mrn, last_contact_date FROM raw.vital_status ORDER BY load_number, record_number")


# tables


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsep=,\r\n" + (HEADER + SEEN).replace("\n", "\r\n").encode(),
        (HEADER + SEEN + ",,,\n,,,\n\n").encode(),
        (HEADER + SEEN + '"",,,\n').encode(),
        (HEADER + SEEN + "\x1a").encode(),
        (HEADER + SEEN).replace("\n", "\r").encode(),
        b"mrn,st,x,lc,dd,x\n900001,A,1,2009-04-03,,2\n",
    ],
    ids=[
        "mark and sep",
        "blank rows of a spreadsheet",
        "quoted blank row",
        "end of a DOS text",
        "old Macintosh",
        "two unused columns of one name",
    ],
)
def test_tables_that_say_one_thing(vital, content):
    vital.land("vital/a.csv", content)
    (load,) = vital.load("vital_status")
    assert (load.status, load.rows_read, load.rows_rejected) == ("loaded", 1, 0)
    assert patients(vital) == [("900001", "2009-04-03")]


@pytest.mark.parametrize(
    ("more", "line", "reason"),
    [
        ("(1 row affected)\n", 3, "1 fields where the header has 4"),
        (HEADER, 3, "unknown code"),
        ("900002;A;2009-04-03;\n", 3, "1 fields where the header has 4"),
        ("900002,A,39906,\n", 3, "not a date of the form %Y-%m-%d"),
        ("900002,A,2009-04-03 24:00,\n", 3, "not a date of the form %Y-%m-%d"),
    ],
    ids=["footer of a query", "header once more", "another delimiter", "a spreadsheet's day number", "24 o'clock"],
)
def test_a_line_that_is_no_record_is_rejected_alone(vital, more, line, reason):
    vital.land("vital/a.csv", HEADER + SEEN + more)
    vital.load("vital_status")
    assert patients(vital) == [("900001", "2009-04-03")]
    assert [(row[0], row[3]) for row in rejected(vital)] == [(line, reason)]


def test_a_key_with_blanks_around_it_is_the_same_key(vital):
    vital.land("vital/a.csv", HEADER + SEEN)
    vital.land(
        "vital/b.csv", HEADER + '"900001  ",A,2009-05-03,\n" 900001\u200b",A,2009-05-03,\n900001\u00a0,A,2009-05-03,\n'
    )
    loads = vital.load("vital_status")
    assert [(load.rows_loaded, load.rows_duplicate) for load in loads] == [(1, 0), (1, 2)]
    assert patients(vital) == [("900001", "2009-04-03"), ("900001", "2009-05-03")]


def test_a_column_of_the_contract_that_stands_twice_refuses_the_file(vital):
    vital.land("vital/a.csv", "mrn,st,lc,lc,dd\n900001,A,2009-04-03,2008-01-01,\n")
    assert status_of_one_load(vital, "vital_status") == (
        "refused: the header names the contract's column(s) more than once: lc"
    )
    assert notices_of_tables(vital) == []


def test_a_label_export_calls_the_record_by_its_label(warehouse):
    looks_contract(warehouse, "instrument: Follow-up", event_id="Repeat Instance")
    warehouse.land(
        "redcap/a.csv",
        "Record ID,Repeat Instrument,Repeat Instance,mrn,fu_date,res\n1,,,900001,,\n"
        "1,Follow-up,1,,2005-04-03,3\n1,Follow-up,2,,2006-04-03,0\n",
    )
    (load,) = warehouse.load("follow_up")
    assert (load.status, load.rows_loaded) == ("loaded", 2)
    assert looks(warehouse) == [
        ("900001", "2005-04-03", "definite"),
        ("900001", "2006-04-03", "no_evidence_of_disease"),
    ]


@pytest.mark.parametrize("unit", ["mm", "cm"])
def test_a_row_of_units_in_other_words_is_one_too(warehouse, unit):
    write_contract(warehouse, "operations", OPERATIONS)
    warehouse.land("op/a.csv", f"id,mrn,op,size,cea\n,,day,{unit},ng/mL\n1,900001,2004-03-01,35,5\n")
    status = status_of_one_load(warehouse, "registry")
    assert status.startswith("refused: the row of units under the header says mm") == (unit == "mm")
    assert warehouse.rows("SELECT count(*) FROM raw.registry") == [(int(unit == "cm"),)]
    assert rejected(warehouse) == []


# messages


def test_of_several_character_sets_of_msh_18_the_one_beside_ascii_counts(laboratory):  # noqa: F811
    laboratory.land("lab/a.hl7", message(text("Métastase"), charset="ASCII~8859/1").encode("latin-1"))
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [("Métastase",)]


def test_one_message_in_another_character_set_than_it_says_does_not_refuse_the_others(laboratory):  # noqa: F811
    bad = message(text("Métastase"), charset="UNICODE UTF-8").encode("latin-1")
    laboratory.land("lab/a.hl7", bad + message(text("sound"), control_id="M2").encode())
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    assert [row[3] for row in rejected(laboratory)] == ["the text is not in the character set that MSH-18 names"]


def test_two_quotes_say_that_there_is_no_value(laboratory):  # noqa: F811
    laboratory.land("lab/a.hl7", message(text('""'), text("margin 3 mm")))
    laboratory.land("lab/b.hl7", message(text("x"), control_id="M2").replace("900001^^^SITE^MR", '""'))
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [(None,), ("margin 3 mm",)]
    assert [row[1:] for row in rejected(laboratory)] == [("mrn", None, "required, but missing")]


def test_a_line_that_an_add_segment_continues_is_one_line(laboratory):  # noqa: F811
    laboratory.land("lab/a.hl7", message("OBX|1|TX|22637-3^Dx^LN||margin", "ADD| 3 mm||||||F"))
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [("margin 3 mm",)]


def test_batches_in_one_file_are_counted_one_by_one(laboratory):  # noqa: F811
    head, one = "BHS|^~\\&|L|H|||20000102\r", message(text("one"))
    sound = f"FHS|^~\\&|L\r{head}{one}BTS|1\r{head}{message(text('two'), control_id='M2')}BTS|1\rFTS|2\r"
    laboratory.land("lab/a.hl7", sound)
    laboratory.land("lab/b.hl7", f"{head}{one}BTS|3\r")
    loads = laboratory.load("pathology_messages")
    assert [load.rows_loaded for load in loads] == [2, 0]
    assert loads[1].status == (
        "refused: a batch trailer counts 3 messages where the file holds 1: it may be half written"
    )
    assert notices(laboratory) == []


MERGES = """
version: "1"
feed: patient_merges
file_pattern: "adt/*"
format: hl7_v2
message_type: ADT
key: [message_control_id, order_number]
fields:
  message_control_id: {column: MSH-10, required: true}
  order_number: {column: order_number, required: true}
  mrn: {column: PID-3.1, required: true}
  retired_mrn: {column: MRG-1.1, required: true}
  merged_at: {column: MSH-7, formats: ["%Y%m%d%H%M%S"]}
"""


def merge(mrg_1: str, control_id: str = "A1") -> str:
    head = f"MSH|^~\\&|L|H|C|W|20000101120000||ADT^A40|{control_id}|T|2.3\r"
    return f"{head}PID|1||900001^^^SITE^MR\rMRG|{mrg_1}\r"


def test_what_retires_is_of_the_kind_of_what_survives(warehouse):
    """The first identifier of MRG-1 may be a national number or an account."""
    write_contract(warehouse, "merges", MERGES)
    mixed, alone = merge("X9^^^STATE^SS~900002^^^SITE^MR~900003^^^SITE^MR"), merge("900004", "A2")
    warehouse.land("adt/a.hl7", mixed + alone)
    warehouse.load("patient_merges")
    assert warehouse.rows("SELECT mrn, retired_mrn FROM raw.patient_merges ORDER BY retired_mrn") == [
        ("900001", "900002"),
        ("900001", "900003"),
        ("900001", "900004"),
    ]
