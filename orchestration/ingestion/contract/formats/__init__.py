"""What each file format asks of a contract: one module a format, each imported by its reader too if that needs it."""

from collections.abc import Callable, Iterator

from orchestration.ingestion.contract.formats.delimited import problems_of_delimited
from orchestration.ingestion.contract.formats.fhir import problems_of_fhir
from orchestration.ingestion.contract.formats.hl7_v2 import problems_of_hl7_v2
from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem

CHECKS_OF_FORMAT: dict[str, Callable[[SourceContract], Iterator[Problem]]] = {
    "delimited": problems_of_delimited,
    "redcap": problems_of_delimited,
    "hl7_v2": problems_of_hl7_v2,
    "fhir": problems_of_fhir,
}
