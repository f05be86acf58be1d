"""What HL7 v2 asks of a contract: columns are paths such as PID-3, PID-3.1, PID-3[MR].1 or PID-3[MR@NORTH].1."""

import re
from collections.abc import Iterator

from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem

ORDER_NUMBER = "order_number"
"""The column of which group of its message a record is: 1, 2, ..."""
FIELD_PATH = re.compile(
    r"^(?P<segment>[A-Z][A-Z0-9]{2})-(?P<field>[1-9]\d*)(?:\[(?P<choice>[^\]]+)\])?"
    r"(?:\.(?P<component>[1-9]\d*)(?:\.(?P<subcomponent>[1-9]\d*))?)?$"
)
"""`choice` is one of several repetitions: an identifier's type, `type@authority` or `@authority`, or which one (2)."""
SECTIONS = ("final_diagnosis", "gross", "microscopic", "addendum", "comment", "synoptic", "intraoperative")


def problems_of_hl7_v2(contract: SourceContract) -> Iterator[Problem]:
    for name, field in contract.fields.items():
        for column in field.source_columns:
            if column != ORDER_NUMBER and not FIELD_PATH.match(column):
                yield Problem(
                    ("fields", name, "column"),
                    f"'{column}' is not of the form PID-3, PID-3.1, PID-3[MR].1 or PID-3[MR@AUTHORITY].1",
                )
    for column in contract.only_rows:
        if column != ORDER_NUMBER and not FIELD_PATH.match(column):
            yield Problem(("only_rows", column), f"'{column}' is not of the form OBR-4 or OBR-4.1")
    for code, section in contract.sections.items():
        if section not in SECTIONS:
            yield Problem(("sections", code), f"'{section}' is none of {', '.join(SECTIONS)}")
