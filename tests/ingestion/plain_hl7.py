"""A slow, plain reader of HL7 v2 result messages, one message and one field after the other, to hold the fast one against."""

import re
from dataclasses import dataclass

ESCAPES = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", "H": "", "N": ""}
LONG_TEXT = ("", "TX", "FT")
SHORT_TEXT = ("ST",)
CODED = ("CE", "CWE", "CNE")
OF_MESSAGE = ("MSH", "PID", "PV1")
OF_ORDER = ("OBX", "NTE", "SPM", "TQ1")
FIELDS_ELSEWHERE = ("PV1-44", "ORC-9", "OBX-14", "NTE-3", "SPM-17", "TQ1-7", "ZPI-2", "ZSP-2")


@dataclass(frozen=True)
class Line:
    """A line of a report."""

    set_id: str | None
    code: str | None
    specimen: str | None
    label: str | None
    value: str | None
    unit: str | None
    status: str | None
    kind: str


@dataclass(frozen=True)
class Report:
    """An order of a message with its lines."""

    control_id: str
    order_number: int
    mrn: str
    accession: str
    part: str | None
    lines: tuple[Line, ...]
    elsewhere: tuple[str, ...]
    """The FIELDS_ELSEWHERE: of segments that are neither the order's own nor its message's or patient's; empty where none."""


def typed(text: str) -> str:
    """The text with its escape sequences undone, from left to right."""

    def meant(match: re.Match) -> str:
        name = match[1]
        if name is None:
            return "\n"
        if name.upper() in ESCAPES:
            return ESCAPES[name.upper()]
        if re.fullmatch(r"(?i)\.(br|sp|in|ti|fi|nf|ce)[+-]?\d*", name):
            return "\n"
        return bytes.fromhex(name[1:]).decode() if re.fullmatch(r"(?i)x([0-9a-f]{2})+", name) else match[0]

    sequence = r"\\([^\\]+)\\"
    if "\\h\\" not in text.lower():
        # not the end of a highlighting, but what a program wrote for the end of a line
        sequence = r"(?:\\r)?\\n(?=\\n|\\r\\n|[^\\]|$)|" + sequence
    return re.sub(sequence, meant, text)


def part(text: str, separator: str, number: int) -> str:
    """The part of that number, from 1 on; empty where there is none."""
    parts = text.split(separator)
    return parts[number - 1] if number <= len(parts) else ""


def code_of(field: str) -> str:
    """OBX-3: LOINC's code of either triplet, else the first."""
    if part(field, "^", 3) == "LN":
        return part(field, "^", 1)
    return part(field, "^", 4) if part(field, "^", 6) == "LN" or not part(field, "^", 1) else part(field, "^", 1)


def line_of_obx(fields: list[str], code_field: str, specimen: str, order_status: str) -> Line:
    """An OBX segment; `code_field` and `specimen` are those of the OBX that it continues."""
    kind_of_value, value = fields[2], fields[5]
    status = fields[11] or order_status or None
    if kind_of_value in LONG_TEXT:
        return Line(
            fields[1],
            code_of(code_field),
            specimen or None,
            None,
            typed(value.replace("~", "\n")),
            None,
            status,
            "text",
        )
    label = typed(part(code_field, "^", 2) or part(code_field, "^", 5) or part(code_field, "^", 1)) or None
    unit = part(fields[6], "^", 1) or None
    if kind_of_value in SHORT_TEXT:
        said, kind = typed(value.replace("~", "\n")), "short text"
    elif kind_of_value == "SN":
        said, kind = "".join(typed(part(value, "^", number)) for number in (1, 2, 3, 4)), "statement"
    elif kind_of_value in CODED:
        shown = [next((x for x in (part(one, "^", n) for n in (2, 5, 9, 1, 4)) if x), "") for one in value.split("~")]
        said, kind = "; ".join(typed(one) for one in shown if one), "statement"
    else:
        said, kind = typed(value), "statement"
    return Line(fields[1], code_of(code_field), specimen or None, label, said, unit, status, kind)


def with_its_orders(segments: list[list[str]]) -> tuple[list[list[str]], list[list[list[str]]]]:
    """What stands before the first order, and each order: from the ORC that leads up to its OBR without a result between, else from
    its OBR."""
    before: list[list[str]] = []
    orders: list[list[list[str]]] = []
    is_led = False
    for place, fields in enumerate(segments):
        following = [one[0] for one in segments[place + 1 :] if one[0] in ("OBX", "OBR")]
        if fields[0] == "ORC" and following[:1] == ["OBR"] and not is_led:
            orders.append([])
            is_led = True
        elif fields[0] == "OBR" and not is_led:
            orders.append([])
        if fields[0] == "OBR":
            is_led = False
        (orders[-1] if orders else before).append(fields)
    return before, orders


def field_of_order(path: str, before: list[list[str]], orders: list[list[list[str]]], number: int) -> str:
    """The field of the segment that is the order's by the grammar of ORU_R01; empty where there is none, never another order's."""
    kind, place = path.split("-")
    own = orders[number - 1]
    at = next(index for index, fields in enumerate(own) if fields[0] == "OBR")
    if kind in OF_MESSAGE:
        earlier = [fields for order in orders[: number - 1] for fields in order]
        found = [*reversed([*before, *earlier, *own[:at]]), *own[at:]]
    elif kind == "ORC":
        found = [*reversed(own[:at]), *own[at:]]
    else:
        found = [*own, *([] if kind in OF_ORDER else reversed(before))]
    return next((typed(fields[int(place)]) for fields in found if fields[0] == kind), "")


def reports_of(content: str) -> list[Report]:
    """Every order of every message, of files without faults."""
    reports = []
    for message in re.split(r"(?m)^(?=MSH\|)", content.replace("\r", "\n"))[1:]:
        segments = [segment.split("|") + [""] * 50 for segment in message.split("\n") if segment]
        control_id, mrn = segments[0][9], ""
        groups: list[tuple[list[str], list[Line]]] = []
        code_field = specimen = ""
        for fields in segments:
            if fields[0] == "PID":
                mrn = part(part(fields[3], "~", 1), "^", 1)
            elif fields[0] == "OBR":
                groups.append((fields, []))
                code_field = specimen = ""
            elif fields[0] == "OBX":
                if fields[3]:
                    code_field, specimen = fields[3], fields[4]
                groups[-1][1].append(line_of_obx(fields, code_field, specimen, groups[-1][0][25]))
            elif fields[0] == "NTE" and groups:
                lines = groups[-1][1]
                told = [line for line in lines if line.set_id is not None]
                status = told[-1].status if told else groups[-1][0][25] or None
                code = code_of(code_field) if told else None
                note = Line(
                    None,
                    code,
                    (specimen or None) if told else None,
                    None,
                    typed(fields[3].replace("~", "\n")),
                    None,
                    status,
                    "text",
                )
                lines.append(note)
        before, orders = with_its_orders(segments)
        for number, (order, lines) in enumerate(groups, start=1):
            elsewhere = tuple(field_of_order(path, before, orders, number) for path in FIELDS_ELSEWHERE)
            accession, name = part(order[3], "^", 1), part(order[4], "^", 1) or None
            reports.append(Report(control_id, number, mrn, accession, name, tuple(lines), elsewhere))
    return reports
