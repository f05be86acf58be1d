"""What the statistics know of strata by themselves: which are never compared, and the order of the others."""

import re
from collections.abc import Iterable

import pandas as pd

UNRESOLVED = "unresolved"
NOT_KNOWN = "unknown"

# Strata that hold patients of whom the grouping is not known. They have curves, but no test or model compares them.
STRATA_NOT_COMPARED = (UNRESOLVED, NOT_KNOWN, "missing", "not known")


def ordered_strata(strata: Iterable[str]) -> list[str]:
    """The distinct strata by the number they begin with, words before numbers, and those of unknown group last.

    What has an order of its own (the levels of an exposure) brings it along; of the margin groups it is the same.

    >>> ordered_strata([">=10 mm", "unresolved", "1.0-9.9 mm", "positive", "<1 mm"])
    ['positive', '<1 mm', '1.0-9.9 mm', '>=10 mm', 'unresolved']
    >>> ordered_strata([">3", "1", "2-3"])
    ['1', '2-3', '>3']
    """
    # a column of everybody is looked through by pandas, not value by value
    distinct = set(strata.unique() if isinstance(strata, pd.Series) else strata)
    return sorted(distinct, key=lambda stratum: (stratum in STRATA_NOT_COMPARED, _number_of(stratum), stratum))


def _number_of(stratum: str) -> float:
    found = re.match(r"(before |after |[<>]=?)?(\d+(?:[.]\d+)?)", stratum)
    if not found:
        return 0.0
    # just below or above its bound
    return float(found[2]) + {"before ": -0.5, "<": -0.5, "after ": 0.5, ">": 0.5}.get(found[1], 0.0)
