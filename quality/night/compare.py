"""The arithmetic of a rule: what a count tonight is against the last accepted night's, as one number that a limit applies to."""

import numpy as np
import pandas as pd

from quality.night.rules import Limit, Rule

NOT_JUDGED = 0.0
NIGHTS_FOR_A_HABIT = 5


def judged_numbers(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """One number a row of counts (n, denominator, n_before, denominator_before): 0 where there is nothing to compare with
    or the difference may be chance.

    Args:
        rule: its `compare` says which number.
    """
    n, total = counts["n"].astype(float), counts["denominator"].astype(float)
    if rule.compare == "count":
        return n
    if rule.compare == "standard_errors":
        return _standard_errors(rule, counts)
    share = (n / total.where(total > 0)).fillna(NOT_JUDGED)
    if rule.compare in ("range", "level_range"):
        return _outside(rule, counts)
    if rule.compare == "share":
        return share.where(~_is_usual(rule, counts, share), NOT_JUDGED)
    before, total_before = counts["n_before"].astype(float), counts["denominator_before"].astype(float)
    if rule.compare == "factor":
        both = (n > 0) & (before > 0)
        ratio = (n / before).where(both, 1.0)
        return ratio.where(ratio > 1, 1 / ratio).where(both, NOT_JUDGED)
    difference = share - before / total_before.where(total_before > 0)
    # two-proportion z with a continuity of half a row, so that a few rows are never sure of anything
    pooled = ((n + before + 0.5) / (total + total_before + 1)).clip(upper=1)
    error = (pooled * (1 - pooled) * (1 / total.where(total > 0) + 1 / total_before.where(total_before > 0))) ** 0.5
    is_sure = (difference.abs() / error.where(error > 0)) >= rule.z
    signed = {"shift": difference.abs(), "rise": difference, "fall": -difference}[rule.compare]
    return signed.where(is_sure, NOT_JUDGED).clip(lower=0).fillna(NOT_JUDGED)


def _standard_errors(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """By how many standard errors an estimate moved, over what chance explains where that is more than one.

    Of nested data the variance of the difference is the difference of the variances (Hausman 1978, Econometrica 46:1251), so
    patients who join move an estimate by what its error has narrowed. An estimate that is no longer made (nothing told) did not move.
    """
    error, error_before = counts["denominator"].astype(float), counts["denominator_before"].astype(float)
    wider = error.where(error >= error_before, error_before)
    moved = (counts["n"].astype(float) - counts["n_before"].astype(float)).abs() / wider.where(wider > 0)
    narrowed = (1 - (error / error_before.where(error_before > 0)) ** 2).clip(lower=0).pow(0.5).fillna(NOT_JUDGED)
    judged = moved / (rule.z * narrowed).clip(lower=1.0)
    # an estimate of 0 or 1 had no event, and no error that says how far one would move it
    return judged.where(counts["told"].notna() & (error_before > 0), NOT_JUDGED).fillna(NOT_JUDGED)


def _is_usual(rule: Rule, counts: pd.DataFrame, share: pd.Series) -> pd.Series:
    """Whether the share is what this hospital has night after night."""
    if rule.unless_usual is None:
        return pd.Series(False, index=counts.index)
    usual = counts["usual_share"].astype(float).fillna(0.0)
    return (counts["n_nights"] >= NIGHTS_FOR_A_HABIT) & (share <= rule.unless_usual * usual)


def _outside(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """How far the share, or the level, lies outside the rule's range; 0 where it lay outside in the last accepted night too."""
    n, total = counts["n"].astype(float), counts["denominator"].astype(float)
    before, total_before = counts["n_before"].astype(float), counts["denominator_before"].astype(float)
    if rule.compare == "range":
        low, high = _wilson(n, total)
        before = before / total_before.where(total_before > 0)
    else:
        low = high = n
    was_inside = before.isna() | before.between(rule.low, rule.high)
    beyond_range = np.maximum(np.maximum(rule.low - high, low - rule.high), 0)
    return pd.Series(beyond_range, index=counts.index).where(was_inside, NOT_JUDGED).fillna(NOT_JUDGED)


def _wilson(n: pd.Series, total: pd.Series, z: float = 3.29) -> tuple[pd.Series, pd.Series]:
    """99.9 % limits of a share (Wilson 1927)."""
    size = total.where(total > 0)
    share = n / size
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return middle - half, middle + half


def rows_concerned(rule: Rule, counts: pd.DataFrame) -> pd.Series:
    """How many rows the judged number rests on: those counted, or the rows by which a share differs from what was expected."""
    n = counts["n"].astype(float)
    if rule.compare in ("share", "count"):
        return n
    if rule.compare == "standard_errors":
        return pd.Series(1.0, index=counts.index)
    if rule.compare in ("factor", "range", "level_range"):
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
