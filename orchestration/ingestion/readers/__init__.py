"""One reader a file format. Each turns a file's bytes into an Arrow table of text, one row a record, nothing dropped.

Columns: `source_line` (1-based line, workbook row, segment or Bundle entry), `payload` (the record verbatim),
`structure_problem` (why the record's shape cannot be read, or NULL), then the contract's columns as text, under the names
that `SourceContract.reader_column` gives them; HL7 and FHIR reports also `observations`.
"""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.account import Account, Notice, account_of, summed, with_account
from orchestration.ingestion.readers.archive import all_files, archived_files, is_archive
from orchestration.ingestion.readers.delimited import read_delimited
from orchestration.ingestion.readers.excel import read_excel
from orchestration.ingestion.readers.fhir import read_fhir
from orchestration.ingestion.readers.fhir_entries import Resource
from orchestration.ingestion.readers.fhir_export import NDJSON, resources_of_lines
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


def read_records(content: bytes, contract: SourceContract, path: Path | None = None) -> pa.Table:
    """All records of a file, gzipped, zipped or neither, by the reader of its contract's format; `path` is where it lies.

    Raises:
        UnreadableFile: the file as a whole cannot be read (empty, not decodable, a column missing); the reason says why.
    """
    try:
        plain = unpacked(content)
        if is_archive(plain, may_be_workbook=contract.format == "excel"):
            return _records_of_archive(plain, contract)
        # an export of FHIR is several files that refer to each other
        return (
            read_fhir(plain, contract, path) if contract.format == "fhir" else READERS[contract.format](plain, contract)
        )
    except UnreadableFile:
        raise
    except Exception as error:
        # one file that nobody thought of must not stop the night for all the others
        raise UnreadableFile(f"{READER_FAILED} ({type(error).__name__}); please report it with the file") from error


def _records_of_archive(content: bytes, contract: SourceContract) -> pa.Table:
    """The records of all files of a zip archive one after the other; one of them that cannot be read refuses all."""
    files, others = archived_files(content, contract.file_pattern)
    parts = []
    for number, (name, inside) in enumerate(files, start=1):
        try:
            if contract.format == "fhir":
                parts.append(
                    read_fhir(unpacked(inside), contract, others=lambda name=name: _export_around(content, name))
                )
            else:
                parts.append(READERS[contract.format](unpacked(inside), contract))
        except UnreadableFile as refusal:
            which = f", file {number} of {len(files)}" if len(files) > 1 else ""
            raise UnreadableFile(f"in the zip archive{which}: {refusal}") from refusal
    if any(account_of(part).used_companions for part in parts):
        # they were read for what the named ones refer to
        others = [name for name in others if not name.endswith(NDJSON)]
    not_named = Notice(
        "file in an archive", len(others), "a file in the archive that the contract's file_pattern does not name"
    )
    account = summed([*map(account_of, parts), Account(notices=[not_named] if others else [])])
    # the files of one archive change together
    account = replace(account, used_companions=False)
    if len(parts) == 1:
        return with_account(parts[0], account)
    plain = [part.set_column(1, "payload", part["payload"].cast(pa.string())) for part in parts]
    plain = [part.replace_schema_metadata(None) for part in plain]
    return with_account(pa.concat_tables(plain, promote_options="permissive"), account)


def _export_around(content: bytes, name: str) -> list[Resource]:
    """The resources of the archive's other NDJSON files, the latest name first: an export may come as one archive."""
    files = [inside for other, inside in reversed(all_files(content)) if other != name and other.endswith(NDJSON)]
    return [one for inside in files for one in resources_of_lines(unpacked(inside))]
