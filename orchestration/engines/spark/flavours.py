"""The engines that speak Spark's SQL and differ in what lies below it, above all in whose regular expressions they run."""

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.engines.spark.patterns import java, rust


@dataclass(frozen=True)
class Flavour:
    """What a rule asks of the engine it translates for."""

    name: str
    pattern: Callable[[str], str]
    """A pattern of RE2 (DuckDB's) -> one that matches the same texts."""
    replacement: Callable[[str], str]
    """A replacement with RE2's backslashes and digits -> one that puts in the same."""
    has_decimals_in_sums: bool
    """A decimal literal plus a double is a decimal."""
    has_types_of_first_branches: bool
    """The type of a CASE is that of its first branch."""


SPARK = Flavour("Spark", java.pattern, java.replacement, has_decimals_in_sums=False, has_types_of_first_branches=False)
SAIL = Flavour("Sail", rust.pattern, rust.replacement, has_decimals_in_sums=True, has_types_of_first_branches=True)


def flavour_of(version: str) -> Flavour:
    """The flavour of an engine by its own `SELECT version()`: Spark's is '4.1.0 <revision>', Sail's counts from 0."""
    return SAIL if version.startswith("0.") else SPARK
