"""HL7 v2 reports as laboratories send them: notes, numbers, codes, documents, statuses, character sets, documents of their own."""

import base64

import pytest

from tests.ingestion.test_formats_text import write_contract

CONTRACT = """
version: "1"
feed: pathology_messages
system: laboratory
file_pattern: lab/*.hl7
format: hl7_v2
{more}
key: [message_control_id, order_number]
fields:
  message_control_id: {{column: MSH-10, required: true}}
  order_number: {{column: order_number, required: true}}
  message_datetime: {{column: MSH-7, formats: ["%Y%m%d%H%M%S"], required: true}}
  mrn: {{column: PID-3.1, required: true}}
  accession_number: {{column: OBR-3.1, required: true}}
  collected_date: {{column: OBR-7, formats: ["%Y%m%d"], required: true}}
  report_status: {{column: OBR-25, codes: {{F: final, C: corrected, P: preliminary, X: cancelled}}, required: true}}
"""
PDF = base64.b64encode(
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 55>>stream\nBT /F 12 Tf 9 50 Td (Transection margin involved.) Tj ET\nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
).decode()


@pytest.fixture
def laboratory(warehouse):
    write_contract(warehouse, "laboratory", CONTRACT.format(more=""))
    return warehouse


def message(*segments: str, control_id: str = "M1", charset: str = "", order: str = "OBR|1||K1|HISTO") -> str:
    head = f"MSH|^~\\&|PATH|SITE|WH|SITE|20040305090000||ORU^R01|{control_id}|P|2.4||||||{charset}".rstrip("|")
    order = f"{order}|||20040301{'|' * 15}20040305090000|||F" if order.count("|") == 4 else order
    return "".join(f"{one}\r" for one in (head, "PID|||900001^^^SITE^MR||TEST^PERSON", order, *segments))


def text(words: str, status: str = "F", code: str = "22637-3^Dx^LN") -> str:
    return f"OBX|1|TX|{code}||{words}||||||{status}"


def lines(warehouse, *names: str) -> list[tuple]:
    chosen = ", ".join(f'o."{name}"' for name in names or ("value",))
    return warehouse.rows(
        f"SELECT {chosen} FROM (SELECT message_control_id, unnest(observations) AS o FROM raw.pathology_messages)"
        " ORDER BY message_control_id, o.sequence"
    )


def notices(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT kind, what, n, reason FROM raw.load_notices ORDER BY ALL")


def test_a_note_belongs_to_the_line_before_it_and_one_under_the_order_to_no_section(laboratory):
    laboratory.land(
        "lab/a.hl7",
        message(
            "NTE|1|L|Frozen section was not asked for.",
            text("See comment"),
            "NTE|1|L|Transection margin~involved.",
            text("x", "C"),
        ),
    )
    laboratory.load("pathology_messages")
    assert lines(laboratory, "value", "loinc_code", "status") == [
        ("Frozen section was not asked for.", None, "F"),
        ("See comment", "22637-3", "F"),
        ("Transection margin\ninvolved.", "22637-3", "F"),
        ("x", "22637-3", "C"),
    ]


def test_a_note_about_the_patient_and_segments_that_nobody_reads_are_listed_with_their_number(laboratory):
    content = message(text("x"), "SPM|1|A", "ZDS|1").replace("OBR|", "NTE|1|L|an allergy\rPV1|1|I\rPV1|2|I\rOBR|")
    laboratory.land("lab/a.hl7", content)
    (load,) = laboratory.load("pathology_messages")
    assert load.n_notices == 4
    assert notices(laboratory) == [
        ("not read", "segment NTE", 1, "a note under no order and no line of a report"),
        ("not read", "segment PV1", 2, None),
        ("not read", "segment SPM", 1, None),
        ("not read", "segment Z..", 1, None),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "unit", "said", "in_unit"),
    [
        ("NM", "4", "mm^millimeter^UCUM", "4", "mm"),
        ("SN", "<^5", "mm", "<5", "mm"),
        ("SN", "^1^:^128", "", "1:128", None),
        ("CE", "R0^No residual tumor^L", "", "No residual tumor", None),
        ("CWE", "^^^^^^^^as typed", "", "as typed", None),
        ("CNE", "N^^L^260413007^None^SCT", "", "None", None),
        ("CE", "1^one^L~2^two^L", "", "one; two", None),
        ("DT", "20040301", "", "20040301", None),
    ],
)
def test_a_number_or_a_code_is_a_statement_with_its_label_and_unit(laboratory, kind, value, unit, said, in_unit):
    laboratory.land("lab/a.hl7", message(f"OBX|1|{kind}|44669-0^Distance from closest margin^LN||{value}|{unit}|||||F"))
    laboratory.load("pathology_messages")
    assert lines(laboratory, "label", "value", "unit", "kind") == [
        ("Distance from closest margin", said, in_unit, "statement")
    ]


@pytest.mark.parametrize(
    ("code", "loinc", "section"),
    [
        ("DX^Diagnosis^L^22637-3^Final diagnosis^LN", "22637-3", None),
        ("22634-0^Gross^LN^G^Gross^L", "22634-0", None),
        ("DXTXT^Diagnosis^L", "DXTXT", "final_diagnosis"),
        ("^^^DXTXT^Diagnosis^L", "DXTXT", "final_diagnosis"),
        ("^DXTXT^L", "DXTXT", "final_diagnosis"),
        ("OTHER^x^L", "OTHER", None),
    ],
)
def test_a_code_is_loincs_where_either_triplet_is_and_a_laboratorys_own_has_the_section_that_the_contract_says(
    laboratory, code, loinc, section
):
    write_contract(laboratory, "laboratory", CONTRACT.format(more="sections: {DXTXT: final_diagnosis}"))
    laboratory.land("lab/a.hl7", message(text("x", code=code)))
    laboratory.load("pathology_messages")
    assert lines(laboratory, "loinc_code", "section") == [(loinc, section)]


def test_a_line_without_a_code_continues_the_line_before_it_and_the_first_line_needs_one(laboratory):
    content = message(text("Margin"), "OBX|2|TX|||clear||||||F") + message("OBX|1|TX|||whose?||||||F", control_id="M2")
    laboratory.land("lab/a.hl7", content)
    laboratory.load("pathology_messages")
    assert lines(laboratory, "loinc_code", "value") == [("22637-3", "Margin"), ("22637-3", "clear")]
    assert laboratory.rows("SELECT reason FROM raw.rejected_records") == [
        ("1 OBX segment(s) cut off or without OBX-3",)
    ]


@pytest.mark.parametrize(
    ("order_status", "own", "status"), [("F", "", "F"), ("C", "", "C"), ("F", "W", "W"), ("P", "", "P")]
)
def test_a_line_without_a_status_has_that_of_its_order(laboratory, order_status, own, status):
    content = message("OBX|1|TX|22637-3^Dx^LN||x" + (f"||||||{own}" if own else "")).replace(
        "|||F\r", f"|||{order_status}\r", 1
    )
    laboratory.land("lab/a.hl7", content)
    laboratory.load("pathology_messages")
    assert lines(laboratory, "status") == [(status,)]


@pytest.mark.parametrize("bars", range(6, 13))
def test_a_file_may_end_with_any_bar_of_its_last_line(warehouse, bars):
    write_contract(warehouse, "laboratory", CONTRACT.format(more="ends_with_newline: false"))
    last = "OBX|1|TX|22637-3^Dx^LN||clear"
    warehouse.land("lab/a.hl7", message(last + "|" * (bars - last.count("|"))).removesuffix("\r"))
    (load,) = warehouse.load("pathology_messages")
    assert (load.status, load.rows_loaded) == ("loaded", 1)
    assert lines(warehouse, "value", "status") == [("clear", "F")]


@pytest.mark.parametrize("shifted", ["a|b||||||F", "a|||||||F", "a||b||||||F", "a||||||f", "a||||||FF"])
def test_a_bar_in_the_text_or_an_unknown_status_is_no_empty_status(laboratory, shifted):
    laboratory.land("lab/a.hl7", message(f"OBX|1|TX|22637-3^Dx^LN||{shifted}"))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT reason FROM raw.rejected_records") == [
        ("1 OBX segment(s) cut off or without OBX-3",)
    ]


def test_a_cancelled_order_needs_no_line(laboratory):
    laboratory.land("lab/a.hl7", message().replace("|||F\r", "|||X\r"))
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_loaded, load.rows_rejected) == (1, 0)


@pytest.mark.parametrize(
    "value",
    [
        f"^application^pdf^Base64^{PDF}",
        f"^Application^PDF^base64^{PDF[:60]}\\.br\\{PDF[60:]}",
        "^text^plain^A^Transection margin involved.",
        "^text^html^Base64^"
        + base64.b64encode(b"<html><body><p>Transection <b>margin</b>\n involved.</p></body></html>").decode(),
        "^application^rtf^Base64^" + base64.b64encode(rb"{\rtf1\ansi Transection \b margin\b0  involved.}").decode(),
        "^TEXT^^Hex^" + b"Transection margin involved.".hex(),
        "^TX^^Base64^" + base64.b64encode(b"Transection margin involved.").decode(),
        base64.b64encode(b"Transection margin involved.").decode(),
        "^text^xml^Base64^"
        + base64.b64encode(b"<?xml version='1.0'?><text>Transection margin involved.</text>").decode(),
    ],
)
def test_a_document_in_a_line_is_read(laboratory, value):
    laboratory.land("lab/a.hl7", message(f"OBX|1|ED|22637-3^Dx^LN||{value}||||||F"))
    laboratory.load("pathology_messages")
    assert lines(laboratory, "loinc_code", "value", "kind") == [("22637-3", "Transection margin involved.", "text")]
    assert notices(laboratory) == []


@pytest.mark.parametrize(
    ("kind", "value", "what", "reason"),
    [
        ("ED", "^image^jpeg^Base64^/9j/4AAQ", "attachment image/jpeg", "it is of a type that is not read"),
        (
            "ED",
            "^application^pdf^Base64^JVBERi0xLjEK",
            "attachment application/pdf",
            "its PDF is damaged or locked with a password",
        ),
        ("ED", "^application^pdf^Base64^@@", "attachment application/pdf", "its base64 cannot be decoded"),
        (
            "RP",
            "\\\\server\\share^^application^pdf",
            "attachment application/pdf",
            "it is a pointer to a document elsewhere",
        ),
    ],
)
def test_a_document_that_cannot_be_read_is_listed_and_stands_in_the_report_for_people(
    laboratory, kind, value, what, reason
):
    laboratory.land("lab/a.hl7", message(text("See attached."), f"OBX|2|{kind}|22637-3^Dx^LN||{value}||||||F"))
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_loaded, load.rows_rejected) == (1, 0)
    assert notices(laboratory) == [("not read", what, 1, reason)]
    assert lines(laboratory, "value", "kind")[1] == (f"[{what} was not read: {reason}]", "not read")


def test_text_that_is_a_document_itself_is_read_as_one(laboratory):
    rtf = r"{\E\rtf1 Margin \E\b 4 mm\E\b0 .}"
    laboratory.land(
        "lab/a.hl7", message(text(rtf), text("<html><p>Margin</p><p>5 mm</p></html>"), text("Jejunum: no tumor"))
    )
    laboratory.load("pathology_messages")
    assert [value for (value,) in lines(laboratory)] == ["Margin 4 mm.", "Margin\n\n5 mm", "Jejunum: no tumor"]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (r"5 \t\ 6\.BR\x\f\y", "5 & 6\nx|y"),
        (r"\xE9\t\XE9\ ", "été "),
        (r"\S\F\S\ ", "^F^ "),
        (r"M\Xe9\tastase", "Métastase"),
        ("one\ntwo", "one\ntwo"),
        # what a program wrote for the end of a line, and what only looks like it
        (r"one.\r\ntwo\n\nthree\T\n", "one.\ntwo\n\nthree&n"),
        (r"\h\bold\n\not bold", "boldnot bold"),
    ],
)
def test_escapes_of_any_case_are_read_from_left_to_right_and_a_line_feed_in_a_field_is_text(laboratory, sent, meant):
    laboratory.land("lab/a.hl7", message(text(sent), charset="8859/1"))
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [(meant,)]


def test_each_message_is_read_in_its_own_character_set(laboratory):
    word = "Métastase"
    content = (
        message(text(word), charset="UNICODE UTF-8").encode()
        + message(text(word), control_id="M2", charset="8859/1").encode("latin-1")
        + message(text(word), control_id="M3").encode()
        + message(text(word), control_id="M4", charset="UNICODE UTF-8").encode("latin-1")
    )
    laboratory.land("lab/a.hl7", content)
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_loaded, lines(laboratory)) == (3, [(word,)] * 3)
    assert laboratory.rows("SELECT reason FROM raw.rejected_records") == [
        ("the text is not in the character set that MSH-18 names",)
    ]


def test_a_character_set_is_known_by_its_other_names_and_one_that_nobody_knows_refuses_its_message_only(laboratory):
    names = ["8859/1", "ISO_IR 100", "ISO8859_1", "ISO-8859-15", "WINDOWS-1252", "cp1252", "ANSI", "LATIN1", "KLINGON"]
    content = b"".join(
        message(text("Métastase"), control_id=f"M{number}", charset=name).encode("latin-1")
        for number, name in enumerate(names)
    )
    laboratory.land("lab/a.hl7", content + message(text("x"), control_id="N", charset="KLINGON").encode())
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [*[("Métastase",)] * 8, ("x",)]
    assert laboratory.rows("SELECT source_line, reason FROM raw.rejected_records") == [
        (33, "the text is not in the character set that MSH-18 names")
    ]


@pytest.mark.parametrize("between", [b"\xef\xbb\xbf", b"  ", b"\r\n\t"])
def test_what_stands_before_a_message_in_joined_files_is_no_part_of_the_one_before(laboratory, between):
    laboratory.land(
        "lab/a.hl7",
        between + message(text("one")).encode() + between + message(text("two"), control_id="M2").encode(),
    )
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [("one",), ("two",)]


def test_msh_18_is_believed_before_the_contract(laboratory):
    write_contract(laboratory, "laboratory", CONTRACT.format(more="encoding: cp1252"))
    laboratory.land("lab/a.hl7", message(text("margin ≥ 5 mm"), charset="UNICODE UTF-8"))
    laboratory.load("pathology_messages")
    assert lines(laboratory) == [("margin ≥ 5 mm",)]


def test_only_the_rows_that_the_contract_wants_are_loaded_and_the_others_counted(laboratory):
    write_contract(laboratory, "laboratory", CONTRACT.format(more="only_rows: {OBR-4.1: [HISTO]}"))
    chemistry = message("OBX|1|NM|2823-3^Potassium^LN||4.4|||||F", control_id="M2", order="OBR|1||K2|CHEM")
    laboratory.land("lab/a.hl7", message(text("Margin clear")) + chemistry.replace("4.4|||||F", "4.4||||||F"))
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.rows_passed_over) == (1, 1, 1)
    assert lines(laboratory) == [("Margin clear",)]


def test_a_document_message_is_a_report_and_one_that_only_tells_of_a_document_is_passed_over(laboratory):
    contract = CONTRACT.format(more="message_type: MDM").replace("OBR-3.1", "TXA-12.1").replace("OBR-7", "TXA-4")
    contract = contract.replace(
        "OBR-25, codes: {F: final, C: corrected, P: preliminary, X: cancelled}",
        "MSH-9.2, codes: {T02: final, T10: corrected, T11: cancelled}",
    )
    write_contract(laboratory, "laboratory", contract)

    def document(event: str, control_id: str, *obx: str, parent: str = "") -> str:
        head = f"MSH|^~\\&|PATH|SITE|WH|SITE|2004030509000{control_id}||MDM^{event}|{control_id}|P|2.4"
        txa = f"TXA|1|SP|TX|20040301||||||||D{control_id}|{parent}||||AU"
        return "".join(
            f"{one}\r" for one in (head, f"EVN|{event}|20040305", "PID|||900001^^^SITE^MR", "PV1|1", txa, *obx)
        )

    body = "OBX|1|TX|22637-3^Dx^LN||Margin clear"
    laboratory.land(
        "lab/a.hl7",
        document("T02", "1", body) + document("T10", "2", body) + document("T01", "3") + document("T11", "4"),
    )
    (load,) = laboratory.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.rows_passed_over) == (3, 3, 1)
    assert laboratory.rows(
        "SELECT accession_number, report_status, report_part FROM raw.pathology_messages ORDER BY 1"
    ) == [
        ("D1", "final", "SP"),
        ("D2", "corrected", "SP"),
        ("D4", "cancelled", "SP"),
    ]
    # one that takes another's place under a number of its own, and an addendum to that
    laboratory.land("lab/b.hl7", document("T10", "5", body, parent="D2^PATH"))
    laboratory.land("lab/c.hl7", document("T06", "6", body, parent="D5"))
    write_contract(laboratory, "laboratory", contract.replace("T10: corrected", "T06: final, T10: corrected"))
    loads = laboratory.load("pathology_messages")
    assert [(load.rows_read, load.rows_loaded) for load in loads] == [(1, 1), (1, 1)]
    assert laboratory.rows("SELECT accession_number FROM raw.pathology_messages WHERE is_withdrawn") == [("D2",)]
    assert lines(laboratory, "section")[-1] == ("addendum",)


@pytest.mark.parametrize(
    ("path", "mrn"),
    [
        ("PID-3[MR@NORTH].1", "N1"),
        ("PID-3[@SOUTH].1", "S1"),
        ("PID-3[MR].1", "S1"),
        ("PID-3[3].1", "N1"),
        ("PID-3.4.2", "1.2.3"),
    ],
)
def test_an_identifier_is_chosen_by_type_and_authority_or_place(laboratory, path, mrn):
    write_contract(laboratory, "laboratory", CONTRACT.format(more="").replace("column: PID-3.1", f'column: "{path}"'))
    laboratory.land(
        "lab/a.hl7",
        message(text("x")).replace("900001^^^SITE^MR", "77^^^X&1.2.3&ISO^VN~S1^^^SOUTH^MR~N1^^^NORTH&1.2&ISO^MR"),
    )
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT mrn FROM raw.pathology_messages") == [(mrn,)]


def test_a_second_choice_of_field_is_read_where_the_first_is_empty(laboratory):
    write_contract(
        laboratory,
        "laboratory",
        CONTRACT.format(more="").replace("column: PID-3.1", "column: PID-3.1, otherwise: [PID-2.1]"),
    )
    laboratory.land("lab/a.hl7", message(text("x")).replace("PID|||900001", "PID||900009|"))
    laboratory.load("pathology_messages")
    assert laboratory.rows("SELECT mrn FROM raw.pathology_messages") == [("900009",)]
