"""ORU^R01 messages: fields where the standard puts them, text with its escapes undone, damage told by reason."""

import pytest


def message(control_id: str, *observations: str, obr_status: str = "F") -> str:
    segments = [
        f"MSH|^~\\&|LIS|HOSP|CRLM|WH|20000102||ORU^R01^ORU_R01|{control_id}|T|2.5.1",
        "PID|1||SIM0000001^^^HOSP^MR||Doe^Jane||19400101|F",
        f"OBR|1||S00-1^LIS|11529-5^Surgical pathology study^LN|||20000101{'|' * 18}{obr_status}",
        *observations,
    ]
    return "\r".join(segments) + "\r"


def line_of_text(text: str, specimen: str = "A") -> str:
    return f"OBX|1|TX|22637-3^Final diagnosis^LN|{specimen}|{text}||||||F"


def test_fields_and_lines_of_text_are_read_in_order(warehouse):
    warehouse.land("pathology/p.hl7", message("M1", line_of_text("Margin clear"), line_of_text("by 4 mm.", "")))
    warehouse.load("pathology_messages")

    assert warehouse.rows(
        """SELECT message_control_id, mrn, accession_number, collected_date, report_status,
                  [o."value" FOR o IN observations], [o.specimen FOR o IN observations] FROM raw.pathology_messages"""
    ) == [("M1", "SIM0000001", "S00-1", "2000-01-01", "final", ["Margin clear", "by 4 mm."], ["A", None])]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (r"margin \T\ ink", "margin & ink"),
        (r"5\S\2 \R\ 3", "5^2 ~ 3"),
        (r"a\F\b", "a|b"),
        (r"one\.br\two", "one\ntwo"),
        (r"back\E\slash", "back\\slash"),
        (r"\E\F\E\ ", r"\F\ "),
    ],
)
def test_escape_sequences_are_undone_once(warehouse, sent, meant):
    warehouse.land("pathology/p.hl7", message("M1", line_of_text(sent)))
    warehouse.load("pathology_messages")
    assert warehouse.rows('SELECT observations[1]."value" FROM raw.pathology_messages') == [(meant,)]


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (message("M2"), "no OBX segment: the message is cut off"),
        (message("M2", "OBX|1|TX|22637-3^Fin"), "1 OBX segment(s) cut off or without OBX-3"),
        (message("M2", line_of_text("a|b")), "1 OBX segment(s) cut off or without OBX-3"),
        (message("M2", line_of_text("x")).replace("PID|", "ZID|"), "a message must have one PID segment, this has 0"),
        (message("M2", line_of_text("x")).replace("ORU^R01", "ADT^A40"), "MSH-9 is not ORU"),
        (message("M2", line_of_text("x"), obr_status="Z"), "unknown code"),
    ],
)
def test_a_damaged_message_is_rejected_with_its_line_and_its_neighbours_are_loaded(warehouse, damaged, reason):
    sound = message("M1", line_of_text("x")), message("M3", line_of_text("y"))
    warehouse.land("pathology/p.hl7", sound[0] + damaged + sound[1])
    (load,) = warehouse.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert warehouse.rows("SELECT source_line, reason FROM raw.rejected_records") == [(5, reason)]


def test_mllp_framing_batch_envelopes_and_line_feeds_are_taken(warehouse):
    framed = "\x0b" + message("M1", line_of_text("x")) + "\x1c\r"
    batch = "FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r" + framed + message("M2", line_of_text("y")) + "BTS|2\rFTS|1\r"
    warehouse.land("pathology/p.hl7", batch.replace("\r", "\r\n"))
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded) == (2, 2)
