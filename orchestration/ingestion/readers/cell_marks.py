"""What programs put around a cell's value and nobody sees: Excel's ="000451" and characters without width."""

import pyarrow as pa
import pyarrow.compute as pc

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_ZERO_WIDTH_BYTES = tuple(character.encode() for character in ZERO_WIDTH)
# in a file the quotes are doubled where the whole field is quoted
_FORMULA_MARKS = (b'="', b'=""')
_AROUND = f"^[\\s{ZERO_WIDTH}]+|[\\s{ZERO_WIDTH}]+$"


def without_marks(columns: list[pa.ChunkedArray], content: bytes) -> list[pa.ChunkedArray]:
    """The columns' values without such marks; untouched where the file's bytes hold none."""
    if any(mark in content for mark in _ZERO_WIDTH_BYTES):
        columns = [pc.replace_substring_regex(column, _AROUND, "") for column in columns]
    if any(mark in content for mark in _FORMULA_MARKS):
        columns = [pc.replace_substring_regex(column, '^="([^"]*)"$', "\\1") for column in columns]
    return columns


def cell_without_marks(cell: str) -> str:
    """The same for one cell that is a text already."""
    return cell.strip().strip(ZERO_WIDTH).strip()
