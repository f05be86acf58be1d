"""How much memory DuckDB may take, a setting: CRLM_MEMORY_LIMIT, for every database that the warehouse opens, dbt's among them.

DuckDB's own limit is four fifths of the machine's memory, and it takes what it may. Beyond the limit its sorts, joins and
aggregates go on from files beside the build file (in its folder, which is the owner's only). Python's own memory comes on top.
And how seldom it writes its log into the file, which is a matter of memory and time as well.
"""

import os
import re
from collections.abc import Mapping

import duckdb

VARIABLE = "CRLM_MEMORY_LIMIT"
DEFAULT = "2.3GB"
"""Carries 177,600 patients within 4 GB of the whole process (docs/performance.md)."""
LOG_BEFORE_CHECKPOINT = "1GB"
"""How long DuckDB's log may grow before it is folded into the file; closing the file folds it in too. At DuckDB's own 16 MB each few
landed files wrote the end of a table of long texts anew, whatever stood there before."""
OF_DUCKDB = "machine"
"""The word for DuckDB's own limit."""
AMOUNT = re.compile(r"\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.IGNORECASE)


def checked_memory_limit(limit: str) -> str:
    """The limit as it was given.

    Raises:
        ValueError: it is neither an amount nor the word for DuckDB's own.
    """
    if limit != OF_DUCKDB and not AMOUNT.fullmatch(limit):
        raise ValueError(
            f"{VARIABLE} is {limit!r}: an amount as 2.5GB or 800MB, or {OF_DUCKDB!r} for DuckDB's own limit"
        )
    return limit


def memory_limit(environment: Mapping[str, str] | None = None) -> str:
    """What the environment says, else the default.

    Raises:
        ValueError: see `checked_memory_limit`.
    """
    given = (os.environ if environment is None else environment).get(VARIABLE, "").strip()
    return checked_memory_limit(given or DEFAULT)


def limited(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same connection, its database held to the limit, its log folded into the file seldom."""
    limit = memory_limit()
    connection.execute(f"SET checkpoint_threshold = '{LOG_BEFORE_CHECKPOINT}'")
    if limit != OF_DUCKDB:
        connection.execute(f"SET memory_limit = '{limit}'")
    return connection
