"""The arithmetic of a rule: what a count tonight is against the last accepted night's, as one number that a limit applies to."""

import numpy as np
import pandas as pd

from quality.night.rules import Limit, Rule

NOT_JUDGED = 0.0


def judged_numbers(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """One number a row of counts (n, denominator, n_before, denominator_before): 0 where there is nothing to compare with
    or the difference may be chance.

    Args:
        rule: its `compare` says which number.
    """
    n, total = counts["n"].astype(float), counts["denominator"].astype(float)
    if rule.compare == "count":
        return n
    share = (n / total.where(total > 0)).fillna(NOT_JUDGED)
    if rule.compare == "share":
        return share
    before, total_before = counts["n_before"].astype(float), counts["denominator_before"].astype(float)
    if rule.compare == "factor":
        both = (n > 0) & (before > 0)
        ratio = (n / before).where(both, 1.0)
        return np.maximum(ratio, 1 / ratio).where(both, NOT_JUDGED)
    difference = share - before / total_before.where(total_before > 0)
    # two-proportion z with a continuity of half a row, so that a few rows are never sure of anything
    pooled = ((n + before + 0.5) / (total + total_before + 1)).clip(upper=1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / total.where(total > 0) + 1 / total_before.where(total_before > 0)))
    is_sure = (difference.abs() / error.where(error > 0)) >= rule.z
    signed = {"shift": difference.abs(), "rise": difference, "fall": -difference}[rule.compare]
    return signed.where(is_sure, NOT_JUDGED).clip(lower=0).fillna(NOT_JUDGED)


def rows_concerned(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """How many rows the judged number rests on: those counted, or the rows by which a share differs from what was expected."""
    n = counts["n"].astype(float)
    if rule.compare in ("share", "count"):
        return n
    if rule.compare == "factor":
        return counts["denominator"].astype(float)
    expected = (
        counts["denominator"]
        * counts["n_before"]
        / counts["denominator_before"].where(counts["denominator_before"] > 0)
    )
    return (n - expected).abs().fillna(0.0)


def beyond(limit: Limit | None, judged: pd.Series, concerned: pd.Series) -> pd.Series:
    """The judged number where enough rows are concerned, else 0: what the limit's expectation looks at."""
    return judged.where(concerned >= limit.at_least, NOT_JUDGED) if limit else judged * 0.0
