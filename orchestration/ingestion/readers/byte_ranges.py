"""Arrow text columns that point into one file's bytes, so that nothing is copied and no record is visited in Python."""

from functools import cached_property

import numpy as np
import pyarrow as pa

# Arrow's Utf8View: a view of 16 bytes holds the length, then either up to 12 bytes of text or prefix, buffer and offset
INLINE_BYTES = 12
BLOCK_BYTES = 256 * 1024
# what keeps the first n bytes of a little-endian word
_LOW_BYTES = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], np.uint32)


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
            if character not in self.content:
                return self._positions.setdefault(character, np.zeros(0, np.int64))
            # block by block: what fits the processor's cache is compared and searched many times faster
            found = [
                np.flatnonzero(self.codes[start : start + BLOCK_BYTES] == character[0]) + start
                for start in range(0, len(self.codes), BLOCK_BYTES)
            ]
            self._positions[character] = np.concatenate(found)
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
        views = np.zeros((len(starts), 4), np.uint32)
        views[:, 0] = lengths
        # an inlined text fills the places of prefix, buffer and offset; a long one has its first four bytes as prefix
        for word in range(INLINE_BYTES // 4):
            n_bytes = np.clip(lengths - 4 * word, 0, 4)
            if word and not n_bytes.any():
                break
            views[:, 1 + word] = self._words[np.where(n_bytes > 0, starts + 4 * word, 0)] & _LOW_BYTES[n_bytes]
        is_long = lengths > INLINE_BYTES
        if is_long.any():
            views[is_long, 2] = 0
            views[is_long, 3] = starts[is_long]
        validity = None if is_missing is None else _bitmap(~is_missing)
        buffers = [validity, pa.py_buffer(views), pa.py_buffer(self.content)]
        return pa.Array.from_buffers(pa.string_view(), len(starts), buffers)

    @cached_property
    def _words(self) -> np.ndarray:
        """The four bytes from each place on, as one number; zeros after the end."""
        padded = self.content + bytes(2 * INLINE_BYTES)
        return np.ndarray(len(self.content) + INLINE_BYTES, "<u4", padded, strides=(1,))


def _bitmap(is_valid: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(is_valid, bitorder="little"))


def count_between(positions: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many of the ascending positions lie in each [start, end)."""
    return np.searchsorted(positions, ends) - np.searchsorted(positions, starts)
