"""Rows of a table with a header, whatever file they came from, and the records they become."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.landed_file import UnreadableFile


@dataclass(frozen=True)
class Rows:
    """A file's rows in order; `columns` are text, one for each name of the `header`."""

    source_line: pa.Array
    payload: pa.Array
    structure_problem: pa.Array
    header: list[str]
    columns: list[pa.ChunkedArray]

    def column(self, name: str) -> pa.ChunkedArray:
        return self.columns[self.header.index(name)]

    def filtered(self, is_wanted: pa.Array | pa.ChunkedArray) -> "Rows":
        """The rows for which `is_wanted` is true."""
        # Arrow cannot yet filter columns that point into the file's bytes
        payload = self.payload.cast(pa.string())
        kept = [
            column.filter(is_wanted) for column in (self.source_line, payload, self.structure_problem, *self.columns)
        ]
        return Rows(kept[0], kept[1], kept[2], self.header, kept[3:])

    def with_column(self, name: str, column: pa.Array | pa.ChunkedArray) -> "Rows":
        """The rows with one more column, or with another in the place of the one of this name."""
        others = [(known, old) for known, old in zip(self.header, self.columns, strict=True) if known != name]
        header, columns = [known for known, _ in others], [old for _, old in others]
        return Rows(self.source_line, self.payload, self.structure_problem, [*header, name], [*columns, column])

    def records(self, contract: SourceContract) -> pa.Table:
        """The reader's own columns, and those of the contract under the names that `reader_column` gives them."""
        return pa.table(
            {
                "source_line": self.source_line,
                "payload": self.payload,
                "structure_problem": self.structure_problem,
                **{contract.reader_column(name): self.column(name) for name in contract.source_columns},
            }
        )


def rows_of_lists(
    numbers: Sequence[int], payloads: Sequence[str], problems: Sequence[str | None], header: list[str], rows: list[list]
) -> Rows:
    """Rows held as Python lists; a row of which the shape cannot be read has no values, they may belong to other columns."""
    values = [row if problem is None else [None] * len(header) for row, problem in zip(rows, problems, strict=True)]
    columns = list(zip(*values, strict=True)) if values else [[] for _ in header]
    return Rows(
        pa.array(numbers, pa.int64()),
        pa.array(payloads, pa.string()),
        pa.array(problems, pa.string()),
        header,
        [pa.chunked_array([pa.array(column, pa.string())]) for column in columns],
    )


def check_header(wanted: Sequence[str], found: list[str]) -> None:
    """Raises UnreadableFile naming the contract's columns that the file's header lacks, or names twice."""
    if absent := [name for name in dict.fromkeys(wanted) if name not in found]:
        raise UnreadableFile(f"the header lacks the contract's column(s): {', '.join(absent)}")
    if twice := [name for name in dict.fromkeys(wanted) if found.count(name) > 1]:
        raise UnreadableFile(f"the header names the contract's column(s) more than once: {', '.join(twice)}")


def trimmed(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The text without space around it, empty where there is none."""
    return pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")
