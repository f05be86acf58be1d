"""The libraries that a night's figures come from, and their versions: another version may compute otherwise."""

import importlib.metadata
import sys
from collections.abc import Iterable

OF_STATISTICS = ("duckdb", "numpy", "pandas", "pyarrow", "scipy", "survival")
OF_A_NIGHT = (*OF_STATISTICS, "dbt-core", "dbt-duckdb", "great_expectations", "altair", "vl-convert-python")
"""Also those that derive, judge and draw."""


def versions(libraries: Iterable[str]) -> list[str]:
    """Python's version and the libraries', in their order; '' of one that is not installed."""
    return [sys.version, *map(_version, libraries)]


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
