"""Arrow text columns that point into one file's bytes, so that nothing is copied and no record is visited in Python."""

import numpy as np
import pyarrow as pa

# Arrow's Utf8View: a view of 16 bytes holds the length, then either up to 12 bytes of text or prefix, buffer and offset
INLINE_BYTES = 12
BLOCK_BYTES = 256 * 1024


class ByteText:
    """A file's UTF-8 bytes, with the positions of the bytes that structure it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.codes = np.frombuffer(content, np.uint8)
        self._positions: dict[bytes, np.ndarray] = {}

    def codes_at(self, places: np.ndarray, otherwise: int) -> np.ndarray:
        """The bytes at these places; `otherwise` beyond the end."""
        if not len(self.codes):
            return np.full(places.shape, otherwise, np.uint8)
        return np.where(places < len(self.codes), self.codes[np.minimum(places, len(self.codes) - 1)], otherwise)

    def positions(self, character: bytes) -> np.ndarray:
        """Where the one-byte character stands, ascending."""
        if character not in self._positions:
            # block by block: what fits the processor's cache is compared and searched many times faster
            found = [
                np.flatnonzero(self.codes[start : start + BLOCK_BYTES] == character[0]) + start
                for start in range(0, len(self.codes), BLOCK_BYTES)
            ]
            self._positions[character] = np.concatenate(found) if found else np.zeros(0, np.int64)
        return self._positions[character]

    def column(self, starts: np.ndarray, ends: np.ndarray, is_missing: np.ndarray | None = None) -> pa.Array:
        """The text between each start and end (end excluded) as an Arrow string_view array; null where missing.

        Source of the layout: Arrow Columnar Format, Variable-size Binary View.
        """
        starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
        if is_missing is not None and is_missing.all():
            return pa.nulls(len(starts), pa.string_view())
        if is_missing is not None:
            starts, ends = np.where(is_missing, 0, starts), np.where(is_missing, 0, ends)
        lengths = ends - starts
        views = np.zeros((len(starts), 4), np.int32)
        views[:, 0] = lengths
        views[:, 3] = starts
        text = views.view(np.uint8).reshape(len(starts), 16)
        is_long = lengths > INLINE_BYTES
        if len(self.codes):
            self._copy_text(text, starts, lengths, ~is_long, INLINE_BYTES)
            self._copy_text(text, starts, lengths, is_long, 4)
        validity = None if is_missing is None else _bitmap(~is_missing)
        buffers = [validity, pa.py_buffer(views), pa.py_buffer(self.content)]
        return pa.Array.from_buffers(pa.string_view(), len(starts), buffers)

    def _copy_text(
        self, text: np.ndarray, starts: np.ndarray, lengths: np.ndarray, is_wanted: np.ndarray, n_bytes: int
    ) -> None:
        rows = np.flatnonzero(is_wanted)
        if n_bytes == INLINE_BYTES:
            # an inlined text fills the place of buffer and offset too, and must be padded with zeros
            text[rows, 4:16] = 0
        for place in range(n_bytes):
            rows = rows[lengths[rows] > place]
            text[rows, 4 + place] = self.codes[starts[rows] + place]


def _bitmap(is_valid: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(is_valid, bitorder="little"))


def count_between(positions: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many of the ascending positions lie in each [start, end)."""
    return np.searchsorted(positions, ends) - np.searchsorted(positions, starts)
