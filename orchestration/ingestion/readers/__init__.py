"""One reader a file format. Each turns a file's bytes into an Arrow table of text, one row a record, nothing dropped.

Columns: `source_line` (1-based line, workbook row, segment or Bundle entry), `payload` (the record verbatim),
`structure_problem` (why the record's shape cannot be read, or NULL), then the contract's columns as text, under the names
that `SourceContract.reader_column` gives them; HL7 and FHIR reports also `observations`.
"""

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.delimited import read_delimited
from orchestration.ingestion.readers.excel import read_excel
from orchestration.ingestion.readers.fhir import read_fhir
from orchestration.ingestion.readers.hl7_v2 import read_hl7_v2
from orchestration.ingestion.readers.landed_file import UnreadableFile, unpacked
from orchestration.ingestion.readers.parquet import read_parquet
from orchestration.ingestion.readers.redcap import read_redcap

__all__ = ["UnreadableFile", "read_records"]

READER_FAILED = "the reader failed on this file"
READERS = {
    "delimited": read_delimited,
    "excel": read_excel,
    "parquet": read_parquet,
    "redcap": read_redcap,
    "hl7_v2": read_hl7_v2,
    "fhir": read_fhir,
}


def read_records(content: bytes, contract: SourceContract) -> pa.Table:
    """All records of a file, gzipped or not, by the reader of its contract's format.

    Raises:
        UnreadableFile: the file as a whole cannot be read (empty, not decodable, a column missing); the reason says why.
    """
    try:
        return READERS[contract.format](unpacked(content), contract)
    except UnreadableFile:
        raise
    except Exception as error:
        # one file that nobody thought of must not stop the night for all the others
        raise UnreadableFile(f"{READER_FAILED} ({type(error).__name__}); please report it with the file") from error
