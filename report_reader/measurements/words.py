"""What measurements ask about words: kinds of the lexicon, as the reader of a subject groups them."""

from __future__ import annotations

from typing import NamedTuple


class LengthWords(NamedTuple):
    """Kinds of words around lengths."""

    leading: frozenset[str] = frozenset()
    """A length stands behind them without a word between, its unit first or none: 'margin mm 4', 'ink 0'."""
    distances: frozenset[str] = frozenset()
    """Those that mean nothing but a length: 'distance'."""
    listing: frozenset[str] = frozenset()
    """They say which of several lengths follows: 'deep 12 medial 0.7'."""
    measured: frozenset[str] = frozenset()
    """A bare number behind them is a length where the report gives all its numbers one unit: 'capsule: 4'."""
    counted: frozenset[str] = frozenset()
    """A number behind them counts or names: 'block 4'."""
