"""What delimited text (and REDCap's exports, which are such text) asks of a contract."""

from collections.abc import Iterator

from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem

NO_DELIMITERS = ('"', "\n", "\r")


def problems_of_delimited(contract: SourceContract) -> Iterator[Problem]:
    if contract.delimiter != "sniff" and len(contract.delimiter) != 1:
        yield Problem(("delimiter",), f"'{contract.delimiter}' must be one character, or sniff")
    elif contract.delimiter in NO_DELIMITERS:
        yield Problem(("delimiter",), "a quote or a line end cannot be the delimiter")
