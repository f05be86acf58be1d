"""The fast reader of HL7 v2 finds in generated messages what a slow and plain one finds."""

import random

from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.readers import read_records
from tests.ingestion.plain_hl7 import FIELDS_ELSEWHERE, Line, Report, reports_of

TEXTS = [
    "Margin clear by 4 mm.", r"5\S\2 \T\ more", r"a\F\b\E\c", r"one\.br\two\.BR\three", "first~second~~fourth", r"\xC3A9\t\XC2B5\m", "",
    r"\H\bold\n\ word", "Zoë 李", r"\E\F\E\ ", "x",
]  # fmt: skip
CODES = [
    "22637-3^Diagnosis^LN", "DX^Diagnosis^L^22634-0^Gross^LN", "MARG^Margin^L", "22635-7", "^^^22639-9^Addendum^LN", r"A\T\B^Clo\S\ser^L",
]  # fmt: skip
VALUES = {
    "NM": ["4", "0.10", "-1.5", ""],
    "SN": ["<^5", "^1^:^128", ">=^10", "^2^-^5", "^7"],
    "CE": ["R0^No residual tumor^L", "R1", "^^^X1^Other^L", r"1^a\T\b^L", "1^one^L~2^two^L"],
    "CWE": ["^^^^^^^^as typed", "260413007^None^SCT^N^Keine^L"],
    "ST": ["Involved", "4 mm", r"a\F\b"],
    "DT": ["20040301"],
}


def segment(kind: str, field: int, value: str) -> str:
    return f"{kind}{'|' * field}{value}"


class Elsewhere:
    """Segments beside those that every message has, each with another day in its field."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.day = chance, 0

    def some(self, *fields: tuple[str, int], share: float = 0.25) -> list[str]:
        told = []
        for kind, field in fields:
            if self.chance.random() < share:
                self.day += 1
                told.append(segment(kind, field, f"D{self.day}"))
        return told


def generated(chance: random.Random, number: int) -> str:
    segments = [
        f"MSH|^~\\&|L|H|C|W|2004010{number % 9 + 1}||ORU^R01|M{number}|P|2.5.1",
        f"PID|1||A{number}^^^H^MR~9^^^S^SS||X^Y",
    ]
    other = Elsewhere(chance)
    segments += other.some(("NTE", 3), ("PV1", 44), ("PV1", 44), ("ZPI", 2), ("SPM", 17))
    for order in range(1, chance.randint(1, 3) + 1):
        segments += other.some(("PV1", 44), share=0.05) + other.some(("ORC", 9), ("ZSP", 2), ("TQ1", 7))
        segments.append(
            f"OBR|{order}||S{number}^LIS|P{chance.randint(1, 2)}^Part^L|||20040101{'|' * 18}{chance.choice('FCP')}"
        )
        segments += other.some(("ORC", 9), share=0.1) + other.some(("ZSP", 2), ("TQ1", 7))
        if chance.random() < 0.2:
            segments.append(f"NTE|1|L|{chance.choice(TEXTS)}")
        for line in range(1, chance.randint(1, 5) + 1):
            kind = chance.choice(["TX", "TX", "FT", *VALUES])
            value = chance.choice(VALUES.get(kind, TEXTS))
            # the first line of an order has a code, a line of text after it may go on without
            code = chance.choice(CODES) if line == 1 or kind not in ("TX", "FT") or chance.random() < 0.7 else ""
            unit = chance.choice(["mm", "mm^millimeter^UCUM", ""]) if kind in VALUES else ""
            status = chance.choice(["F", "C", "W", "F", "F"]) if kind == "TX" or chance.random() < 0.8 else ""
            day = chance.choice(["", f"D{number}-{order}-{line}"])
            segments.append(
                f"OBX|{line}|{kind}|{code}|{chance.choice('AB') if code else ''}|{value}|{unit}|||||{status}|||{day}"
            )
            if chance.random() < 0.2:
                segments.append(f"NTE|1|L|{chance.choice(TEXTS)}")
        segments += other.some(("SPM", 17), ("SPM", 17), ("ZSP", 2))
    return "".join(f"{segment}\r" for segment in segments)


def read_fast(content: str) -> list[Report]:
    contract = SourceContract(
        version="1",
        feed="pathology_messages",
        file_pattern="*",
        format="hl7_v2",
        key=["message_control_id", "order_number"],
        fields={
            "message_control_id": FieldContract(column="MSH-10", required=True),
            "order_number": FieldContract(column="order_number", required=True),
            "mrn": FieldContract(column="PID-3.1", required=True),
            "accession_number": FieldContract(column="OBR-3.1", required=True),
            "collected_date": FieldContract(column=FIELDS_ELSEWHERE[0], otherwise=list(FIELDS_ELSEWHERE[1:])),
        },
    )
    rows = read_records(content.encode(), contract).to_pylist()
    assert all(row["structure_problem"] is None for row in rows)
    reports = []
    for row in rows:
        lines = tuple(
            Line(
                line["set_id"],
                line["loinc_code"],
                line["specimen"],
                line["label"],
                line["value"],
                line["unit"],
                line["status"],
                line["kind"],
            )
            for line in row["observations"]
        )
        read = [row[contract.reader_column(path)] for path in ("MSH-10", "order_number", "PID-3.1", "OBR-3.1")]
        elsewhere = tuple(row[contract.reader_column(path)] or "" for path in FIELDS_ELSEWHERE)
        reports.append(Report(read[0], int(read[1]), read[2], read[3], row["report_part"], lines, elsewhere))
    return reports


def normalised(reports: list[Report]) -> list[Report]:
    """An empty text and no text are the same to both."""
    return [
        Report(
            one.control_id,
            one.order_number,
            one.mrn,
            one.accession,
            one.part or None,
            tuple(Line(*(getattr(line, name) or None for name in Line.__dataclass_fields__)) for line in one.lines),
            one.elsewhere,
        )
        for one in reports
    ]


def test_the_fast_reader_finds_what_the_plain_one_finds():
    chance = random.Random(13)
    for batch in range(40):
        content = "".join(generated(chance, batch * 25 + number) for number in range(25))
        plain = normalised(reports_of(content))
        assert len(plain) >= 25
        assert normalised(read_fast(content)) == plain
