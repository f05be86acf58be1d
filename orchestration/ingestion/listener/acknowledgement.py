"""The header of a message as far as its answer needs it, and the answer (HL7 v2.5.1, 2.9: original and enhanced mode)."""

import itertools
from dataclasses import dataclass
from datetime import datetime

from orchestration.ingestion.told_names import told_name

_numbers = itertools.count(1)
ACCEPTED, ERROR, REJECTED = "A", "E", "R"


class Rejected(Exception):
    """The message is none that can be taken; the text says why and quotes nothing but a known type."""


@dataclass(frozen=True)
class Header:
    """MSH, as text; one byte a character, because the character set is for whoever reads the message."""

    separator: str = "|"
    encoding_characters: str = "^~\\&"
    fields: tuple[str, ...] = ()

    def field(self, number: int) -> str:
        """MSH-3 and up."""
        place = number - 2
        return self.fields[place] if 0 <= place < len(self.fields) else ""

    @property
    def type(self) -> str:
        return self.field(9).split(self.encoding_characters[:1] or "^")[0].strip()

    @property
    def control_id(self) -> str:
        return self.field(10)


def header_of(message: bytes) -> Header:
    """The message's MSH.

    Raises:
        Rejected: the message does not begin with one, or it is cut off.
    """
    text = message.lstrip(b"\r\n").decode("latin-1")
    if not text.startswith("MSH") or len(text) < 8:
        raise Rejected("the message does not begin with an MSH segment")
    separator = text[3]
    parts = text.replace("\n", "\r").split("\r", 1)[0][4:].split(separator)
    if not separator.strip() or len(parts) < 9:
        raise Rejected("the MSH segment is cut off")
    return Header(separator, parts[0], tuple(parts))


def check(header: Header, types: set[str]) -> None:
    """Raises Rejected for a message without a control id, or of a type that no contract takes."""
    if not header.control_id.strip():
        raise Rejected("MSH-10 is empty: the message cannot be acknowledged")
    if header.type not in types:
        kind = told_name("messages", header.type, f"messages of type {header.type}")
        raise Rejected(f"{kind} are not taken here (taken: {', '.join(sorted(types))})")


def answer(header: Header, verdict: str, reason: str = "") -> bytes | None:
    """The ACK; None where the sender wants none of this kind (MSH-15)."""
    wanted = header.field(15).strip().upper()
    if wanted == "NE" or (wanted == "SU" and verdict != ACCEPTED) or (wanted == "ER" and verdict == ACCEPTED):
        return None
    code = ("C" if wanted else "A") + verdict
    s, now = header.separator, datetime.now()
    control_id = f"{now:%Y%m%d%H%M%S%f}{next(_numbers)}"[:20]
    msh = ["MSH", header.encoding_characters, header.field(5), header.field(6), header.field(3), header.field(4)]
    msh += [f"{now:%Y%m%d%H%M%S}", "", "ACK", control_id, header.field(11) or "P", header.field(12) or "2.5"]
    segments = [
        s.join(msh),
        s.join(["MSA", code, header.control_id, reason] if reason else ["MSA", code, header.control_id]),
    ]
    return ("\r".join(segments) + "\r").encode("latin-1", "replace")
