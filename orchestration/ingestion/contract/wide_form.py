"""Tables in wide form: fu1_date, fu1_result, fu2_date, ... are the columns `fu{n}_date` and `fu{n}_result` of many records."""

import re
from functools import cache

NUMBER = "{n}"
"""Stands in a column's name for the number of the look or treatment; as a column of its own it is that number."""


def is_numbered(column: str) -> bool:
    """Whether the column stands once for each number."""
    return NUMBER in column


@cache
def numbered_pattern(column: str) -> re.Pattern:
    """What the file's own names of a numbered column look like; group 1 is the number."""
    before, _, after = column.partition(NUMBER)
    return re.compile(f"{re.escape(before)}([0-9]+){re.escape(after).replace(re.escape(NUMBER), '[0-9]+')}")
