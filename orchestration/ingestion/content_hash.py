"""What a reader filled in of a record beside the contract's columns (a report's lines), as one hash.

Made beside the reading, so that it is done while the file before is stored; of a few records at a time, since texts of all
records of a file would take as much memory as the file.
"""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import COLUMNS_FILLED_BY_READER, canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.raw_schema import OBSERVATION_FIELDS

RECORDS_AT_ONCE = 1_000
BETWEEN_FIELDS, BETWEEN_LINES, NO_VALUE = "\x1f", "\x1e", "\0"


def filled_by_reader(contract: SourceContract, read: list[str]) -> list[str]:
    """The canonical columns that the reader gave and the contract leaves to it, in the feed's order."""
    columns = canonical_feeds()[contract.feed].columns
    return [
        name for name in columns if name in COLUMNS_FILLED_BY_READER and name in read and name not in contract.fields
    ]


def with_content_hash(records: pa.Table, contract: SourceContract) -> pa.Table:
    """The reader's records with `content_hash`, an MD5 in hex; empty where the reader fills in nothing.

    The hash is a part of each record's version: made otherwise, every record of a warehouse would come once more.
    """
    filled = filled_by_reader(contract, records.column_names)
    if not filled:
        return records.append_column("content_hash", pa.repeat("", records.num_rows))
    hashes = [_hashes(batch) for batch in records.select(filled).to_batches(RECORDS_AT_ONCE)]
    return records.append_column("content_hash", pa.chunked_array(hashes, pa.string()))


def _hashes(batch: pa.RecordBatch) -> pa.Array:
    texts = zip(*(_text(column).cast(pa.binary()).to_pylist() for column in batch.columns), strict=True)
    told = (BETWEEN_FIELDS.encode().join(text for text in of_record if text is not None) for of_record in texts)
    return pa.array([hashlib.md5(one).hexdigest() for one in told], pa.string())


def _text(column: pa.Array) -> pa.Array:
    """A value as text; of a report's lines all their parts."""
    if not pa.types.is_list(column.type):
        return column.cast(pa.string())
    lines = column.flatten()
    parts = dict(zip((field.name for field in lines.type), lines.flatten(), strict=True))
    in_order = [parts[name].cast(pa.string()) for name in OBSERVATION_FIELDS]
    texts = pc.binary_join_element_wise(*in_order, BETWEEN_FIELDS, null_handling="replace", null_replacement=NO_VALUE)
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(column), 0))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), BETWEEN_LINES)
    return pc.if_else(column.is_valid(), joined, None)
