"""Resection margins of the liver: lexicon and rules as data, and the reader made of them."""

from functools import cache
from pathlib import Path

from report_reader.reader import Reader


@cache
def margin_reader() -> Reader:
    """The reader of resection margins, made once a process."""
    return Reader(Path(__file__).parent)
