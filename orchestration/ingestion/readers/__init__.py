"""One reader a file format. Each turns a file into an Arrow table of text, one row a record, nothing dropped.

Columns: `source_line` (1-based line or workbook row), `payload` (the record verbatim), `structure_problem` (why the
record's shape cannot be read, or NULL), then the source's own columns as text; HL7 also `observations`.
"""

from pathlib import Path

import pyarrow as pa

from orchestration.ingestion.readers.delimited import read_delimited
from orchestration.ingestion.readers.excel import read_excel
from orchestration.ingestion.readers.hl7_oru import read_hl7_oru
from orchestration.ingestion.readers.unreadable import UnreadableFile
from orchestration.ingestion.source_contract import SourceContract

__all__ = ["UnreadableFile", "read_records"]

READERS = {"delimited": read_delimited, "excel": read_excel, "hl7_oru": read_hl7_oru}


def read_records(path: Path, contract: SourceContract) -> pa.Table:
    """All records of a file by the reader of its contract's format.

    Raises:
        UnreadableFile: the file as a whole cannot be read (empty, not decodable, a column missing); the reason says why.
    """
    return READERS[contract.format](path, contract)
