"""HL7 v2.5.1 ORU^R01 messages: one report version a message, one line of text an OBX segment, segments ended by CR."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

SENDING_APPLICATION, SENDING_FACILITY = "SIMLIS", "SIMHOSP"
LOINC_CODES = {
    "final_diagnosis": "22637-3^Pathology report final diagnosis^LN",
    "gross": "22634-0^Pathology report gross observation^LN",
    "microscopic": "22635-7^Pathology report microscopic observation^LN",
    "addendum": "22639-9^Pathology report supplemental reports^LN",
    "comment": "22638-1^Pathology report comments^LN",
    "synoptic": "60568-3^Pathology synoptic report^LN",
    "intraoperative": "83321-0^Pathology report intraoperative observation^LN",
}
ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


@dataclass(frozen=True)
class Person:
    """Whom a message is about."""

    mrn: str
    last_name: str
    first_name: str
    birth_date: date
    sex: str


def escaped(text: str) -> str:
    """Text with HL7's delimiters written as escape sequences (chapter 2 of the standard, 'Use of escape sequences')."""
    return text.translate(ESCAPES)


def message_header(control_id: str, sent_at: datetime) -> str:
    """The MSH segment, with its CR; MSH-11 `T`: these are no production messages."""
    return (
        f"MSH|^~\\&|{SENDING_APPLICATION}|{SENDING_FACILITY}|WAREHOUSE|{SENDING_FACILITY}|{sent_at:%Y%m%d%H%M%S}||"
        f"ORU^R01^ORU_R01|{control_id}|T|2.5.1||||||UNICODE UTF-8\r"
    )


def message_body(
    person: Person,
    accession_number: str,
    collected: date,
    reported_at: datetime,
    status: str,
    lines: Iterable[tuple[str, str, str]],
) -> str:
    """PID, OBR and OBX segments, each with its CR. `status`: F, C, P or X; `lines`: (section, specimen label, text)."""
    sex = {"male": "M", "female": "F"}.get(person.sex, "U")
    observation_status = {"C": "C", "P": "P", "X": "X"}.get(status, "F")
    segments = [
        f"PID|1||{person.mrn}^^^{SENDING_FACILITY}^MR||{person.last_name}^{person.first_name}||{person.birth_date:%Y%m%d}|{sex}",
        f"OBR|1||{accession_number}^{SENDING_APPLICATION}|11529-5^Surgical pathology study^LN|||{collected:%Y%m%d}"
        f"|||||||||||||||{reported_at:%Y%m%d%H%M%S}|||{status}",
    ]
    segments += [
        f"OBX|{number}|TX|{LOINC_CODES[section]}|{specimen}|{escaped(text)}||||||{observation_status}"
        for number, (section, specimen, text) in enumerate(lines, start=1)
    ]
    return "\r".join(segments) + "\r"


def sending_delay(accession_number: str) -> timedelta:
    """Some minutes between sign-out and message, the same for the same accession."""
    return timedelta(minutes=1 + sum(map(ord, accession_number)) % 9)
