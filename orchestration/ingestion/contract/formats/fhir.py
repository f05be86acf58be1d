"""What FHIR asks of a contract."""

from collections.abc import Iterator

from orchestration.ingestion.contract.formats.hl7_v2 import SECTIONS
from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem
from orchestration.ingestion.fhirpath import problem_of

FHIRPATH = "fhirpath:"
"""What a column that is a FHIRPath expression starts with."""


def problems_of_fhir(contract: SourceContract) -> Iterator[Problem]:
    if not contract.resource:
        yield Problem(("format",), "'fhir' needs `resource`, such as Procedure")
    for name, field in contract.fields.items():
        for column in field.source_columns:
            if (reason := _problem_of_fhirpath(column)) is not None:
                yield Problem(("fields", name, "column"), reason)
    for code, section in contract.sections.items():
        if section not in SECTIONS:
            yield Problem(("sections", code), f"'{section}' is none of {', '.join(SECTIONS)}")


def _problem_of_fhirpath(column: str) -> str | None:
    return problem_of(column.split(FHIRPATH, 1)[1]) if FHIRPATH in column else None
