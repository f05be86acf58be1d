"""What FHIR asks of a contract."""

from collections.abc import Iterator

from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem


def problems_of_fhir(contract: SourceContract) -> Iterator[Problem]:
    if not contract.resource:
        yield Problem(("format",), "'fhir' needs `resource`, such as Procedure")
